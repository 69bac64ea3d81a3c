/** How the supervisor answers what a console asks for, screen by screen. */
import type { ModelEntry } from '../../engines/models/storage.ts';
import { loadPhaseConfig } from '../phases/config.ts';
import { coverageYear, missingOn } from '../phases/coverage-days.ts';
import type { Databases } from '../platform/db/databases.ts';
import { listRuns, readRun } from '../report/runs.ts';
import { readJob } from '../supervisor/job-store.ts';
import { readAudit, readJournal } from '../supervisor/journal.ts';
import { type JobRuntime, plannedJob } from '../supervisor/launch.ts';
import type { ModelSummary, Readers } from '../supervisor/reads.ts';
import { rerunOrder } from '../supervisor/rerun.ts';
import { coverageOptions } from './board.ts';
import type { Cli } from './context.ts';
import { validateJob } from './job-check.ts';
import { rerunNotices } from './job-output.ts';
import { policySchema } from './job-policy.ts';
import { argumentFields, programSummary } from './job-programs.ts';

/** Draws of the intervals on a screen: nobody waits long for a glance, and the supervisor has others to answer. */
const GLANCE_DRAWS = 400;

/**
 * Readers over a home and its databases (read-only); histories of the machine and logs of jobs are the
 * supervisor's own.
 */
export function readersOf(cli: Cli, databases: Databases, jobs: Omit<JobRuntime, 'data'>): Partial<Readers> {
  const { home } = cli;
  const { historical, runtime } = databases;
  return {
    events: async ({ audit, last }) => (audit ? readAudit(home) : readJournal(home)).slice(-last),
    coverageYear: async ({ row, year }) => coverageYear(databases, row, year, coverageOptions(cli)),
    coverageMissing: async ({ row, date }) => missingOn(databases, row, date, coverageOptions(cli)),
    runs: async (filter) => listRuns(runtime, filter),
    run: async ({ id }) => readRun(runtime, id),
    compare: async ({ a, b }) => {
      const { compareInThread } = await import('../../engines/compare/thread.ts');
      return compareInThread(runtime.target, [a, b], { draws: GLANCE_DRAWS, seed: 1 });
    },
    models: async () => {
      const { homeModels } = await import('./models.ts');
      return (await homeModels(home)).map(modelSummary);
    },
    lambda: async ({ columns }) => {
      const { lambdaOverview } = await import('../report/lambda.ts');
      const { market } = loadPhaseConfig(home, cli.env);
      return lambdaOverview(runtime, { marketId: market, columns, experimentId: null });
    },
    programs: async () => ({
      programs: jobs
        .catalog()
        .filter((one) => !one.fault)
        .map(programSummary),
      policy: argumentFields(policySchema),
    }),
    validate: async (args) => validateJob(home, jobs.catalog(), args),
    preflight: async (args) => {
      const { preflight } = await import('./preflight.ts');
      return preflight(
        { home, runtime: jobs, databases, targets: await cli.targets(), probes: coverageOptions(cli) },
        args,
      );
    },
    rerun: async ({ jobId, environment }) => {
      const runtime = { ...jobs, data: () => null };
      const order = rerunOrder(home, jobId, { who: '', idempotencyKey: '', environment }, runtime);
      const { spec } = readJob(home, jobId);
      return spec ? rerunNotices(jobId, spec, plannedJob(home, order, runtime).spec, jobs) : [];
    },
    similar: async (query) => {
      const { findSimilar } = await import('../../engines/numeric/similar.ts');
      return findSimilar(historical, { ...query, entityType: query.entityType ?? 'INSTRUMENT' });
    },
  };
}

function modelSummary({ id, manifest, problem }: ModelEntry): ModelSummary {
  const fit = manifest && 'fit' in manifest ? manifest.fit : undefined;
  return {
    id,
    problem,
    kind: manifest?.kind ?? null,
    entities: manifest?.kind === 'numeric' ? manifest.entities : [],
    dim: manifest?.dim ?? null,
    bytes: manifest?.bytes ?? null,
    fitted: fit ? { first: fit.fit_start, last: fit.fit_end } : null,
    probes: (fit && 'probes' in fit ? fit.probes : undefined) ?? {},
  };
}
