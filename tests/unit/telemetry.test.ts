import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HostSampler } from '../../src/telemetry/host.ts';
import { MachineSampler } from '../../src/telemetry/machine.ts';
import { parseSmiLine } from '../../src/telemetry/nvidia-smi.ts';
import { parseMemory } from '../../src/telemetry/proc.ts';
import { Ring } from '../../src/telemetry/ring.ts';

/** Recorded on a virtual machine of two cores: Linux 6.18. */
const RECORDED = path.join(import.meta.dirname, '..', 'fixtures', 'proc');

describe('HostSampler on recorded /proc files', () => {
  let procRoot: string;
  beforeEach(() => {
    procRoot = mkdtempSync(path.join(tmpdir(), 'proc-'));
  });
  afterEach(() => rmSync(procRoot, { recursive: true }));
  const record = (from: string, to: string) => cpSync(path.join(RECORDED, from), path.join(procRoot, to));
  const sampler = (diskPath = procRoot) => new HostSampler({ diskPath, procRoot, platform: 'linux' });

  it('tells shares since the last reading, memory, load and disk', async () => {
    record('stat-before', 'stat');
    record('meminfo', 'meminfo');
    record('loadavg', 'loadavg');
    const host = sampler();
    const first = await host.read();
    expect(first.cpu).toEqual({ cores: 2, busy: null, perCore: [], load1: 9.21 });
    record('stat-after', 'stat');
    const second = await host.read();
    expect(second.cpu.perCore).toEqual([104 / 105, 104 / 105]);
    expect(second.cpu.busy).toBeCloseTo(104 / 105, 12);
    expect(second.memory).toEqual({
      totalBytes: 24_684_096 * 1024,
      usedBytes: (24_684_096 - 21_546_080) * 1024,
      swapUsedBytes: 0,
    });
    expect(second.disk.freeBytes).toBeGreaterThan(0);
    expect(second.disk.totalBytes).toBeGreaterThan(second.disk.freeBytes!);
    expect(second.problems).toEqual([]);
  });

  it('knows nothing where /proc is closed, and says why', async () => {
    const reading = await sampler().read();
    expect(reading.cpu).toMatchObject({ busy: null, perCore: [], load1: null });
    expect(reading.memory).toEqual({ totalBytes: null, usedBytes: null, swapUsedBytes: null });
    expect(reading.problems.map((line) => line.split(':')[0])).toEqual(['CPU', 'load', 'memory']);
  });

  it('looks at the file system of a home that is not made yet', async () => {
    record('stat-before', 'stat');
    const reading = await sampler(path.join(procRoot, 'not', 'yet', 'there')).read();
    expect(reading.disk.totalBytes).toBeGreaterThan(0);
  });

  it('uses what Node tells on other systems', async () => {
    const host = new HostSampler({ diskPath: procRoot, procRoot, platform: 'darwin' });
    const reading = await host.read();
    expect(reading.cpu.cores).toBeGreaterThan(0);
    expect(reading.memory.totalBytes).toBeGreaterThan(0);
    expect(reading.memory.swapUsedBytes).toBeNull();
  });

  it('draws no history over figures that were unknown', async () => {
    record('stat-before', 'stat');
    record('meminfo', 'meminfo');
    const gpu = {
      utilisation: 0.5,
      index: 0,
      name: 'V100',
      memoryUsedMiB: 1,
      memoryTotalMiB: 2,
      temperatureC: 3,
      powerW: 4,
    };
    let reading = { gpus: [gpu], problem: null as string | null };
    const machine = new MachineSampler(sampler(), { latest: () => reading }, () => 7);
    await machine.sample();
    expect((await machine.sample()).history.gpu).toEqual([0.5, 0.5]);
    reading = { gpus: [], problem: 'GPU is lost' };
    const without = await machine.sample();
    expect(without).toMatchObject({ at: 7, gpus: [], gpuProblem: 'GPU is lost' });
    expect(without.history.gpu).toEqual([]);
    expect(without.history.memory).toHaveLength(3);
  });
});

describe('parseMemory', () => {
  it('falls back to free memory on kernels that do not estimate what is available', () => {
    expect(parseMemory('MemTotal:  1000 kB\nMemFree:  400 kB\n')).toEqual({
      totalBytes: 1_024_000,
      usedBytes: 614_400,
      swapUsedBytes: null,
    });
  });
});

describe('parseSmiLine', () => {
  it('reads figures', () => {
    expect(parseSmiLine('0, Tesla V100-SXM2-16GB, 93, 14540, 16384, 61, 248.31\r')).toEqual({
      gpu: {
        index: 0,
        name: 'Tesla V100-SXM2-16GB',
        utilisation: 0.93,
        memoryUsedMiB: 14540,
        memoryTotalMiB: 16384,
        temperatureC: 61,
        powerW: 248.31,
      },
      fault: null,
    });
  });

  it.each(['[N/A]', '[Not Supported]', 'N/A', '[Insufficient Permissions]', ''])('takes %j for unknown', (word) => {
    const line = parseSmiLine(`1, NVIDIA GeForce GT 1030, ${word}, 10, 2048, 40, ${word}`);
    expect(line).toMatchObject({ gpu: { utilisation: null, memoryUsedMiB: 10, powerW: null }, fault: null });
  });

  it.each([
    ['[Unknown Error]', 'GPU 0: Unknown Error'],
    ['[GPU is lost]', 'GPU 0: GPU is lost'],
    ['ERR!', 'GPU 0: ERR!'],
  ])('names the fault %s', (word, fault) => {
    expect(parseSmiLine(`0, V100, ${word}, ${word}, ${word}, ${word}, ${word}`)).toMatchObject({
      gpu: { utilisation: null, memoryUsedMiB: null },
      fault,
    });
  });

  it('keeps a name with commas whole', () => {
    expect(parseSmiLine('0, Quadro, special, 1, 2, 3, 4, 5')).toMatchObject({
      gpu: { name: 'Quadro, special', powerW: 5 },
    });
  });

  it.each([
    "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running.",
    'Failed to initialize NVML: Driver/library version mismatch',
    'No devices were found',
    'Unable to determine the device handle for GPU 0000:0B:00.0: GPU is lost.  Reboot the system to recover this GPU',
  ])('takes %j for a message', (message) => {
    expect(parseSmiLine(message)).toEqual({ message: message.replace('  ', ' ') });
  });

  it('leaves out an empty line', () => expect(parseSmiLine('  ')).toBeNull());
});

describe('Ring', () => {
  it('keeps the last ones in order', () => {
    const ring = new Ring<number>(3);
    for (let i = 1; i <= 7; i++) ring.push(i);
    expect(ring.toArray()).toEqual([5, 6, 7]);
    ring.push(8);
    expect(ring.toArray()).toEqual([6, 7, 8]);
    ring.clear();
    ring.push(1);
    expect(ring.toArray()).toEqual([1]);
  });
});
