/** What `prometheus doctor --profile` sees of the machine. */
import { statfs } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { openDatabase } from '../platform/db/databases.ts';
import type { Target } from '../platform/db/targets.ts';
import { loadLayers } from '../platform/layers.ts';
import type { Cli } from './context.ts';
import { ask } from './doctor-ask.ts';
import { readCuda, readCudnn } from './doctor-cuda.ts';
import type { Section } from './doctor-probes.ts';
import { judgeProfile, type MachineFacts, profileSchema } from './doctor-profile.ts';

/** The machine beside a profile. @throws UsageError for a profile that cannot be read. */
export async function compareProfile(cli: Cli, name: string): Promise<Section> {
  const profile = loadLayers(`hardware/${name}.yaml`, profileSchema, cli.home, cli.env);
  const space = (folder: string, figure: 'bavail' | 'blocks') =>
    statfs(folder).then(
      (found) => found[figure] * found.bsize,
      () => null,
    );
  const query = '--query-gpu=name,driver_version,compute_cap';
  const [sharedMemoryBytes, freeBytes, smi, cuda, cudnn, postgres] = await Promise.all([
    space('/dev/shm', 'blocks'),
    space(profile.dataFolder, 'bavail'),
    ask(cli, 'nvidia-smi', [query, '--format=csv,noheader']),
    readCuda(cli),
    readCudnn(cli),
    readMemorySettings((await cli.targets()).historical).catch(() => null),
  ]);
  const gpu = smi && !smi.failed ? /^(.+), ([^,\n]+), ([^,\n]+)$/m.exec(smi.text) : null;
  const facts: MachineFacts = {
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    sharedMemoryBytes,
    freeBytes,
    gpu: gpu && { name: gpu[1], driver: gpu[2], computeCapability: gpu[3] },
    cuda,
    cudnn,
    postgres,
  };
  return { title: `profile ${name}`, findings: judgeProfile(profile, facts) };
}

async function readMemorySettings(target: Target): Promise<MachineFacts['postgres']> {
  const options = { application: 'doctor', readOnly: true, statementTimeoutMs: 5000, maxConnections: 1 };
  const database = openDatabase(target, options);
  try {
    return await database.client(async (client) => {
      const { rows } = await client.query<NonNullable<MachineFacts['postgres']>>(
        `SELECT pg_size_bytes(current_setting('shared_buffers'))::float8 AS "sharedBuffersBytes",
                pg_size_bytes(current_setting('max_wal_size'))::float8 AS "maxWalBytes",
                pg_size_bytes(current_setting('maintenance_work_mem'))::float8 AS "maintenanceWorkMemBytes",
                current_setting('max_connections')::int AS "maxConnections"`,
      );
      return rows[0];
    });
  } finally {
    await database.close();
  }
}
