/** What of an environment a job gets: names are listed, so that nothing slips in by accident. Values are never written. */

import { FOLDER_MARK, JOB_MARK } from '../telemetry/process-tree.ts';

/** A name, or the beginning of names when it ends in `*`. */
const PASSED = [
  ...['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'TERM', 'LANG', 'LANGUAGE', 'LC_*', 'TZ', 'TMPDIR', 'XDG_*'],
  ...['PROMETHEUS_*', 'HISTORICAL_DB_*', 'RUNTIME_DB_*', 'PG*'],
  ...['CUDA_*', 'NVIDIA_*', 'LD_LIBRARY_PATH', 'OMP_*', 'MKL_*', 'OPENBLAS_*', 'NUMEXPR_*', 'ORT_*'],
  ...['PYTHON*', 'VIRTUAL_ENV', 'CONDA_*', 'HF_*', 'TRANSFORMERS_*', 'NO_COLOR', 'NODE_EXTRA_CA_CERTS', 'SSL_CERT_*'],
];

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
  const passes = (name: string) =>
    !OWN.has(name) && rules.some((rule) => (rule.endsWith('*') ? name.startsWith(rule.slice(0, -1)) : name === rule));
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined && passes(name)) kept[name] = value;
  return kept;
}

/** Variables whose values say which databases are meant, or carry a password: a job without them would be another one. */
export const isDatabaseVariable = (name: string): boolean => /^(HISTORICAL|RUNTIME)_DB_/.test(name);
