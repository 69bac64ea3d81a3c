/** The list of commands. Code is loaded when a command runs, so that `--help` and the console start fast. */
import { UsageError } from '../platform/errors.ts';
import type { Command } from './command.ts';

/**
 * What running a command does: it `reads` and prints; it `writes` something, files, databases or jobs; it `stays` in its
 * terminal, or ends what a console lives on. The console's palette runs the first at once, asks before the second, and
 * leaves the third to a shell.
 */
type CommandEffect = 'reads' | 'writes' | 'stays';

export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly effect: CommandEffect;
  load(): Promise<Command>;
}

const entryOf =
  (effect: CommandEffect) =>
  (name: string, summary: string, load: () => Promise<unknown>): CommandEntry => ({
    name,
    summary,
    effect,
    load: load as () => Promise<Command>,
  });
const reads = entryOf('reads');
const writes = entryOf('writes');
const stays = entryOf('stays');

export const COMMANDS: readonly CommandEntry[] = [
  stays('', 'the full-screen console', async () => (await import('./console-command.ts')).consoleCommand),
  stays(
    'replay',
    'show a recorded console again, or one frame of it as text or picture',
    async () => (await import('./replay.ts')).replay,
  ),
  stays(
    'demo',
    'the console over a synthetic market, in a home of its own',
    async () => (await import('./demo.ts')).demo,
  ),
  writes('db up', 'start and migrate the databases', async () => (await import('./db.ts')).dbUp),
  stays('db down', 'stop the embedded server', async () => (await import('./db.ts')).dbDown),
  reads('db status', 'server, databases, migrations, sizes, vacuum', async () => (await import('./db.ts')).dbStatus),
  writes('db migrate', 'bring both schemas up to this build', async () => (await import('./db.ts')).dbMigrate),
  writes(
    'db adopt',
    'check databases of your own system against this build, and repair them step by step',
    async () => (await import('./db-adopt.ts')).dbAdopt,
  ),
  reads('db url', 'a libpq URL for psql', async () => (await import('./db.ts')).dbUrl),
  stays('db drop', 'remove the embedded server with all its data', async () => (await import('./db.ts')).dbDrop),
  writes(
    'data import',
    'instruments, holidays, prices and news from CSV files',
    async () => (await import('./data.ts')).dataImport,
  ),
  writes(
    'data export',
    'instruments, holidays, prices and news of a market as CSV files',
    async () => (await import('./data.ts')).dataExport,
  ),
  reads(
    'data digest',
    'a fingerprint of the content of tables, to compare two databases or two runs',
    async () => (await import('./data.ts')).dataDigest,
  ),
  writes(
    'data generate',
    'write the synthetic market as CSV files',
    async () => (await import('./data.ts')).dataGenerate,
  ),
  reads(
    'backtest sleeves',
    "print the plan's three sleeves",
    async () => (await import('./backtest.ts')).backtestSleeves,
  ),
  writes(
    'backtest campaign',
    'simulate sleeves over a period and record the runs',
    async () => (await import('./backtest.ts')).backtestCampaign,
  ),
  writes(
    'backtest campaign-and-meta',
    "run the plan's three sleeves, then record a Meta decision naming the best",
    async () => (await import('./backtest.ts')).backtestCampaignAndMeta,
  ),
  reads(
    'backtests ls',
    'backtest runs on record, newest first',
    async () => (await import('./backtests.ts')).backtestsList,
  ),
  reads(
    'backtests show',
    'one run: figures, benchmarks, provenance, curve, months',
    async () => (await import('./backtests.ts')).backtestsShow,
  ),
  reads(
    'compare',
    'what differs between runs, in their making and in their figures, with intervals and a verdict',
    async () => (await import('./compare.ts')).compare,
  ),
  writes(
    'report',
    'one HTML page about runs: curves, months, exposures, trades, benchmarks, provenance, comparison',
    async () => (await import('./report.ts')).report,
  ),
  writes(
    'sweep',
    'run a grid of campaign flags as one campaign over the same panel',
    async () => (await import('./backtest.ts')).sweep,
  ),
  writes(
    'backfill stability',
    'compute STAB states and soft target classes of a market for a period',
    async () => (await import('./backfill.ts')).backfillStability,
  ),
  writes(
    'backfill regime',
    "label each day of a market with its regime, from the regime model's vectors",
    async () => (await import('./backfill.ts')).backfillRegime,
  ),
  writes(
    'backfill opportunity-density',
    'compute opportunity density λ of every cluster and day of a market',
    async () => (await import('./backfill.ts')).backfillDensity,
  ),
  writes(
    'lambda experiment',
    "fit one of the original's λ̂ models on a λ panel and measure it",
    async () => (await import('./lambda.ts')).lambdaExperiment,
  ),
  writes(
    'lambda train',
    'forecast the dispersion of clusters walk-forward, against baselines',
    async () => (await import('./lambda.ts')).lambdaTrain,
  ),
  reads(
    'lambda show',
    'λ by cluster and time, λ̂ against what came, bucket returns of runs, sensitivity to the weight',
    async () => (await import('./lambda-show.ts')).lambdaShow,
  ),
  writes(
    'backfill numeric-embeddings',
    'vectors of price windows, for every eligible entity and trading day',
    async () => (await import('./backfill.ts')).backfillNumeric,
  ),
  writes(
    'backfill throttle',
    'show or change how gently open backfills go: CPU share, hours of the day, load, pause',
    async () => (await import('./throttle.ts')).backfillThrottle,
  ),
  writes(
    'plan full-horizon',
    'rows, hours and disk of backfills over all years, from measured rates',
    async () => (await import('./plan.ts')).planFullHorizon,
  ),
  reads(
    'plan check',
    'how far the newest plan was off, by what was written since',
    async () => (await import('./plan.ts')).planCheck,
  ),
  writes(
    'backfill text-embeddings',
    'vectors of news articles, and of what was said of an issuer up to a close',
    async () => (await import('./backfill.ts')).backfillText,
  ),
  writes(
    'backfill joint-profiles',
    'what an issuer is: its numeric profile and regime joined with its profile text',
    async () => (await import('./backfill.ts')).backfillJointProfiles,
  ),
  writes(
    'backfill joint-regime-context',
    'what kind of day it is: the regime joined with the news of the day',
    async () => (await import('./backfill.ts')).backfillJointRegime,
  ),
  writes(
    'backfill joint-stab-fragility',
    'how fragile an instrument is: its stability window joined with its issuer’s profile',
    async () => (await import('./backfill.ts')).backfillJointStab,
  ),
  writes(
    'backfill joint-assessment-context',
    'what is known of an instrument on a day: profile, regime, stability and news joined',
    async () => (await import('./backfill.ts')).backfillJointAssessment,
  ),
  stays(
    'worker',
    'join the backfills and campaigns that are open in these databases',
    async () => (await import('./worker.ts')).worker,
  ),
  writes(
    'verify tests',
    "run Phase 0's tests: your own pytest suite where its path is set, else those of this build",
    async () => (await import('./verify-tests.ts')).verifyTests,
  ),
  writes(
    'verify point-in-time',
    'prove that no figure of the baseline depends on later prices',
    async () => (await import('./verify.ts')).verifyPointInTime,
  ),
  writes(
    'verify numeric-embeddings',
    'prove that numeric vectors are complete, whole, and what the prices give',
    async () => (await import('./verify.ts')).verifyNumeric,
  ),
  reads(
    'similar',
    'the nearest vectors to that of an instrument on a day',
    async () => (await import('./similar.ts')).similar,
  ),
  reads('models ls', 'the models of this home', async () => (await import('./models.ts')).modelsList),
  reads('models show', 'everything on record about one model', async () => (await import('./models.ts')).modelsShow),
  reads(
    'models verify',
    'compare every file of the models with the hashes on record, and run their graphs',
    async () => (await import('./models.ts')).modelsVerify,
  ),
  writes(
    'models fit',
    'fit numeric v2 models on prices, text-fin-static-v1 on news, or the head of the context backend',
    async () => (await import('./models-fit.ts')).modelsFit,
  ),
  writes(
    'models install',
    'put the weights of text-fin-general-v1 into this home',
    async () => (await import('./models.ts')).modelsInstall,
  ),
  reads(
    'models eval',
    'what linear readers and nearest neighbours get out of the vectors of numeric models',
    async () => (await import('./models.ts')).modelsEval,
  ),
  reads(
    'phases',
    'the phase board, from the evidence in the databases',
    async () => (await import('./phases.ts')).phases,
  ),
  writes(
    'phases run',
    "a phase's whole plan as jobs, one after the other",
    async () => (await import('./phases-run.ts')).phasesRun,
  ),
  writes(
    'phases skip',
    'leave an optional phase out, with the reason',
    async () => (await import('./phases-skip.ts')).phasesSkip,
  ),
  writes(
    'phases unskip',
    'take a skipped phase in again, with the reason',
    async () => (await import('./phases-skip.ts')).phasesUnskip,
  ),
  reads('why', 'why a phase or a check is not OK, and what would mend it', async () => (await import('./why.ts')).why),
  // Its flags may count anew, and keep the count.
  writes(
    'coverage',
    'what the databases hold, against the calendar, by year',
    async () => (await import('./coverage.ts')).coverage,
  ),
  writes(
    'coverage recount',
    'count every numeric vector anew for the coverage table',
    async () => (await import('./coverage.ts')).coverageRecount,
  ),
  writes(
    'check',
    'self-checks: databases, migrations, a round trip, a five-day campaign',
    async () => (await import('./check.ts')).check,
  ),
  reads(
    'status',
    'phases, running jobs, failures, CPU, GPU and disk at a glance',
    async () => (await import('./status.ts')).status,
  ),
  reads(
    'top',
    'CPU, memory, disks, network, GPU, databases and jobs, once',
    async () => (await import('./top.ts')).top,
  ),
  reads(
    'doctor',
    'versions, paths, databases, disks, GPU, limits and session of this machine',
    async () => (await import('./doctor.ts')).doctor,
  ),
  reads(
    'completion',
    'a completion script for bash, zsh or fish',
    async () => (await import('./completion.ts')).completion,
  ),
  stays(
    'supervisor start',
    'start the supervisor of this home in the background',
    async () => (await import('./supervisor.ts')).supervisorStart,
  ),
  stays(
    'supervisor stop',
    'end the supervisor of this home; jobs run on',
    async () => (await import('./supervisor.ts')).supervisorStop,
  ),
  reads(
    'supervisor status',
    'whether a supervisor of this home runs, and where it listens',
    async () => (await import('./supervisor.ts')).supervisorStatus,
  ),
  stays(
    'supervisor run',
    'be the supervisor of this home, in the foreground',
    async () => (await import('./supervisor.ts')).supervisorRun,
  ),
  reads(
    'supervisor unit',
    'print a systemd user unit for the supervisor of this home',
    async () => (await import('./supervisor.ts')).supervisorUnit,
  ),
  writes('job start', 'start a program as a job of its own', async () => (await import('./job-actions.ts')).jobStart),
  reads(
    'job programs',
    'everything that can be a job: engines, and commands of your own (programs.yaml)',
    async () => (await import('./job-programs.ts')).jobPrograms,
  ),
  reads('job ls', 'the jobs of this home', async () => (await import('./job.ts')).jobList),
  reads('job show', 'everything on record about one job', async () => (await import('./job.ts')).jobShow),
  reads('job logs', 'what jobs printed', async () => (await import('./job-logs.ts')).jobLogs),
  reads(
    'job metrics',
    'what a job told as metrics and what its processes used, over its life',
    async () => (await import('./job-metrics.ts')).jobMetrics,
  ),
  stays('job wait', 'wait for a job and exit with its code', async () => (await import('./job.ts')).jobWait),
  writes('job stop', 'ask a job to stop', async () => (await import('./job-actions.ts')).jobStop),
  writes('job kill', 'end a job at once', async () => (await import('./job-actions.ts')).jobKill),
  writes(
    'job rerun',
    'run a job again, with the same arguments or edited ones',
    async () => (await import('./job-actions.ts')).jobRerun,
  ),
  writes(
    'job pause',
    'a running backfill begins no further shard, on no machine',
    async () => (await import('./throttle.ts')).jobPause,
  ),
  writes('job resume', 'a paused backfill goes on', async () => (await import('./throttle.ts')).jobResume),
  writes(
    'job keep',
    'keep the record of a job for good, or hide it from lists',
    async () => (await import('./job-actions.ts')).jobKeep,
  ),
  writes(
    'job rm',
    'delete the records of jobs that have ended',
    async () => (await import('./job-actions.ts')).jobRemove,
  ),
  writes(
    'decide',
    'record the decision on full-horizon embeddings (Phase 5)',
    async () => (await import('./decide.ts')).decide,
  ),
  writes('note', 'write a note on a phase, kept with time and name', async () => (await import('./decide.ts')).note),
  reads('events', 'what happened: jobs, phases, databases, actions', async () => (await import('./events.ts')).events),
];

