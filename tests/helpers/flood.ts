/** A supervisor under a job that prints megabytes a second, with other jobs beside it: what is kept, and what it costs. */
import { createHash } from 'node:crypto';
import { createReadStream, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { JobFile } from '../../src/supervisor/job-files.ts';
import { hasEnded } from '../../src/supervisor/job-state.ts';
import { floodBlock } from '../fixtures/flood-block.mjs';
import { startDaemon } from './daemon.ts';
import { createTestHome, viewOf } from './jobs.ts';
import { until } from './until.ts';

export interface Flood {
  /** What the program says that it printed, and what lies in its log. */
  readonly printed: { readonly bytes: number; readonly hash: string; readonly seconds: number };
  readonly kept: { readonly bytes: number; readonly hash: string };
  /** Bytes of the log at the begin and at the end of each other job. */
  readonly during: readonly { readonly from: number; readonly to: number; readonly state: string | undefined }[];
  /** Milliseconds from the request to the end of each other job, as its client saw it. */
  readonly waits: readonly number[];
  /** Resident memory of the supervisor before the flood, and after each other job. */
  readonly memory: { readonly before: number; readonly during: readonly number[] };
}

/** One job prints `rate` MB a second, watched by one client; meanwhile another client runs `others` jobs, one by one. */
export async function flood(rate: number, others: number): Promise<Flood> {
  const test = createTestHome();
  const daemon = await startDaemon(test);
  const [watcher, client] = [await daemon.attach('one'), await daemon.attach('two')];
  try {
    const resident = () =>
      Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${daemon.process.pid}/status`, 'utf8'))![1]) * 1024;
    await client.ready();
    await watcher.ready();
    const run = async (key: string, args: readonly string[]) =>
      client.launch({ program: 'fixture run', args, idempotencyKey: key });
    const end = (id: string) =>
      until(
        () => {
          const job = client.snapshot().jobs.find((one) => one.id === id);
          return job && hasEnded(job.state) && job;
        },
        `the end of ${id}`,
        120_000,
      );
    // A first job warms up what every job needs.
    await end((await run('warm', [])).id);
    const memory = { before: resident(), during: [] as number[] };

    const [go, record] = [test.at('go'), test.at('record')];
    const { id } = await run('flood', ['--flood', String(rate), '--until', go, '--record', record]);
    const log = path.join(test.home.jobs, id, JobFile.stdout);
    const size = () => statSync(log, { throwIfNoEntry: false })?.size ?? 0;
    watcher.watch(id);
    await until(() => size() > 0, 'the flood');
    const during: { from: number; to: number; state: string | undefined }[] = [];
    const waits: number[] = [];
    for (let i = 0; i < others; i++) {
      const [from, asked] = [size(), performance.now()];
      const job = await end((await run(`other ${i}`, [])).id);
      waits.push(performance.now() - asked);
      during.push({ from, to: size(), state: job.summary === 'two steps' ? job.state : undefined });
      memory.during.push(resident());
    }
    await until(() => watcher.snapshot().detail?.log.at(-1)?.text.startsWith('flood'), 'the window on the flood');
    writeFileSync(go, '');
    await until(() => hasEnded(viewOf(test.home, id).state), 'the end of the flood', 120_000);
    const [blocks, seconds] = readFileSync(record, 'utf8').trim().split(' ').map(Number);
    const printed = createHash('sha256');
    let bytes = 0;
    for (let i = 1; i <= blocks; i++) {
      const block = floodBlock(i);
      printed.update(block);
      bytes += block.length;
    }
    const kept = createHash('sha256');
    // All that came before the program's own last words.
    await pipeline(createReadStream(log, { end: bytes - 1 }), kept);
    return {
      printed: { bytes, hash: printed.digest('hex'), seconds },
      kept: { bytes: size() - 'waiting\nlast words\n'.length, hash: kept.digest('hex') },
      during,
      waits,
      memory,
    };
  } finally {
    await watcher.close();
    await client.close();
    await test.remove();
  }
}
