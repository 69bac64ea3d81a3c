import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseAuxv, parsePidIo, parsePidStat, parseStatm } from '../../src/telemetry/proc-pid.ts';
import { ProcessSampler } from '../../src/telemetry/processes.ts';

const UNITS = { pageBytes: 4096, ticksPerSecond: 100 };

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'proc-'));
});
afterEach(() => rmSync(root, { recursive: true }));

interface Fake {
  readonly ticks?: number;
  readonly start?: number;
  readonly state?: string;
  readonly command?: string;
  readonly resident?: number;
  readonly shared?: number;
  readonly written?: number;
}

/** Writes a process as procfs shows it. */
function put(pid: number, fake: Fake = {}): void {
  const { ticks = 0, start = 500, state = 'S', command = 'python3', resident = 100, shared = 40, written } = fake;
  mkdirSync(path.join(root, String(pid), 'fd'), { recursive: true });
  const write = (name: string, text: string) => writeFileSync(path.join(root, String(pid), name), text);
  write('stat', `${pid} (${command}) ${state} 1 ${pid} 77 0 -1 4194560 1 2 3 4 ${ticks} 0 9 9 20 0 3 0 ${start} 1 2 3`);
  write('statm', `2000 ${resident} ${shared} 1 0 50 0\n`);
  if (written !== undefined) {
    write('io', `rchar: 1\nread_bytes: 4096\nwrite_bytes: ${written}\ncancelled_write_bytes: 1024\n`);
  }
}
const uptime = (seconds: number) => writeFileSync(path.join(root, 'uptime'), `${seconds} 1.0\n`);

describe('ProcessSampler on a recorded procfs', () => {
  let seconds = 0;
  const sampler = () => new ProcessSampler({ procRoot: root, clock: () => seconds * 1000, units: UNITS });

  it('adds up a group, and counts shared pages once', () => {
    uptime(50);
    put(10, { ticks: 100, written: 2048 });
    put(11, { ticks: 10 });
    const processes = sampler();
    const [first] = processes.sample([{ id: 'job', pids: [10, 11, 12] }]);
    expect(first).toMatchObject({ processes: 2, cpuCores: null, writeBytesPerSecond: null, threads: 6 });
    expect(first.memoryBytes).toBe((60 + 60 + 40) * 4096);
    expect(first.files).not.toBeNull();
    seconds += 2;
    uptime(52);
    put(10, { ticks: 400, written: 6048 });
    put(11, { ticks: 20 });
    const [second] = processes.sample([{ id: 'job', pids: [10, 11] }]);
    expect(second.cpuCores).toBeCloseTo(310 / 100 / 2);
    // The other process does not tell its IO.
    expect([second.readBytesPerSecond, second.writeBytesPerSecond]).toEqual([0, 2000]);
  });

  it('counts all that a new process did, nothing of the past of one that is only new to us', () => {
    uptime(50);
    put(10);
    const processes = sampler();
    processes.sample([{ id: 'job', pids: [10] }]);
    seconds += 1;
    uptime(51);
    put(20, { ticks: 50, start: 5050 });
    put(21, { ticks: 9999, start: 300 });
    const [usage] = processes.sample([{ id: 'job', pids: [10, 20, 21] }]);
    expect(usage).toMatchObject({ processes: 3, cpuCores: 0.5 });
  });

  it('does not take a recycled pid for the process that had it', () => {
    uptime(50);
    put(10, { ticks: 1000, start: 500 });
    const processes = sampler();
    processes.sample([{ id: 'job', pids: [10] }]);
    seconds += 1;
    uptime(51);
    put(10, { ticks: 25, start: 5040 });
    expect(processes.sample([{ id: 'job', pids: [10] }])[0].cpuCores).toBe(0.25);
  });

  it('knows nothing of processes that vanished', () => {
    uptime(50);
    put(10);
    const processes = sampler();
    processes.sample([{ id: 'job', pids: [10] }]);
    rmSync(path.join(root, '10'), { recursive: true });
    put(11, { state: 'Z' });
    seconds += 1;
    expect(processes.sample([{ id: 'job', pids: [10, 11] }])).toEqual([
      {
        processes: 0,
        cpuCores: null,
        memoryBytes: null,
        readBytesPerSecond: null,
        writeBytesPerSecond: null,
        threads: null,
        files: null,
      },
    ]);
  });

  it('leaves strangers out of a group that names its program', () => {
    put(10, { command: 'postgres' });
    put(11, { command: 'postgres: (odd) name' });
    const group = { id: 'server', pids: [10, 11], command: 'postgres' };
    expect(sampler().sample([group])[0].processes).toBe(1);
  });
});

describe('ProcessSampler on this machine', () => {
  it.skipIf(process.platform !== 'linux')('sees this very process', () => {
    const processes = new ProcessSampler();
    processes.sample([{ id: 'me', pids: [process.pid] }]);
    const until = performance.now() + 30;
    while (performance.now() < until);
    const [me] = processes.sample([{ id: 'me', pids: [process.pid] }]);
    expect(me.processes).toBe(1);
    expect(me.cpuCores).toBeGreaterThanOrEqual(0);
    const { rss } = process.memoryUsage();
    expect(me.memoryBytes! / rss).toBeGreaterThan(0.5);
    expect(me.memoryBytes! / rss).toBeLessThan(2);
    expect(me.files).toBeGreaterThan(2);
  });

  it.skipIf(process.platform !== 'linux' || process.arch !== 'x64')('reads the units of the system', () => {
    expect(parseAuxv(readFileSync('/proc/self/auxv'))).toEqual(UNITS);
  });
});

describe('readers of /proc/PID', () => {
  it('take a command with parentheses whole', () => {
    expect(parsePidStat('7 (a) b (c)) S 1 7 77 0 -1 0 0 0 0 0 5 6 0 0 20 0 4 0 900 1')).toEqual({
      command: 'a) b (c)',
      session: 77,
      cpuTicks: 11,
      threads: 4,
      startTicks: 900,
    });
  });

  it.each(['', '7', '7 (x)', '7 (x) S 1 2'])('take %j for nothing', (text) => expect(parsePidStat(text)).toBeNull());

  it('take nothing half', () => {
    expect(parsePidIo('rchar: 5\n')).toBeNull();
    expect(parseStatm('12')).toBeNull();
    expect(parseAuxv(Buffer.alloc(10))).toBeNull();
  });
});
