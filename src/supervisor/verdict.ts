/** What a job's own words prove of its success, beside its exit code: its last `result` event. Light: the shim loads it. */
import path from 'node:path';
import type { StampedEvent } from '../platform/events.ts';
import { JobFile, type JobSpec, type Verdict } from './job-files.ts';
import { FileTail } from './tail.ts';

type Result = Extract<StampedEvent, { type: 'result' }>;

/** The result is the last event but for a few; more than this behind it is not looked through. */
const TAIL_BYTES = 256 * 1024;

/** Reads the verdict of an ended program from its events. */
export function readVerdict(folder: string, spec: Pick<JobSpec, 'rowsDue'>): Verdict {
  let result: Result | null = null;
  const tail = new FileTail(path.join(folder, JobFile.events), { lastBytes: TAIL_BYTES, maxLineBytes: TAIL_BYTES });
  tail.read((line) => {
    if (!line.includes('"result"')) return;
    try {
      const event = JSON.parse(line) as StampedEvent;
      if (event.type === 'result') result = event;
    } catch {
      // A half line of a killed program.
    }
  });
  return verdictOf(result, spec.rowsDue);
}

/** A figure that no count can have (negative, or beyond what is exact) is none. */
const isCount = (value: unknown): value is number =>
  typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER;

/** The verdict that a result (or its absence) gives. */
function verdictOf(result: Result | null, rowsDue: boolean): Verdict {
  const told = result?.rows ? Object.values(result.rows) : null;
  const counts = told?.filter(isCount) ?? null;
  const isKnown = counts !== null && (counts.length > 0 || told!.length === 0);
  return {
    rows: isKnown ? counts.reduce((sum, count) => sum + count, 0) : null,
    failures: isCount(result?.failures) ? result.failures : null,
    fatal: null,
    rowsDue: rowsDue && result?.due !== 0,
    status: result?.status ?? null,
  };
}
