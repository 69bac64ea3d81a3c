/** B9's other figures: a console that has nothing new to show, and one over four jobs that print 5,000 lines a second. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { JobFile } from '../../src/supervisor/job-files.ts';
import { HELP, type Tui } from '../helpers/tui.ts';
import { type Bar, builtProgram, runChild, treeCpuSeconds } from './harness.ts';

const IDLE_SECONDS = 30;
const LOAD_SECONDS = 30;
const JOBS = 4;
const LINES_A_SECOND = 5000;
const KEY_PRESSES = 40;
const PRINTER = path.join(import.meta.dirname, '..', 'fixtures', 'line-printer.mjs');
const MAXIMUM = { name: 'B9', higherIsBetter: false };

interface Span {
  /** Share of a core, in percent, by process. */
  readonly cpu: readonly number[];
  readonly bytes: number;
  readonly seconds: number;
}

/** What the console sends, and what it and others take of a core, while nobody does anything. */
async function watch(tui: Tui, seconds: number, pids: readonly number[]): Promise<Span> {
  const [mark, began, before] = [tui.mark(), performance.now(), pids.map(treeCpuSeconds)];
  await sleep(seconds * 1000);
  const took = (performance.now() - began) / 1000;
  const cpu = pids.map((pid, i) => ((treeCpuSeconds(pid) - before[i]) / took) * 100);
  return { cpu, bytes: Buffer.byteLength(tui.raw(mark)), seconds: took };
}

/** How busy the machine was beside: these figures mean little on one that has more to do than cores. */
const machineLoad = () => `load average ${loadavg()[0].toFixed(1)} on ${availableParallelism()} cores`;

/**
 * The Research screen over an empty home: nothing comes, but its clock and ages go on in steps of a minute. Half a minute
 * between two of them is a screen on which nothing changes; what one step sends is told beside it. Held still by `p` not even
 * those come.
 */
export async function idleBars(tui: Tui): Promise<Bar[]> {
  await tui.waitFor('✓ live', 120_000);
  const overview = await watch(tui, IDLE_SECONDS, [tui.pid]);
  tui.press('8');
  await tui.waitFor('[8');
  const mark = await minuteStepped(tui);
  await settled(tui);
  const step = Buffer.byteLength(tui.raw(mark));
  const live = await watch(tui, IDLE_SECONDS, [tui.pid]);
  tui.press('p');
  await settled(tui);
  const held = await watch(tui, IDLE_SECONDS, [tui.pid]);
  tui.press('p');
  const rate = ({ bytes, seconds }: Span) => `${(bytes / seconds).toFixed(0)} bytes/s`;
  process.stderr.write(
    `bench: B9 idle: Overview, with the machine's figures of every five seconds, ${rate(overview)}, ${overview.cpu[0].toFixed(2)} % of a core; Research ${step} bytes a minute, ${live.cpu[0].toFixed(2)} %; ${machineLoad()}\n`,
  );
  return [
    { ...MAXIMUM, what: 'idle for 30 s, held still by p', figure: held.bytes, bar: 0, unit: 'bytes' },
    { ...MAXIMUM, what: 'idle for 30 s, between two minutes', figure: live.bytes, bar: 0, unit: 'bytes' },
    { ...MAXIMUM, what: 'idle, between two minutes', figure: live.cpu[0], bar: 1, unit: '% of a core' },
  ];
}

/** Until the clock of the screen goes on; returns where in the output that begins. */
async function minuteStepped(tui: Tui): Promise<number> {
  const clock = (screen: string) => /\d\d:\d\d UTC/.exec(screen)?.[0];
  await settled(tui);
  const [before, mark] = [clock(tui.screen()), tui.mark()];
  await tui.waitFor((screen) => clock(screen) !== before, 120_000);
  return mark;
}

/** Until three seconds pass without a byte: what a screen asks for when it opens is drawn. */
async function settled(tui: Tui): Promise<void> {
  for (let quiet = 0; quiet < 3; ) {
    const mark = tui.mark();
    await sleep(1000);
    quiet = tui.mark() === mark ? quiet + 1 : 0;
  }
}