/** Those that are typed: all but the console itself, which has no name. */
export const NAMED_COMMANDS = COMMANDS.filter(({ name }) => name !== '');

/** Whether a word asks for help wherever it stands. */
const HELP = ['--help', '-h'];

/**
 * The entry whose words begin argv (the longest match), or the overview for `help`, `--help`: of the group that `rest`
 * names (`db --help`), else of all commands.
 */
export function findCommand(argv: readonly string[]): { entry: CommandEntry | 'overview'; rest: string[] } {
  const first = argv[0];
  if (first === 'help' || HELP.includes(first)) {
    if (argv.length > 1) {
      return findCommand([...argv.slice(1), '--help']);
    }
    return { entry: 'overview', rest: [] };
  }
  const found = COMMANDS.filter((c) => c.name === '' || c.name.split(' ').every((word, i) => argv[i] === word)).sort(
    (a, b) => b.name.length - a.name.length,
  )[0];
  const words = found?.name ? found.name.split(' ').length : 0;
  if (!found || (words === 0 && first !== undefined && !first.startsWith('-'))) {
    const near = COMMANDS.filter((c) => c.name.split(' ')[0] === first).map((c) => c.name);
    if (near.length > 0 && argv.length === 2 && HELP.includes(argv[1])) return { entry: 'overview', rest: [first] };
    throw new UsageError(
      `there is no command '${argv
        .filter((a) => !a.startsWith('-'))
        .slice(0, 2)
        .join(' ')}'`,
      near.length ? `Did you mean: ${near.join(' · ')}?` : 'See: prometheus --help',
    );
  }
  return { entry: found, rest: argv.slice(words) };
}
