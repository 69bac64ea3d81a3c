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
  /** Versions that programs find, the first one first: `12.4.127`. Empty: none. */
  readonly cuda: readonly string[];
  readonly cudnn: readonly string[];
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
/** The system keeps some of a machine's memory for itself: so much of what the profile has counts as all. */
const MEMORY_SHARE = 0.95;

const RESTART = 'restart the server';
const RELOAD = 'SELECT pg_reload_conf()';

/** A line a value of the profile: OK, WARN where the machine has less or another, UNKN. */
export function judgeProfile(profile: Profile, facts: MachineFacts): Finding[] {
  const least = (name: string, seen: number | null, want: number, unit: string, fix: string, share = 1): Finding => {
    if (seen === null) return finding(name, 'UNKN', `cannot be told; the profile has ${want}${unit}`, fix);
    const words = `${Number(seen.toFixed(1))}${unit}, the profile has ${want}${unit}`;
    return seen >= want * share ? finding(name, 'OK', words) : finding(name, 'WARN', `${words}: differs`, fix);
  };
  const scaled = (bytes: number | null | undefined, unit: number) => (bytes == null ? null : bytes / unit);
  /** PostgreSQL's units are powers of 1024 under the names GB and MB. */
  const setting = (name: string, seen: number | null, want: number, unit: string, then: string) =>
    least(name, seen, want, unit && ` ${unit}`, `ALTER SYSTEM SET ${name} = '${want}${unit}', then ${then}.`);
  const { postgres, gpu } = profile;
  const server = facts.postgres;
  return [
    least('cores', facts.cores, profile.cores, '', `Lower --workers below the ${profile.workers} of the profile.`),
    least(
      'memory',
      scaled(facts.memoryBytes, GIB),
      profile.memoryGigabytes,
      ' GiB',
      'Lower shared_buffers and --workers in proportion.',
      MEMORY_SHARE,
    ),
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
    ...judgeProfileGpu(gpu, facts),
    setting('shared_buffers', scaled(server?.sharedBuffersBytes, GIB), postgres.sharedBuffersGigabytes, 'GB', RESTART),
    setting('max_wal_size', scaled(server?.maxWalBytes, GIB), postgres.maxWalGigabytes, 'GB', RELOAD),
    setting(
      'maintenance_work_mem',
      scaled(server?.maintenanceWorkMemBytes, MIB),
      postgres.maintenanceWorkMemMegabytes,
      'MB',
      RELOAD,
    ),
    setting('max_connections', server?.maxConnections ?? null, postgres.maxConnections, '', RESTART),
  ];
}

function judgeProfileGpu(profile: Profile['gpu'], { gpu, cuda, cudnn }: MachineFacts): Finding[] {
  const { newestCudaMajor, newestDriverBranch, oldestDriver } = profile;
  const advice = `Use CUDA ${newestCudaMajor}.x, cuDNN ${profile.cudnn} and a driver of branch ${newestDriverBranch} or older, from ${oldestDriver} on.`;
  const libraries = [
    judgeLibrary('CUDA', cuda, ([major]) => major === newestCudaMajor, `${newestCudaMajor}.x`, advice),
    judgeLibrary('cuDNN', cudnn, (found) => serves(found, versionOf(profile.cudnn)!), profile.cudnn, advice),
  ];
  if (gpu === null)
    return [finding('GPU', 'UNKN', `nvidia-smi tells none; the profile has ${profile.name}`, advice), ...libraries];
  const alike = gpu.name.includes(profile.name) && gpu.computeCapability === profile.computeCapability;
  const seen = `${gpu.name}, compute capability ${gpu.computeCapability}`;
  const driver = versionOf(gpu.driver);
  const fits = driver && !isOlder(driver, versionOf(oldestDriver)!) && driver[0] <= newestDriverBranch;
  return [
    alike
      ? finding('GPU', 'OK', seen)
      : finding('GPU', 'WARN', `${seen}: differs from ${profile.name}`, 'Name the profile of this machine.'),
    fits
      ? finding('driver', 'OK', gpu.driver)
      : finding('driver', driver ? 'WARN' : 'UNKN', `${gpu.driver}: differs`, advice),
    ...libraries,
  ];
}

/** The profile's cuDNN is the newest that serves its GPU; older ones of its major release do too. */
const serves = (found: readonly number[], newest: readonly number[]) =>
  found[0] === newest[0] && (found.length > 1 || newest.length === 1) && !isOlder(newest, found);

/** Several majors may lie side by side, each under a name of its own: one that fits is enough. */
function judgeLibrary(
  name: string,
  versions: readonly string[],
  fits: (version: readonly number[]) => boolean,
  want: string,
  advice: string,
): Finding {
  if (versions.length === 0) return finding(name, 'UNKN', `none is found; the profile has ${want}`, advice);
  const seen = versions.join(', ');
  return versions.some((version) => fits(versionOf(version)!))
    ? finding(name, 'OK', seen)
    : finding(name, 'WARN', `${seen}, the profile has ${want}: differs`, advice);
}
