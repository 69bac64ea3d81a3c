/** `prometheus data import`: reference data first, since prices and news are checked against it. */
import path from 'node:path';
import type pg from 'pg';
import { formatCount } from '../../../src/format/numbers.ts';
import { csvLine } from '../../../src/platform/csv.ts';
import type { Database } from '../../../src/platform/db/databases.ts';
import { Exit, InterruptedError, UsageError, UserError } from '../../../src/platform/errors.ts';
import { log, stage } from '../../../src/platform/events.ts';
import type { Program, ProgramContext } from '../../../src/platform/program.ts';
import { listSources, type SourceFile } from '../csv/source.ts';
import { InstrumentDirectory } from './directory.ts';
import { loadKnownInstruments } from './instrument-storage.ts';
import { importNews, importPrices } from './market-files.ts';
import { MergeTarget } from './merge.ts';
import { importHolidays, importInstruments } from './reference-files.ts';
import {
  describeGroups,
  type FileOutcome,
  type Finding,
  ImportReport,
  type ImportTable,
  type RowCounts,
} from './report.ts';
import type { ImportSession } from './session.ts';
import type { importSpec } from './spec.ts';

interface Sources {
  readonly instruments: SourceFile[];
  readonly holidays: SourceFile[];
  readonly prices: SourceFile[];
  readonly news: SourceFile[];
}

export const program: Program<typeof importSpec> = async (args, context) => {
  const sources: Sources = {
    instruments: args.instruments ? listSources([args.instruments], '--instruments') : [],
    holidays: args.holidays ? listSources([args.holidays], '--holidays') : [],
    prices: listSources(args.prices ?? [], '--prices'),
    news: listSources(args.news ?? [], '--news'),
  };
  if (Object.values(sources).every((files) => files.length === 0)) {
    throw new UsageError(
      'nothing to import',
      'Give at least one of --instruments, --holidays, --prices, --news; see: prometheus data import --help',
    );
  }
  if (context.home.demo && !args.dryRun) {
    throw new UserError(
      `${context.home.root} is a demo: its market is synthetic, and everything in it says so`,
      'Import into a home of your own: set PROMETHEUS_HOME to another folder.',
    );
  }
  const started = context.now();
  const stamp = new Date(started).toISOString().slice(0, 19).replaceAll(':', '');
  const report = new ImportReport({
    findingsFile: path.join(context.home.logs, `import-${stamp}Z-${context.newId().slice(0, 8)}.csv`),
    keepAll: args.json,
  });
  const { events, signal, now } = context;
  const session: ImportSession = { market: args.market, report, events, signal, now };
  let findingsFile: string | null = null;
  try {
    await runStages(session, context, sources, args.dryRun);
  } finally {
    findingsFile = report.close();
  }
  return conclude(report, args, context, findingsFile, (now() - started) / 1000);
};

async function runStages(
  session: ImportSession,
  context: ProgramContext,
  sources: Sources,
  dryRun: boolean,
): Promise<void> {
  const { instruments, holidays, prices, news } = sources;
  const stages = [instruments, holidays, prices, news].filter((files) => files.length > 0).length;
  let index = 0;
  const begin = (name: string) => stage(session.events, dryRun ? `${name} (dry run)` : name, ++index, stages);
  const { runtime, historical } = context.databases;

  let directory = new InstrumentDirectory([], session.market);
  if (instruments.length > 0 || prices.length > 0 || news.length > 0) {
    await onConnection(runtime, session, async (client) => {
      const target = new MergeTarget(client, dryRun);
      if (instruments.length > 0) {
        begin('instruments');
        await importInstruments(session, client, target, instruments);
      }
      directory = new InstrumentDirectory(await loadKnownInstruments(client, target), session.market);
    });
  }
  if (directory.size === 0 && (prices.length > 0 || news.length > 0)) {
    throw new UserError(
      `there are no instruments in the ${runtime.target.label}, so no row can be matched`,
      'Import them first, or in the same command: --instruments FILE',
    );
  }
  if (holidays.length === 0 && prices.length === 0 && news.length === 0) return;
  await onConnection(historical, session, async (client) => {
    const target = new MergeTarget(client, dryRun);
    if (holidays.length > 0) {
      begin('holidays');
      await importHolidays(session, client, target, holidays);
    }
    if (prices.length > 0) {
      begin('prices');
      await importPrices(session, client, target, directory, prices);
    }
    if (news.length > 0) {
      begin('news');
      await importNews(session, client, target, directory, news);
    }
    if (!dryRun) await refreshStatistics(client, session);
  });
}

