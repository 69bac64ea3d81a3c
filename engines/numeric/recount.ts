/** The program `coverage recount`. */
import { Exit } from '../../src/platform/errors.ts';
import { stage } from '../../src/platform/events.ts';
import type { Program } from '../../src/platform/program.ts';
import { refreshCoverage } from './coverage.storage.ts';
import type { coverageRecountSpec } from './spec.ts';

export const recountCoverage: Program<typeof coverageRecountSpec> = async (_args, { databases, events, now }) => {
  stage(events, 'count every numeric vector', 1, 1);
  const began = now();
  await refreshCoverage(databases.historical, { exact: true });
  const seconds = (now() - began) / 1000;
  events.emit({ type: 'metric', name: 'count time', value: seconds, unit: 's' });
  return { exitCode: Exit.done, summary: 'every numeric vector was counted anew' };
};