/** Commands of the user's own for a home: one that prints its share of the lines. */
export function writePrograms(home: string): void {
  const command = [process.execPath, PRINTER, String(LINES_A_SECOND / JOBS)];
  const lines = { summary: 'prints lines', phase: 'P0', resource: 'io', command, rowsDue: false };
  writeFileSync(path.join(home, 'programs.yaml'), stringify({ programs: { lines } }));
}

/** A job's log, and how much of it is there. */
interface Log {
  readonly file: string;
  readonly size: number;
}

const logsOf = (home: string): Log[] =>
  readdirSync(path.join(home, 'jobs'), { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(home, 'jobs', entry.name, JobFile.stdout);
    const size = statSync(file, { throwIfNoEntry: false })?.size;
    return size === undefined ? [] : [{ file, size }];
  });

/** Lines that came to the logs between two looks. */
function linesBetween(before: readonly Log[], after: readonly Log[]): number {
  let lines = 0;
  for (const { file, size } of after) {
    const from = before.find((log) => log.file === file)?.size ?? 0;
    for (const byte of readFileSync(file).subarray(from, size)) if (byte === 0x0a) lines++;
  }
  return lines;
}

/** Four jobs print, the console follows the log of one on the Jobs screen. Then keys are pressed: the help opens and closes. */
export async function loadBars(tui: Tui, home: string, env: NodeJS.ProcessEnv): Promise<Bar[]> {
  const prometheus = (...argv: string[]) => runChild([builtProgram(), ...argv], env);
  const jobs: string[] = [];
  try {
    for (let i = 0; i < JOBS; i++) jobs.push((await prometheus('job', 'start', 'lines')).stdout.trim());
    tui.press('3');
    await tui.waitFor(/≈ [\d,]+ lines\/s/, 120_000);
    const supervisor: number = JSON.parse((await prometheus('supervisor', 'status', '--json')).stdout).supervisor.pid;
    const before = logsOf(home);
    const span = await watch(tui, LOAD_SECONDS, [tui.pid, supervisor]);
    const rate = linesBetween(before, logsOf(home)) / span.seconds;
    if (rate < LINES_A_SECOND * 0.95)
      throw new Error(`only ${rate.toFixed(0)} lines a second came: the machine is too busy`);
    return bars(rate, span, await keysToFrames(tui));
  } finally {
    // They would run on without supervisor and home.
    for (const job of jobs) await prometheus('job', 'kill', job);
  }
}

function bars(rate: number, span: Span, waits: readonly number[]): Bar[] {
  const [console, daemon] = span.cpu;
  const [median, most] = [waits[waits.length >> 1], waits[Math.floor(waits.length * 0.95)]];
  process.stderr.write(
    `bench: B9 ${rate.toFixed(0)} lines/s of ${JOBS} jobs: console ${console.toFixed(1)} %, supervisor with its shims ${daemon.toFixed(1)} % of a core, ${(span.bytes / span.seconds / 1000).toFixed(1)} kB/s sent; key to frame, min ${waits[0].toFixed(0)} ms, median ${median.toFixed(0)} ms, 95 of 100 ${most.toFixed(0)} ms; ${machineLoad()}\n`,
  );
  return [
    { ...MAXIMUM, what: '5,000 log lines/s of four jobs, console', figure: console, bar: 25, unit: '% of a core' },
    { ...MAXIMUM, what: 'key to frame beside them, median', figure: median, bar: 50, unit: 'ms' },
    { ...MAXIMUM, what: 'key to frame beside them, 95 of 100', figure: most, bar: 50, unit: 'ms' },
  ];
}

/** Milliseconds from a key to the whole frame that shows what it did, as the terminal has drawn it; ascending. */
async function keysToFrames(tui: Tui): Promise<number[]> {
  const waits: number[] = [];
  for (let i = 0; i < KEY_PRESSES; i++) {
    const opens = i % 2 === 0;
    // Anywhere between two frames of the log, as an operator's key comes.
    await sleep(100 + 37 * (i % 10));
    const began = performance.now();
    tui.press('?');
    await tui.waitFor((screen) => screen.includes(HELP) === opens);
    waits.push(performance.now() - began);
  }
  return waits.sort((a, b) => a - b);
}