/** One connection for a database's whole part: its temporary tables hold what is staged. */
async function onConnection(
  database: Database,
  session: ImportSession,
  work: (client: pg.ClientBase) => Promise<void>,
): Promise<void> {
  try {
    await database.client(async (client) => {
      await work(client);
      // The connection goes back to the pool: nothing staged may meet the next import.
      await client.query('DISCARD TEMP');
    });
  } catch (error) {
    if (session.signal.aborted) throw new InterruptedError('the import');
    if (!(error instanceof UserError)) throw error;
    const landed = session.report.files.filter((file) => file.status === 'landed').length;
    if (landed === 0) throw error;
    throw new UserError(
      `${error.message} (${landed} file${landed === 1 ? '' : 's'} had landed)`,
      `${error.fix} Run the import again afterwards: what has landed is found unchanged.`,
      { exitCode: error.exitCode, cause: error },
    );
  }
}

/** A table that was just filled has no statistics yet, and the next query would be planned blindly. */
async function refreshStatistics(client: pg.ClientBase, session: ImportSession): Promise<void> {
  for (const [table, { inserted }] of session.report.totals()) {
    if (inserted > 0 && (table === 'prices_daily' || table === 'news_articles' || table === 'news_links')) {
      await client.query(`ANALYZE ${table}`);
    }
  }
}

/** What `--json` prints. */
export interface ImportResult {
  readonly dryRun: boolean;
  readonly market: string;
  readonly tables: Readonly<Record<string, RowCounts>>;
  readonly files: readonly FileOutcome[];
  readonly reasons: readonly {
    readonly level: Finding['level'];
    readonly table: ImportTable;
    readonly reason: string;
    readonly count: number;
    readonly files: number;
  }[];
  /** The first 100,000 findings. */
  readonly findings: readonly Finding[];
  readonly findingsTruncated: boolean;
  /** The CSV file with all of them. */
  readonly findingsFile: string | null;
}

const COUNTS = ['read', 'inserted', 'updated', 'unchanged', 'collapsed', 'rejected'] as const;

function conclude(
  report: ImportReport,
  args: { dryRun: boolean; json: boolean; market: string },
  context: ProgramContext,
  findingsFile: string | null,
  seconds: number,
) {
  const { events } = context;
  const groups = report.groups();
  for (const { text } of describeGroups(groups)) log(events, 'warn', text);
  if (findingsFile)
    events.emit({ type: 'artifact', kind: 'import findings', id: path.basename(findingsFile), path: findingsFile });
  if (report.findingsFileError) {
    log(events, 'warn', `the list of findings could not be written (${report.findingsFileError}); --json prints it`);
  }
  const totals = report.totals();
  if (!args.json) {
    context.stdout(csvLine(['table', ...COUNTS]));
    for (const [table, counts] of totals) context.stdout(csvLine([table, ...COUNTS.map((name) => counts[name])]));
  }
  const summary = summarise(report, totals, args.dryRun, seconds);
  const partial = report.rejectedAnything;
  const rows = args.dryRun
    ? {}
    : Object.fromEntries([...totals].map(([table, counts]) => [table, counts.inserted + counts.updated]));
  // What stands there already is not missing.
  const due = Object.values(rows).reduce((sum, count) => sum + count, 0);
  const data: ImportResult = {
    dryRun: args.dryRun,
    market: args.market,
    tables: Object.fromEntries(totals),
    files: report.files,
    reasons: groups.map(({ files, first: _, ...group }) => ({ ...group, files: files.size })),
    findings: report.all,
    findingsTruncated: report.all.length < report.findings,
    findingsFile,
  };
  return { exitCode: partial ? Exit.partial : Exit.done, summary, rows, due, data };
}

function summarise(
  report: ImportReport,
  totals: ReadonlyMap<string, RowCounts>,
  dryRun: boolean,
  seconds: number,
): string {
  const fileRows = report.files.reduce((sum, file) => sum + file.read, 0);
  const sum = (name: keyof RowCounts) => [...totals.values()].reduce((total, counts) => total + counts[name], 0);
  const rejectedFiles = report.files.filter((file) => file.status === 'rejected').length;
  const rate = seconds > 0 ? `, ${formatCount(Math.round(fileRows / seconds))} rows/s` : '';
  return [
    `${dryRun ? 'dry run, nothing written: ' : ''}${formatCount(fileRows)} rows of ${report.files.length} files in ${seconds.toFixed(1)} s${rate}`,
    `${formatCount(sum('inserted'))} inserted`,
    `${formatCount(sum('updated'))} updated`,
    `${formatCount(sum('unchanged'))} unchanged`,
    ...(sum('collapsed') > 0 ? [`${formatCount(sum('collapsed'))} repeats dropped`] : []),
    `${formatCount(sum('rejected'))} rows and ${rejectedFiles} files rejected`,
  ].join(' · ');
}
