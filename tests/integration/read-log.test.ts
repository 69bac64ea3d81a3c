/** A job's log by pieces over the socket of a real supervisor; its times as a real shim writes them. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { JobFile } from '../../src/supervisor/job-files.ts';
import { hasEnded } from '../../src/supervisor/job-state.ts';
import { readLogBytes } from '../../src/supervisor/log-bytes.ts';
import { TIMES_RECORD_BYTES } from '../../src/supervisor/protocol.ts';
import type { LogFile } from '../../src/supervisor/reads.ts';
import { startDaemon } from '../helpers/daemon.ts';
import { createTestHome, viewOf } from '../helpers/jobs.ts';
import { until } from '../helpers/until.ts';

const test = createTestHome();
const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
  await test.remove();
});

it('is the same over the socket as on the disk, and the times cover all of it', async () => {
  const client = await (await startDaemon(test)).attach();
  open.push(client);
  const args = ['--print', 'bytes: \u00e4\x1b[31m\n', '--print-err', 'to stderr\n', '--lines', '20000'];
  const { id } = await client.launch({ program: 'fixture run', args, idempotencyKey: 'k' });
  await until(() => hasEnded(viewOf(test.home, id).state), `the end of ${id}`);

  const whole = readFileSync(path.join(test.home.jobs, id, JobFile.stdout));
  const pieces: Buffer[] = [];
  for (let at = 0; at < whole.length; ) {
    const request = { jobId: id, file: 'out', offset: at, length: 100_003 } as const;
    const answer = await client.read('log', request);
    expect(answer).toEqual(readLogBytes(test.home, request));
    pieces.push(Buffer.from(answer.data, 'base64'));
    at += pieces.at(-1)!.length;
  }
  expect(Buffer.concat(pieces).equals(whole)).toBe(true);

  const { data } = await client.read('log', { jobId: id, file: 'times', offset: 0, length: 100_000 });
  const times = Buffer.from(data, 'base64');
  expect(times.length % TIMES_RECORD_BYTES).toBe(0);
  const record = (i: number) => [0, 8, 16, 24].map((at) => times.readDoubleLE(TIMES_RECORD_BYTES * i + at));
  const sizes = await Promise.all(
    (['out', 'err', 'events'] as const satisfies LogFile[]).map(
      async (file) => (await client.read('log', { jobId: id, file, offset: 0, length: 0 })).size,
    ),
  );
  const { startedAt, endedAt } = viewOf(test.home, id);
  const last = record(times.length / TIMES_RECORD_BYTES - 1);
  expect(last.slice(1)).toEqual(sizes);
  expect(last[0]).toBeGreaterThanOrEqual(startedAt!);
  expect(last[0]).toBeLessThanOrEqual(endedAt!);
  await expect(client.read('log', { jobId: id, file: 'out', offset: 0, length: 1e9 })).rejects.toThrow(
    'read log: length',
  );
});
