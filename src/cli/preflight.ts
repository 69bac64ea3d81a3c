/** What would hold a job back, looked at before it is launched, and what it would take. Nothing is changed. */
import { numericRowBytes } from '../../engines/numeric/coverage.storage.ts';
import { numericBackfillSpec } from '../../engines/numeric/spec.ts';
import { formatBytes } from '../format/numbers.ts';
import type { ProbeOptions } from '../phases/probes.ts';
import type { Databases } from '../platform/db/databases.ts';
import { embeddedServer } from '../platform/db/embedded.ts';
import { localDataFolder } from '../platform/db/local-server.ts';
import { migrationState } from '../platform/db/migrate.ts';
import { rowBytes, type TableSize, tableSize } from '../platform/db/row-size.ts';
import { DATABASE_NAMES, type DatabaseName, type Targets } from '../platform/db/targets.ts';
import { errorMessage } from '../platform/errors.ts';
import type { Home } from '../platform/home.ts';
import { isPreview, type ProgramSpec } from '../platform/program.ts';
import { type ClaimHolder, claimHolders, claimsOf, clashWords } from '../supervisor/claims.ts';
import { type Extent, estimateRun, type MeasuredRun } from '../supervisor/estimate.ts';
import type { Claim } from '../supervisor/job-files.ts';
import { readJobView } from '../supervisor/job-list.ts';
import { hasEnded } from '../supervisor/job-state.ts';
import { findJobId, listJobIds, readJob } from '../supervisor/job-store.ts';
import { findProgram, type JobRuntime } from '../supervisor/launch.ts';
import type { Estimate, Preflight, PreflightCheck, ReadArgs } from '../supervisor/reads.ts';
import { DiskSampler } from '../telemetry/disks.ts';
import { flagsOf } from './arguments.ts';
import { MIGRATIONS } from './schema.ts';
import { type NumericArgs, standingVectors } from './standing-vectors.ts';

export interface PreflightOptions {
  readonly home: Home;
  readonly runtime: Pick<JobRuntime, 'catalog' | 'parse' | 'provenance' | 'settings'>;
  readonly databases: Databases;
  readonly targets: Targets;
  /** How long its looks at the databases may take. */
  readonly probes: ProbeOptions;
}

/** Newest finished jobs that an estimate is taken from. */
const MEASURED_RUNS = 20;
/** The table whose rows a roll-up counts. */
const NUMERIC = 'historical.numeric_window_embeddings';
/** Tables in which a backfill keeps how far it is: their rows are not what it makes. */
const BOOKKEEPING = new Set(['shard_done', 'backfills', 'throttles'].map((table) => `historical.console.${table}`));
/** Free space must be this many times what is expected: indexes are rebuilt, and PostgreSQL keeps a log. */
export const HEADROOM = 2;

/** Looks at everything, side by side. @throws UsageError for arguments that the program does not take. */
export async function preflight(
  options: PreflightOptions,
  { program: name, args: words, after }: ReadArgs<'preflight'>,
): Promise<Preflight> {
  const { home, runtime, databases } = options;
  const program = findProgram(runtime.catalog(), name);
  const { args } = runtime.parse(program, words);
  const [reach, bytesPerRow, present] = await Promise.all([
    Promise.all(DATABASE_NAMES.map((one) => databaseCheck(databases, one, program))),
    rowSize(databases, program),
    presentRows(options, program, args),
  ]);
  const estimate = estimateRun(args, extentOf(program), measuredRuns(home, program), bytesPerRow, present);
  const ahead = new Set(after.map((job) => findJobId(home, job)));
  return {
    estimate,
    checks: [
      ...reach,
      codeCheck(runtime.provenance()),
      await diskCheck(options, estimate),
      overlapCheck(
        claimsOf(program, args),
        claimHolders(home).filter((holder) => !ahead.has(holder.name)),
      ),
      turnCheck(home, program, runtime.settings.jobs.slots),
    ],
  };
}

const touches = ({ reads, writes }: ProgramSpec, name: DatabaseName): boolean =>
  [...reads, ...writes].some((table) => table.startsWith(`${name}.`));

/** Reached, and its schema is the one of this build. A database that the program does not name is worth a word only. */
async function databaseCheck(databases: Databases, name: DatabaseName, program: ProgramSpec): Promise<PreflightCheck> {
  const bad = touches(program, name) ? 'FAIL' : 'WARN';
  try {
    const { applied, pending, missing } = await migrationState(databases[name], MIGRATIONS[name]);
    const due = [...pending, ...missing.map((table) => `table ${table}`)];
    if (due.length > 0) {
      return { name, state: bad, detail: `lacks ${due.join(', ')}: prometheus db migrate` };
    }
    return { name, state: 'OK', detail: `reachable, ${applied.length} migrations, none pending` };
  } catch (error) {
    return { name, state: bad, detail: errorMessage(error) };
  }
}

function codeCheck({ gitSha, gitDirty, build }: ReturnType<JobRuntime['provenance']>): PreflightCheck {
  const commit = gitSha?.slice(0, 7);
  if (gitDirty === true) return { name: 'code', state: 'WARN', detail: `the tree has changes on top of ${commit}` };
  if (gitDirty === false) return { name: 'code', state: 'OK', detail: `git tree clean at ${commit}` };
  return { name: 'code', state: 'UNKN', detail: build ? `build ${build.slice(0, 12)}, no checkout` : 'no checkout' };
}

