/**
 * What of an environment a job gets: names are listed, so that nothing slips in by accident. Of a job that has begun names
 * and fingerprints are on record, never values; while it waits those that hold no secret are, for a supervisor may go.
 */
import { shortHash } from '../platform/ids.ts';
import { maskText, namesSecret } from '../platform/secrets.ts';
import { FOLDER_MARK, JOB_MARK } from '../telemetry/process-tree.ts';

/** A name, or the beginning of names when it ends in `*`. */
const PASSED = [
  ...['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'TERM', 'LANG', 'LANGUAGE', 'LC_*', 'TZ', 'TMPDIR', 'XDG_*'],
  ...['PROMETHEUS_*', 'HISTORICAL_DB_*', 'RUNTIME_DB_*', 'PG*'],
  ...['CUDA_*', 'NVIDIA_*', 'LD_LIBRARY_PATH', 'OMP_*', 'MKL_*', 'OPENBLAS_*', 'NUMEXPR_*', 'ORT_*'],
  ...['PYTHON*', 'VIRTUAL_ENV', 'CONDA_*', 'HF_*', 'TRANSFORMERS_*', 'NO_COLOR', 'NODE_EXTRA_CA_CERTS', 'SSL_CERT_*'],
];
/** They differ from one login to the next, and no result does with them. */
const OF_THE_TERMINAL = ['TERM', 'NO_COLOR', 'SHELL', 'XDG_*', 'USER', 'LOGNAME', 'PROMETHEUS_HOME'];

/** Of the job (if any) that starts this one, and of the launcher: the new job has its own. */
const OWN = new Set(['PROMETHEUS_EVENTS_FD', JOB_MARK, FOLDER_MARK, 'PROMETHEUS_LAST_BUILD']);

type Env = Readonly<Record<string, string | undefined>>;

/**
 * All of an environment but what belongs to the job that it is in: a supervisor started from a job is no part of it, and
 * says so, for it is that job's child for a while.
 */
export function withoutJob(env: Env): Record<string, string | undefined> {
  return { ...Object.fromEntries(Object.entries(env).filter(([name]) => !OWN.has(name))), [JOB_MARK]: '' };
}

/** The variables of `env` that a job may have; `more` are further names of the user's own settings. */
export function jobVariables(env: Env, more: readonly string[] = []): Record<string, string> {
  const rules = [...PASSED, ...more];
  return select(env, (name) => !OWN.has(name) && isListed(name, rules));
}

const isListed = (name: string, rules: readonly string[]) =>
  rules.some((rule) => (rule.endsWith('*') ? name.startsWith(rule.slice(0, -1)) : name === rule));

function select(env: Env, wanted: (name: string, value: string) => boolean): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined && wanted(name, value)) kept[name] = value;
  return kept;
}

/** What somebody named may hold a key though it is not called one in so many words. */
const holdsSecret = (name: string): boolean => namesSecret(name) || /(KEY|CREDENTIALS?|COOKIE|AUTH)$/i.test(name);

/** The variables that may stand in a waiting job's folder: listed, and by name and value no secrets. */
export const plainVariables = (env: Env): Record<string, string> =>
  select(env, (name, value) => isListed(name, PASSED) && !holdsSecret(name) && maskText(value) === value);

/**
 * A short hash of each value that is no secret by its name (of an address: without its password), by which another one is
 * noticed; also of those that the user's own settings name.
 */
export const fingerprintsOf = (env: Env): Record<string, string> =>
  Object.fromEntries(
    Object.entries(select(env, (name) => !holdsSecret(name))).map(([name, value]) => [
      name,
      shortHash(maskText(value), 8),
    ]),
  );

/** What is on record of a job's environment. */
export interface RecordedEnvironment {
  /** All names. */
  readonly environment: readonly string[];
  /** `fingerprintsOf`; absent in records of older builds. */
  readonly fingerprints?: Readonly<Record<string, string>>;
}

/** How the environment of one run differs from that of another, by names. */
export interface EnvironmentChanges {
  readonly unset: readonly string[];
  readonly other: readonly string[];
  readonly added: readonly string[];
}

/** Compares what two runs got, but for what belongs to the terminal. */
export function environmentChanges(before: RecordedEnvironment, after: RecordedEnvironment): EnvironmentChanges {
  const told = (names: readonly string[]) => names.filter((name) => !isListed(name, OF_THE_TERMINAL));
  const [had, has] = [new Set(before.environment), new Set(after.environment)];
  const prints = { before: before.fingerprints ?? {}, after: after.fingerprints ?? {} };
  return {
    unset: told(before.environment.filter((name) => !has.has(name))),
    other: told(
      before.environment.filter(
        (name) => name in prints.before && name in prints.after && prints.before[name] !== prints.after[name],
      ),
    ),
    added: told(after.environment.filter((name) => !had.has(name))),
  };
}

/** Variables whose values say which databases are meant, or carry a password: a job without them would be another one. */
const isDatabaseVariable = (name: string): boolean =>
  OURS.test(name) || /^PG(HOST|HOSTADDR|PORT|DATABASE|SERVICE)$/.test(name);
const OURS = /^(HISTORICAL|RUNTIME)_DB_/;

/**
 * In words, why a run in the environment `now` could reach other databases than the recorded one did; null when it cannot.
 * A password that was changed makes no other database, and the variables `meant` are other ones on purpose.
 */
export function databaseProblem(recorded: RecordedEnvironment, now: Env, meant: readonly string[]): string | null {
  const before = { ...recorded, environment: recorded.environment.filter((name) => !meant.includes(name)) };
  const present = select(now, (name) => !meant.includes(name));
  const after = { environment: Object.keys(present), fingerprints: fingerprintsOf(present) };
  const { unset, other, added } = environmentChanges(before, after);
  const words: readonly (readonly [string, readonly string[], string])[] = [
    ['ran with', unset.filter(isDatabaseVariable), 'not set now'],
    ['ran with', other.filter(isDatabaseVariable), 'set to something else now'],
    // libpq's own only stand in for what an address leaves open.
    ['ran without', added.filter((name) => OURS.test(name) && !namesSecret(name)), 'set now'],
  ];
  const said = words.flatMap(([ran, names, how]) => (names.length > 0 ? `${ran} ${names.join(', ')}, ${how}` : []));
  return said.join('; it ') || null;
}
