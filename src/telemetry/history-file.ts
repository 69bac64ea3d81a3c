/** The file that keeps a history across restarts. A file that is missing, broken, old or of another version is no history. */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { replaceFile } from '../platform/drafts.ts';
import { FACTOR, FINE_MS, SLOTS, TelemetryHistory } from './history.ts';

const VERSION = 1;
/** Ours are some hundred kilobytes; anything much larger in their place is not ours. */
const MAX_BYTES = 16 * 1024 * 1024;
/** Nothing of an older one would be shown. */
const MAX_AGE_MS = FINE_MS * FACTOR * SLOTS;
/** Clocks of two processes of one machine agree; a file from further ahead was written before the clock was set back. */
const MAX_AHEAD_MS = 5000;

const points = z.array(z.number().nullable()).max(SLOTS);
const schema = z.object({
  version: z.literal(VERSION),
  slot: z.int().positive(),
  series: z.record(z.string(), z.object({ fine: points, coarse: points })),
});

/** In the `cache` folder of a home. */
export const historyFile = (cache: string): string => path.join(cache, 'telemetry.json');

/** The history in a file, or a new one. `now`: milliseconds since 1970. */
export function loadHistory(file: string, now: number): TelemetryHistory {
  try {
    if (statSync(file).size > MAX_BYTES) return new TelemetryHistory();
    const state = schema.parse(JSON.parse(readFileSync(file, 'utf8')));
    const age = now - state.slot * FINE_MS;
    if (age <= MAX_AGE_MS && age >= -MAX_AHEAD_MS) return TelemetryHistory.restore(state);
  } catch {
    // Whatever is wrong with it, it only holds pictures of the past.
  }
  return new TelemetryHistory();
}

/** Writes a history so that a reader sees the old file or the new one. Its folder must exist. @throws when the disk refuses. */
export function saveHistory(file: string, history: TelemetryHistory): void {
  const state = history.save();
  if (!state) return;
  replaceFile(file, JSON.stringify({ version: VERSION, ...state }));
}
