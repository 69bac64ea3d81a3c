/** The GPU monitor over fake `nvidia-smi` programs on PATH. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { processStartTime } from '../../src/platform/locks.ts';
import { GpuMonitor, type GpuMonitorOptions } from '../../src/telemetry/gpu.ts';
import { until } from '../helpers/until.ts';

let folder: string;
let monitor: GpuMonitor | null = null;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'gpu-'));
});
afterEach(() => {
  monitor?.close();
  monitor = null;
  rmSync(folder, { recursive: true });
});

const at = (name: string) => path.join(folder, name);
const env = () => ({ ...process.env, PATH: `${folder}:${process.env.PATH}` });
/** Puts a shell script on PATH as nvidia-smi; every start adds its pid to the file `pids`. */
function install(script: string): void {
  writeFileSync(at('nvidia-smi'), `#!/bin/sh\necho $$ >>"${at('pids')}"\n${script}\n`, { mode: 0o755 });
}
const watch = (options: Partial<GpuMonitorOptions> = {}) => {
  monitor = new GpuMonitor({ env: env(), intervalMs: 1000, backOffMs: { first: 20, longest: 200 }, ...options });
  return monitor;
};
const pids = () => readFileSync(at('pids'), 'utf8').trim().split('\n').map(Number);
const FIGURES = 'echo "0, Tesla V100-SXM2-16GB, 93, 14540, 16384, 61, 248.31"';

describe('GpuMonitor', () => {
  it('asks one long-lived child, by the options of the real one, and ends it on close', async () => {
    install(
      `echo "$@" >"${at('args')}"; ${FIGURES}; echo "1, Tesla V100-SXM2-16GB, [N/A], 10, 16384, 40, [N/A]"; exec sleep 1000`,
    );
    const gpu = watch();
    expect(gpu.latest()).toEqual({ gpus: [], problem: 'nvidia-smi has not answered yet' });
    await gpu.answered();
    await until(() => gpu.latest().gpus.length === 2, 'both GPUs');
    expect(gpu.latest()).toMatchObject({
      gpus: [
        { index: 0, name: 'Tesla V100-SXM2-16GB', utilisation: 0.93, powerW: 248.31 },
        { index: 1, utilisation: null, memoryUsedMiB: 10, powerW: null },
      ],
      problem: null,
    });
    expect(readFileSync(at('args'), 'utf8').trim()).toBe(
      '--query-gpu=index,name,utilization.gpu,memory.used,memory.total,temperature.gpu,power.draw --format=csv,noheader,nounits -lms 1000',
    );
    expect(pids()).toHaveLength(1);
    gpu.close();
    await until(() => processStartTime(pids()[0]) === null, 'the end of the child');
  });

  it('says that there is none, once and for all', async () => {
    const gpu = watch({ env: { PATH: folder } });
    await gpu.answered();
    expect(gpu.latest()).toEqual({ gpus: [], problem: 'no nvidia-smi on this machine' });
  });

  it('passes on what a failing driver says, and recovers by itself', async () => {
    install('echo "Failed to initialize NVML: Driver/library version mismatch"; exit 18');
    const gpu = watch();
    await gpu.answered();
    expect(gpu.latest()).toEqual({ gpus: [], problem: 'Failed to initialize NVML: Driver/library version mismatch' });
    install(`${FIGURES}; exec sleep 1000`);
    await until(() => gpu.latest().problem === null, 'figures');
    expect(gpu.latest().gpus).toHaveLength(1);
  });

  it('ends a child that falls silent, says so, and starts another', async () => {
    install(`${FIGURES}; exec sleep 1000`);
    const gpu = watch({ silenceMs: 150 });
    await until(() => gpu.latest().gpus.length === 1, 'figures');
    await until(() => gpu.latest().gpus.length === 0, 'silence noticed');
    expect(gpu.latest().problem).toBe('nvidia-smi has said nothing for 0.15 s');
    await until(
      () => pids().length >= 2 && processStartTime(pids()[0]) === null,
      'another child in the place of the first',
    );
    await until(() => gpu.latest().gpus.length === 1, 'figures again');
  });

  it('knows nothing of a GPU that fell off the bus', async () => {
    install(
      `echo "0, V100, [GPU is lost], [GPU is lost], [GPU is lost], [GPU is lost], [GPU is lost]"; exec sleep 1000`,
    );
    const gpu = watch();
    await until(() => gpu.latest().gpus.length === 1, 'a line');
    expect(gpu.latest()).toMatchObject({ gpus: [{ utilisation: null }], problem: 'GPU 0: GPU is lost' });
  });
});