async function diskCheck(options: PreflightOptions, { bytes }: Estimate): Promise<PreflightCheck> {
  const name = 'disk';
  const { freeBytes, problem } = await databaseDisk(options);
  if (freeBytes === null) return { name, state: 'UNKN', detail: problem ?? 'its free space is unknown' };
  const free = `${formatBytes(freeBytes)} free`;
  if (!bytes) return { name, state: 'OK', detail: `${free}; what the job writes is unknown` };
  const need = `${HEADROOM} × ${formatBytes(bytes.high)}`;
  return freeBytes >= HEADROOM * bytes.high
    ? { name, state: 'OK', detail: `${free} ≥ ${need}` }
    : { name, state: 'FAIL', detail: `${free} < ${need}` };
}

/** Free space where the historical database's server keeps its data; null with the reason when it cannot be told. */
export async function databaseDisk({
  home,
  targets,
  databases,
}: Pick<PreflightOptions, 'home' | 'targets' | 'databases'>): Promise<{
  readonly freeBytes: number | null;
  readonly problem: string | null;
}> {
  const { folder, problem } = targets.historical.embedded
    ? { folder: embeddedServer(home).dataFolder, problem: null }
    : await localDataFolder(databases.historical).catch((error: unknown) => ({
        folder: null,
        problem: errorMessage(error),
      }));
  if (folder === null) return { freeBytes: null, problem };
  const [disk] = await new DiskSampler([{ name: 'disk', path: folder }], null).read();
  return disk;
}

function overlapCheck(claims: readonly Claim[], holders: readonly ClaimHolder[]): PreflightCheck {
  const name = 'overlap';
  const clash = clashWords(claims, holders);
  if (clash !== null) return { name, state: 'FAIL', detail: `${clash}; --after lets the job wait for it` };
  return { name, state: 'OK', detail: claims.length === 0 ? 'it replaces no rows' : 'nobody writes the same rows' };
}

/** Whether it would begin at once. */
function turnCheck(
  home: Home,
  { resource }: ProgramSpec,
  slots: JobRuntime['settings']['jobs']['slots'],
): PreflightCheck {
  const name = resource === 'gpu' ? 'GPU' : 'turn';
  const alike = listJobIds(home).filter((id) => {
    const { spec, state } = readJob(home, id);
    return !hasEnded(state) && spec?.resource === resource;
  });
  const gpu = resource === 'gpu' ? 'GPU wanted' : 'GPU not needed';
  if (alike.length >= slots[resource]) {
    return { name, state: 'WARN', detail: `${gpu}; it may wait for ${alike.join(', ')}` };
  }
  return { name, state: 'OK', detail: `${gpu}; ${alike.length} of ${slots[resource]} ${resource} slots taken` };
}

function extentOf(program: ProgramSpec): Extent {
  const flags = flagsOf(program.args);
  const day = (prefix: string) => flags.find(({ key, kind }) => kind === 'date' && key.startsWith(prefix))?.key;
  const [start, end] = [day('start'), day('end')];
  return {
    range: start && end ? { start, end } : null,
    lists: flags.filter(({ repeatable }) => repeatable).map(({ key }) => key),
    work: program.work,
  };
}

/** The newest jobs of the program that ended well. */
function measuredRuns(home: Home, program: ProgramSpec): MeasuredRun[] {
  const runs: MeasuredRun[] = [];
  for (const id of listJobIds(home).toReversed()) {
    if (runs.length >= MEASURED_RUNS) break;
    const { spec, state, exit } = readJob(home, id);
    if (spec?.program !== program.name || state !== 'DONE' || !exit || exit.startedAt === null) continue;
    // One that only counted did none of the work.
    if (isPreview(program, spec.args)) continue;
    const { startedAt, endedAt, verdict } = exit;
    runs.push({
      id,
      args: spec.args,
      seconds: (endedAt - startedAt) / 1000,
      rows: verdict?.rows ?? null,
      due: program.work ? dueOf(home, id, program.work.unit) : null,
    });
  }
  return runs;
}

/** Rows that were due in a job that has ended, by its last progress; null when it told none in rows. */
function dueOf(home: Home, id: string, unit: string): number | null {
  const { progress } = readJobView(home, id, { now: Date.now(), stopDeadlineMs: 0 });
  return progress?.unit === unit ? progress.total : null;
}

/** Vectors that are there where the job would write; null when it leaves none alone, or that is not known. */
function presentRows(
  { home, databases, probes }: PreflightOptions,
  program: ProgramSpec,
  args: Readonly<Record<string, unknown>>,
): Promise<number | null> {
  if (program.name !== numericBackfillSpec.name || args.skipExisting !== true) return Promise.resolve(null);
  return standingVectors(home.models, databases, args as NumericArgs, probes);
}

/**
 * Bytes on disk of a row of the tables that it writes, indexes included; null when that is unknown. Our own bookkeeping has
 * other rows.
 */
async function rowSize(databases: Databases, { writes }: ProgramSpec): Promise<number | null> {
  try {
    // Counted by the roll-up, as --explain does: sure from the first backfill on.
    if (writes.includes(NUMERIC)) return await numericRowBytes(databases.historical);
    const sizes = await Promise.all(
      DATABASE_NAMES.map(async (name) => {
        const tables = writes
          .filter((table) => table.startsWith(`${name}.`) && !BOOKKEEPING.has(table))
          .map((t) => t.slice(name.length + 1));
        return tableSize(databases[name], tables);
      }),
    );
    const sum = (key: keyof TableSize) => sizes.reduce((total, one) => total + one[key], 0);
    return rowBytes({ bytes: sum('bytes'), rows: sum('rows') });
  } catch {
    // A database that does not answer is told by its check.
    return null;
  }
}
