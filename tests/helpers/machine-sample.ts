/** The machine of the scripted world with a GPU, both databases and the use of jobs. */
import type { Snapshot } from '../../src/supervisor/protocol.ts';
import { SNAPSHOT } from './scripted-supervisor.ts';

const usage = (processes: number, cpuCores: number, gibibytes: number) => ({
  ...{ processes, cpuCores, memoryBytes: gibibytes * 2 ** 30, threads: processes * 11, files: processes * 20 },
  ...{ readBytesPerSecond: 3.1e6, writeBytesPerSecond: 41e6 },
});
const database = (name: string, rowsPerSecond: number, gibibytes: number) => ({
  ...{ name, database: `prometheus_${name}`, up: true, connections: 4, serverConnections: 9, maxConnections: 100 },
  ...{ active: 1, longestSeconds: 0.4, waitingLocks: 0, rowsPerSecond, cacheHitShare: 0.997, walBytesPerSecond: 12e6 },
  ...{ sizeBytes: gibibytes * 2 ** 30, problems: [] },
});
/** The scripted machine with everything that a sampler may tell. */
export const MACHINE: Snapshot['machine'] = {
  ...SNAPSHOT.machine!,
  gpus: [
    {
      ...{ index: 0, name: 'Tesla V100-SXM2-32GB', utilisation: 0.63, temperatureC: 58, powerW: 187 },
      ...{ memoryUsedMiB: 11_204, memoryTotalMiB: 32_768, processes: [{ pid: 4711, name: 'node', memoryMiB: 10_890 }] },
    },
  ],
  gpuProblem: null,
  load: [41.2, 38.9, 30.1],
  swap: { totalBytes: 8 * 2 ** 30, usedBytes: 0 },
  pressure: {
    cpu: { some: 0.08, full: null },
    memory: { some: 0, full: 0 },
    io: { some: 0.02, full: 0.01 },
  },
  network: { rxBytesPerSecond: 1.2e6, txBytesPerSecond: 4.4e5, interfaces: [], problem: null },
  postgres: [database('historical', 18_400, 41.2), database('runtime', 310, 2.4)],
  jobs: [{ ...usage(3, 18.6, 6.2), id: SNAPSHOT.jobs[0].id, pids: [4711], gpuMemoryMiB: 10_890 }],
  jobsProblem: null,
  postgresUsage: usage(14, 2.3, 3.9),
};
