/** One full sample of the machine with the processes of four running jobs. The bar is the supervisor's: one a second. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { homeAt } from '../../src/platform/home.ts';
import { Telemetry } from '../../src/telemetry/telemetry.ts';
import { type Bar, cpuSeconds } from './harness.ts';

const JOBS = 4;
const PROCESSES = 5;
const SAMPLES = 200;

export async function run(): Promise<Bar[]> {
  const root = mkdtempSync(path.join(tmpdir(), 'prometheus-bench-'));
  const children: ChildProcess[] = [];
  for (let i = 0; i < JOBS * PROCESSES; i++) children.push(spawn('sleep', ['1000'], { stdio: 'ignore' }));
  const pids = children.map((child) => child.pid!);
  const jobs = Array.from({ length: JOBS }, (_, i) => ({
    id: `job-${i}`,
    pids: pids.slice(i * PROCESSES, (i + 1) * PROCESSES),
  }));
  let clock = Date.now();
  const telemetry = new Telemetry({
    home: homeAt(root),
    // A second passes with each sample, so that histories fill up and are saved as they would be.
    now: () => (clock += 500),
    targets: null,
    jobs: () => jobs,
    keepsHistory: true,
  });
  try {
    for (let i = 0; i < SAMPLES; i++) await telemetry.sample();
    const before = cpuSeconds();
    for (let i = 0; i < SAMPLES; i++) await telemetry.sample();
    const ms = ((cpuSeconds() - before) / SAMPLES) * 1000;
    process.stderr.write(`bench: ${JOBS} jobs of ${PROCESSES} processes\n`);
    return [
      { name: 'TEL', what: 'sample of machine and jobs', figure: ms, bar: 5, unit: 'ms CPU', higherIsBetter: false },
    ];
  } finally {
    await telemetry.close();
    for (const child of children) child.kill('SIGKILL');
    rmSync(root, { recursive: true });
  }
}
