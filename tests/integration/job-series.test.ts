/** Series of real jobs: kept by their shims, read through a supervisor that came later, and whole after a shim's death. */
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { JobFile } from '../../src/supervisor/job-files.ts';
import { readJobSeries } from '../../src/supervisor/job-series.ts';
import { hasEnded } from '../../src/supervisor/job-state.ts';
import { readJob } from '../../src/supervisor/job-store.ts';
import { startDaemon } from '../helpers/daemon.ts';
import { createTestHome, fixtureRuntime, startJob, type TestHome, viewOf } from '../helpers/jobs.ts';
import { until } from '../helpers/until.ts';

let test: TestHome;
const open: { close(): Promise<void> }[] = [];
beforeEach(() => {
  test = createTestHome();
});
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
  await test.remove();
});

const folderOf = (id: string) => path.join(test.home.jobs, id);
const names = (id: string) =>
  readJobSeries(folderOf(id)).series.map((one) => `${one.source} ${one.name} (${one.unit})`);
const ended = (id: string) => until(() => hasEnded(viewOf(test.home, id).state), `the end of ${id}`);

it('tells what a job said and used, while it runs, to a supervisor that came later, and when it has ended', async () => {
  const first = await startDaemon(test);
  const before = await first.attach();
  const { id } = await before.launch({
    ...{ program: 'fixture run', args: ['--until', test.at('go'), '--child'], idempotencyKey: 'k' },
  });
  const measured = ['cpu (cores)', 'memory (bytes)', 'read (bytes/s)', 'write (bytes/s)', 'processes ()'];
  await until(() => measured.every((name) => names(id).includes(`process ${name}`)), 'samples of its processes');
  await before.close();
  await first.kill();

  const client = await (await startDaemon(test)).attach();
  open.push(client);
  const equity = { source: 'program', name: 'equity', series: '', unit: '$', last: 2, mean: [1, 2] };
  const live = await client.read('jobSeries', { jobId: id, name: 'equity' });
  expect(live).toMatchObject({ series: [equity], dropped: 0 });
  writeFileSync(test.at('go'), '');
  await client.kill(id);
  await ended(id);
  const { series } = await client.read('jobSeries', { jobId: '1', points: 1 });
  expect(series).toContainEqual(expect.objectContaining({ source: 'process', name: 'memory' }));
  expect(series.every(({ t }) => t.length === 1)).toBe(true);
  // The job and its helper.
  expect(series.find((one) => one.name === 'processes')?.high).toEqual([2]);
  await expect(client.read('jobSeries', { jobId: '9' })).rejects.toThrow("there is no job '9'");
});

it('has the metrics of a job whose shim was killed', async () => {
  const { id } = await startJob(test.home, { args: ['--until', test.at('go')], idempotencyKey: 'k' });
  await until(() => existsSync(path.join(folderOf(id), JobFile.series)), 'the first file');
  process.kill(readJob(test.home, id).status!.shim!.pid, 'SIGKILL');
  writeFileSync(test.at('go'), '');
  await until(() => viewOf(test.home, id).state === 'LOST', 'the job is lost');
  expect(readJobSeries(folderOf(id), { name: 'equity' }).series).toMatchObject([{ mean: [1, 2] }]);
});

it('knows the GPU memory of its own processes only', async () => {
  const record = test.at('record');
  const uuid = 'GPU-5e8b7f9c-0000-1111-2222-333344445555';
  const script = `#!/bin/sh
if [ "$1" = -L ]; then echo "GPU 0: Tesla V100-SXM2-16GB (UUID: ${uuid})"; exit; fi
while :; do
  while read -r what job pid; do echo "${uuid}, $pid, 512, train"; done <"${record}"
  echo "${uuid}, 1, 4096, other"
  sleep 0.05
done
`;
  writeFileSync(test.at('nvidia-smi'), script, { mode: 0o755 });
  const runtime = fixtureRuntime({ env: { ...process.env, PATH: `${path.dirname(record)}:${process.env.PATH}` } });
  const [spec] = runtime.catalog();
  const args = ['--until', test.at('go'), '--record', record];
  const { id } = await startJob(
    test.home,
    { args, idempotencyKey: 'k' },
    { ...runtime, catalog: () => [{ ...spec, resource: 'gpu' }] },
  );
  await until(() => readJobSeries(folderOf(id), { name: 'gpu memory' }).series[0]?.last === 512, 'its GPU memory');
  writeFileSync(test.at('go'), '');
  await ended(id);
  expect(readJobSeries(folderOf(id), { name: 'gpu memory' }).series).toMatchObject([{ unit: 'MiB', last: 512 }]);
});
