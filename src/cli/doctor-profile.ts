/** `prometheus doctor --profile`: the machine beside a profile of `configs/hardware`, line by line. */
import { z } from 'zod';
import { type Finding, finding, isOlder, versionOf } from './doctor-judgments.ts';

const positive = z.number().positive();
const version = z.string().regex(/^\d+(\.\d+)*$/, 'is no version');

export const profileSchema = z.strictObject({
  cores: z.int().min(1),
  memoryGigabytes: positive,
  sharedMemoryGigabytes: positive,
  dataFolder: z.string().startsWith('/'),
  freeGigabytes: positive,
  gpu: z.strictObject({
    name: z.string().min(1),
    computeCapability: version,
    newestCudaMajor: z.int().min(1),
    cudnn: version,
    oldestDriver: version,
    newestDriverBranch: z.int().min(1),
  }),
  workers: z.int().min(1),
  postgres: z.strictObject({
    sharedBuffersGigabytes: positive,
    maxWalGigabytes: positive,
    maintenanceWorkMemMegabytes: positive,
    maxConnections: z.int().min(1),
  }),
});

export type Profile = z.infer<typeof profileSchema>;

/** What the machine shows; null: it could not be told. */
export interface MachineFacts {
  readonly cores: number | null;
  readonly memoryBytes: number | null;
  readonly sharedMemoryBytes: number | null;
  /** Free on the disk of the data folder; null also when the folder is not there. */
  readonly freeBytes: number | null;
  /** The first GPU as nvidia-smi tells it; null: none told. */
  readonly gpu: { readonly name: string; readonly driver: string; readonly computeCapability: string } | null;
  /** Of the historical server; null: it does not answer. */
  readonly postgres: {
    readonly sharedBuffersBytes: number;
    readonly maxWalBytes: number;
    readonly maintenanceWorkMemBytes: number;
    readonly maxConnections: number;
  } | null;
}

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;
/** The system keeps some of a machine's memory for itself: so much of what is built in counts as all. */
const MEMORY_SHARE = 0.95;

/** A line a value of the profile: OK, WARN where the machine has less or another, UNKN. */
export function judgeProfile(profile: Profile, facts: MachineFacts): Finding[] {
  const least = (name: string, seen: number | null, want: number, unit: string, fix: string): Finding => {
    if (seen === null) return finding(name, 'UNKN', `cannot be told; the profile has ${want}${unit}`, fix);
    const words = `${Number(seen.toFixed(1))}${unit}, the profile has ${want}${unit}`;
    return seen >= want ? finding(name, 'OK', words) : finding(name, 'WARN', `${words}: differs`, fix);
  };
  const scaled = (bytes: number | null | undefined, unit: number) => (bytes == null ? null : bytes / unit);
  const { postgres, gpu } = profile;
  const server = facts.postgres;
  const memory = least('memory', scaled(facts.memoryBytes, GIB), profile.memoryGigabytes * MEMORY_SHARE, ' GiB', '');
  return [
    least('cores', facts.cores, profile.cores, '', `Lower --workers below the ${profile.workers} of the profile.`),
    { ...memory, advice: memory.state === 'OK' ? '' : 'Lower shared_buffers and --workers in proportion.' },
    least(
      'shared memory',
      scaled(facts.sharedMemoryBytes, GIB),
      profile.sharedMemoryGigabytes,
      ' GiB',
      `Run: mount -o remount,size=${profile.sharedMemoryGigabytes}G /dev/shm`,
    ),
    least(
      profile.dataFolder,
      scaled(facts.freeBytes, GIB),
      profile.freeGigabytes,
      ' GiB free',
      `Mount the data disk at ${profile.dataFolder}, or free space there.`,
    ),
    ...judgeProfileGpu(gpu, facts.gpu),
    least(
      'shared_buffers',
      scaled(server?.sharedBuffersBytes, GIB),
      postgres.sharedBuffersGigabytes,
      ' GiB',
      `ALTER SYSTEM SET shared_buffers = '${postgres.sharedBuffersGigabytes}GB', then restart the server.`,
    ),
    least(
      'max_wal_size',
      scaled(server?.maxWalBytes, GIB),
      postgres.maxWalGigabytes,
      ' GiB',
      `ALTER SYSTEM SET max_wal_size = '${postgres.maxWalGigabytes}GB', then SELECT pg_reload_conf().`,
    ),
    least(
      'maintenance_work_mem',
      scaled(server?.maintenanceWorkMemBytes, MIB),
      postgres.maintenanceWorkMemMegabytes,
      ' MiB',
      `ALTER SYSTEM SET maintenance_work_mem = '${postgres.maintenanceWorkMemMegabytes}MB', then SELECT pg_reload_conf().`,
    ),
    least(
      'max_connections',
      server?.maxConnections ?? null,
      postgres.maxConnections,
      '',
      `ALTER SYSTEM SET max_connections = ${postgres.maxConnections}, then restart the server.`,
    ),
  ];
}

function judgeProfileGpu(profile: Profile['gpu'], gpu: MachineFacts['gpu']): Finding[] {
  const advice = `Use CUDA ${profile.newestCudaMajor}.x, cuDNN ${profile.cudnn} and a driver of branch ${profile.newestDriverBranch} or older, from ${profile.oldestDriver} on.`;
  if (gpu === null) return [finding('GPU', 'UNKN', `nvidia-smi tells none; the profile has ${profile.name}`, advice)];
  const alike = gpu.name.includes(profile.name) && gpu.computeCapability === profile.computeCapability;
  const seen = `${gpu.name}, compute capability ${gpu.computeCapability}`;
  const driver = versionOf(gpu.driver);
  const fits = driver && !isOlder(driver, versionOf(profile.oldestDriver)!) && driver[0] <= profile.newestDriverBranch;
  return [
    alike
      ? finding('GPU', 'OK', seen)
      : finding('GPU', 'WARN', `${seen}: differs from ${profile.name}`, 'Name the profile of this machine.'),
    fits
      ? finding('driver', 'OK', gpu.driver)
      : finding('driver', driver ? 'WARN' : 'UNKN', `${gpu.driver}: differs`, advice),
  ];
}
