/** The monitor of processes on GPUs over fake `nvidia-smi` programs on PATH. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { processStartTime } from '../../src/platform/locks.ts';
import { GpuProcessMonitor } from '../../src/telemetry/gpu-processes.ts';
import { HostSampler } from '../../src/telemetry/host.ts';
import { MachineSampler } from '../../src/telemetry/machine.ts';
import type { SmiOptions } from '../../src/telemetry/smi-child.ts';
import { until } from '../helpers/until.ts';

let folder: string;
let monitor: GpuProcessMonitor | null = null;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'gpu-'));
});
afterEach(() => {
  monitor?.close();
  monitor = null;
  rmSync(folder, { recursive: true });
});

const at = (name: string) => path.join(folder, name);
const UUIDS = ['GPU-5e8b7f9c-0000-1111-2222-333344445555', 'GPU-0a1b2c3d-9999-8888-7777-666655554444'];
/** Puts a shell script on PATH as nvidia-smi that lists two GPUs; every other start adds its pid to the file `pids`. */
function install(script: string): void {
  const list = UUIDS.map((uuid, i) => `echo "GPU ${i}: Tesla V100-SXM2-16GB (UUID: ${uuid})"`).join('; ');
  const text = `#!/bin/sh\nif [ "$1" = -L ]; then ${list}; exit; fi\necho $$ >>"${at('pids')}"\n${script}\n`;
  writeFileSync(at('nvidia-smi'), text, { mode: 0o755 });
}
const watch = (options: Partial<SmiOptions> = {}) => {
  const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
  monitor = new GpuProcessMonitor({ env, intervalMs: 200, backOffMs: { first: 20, longest: 200 }, ...options });
  return monitor;
};
const pids = () => readFileSync(at('pids'), 'utf8').trim().split('\n').map(Number);
const again = (lines: string) => `while :; do ${lines}; sleep 0.05; done`;

describe('GpuProcessMonitor', () => {
  it('asks one long-lived child by the options of the real one, and ends it on close', async () => {
    install(
      `echo "$@" >"${at('args')}"; ${again(`echo "${UUIDS[1]}, 4242, 14540, /usr/bin/python3"; echo "${UUIDS[0]}, 17, [N/A], odd, name"`)}`,
    );
    const gpu = watch();
    await until(() => gpu.latest().processes.size === 2, 'both processes');
    expect(Object.fromEntries(gpu.latest().processes)).toEqual({
      0: [{ pid: 17, name: 'odd, name', memoryMiB: null }],
      1: [{ pid: 4242, name: '/usr/bin/python3', memoryMiB: 14540 }],
    });
    expect(readFileSync(at('args'), 'utf8').trim()).toBe(
      '--query-compute-apps=gpu_uuid,pid,used_gpu_memory,process_name --format=csv,noheader,nounits -lms 200',
    );
    expect(pids()).toHaveLength(1);
    gpu.close();
    await until(() => processStartTime(pids()[0]) === null, 'the end of the child');
  });

  it('lets a process go that is not told of any more, and takes silence for nobody while the child wakes up', async () => {
    install(`echo "${UUIDS[0]}, 17, 100, train"; ${again(`echo . >>"${at('looks')}"`)}`);
    const gpu = watch({ silenceMs: 150 });
    await until(() => gpu.latest().processes.size === 1, 'the process');
    await until(() => gpu.latest().processes.size === 0, 'its end');
    const looks = () => readFileSync(at('looks'), 'utf8').length;
    const before = looks();
    // A child at work for longer than it may be silent.
    await until(() => looks() > before + 20, 'many looks');
    expect(gpu.latest()).toEqual({ processes: new Map(), problem: null });
    expect(pids()).toHaveLength(1);
  });

  it('ends a child that hangs, says so, and starts another', async () => {
    install(`echo "${UUIDS[0]}, 17, 100, train"; exec sleep 1000`);
    const gpu = watch({ silenceMs: 150 });
    await until(() => gpu.latest().problem === 'nvidia-smi has said nothing for 0.15 s', 'silence noticed');
    await until(() => pids().length >= 2 && processStartTime(pids()[0]) === null, 'another child');
  });

  it.each([
    ['Failed to initialize NVML: Driver/library version mismatch', 18],
    [
      'Unable to determine the device handle for GPU 0000:0B:00.0: GPU is lost. Reboot the system to recover this GPU',
      15,
    ],
  ])('passes on %j', async (message, code) => {
    install(`echo "${message}"; exit ${code}`);
    const gpu = watch();
    await until(() => gpu.latest().problem === message, 'the message');
    expect(gpu.latest().processes.size).toBe(0);
    install(again(`echo "${UUIDS[0]}, 17, 100, train"`));
    await until(() => gpu.latest().processes.size === 1, 'recovery');
  });

  it('says that there is none', async () => {
    const gpu = watch({ env: { PATH: folder } });
    await until(() => gpu.latest().problem !== null, 'an answer');
    expect(gpu.latest().problem).toBe('no nvidia-smi on this machine');
  });
});

describe('MachineSampler', () => {
  it('gives each job its GPU memory', async () => {
    const gpu = {
      index: 0,
      name: 'V100',
      utilisation: 0.9,
      memoryUsedMiB: 500,
      memoryTotalMiB: 16384,
      temperatureC: 60,
      powerW: 200,
    };
    const process = (pid: number, memoryMiB: number | null) => ({ pid, name: 'python3', memoryMiB });
    let processes = [process(10, 300), process(11, 100), process(99, 7)];
    let problem: string | null = null;
    const machine = new MachineSampler(
      new HostSampler({ diskPath: folder }),
      { latest: () => ({ gpus: [gpu], problem: null }) },
      () => 7,
      {
        gpuProcesses: { latest: () => ({ processes: new Map([[0, processes]]), problem }) },
        jobs: () => [
          { id: 'a', pids: [10, 11] },
          { id: 'b', pids: [12] },
        ],
      },
    );
    const first = await machine.sample();
    expect(first.gpus[0].processes).toHaveLength(3);
    expect(first.jobs?.map((job) => [job.id, job.gpuMemoryMiB])).toEqual([
      ['a', 400],
      ['b', 0],
    ]);
    processes = [process(10, null)];
    expect((await machine.sample()).jobs?.map((job) => job.gpuMemoryMiB)).toEqual([null, 0]);
    problem = 'GPU is lost';
    const lost = await machine.sample();
    expect(lost).toMatchObject({ gpuProcessProblem: 'GPU is lost', jobsProblem: null });
    expect(lost.jobs?.map((job) => job.gpuMemoryMiB)).toEqual([null, null]);
    expect(lost.gpus[0].processes).toBeUndefined();
  });

  it('says why it knows no jobs', async () => {
    const machine = new MachineSampler(
      new HostSampler({ diskPath: folder }),
      { latest: () => ({ gpus: [], problem: 'none' }) },
      () => 7,
      { jobs: () => Promise.reject(new Error('the jobs cannot be listed')) },
    );
    expect(await machine.sample()).toMatchObject({ jobs: [], jobsProblem: 'the jobs cannot be listed' });
  });
});
