/** All telemetry of a process together: on real databases, with histories that outlive it. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createHome, type Home, homeAt } from '../../src/platform/home.ts';
import { Telemetry, type TelemetryOptions } from '../../src/telemetry/telemetry.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';

let pair: TestDatabases;
beforeAll(async () => {
  pair = await createTestDatabases();
});
afterAll(() => pair.drop());

let folder: string;
let home: Home;
let clock: number;
let open: Telemetry[] = [];
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'telemetry-'));
  home = homeAt(path.join(folder, 'home'));
  clock = 1_700_000_000_000;
});
afterEach(async () => {
  for (const telemetry of open) await telemetry.close();
  open = [];
  rmSync(folder, { recursive: true });
});

function start(options: Partial<TelemetryOptions> = {}): Telemetry {
  const telemetry = new Telemetry({
    home,
    now: () => clock,
    gpu: { env: { PATH: folder } },
    targets: null,
    jobs: () => [{ id: '0001-x', pids: [process.pid] }],
    keepsHistory: true,
    ...options,
  });
  open.push(telemetry);
  return telemetry;
}

async function sampleFor(telemetry: Telemetry, seconds: number) {
  let sample = await telemetry.sample();
  for (let i = 1; i < seconds; i++) {
    clock += 1000;
    sample = await telemetry.sample();
  }
  return sample;
}

test('histories are kept across restarts, with a gap for the time between', async () => {
  createHome(home);
  const first = start();
  const before = await sampleFor(first, 5);
  await first.close();
  expect(before.history.series?.['job.0001-x.memory'].fine).toHaveLength(5);
  clock += 10_000;
  const after = await sampleFor(start(), 2);
  const { fine } = after.history.series!['job.0001-x.memory'];
  expect(fine.slice(0, 5)).toEqual(before.history.series!['job.0001-x.memory'].fine);
  expect(fine.slice(5).map((point) => point !== null)).toEqual([...Array(9).fill(false), true, true]);
});

test('histories are saved now and then, for a process that is killed', async () => {
  createHome(home);
  const telemetry = start();
  await sampleFor(telemetry, 20);
  expect(existsSync(path.join(home.cache, 'telemetry.json'))).toBe(false);
  await sampleFor(telemetry, 20);
  expect(Object.keys(JSON.parse(readFileSync(path.join(home.cache, 'telemetry.json'), 'utf8')).series)).toContain(
    'cpu',
  );
  expect(telemetry.problems).toEqual([]);
});

test('nothing is made in a home that is not there, and nothing is kept unasked', async () => {
  const telemetry = start();
  await sampleFor(telemetry, 40);
  await telemetry.close();
  expect(telemetry.problems).toEqual([]);
  expect(existsSync(home.root)).toBe(false);
  createHome(home);
  const quiet = start({ keepsHistory: false });
  expect((await sampleFor(quiet, 40)).history.series).toBeUndefined();
  expect(existsSync(path.join(home.cache, 'telemetry.json'))).toBe(false);
});

test('a history that cannot be written is said so, and the samples go on', async () => {
  createHome(home);
  // A folder in the place of the file: a rename refuses it, under root too.
  mkdirSync(path.join(home.cache, 'telemetry.json', 'x'), { recursive: true });
  const telemetry = start();
  const sample = await sampleFor(telemetry, 40);
  expect(sample.cpu.cores).toBeGreaterThan(0);
  expect(telemetry.problems).toEqual([expect.stringMatching(/^histories are not kept: E/)]);
});

test('each part fails on its own, with the reason', async () => {
  const targets = {
    ...pair.targets,
    historical: { ...pair.targets.historical, config: { host: '127.0.0.1', port: 1 } },
  };
  const telemetry = start({ targets, jobs: () => Promise.reject(new Error('no jobs today')) });
  const sample = await telemetry.sample();
  expect(sample.postgres?.map((one) => one.up)).toEqual([false, true]);
  expect(sample.postgres?.[0].problems[0]).toContain('no server answers');
  expect(sample).toMatchObject({ jobs: [], jobsProblem: 'no jobs today' });
  if (process.platform === 'linux') expect(sample.postgresUsage?.processes).toBeGreaterThan(1);
  await telemetry.gpuAnswered();
  expect((await telemetry.sample()).gpuProblem).toBe('no nvidia-smi on this machine');
});
