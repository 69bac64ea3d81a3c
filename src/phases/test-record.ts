/** The record that `bin/test` leaves in its checkout, where every home reads it. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { errorCode } from '../platform/errors.ts';
import type { TestRecord } from './evidence.ts';
import { type Probe, probeFile } from './probes.ts';

const number = z.number().int().min(0);
const recordSchema = z.object({
  schema: z.literal(1),
  passed: number,
  failed: number,
  skipped: number,
  sha: z.string().nullable(),
  dirty: z.boolean().nullable(),
  build: z.string().nullable(),
  finishedAt: z.iso.datetime(),
});

/** Reads `<checkout>/dist/tests.json`; null when there is none, or no checkout. A record that cannot be read is unknown. */
export function probeTestRecord(checkout: string | null, now: () => number): Promise<Probe<TestRecord | null>> {
  const file = path.join(checkout ?? '', 'dist', 'tests.json');
  return probeFile(file, now, async () => {
    if (!checkout) return null;
    let text: string;
    try {
      text = await readFile(file, 'utf8');
    } catch (error) {
      if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return null;
      throw error;
    }
    const parsed = recordSchema.safeParse(parseJson(text));
    if (!parsed.success) throw new Error(`${file} is no test record`);
    const { passed, failed, skipped, sha, dirty, build, finishedAt } = parsed.data;
    return { passed, failed, skipped, sha, dirty, build, finishedAt: Date.parse(finishedAt) };
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
