import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DiskSampler } from '../../src/telemetry/disks.ts';
import { HostSampler } from '../../src/telemetry/host.ts';
import { NetworkSampler } from '../../src/telemetry/network.ts';
import { parseLoads, parsePressure } from '../../src/telemetry/proc.ts';
import { mountOf, parseDiskTraffic, parseMounts, parseNetTraffic, rate } from '../../src/telemetry/proc-io.ts';

/** Recorded on Linux 6.18, with lines added for other file systems. */
const RECORDED = path.join(import.meta.dirname, '..', 'fixtures', 'proc');
const recorded = (name: string) => readFileSync(path.join(RECORDED, name), 'utf8');

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'proc-'));
  for (const folder of ['self', 'net', 'pressure', 'class/net/eth0/device']) {
    mkdirSync(path.join(root, folder), { recursive: true });
  }
});
afterEach(() => rmSync(root, { recursive: true }));
const record = (from: string, to: string) => cpSync(path.join(RECORDED, from), path.join(root, to));

describe('mounts', () => {
  const mounts = parseMounts(recorded('mountinfo'));

  it.each([
    ['/mnt/data', '259:2'],
    ['/mnt/data/prices', '259:2'],
    ['/mnt/database/x', '0:25'],
    ['/mnt/datalake', '254:0'],
    ['/home/user', '0:48'],
    ['/mnt/data/remote share/x', '0:52'],
  ])('%s lies on %s', (file, number) => expect(mountOf(mounts, file)?.number).toBe(number));

  it('know their source', () => expect(mountOf(mounts, '/home')?.source).toBe('/dev/nvme1n1p3'));

  it('hold nothing where there are none', () => expect(mountOf([], '/x')).toBeNull());
});

describe('parseDiskTraffic', () => {
  it('counts in bytes, by number and by name', () => {
    const devices = parseDiskTraffic(recorded('diskstats'));
    expect(devices.get('259:2')).toEqual({ device: 'nvme0n1p2', inBytes: 2048 * 512, outBytes: 4096 * 512 });
    expect(devices.get('vda')).toBe(devices.get('254:0'));
  });
});

describe('DiskSampler', () => {
  it('tells space and traffic of each folder since the reading before', async () => {
    record('diskstats', 'diskstats');
    record('mountinfo', 'self/mountinfo');
    const sampler = new DiskSampler(
      [
        { name: 'home', path: root },
        { name: 'data', path: path.join(root, 'not', 'yet') },
      ],
      root,
    );
    const first = await sampler.read();
    expect(first.map((disk) => [disk.name, disk.device, disk.readBytesPerSecond, disk.problem])).toEqual([
      ['home', 'vda', null, null],
      ['data', 'vda', null, null],
    ]);
    writeFileSync(path.join(root, 'diskstats'), recorded('diskstats').replace('60880808', '60890808'));
    const [home] = await sampler.read();
    expect(home.readBytesPerSecond).toBe(0);
    expect(home.writeBytesPerSecond).toBeGreaterThan(0);
    expect(home.freeBytes).toBeGreaterThan(0);
  });

  it('tells space alone where there is no procfs, and why where it is closed', async () => {
    const paths = [{ name: 'home', path: root }];
    const [elsewhere] = await new DiskSampler(paths, null).read();
    expect(elsewhere).toMatchObject({ device: null, writeBytesPerSecond: null, problem: null });
    const [closed] = await new DiskSampler(paths, path.join(root, 'nothing')).read();
    expect(closed.totalBytes).toBeGreaterThan(0);
    expect(closed.problem).toMatch(/^traffic: ENOENT/);
  });
});

describe('NetworkSampler', () => {
  it('sums what reaches a wire, without the loopback', () => {
    record('net-dev', 'net/dev');
    const sampler = new NetworkSampler(root, root);
    expect(sampler.read()).toMatchObject({ rxBytesPerSecond: null, txBytesPerSecond: null, problem: null });
    const later = recorded('net-dev').replace('763915104', '763925104').replace('    500 ', '    900 ');
    writeFileSync(path.join(root, 'net/dev'), later);
    const sample = sampler.read();
    expect(sample.interfaces.map((one) => [one.name, one.virtual])).toEqual([
      ['docker0', true],
      ['eth0', false],
    ]);
    expect(sample.interfaces[0].rxBytesPerSecond).toBeGreaterThan(0);
    expect(sample.rxBytesPerSecond).toBe(sample.interfaces[1].rxBytesPerSecond);
    expect(sample.txBytesPerSecond).toBe(0);
  });

  it('knows nothing of a counter that began anew', () => {
    record('net-dev', 'net/dev');
    const sampler = new NetworkSampler(root, root);
    sampler.read();
    writeFileSync(path.join(root, 'net/dev'), recorded('net-dev').replace('763915104', '5'));
    expect(sampler.read()).toMatchObject({ rxBytesPerSecond: null, txBytesPerSecond: 0 });
  });

  it('says why it knows nothing', () => {
    expect(new NetworkSampler(root, root).read().problem).toMatch(/^ENOENT/);
    expect(new NetworkSampler(null, root).read().problem).toBe('this system does not tell network traffic');
  });

  it('reads the recorded table', () => {
    expect([...parseNetTraffic(recorded('net-dev')).keys()]).toEqual(['lo', 'docker0', 'eth0']);
  });
});

describe('HostSampler', () => {
  it('tells loads, swap and pressure beside the rest', async () => {
    for (const name of ['loadavg', 'meminfo']) record(name, name);
    record('pressure-io', 'pressure/io');
    const reading = await new HostSampler({ diskPath: root, procRoot: root, sysRoot: root, platform: 'linux' }).read();
    expect(reading.load).toEqual([9.21, 4.93, 2.31]);
    expect(reading.swap).toEqual({ totalBytes: 0, usedBytes: 0 });
    expect(reading.pressure).toEqual({ cpu: null, memory: null, io: { some: 0.0441, full: 0.0025 } });
  });

  it('knows no pressure where the kernel tells none', async () => {
    const reading = await new HostSampler({ diskPath: root, procRoot: root, platform: 'linux' }).read();
    expect([reading.pressure, reading.load]).toEqual([null, null]);
  });
});

it('parsePressure takes the CPU of older kernels', () => {
  expect(parsePressure('some avg10=1.50 avg60=0.00 avg300=0.00 total=1\n')).toEqual({ some: 0.015, full: null });
  expect(parsePressure('nothing')).toBeNull();
});

it('parseLoads takes nothing half', () => {
  expect(parseLoads('0.5 0.25')).toBeNull();
});

it('a rate is never negative and never infinite', () => {
  const counter = fc.option(fc.nat(), { nil: undefined });
  fc.assert(
    fc.property(counter, counter, fc.double({ min: 0, max: 100, noNaN: true }), (before, after, seconds) => {
      const value = rate(before, after, seconds);
      return value === null || value >= 0;
    }),
  );
});
