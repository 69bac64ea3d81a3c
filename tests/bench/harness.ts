/** What every benchmark shares: CPU seconds of this process and of others, and the line that sets a figure beside its bar. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { type Recorded, ratioOf } from './history.ts';

export interface Bar {
  readonly name: string;
  readonly what: string;
  /** Measured figure and the bar, in `unit`. */
  readonly figure: number;
  readonly bar: number;
  readonly unit: string;
  /** Whether a larger figure is better. */
  readonly higherIsBetter: boolean;
}

/** User + system CPU seconds of this process (all threads) so far. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/**
 * User + system CPU seconds of a process and all of its children so far, living ones and ended ones alike; Linux only.
 * A session of PostgreSQL is a child of the server: whether it has ended yet does not matter.
 */
export function treeCpuSeconds(pid: number): number {
  let ticks = 0;
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const fields = stat
        .slice(stat.lastIndexOf(')') + 2)
        .split(' ')
        .map(Number);
      const [parent, user, system, childrenUser, childrenSystem] = [
        fields[1],
        fields[11],
        fields[12],
        fields[13],
        fields[14],
      ];
      if (Number(name) === pid) ticks += user + system + childrenUser + childrenSystem;
      else if (parent === pid) ticks += user + system;
    } catch {
      // It ended while we looked; then it is in its parent's account.
    }
  }
  return ticks / 100;
}

/** CPU seconds of `work` in this process. */
export async function measure<T>(work: () => Promise<T> | T): Promise<{ value: T; cpu: number; wall: number }> {
  const cpu = cpuSeconds();
  const wall = performance.now();
  const value = await work();
  return { value, cpu: cpuSeconds() - cpu, wall: (performance.now() - wall) / 1000 };
}

/** One line: the figure, the bar, how many times better (or worse) than the bar it is, and what is on record. */
export function barLine(one: Bar, last: Recorded | null): string {
  const { name, what, figure, bar, unit, higherIsBetter } = one;
  const ratio = ratioOf(one);
  const sign = higherIsBetter ? '≥' : '≤';
  const verdict = ratio >= 1 ? 'meets' : 'MISSES';
  const before = last ? `  (${format(Number(last.figure))} on ${last.date}, ${last.commit})` : '';
  return `${name.padEnd(4)} ${what.padEnd(52)} ${format(figure).padStart(11)} ${unit.padEnd(14)} bar ${sign} ${format(bar).padEnd(9)} ${verdict} ×${ratio.toFixed(2)}${before}`;
}

function format(value: number): string {
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-US');
  return value.toPrecision(3);
}

/**
 * Runs Node on `argv` and returns what the process used, threads included. As `bin/prometheus` does it, compiled code is kept
 * beside the build: from its second run on, a build starts as it does for its users.
 */
export async function runChild(
  argv: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<{ cpu: number; peakMiB: number; stdout: string; stderr: string; wall: number }> {
  const folder = mkdtempSync(path.join(tmpdir(), 'prometheus-bench-'));
  const usage = path.join(folder, 'usage.json');
  const preload = new URL('./report-usage.ts', import.meta.url).href;
  const started = performance.now();
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--import', preload, ...argv], {
      env: { ...process.env, NODE_COMPILE_CACHE: compileCache(), ...env, BENCH_USAGE: usage },
      maxBuffer: 1 << 26,
    });
    return { ...JSON.parse(readFileSync(usage, 'utf8')), stdout, stderr, wall: (performance.now() - started) / 1000 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The build that bin/test has made: what users run. */
export const builtProgram = (): string => path.join(buildFolder(), 'main.js');

const compileCache = (): string => path.join(buildFolder(), '.cache');

function buildFolder(): string {
  const { PROMETHEUS_CHECKOUT: root, PROMETHEUS_BUILD: build } = process.env;
  if (!root || !build) throw new Error('start benchmarks through npm run bench: it makes the build that they measure');
  return path.join(root, 'dist', build);
}
