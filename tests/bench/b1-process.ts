/** The reference workload once, as a process of its own. */
import { randomWalk, runWorkload } from './b1-engine.ts';

runWorkload(randomWalk(1));
