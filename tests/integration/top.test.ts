/** `prometheus top` as a person calls it: over real databases, with a job that runs. */
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { listJobIds } from '../../src/supervisor/job-store.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { createTestHome, startJob, type TestHome } from '../helpers/jobs.ts';
import { MAIN } from '../helpers/processes.ts';

let pair: TestDatabases;
let home: TestHome;
beforeAll(async () => {
  pair = await createTestDatabases();
});
afterAll(() => pair.drop());
beforeEach(() => {
  home = createTestHome();
});
afterEach(() => home.remove());

function top(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const env = {
    ...process.env,
    LC_ALL: 'C.UTF-8',
    PROMETHEUS_HOME: home.home.root,
    PATH: `${home.at('bin')}:${process.env.PATH}`,
  };
  const urls = ['--historical', pair.urls.historical, '--runtime', pair.urls.runtime];
  const child = spawn(process.execPath, [MAIN, 'top', ...urls, ...args], { env });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stderr.on('data', (chunk) => (err += chunk));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out, err })));
}

/** What is where, by type: the schema of a JSON value, with one element standing for a list. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.length ? [shape(value[0])] : [];
  if (value === null) return 'null';
  if (typeof value !== 'object') return typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, shape(one)]));
}

describe('prometheus top', () => {
  test('has a stable schema, a job and the databases in it', async () => {
    const go = home.at('go');
    const job = await startJob(home.home, { args: ['--until', go, '--print', 'up'], idempotencyKey: 'k' });
    const { code, out, err } = await top('--json');
    expect([code, err]).toEqual([0, '']);
    const sample = JSON.parse(out);
    expect(Object.keys(sample).sort()).toEqual([
      'at',
      'cpu',
      'disk',
      'disks',
      'gpuProblem',
      'gpuProcessProblem',
      'gpus',
      'jobs',
      'jobsProblem',
      'load',
      'memory',
      'network',
      'postgres',
      'postgresUsage',
      'pressure',
      'problems',
      'schema',
      'swap',
    ]);
    expect(sample.postgres.map((one: { name: string; up: boolean }) => [one.name, one.up])).toEqual([
      ['historical', true],
      ['runtime', true],
    ]);
    expect(Object.keys(sample.postgres[0]).sort()).toEqual([
      'active',
      'cacheHitShare',
      'connections',
      'database',
      'longestSeconds',
      'maxConnections',
      'name',
      'problems',
      'rowsPerSecond',
      'serverConnections',
      'sizeBytes',
      'up',
      'waitingLocks',
      'walBytesPerSecond',
    ]);
    if (process.platform === 'linux') {
      expect(sample.jobs).toHaveLength(1);
      expect(sample.jobs[0]).toMatchObject({ id: job.id, gpuMemoryMiB: null });
      expect(sample.jobs[0].processes).toBeGreaterThan(0);
      expect(sample.jobs[0].memoryBytes).toBeGreaterThan(1e6);
      expect(shape(sample.postgresUsage)).toMatchObject({
        processes: 'number',
        memoryBytes: 'number',
        cpuCores: 'number',
      });
      expect(shape(sample.disks)).toMatchObject([{ name: 'string', path: 'string', freeBytes: 'number' }]);
    }
    writeFileSync(go, '');
    const page = await top();
    expect(page.out).toMatch(/^DATABASE +SESSIONS +OF SERVER/m);
    expect(page.out).toMatch(/^postgres +\d+\.\d\d /m);
    expect(Math.max(...page.out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
  });

  test('shows GPUs, who uses them, and makes nothing in a home that is not there', async () => {
    const bin = home.at('bin');
    mkdirSync(bin);
    const uuid = 'GPU-5e8b7f9c-0000-1111-2222-333344445555';
    writeFileSync(
      path.join(bin, 'nvidia-smi'),
      `#!/bin/sh
case $1 in
  -L) echo "GPU 0: Tesla V100-SXM2-16GB (UUID: ${uuid})" ;;
  --query-gpu*) echo "0, Tesla V100-SXM2-16GB, 93, 14540, 16384, 61, [N/A]"; exec sleep 100 ;;
  *) while :; do echo "${uuid}, 4242, 14000, python3"; sleep 0.1; done ;;
esac
`,
    );
    chmodSync(path.join(bin, 'nvidia-smi'), 0o755);
    const { out } = await top();
    expect(out).toContain(
      'GPU 0 93 %, 14,540 of 16,384 MiB, 61 °C, – W  Tesla V100-SXM2-16GB\n      14,000 MiB  4242 python3',
    );
    expect(listJobIds(home.home)).toEqual([]);
    expect(existsSync(home.home.root)).toBe(false);
  });
});
