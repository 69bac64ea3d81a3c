/** A home of its own with a server, a small market and a long script, and the product's command line over it. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { canonicalSleeves, formatSleeve } from '../../engines/backtest/sleeves.ts';
import { formatDay } from '../../src/platform/dates.ts';
import { type Databases, openDatabases } from '../../src/platform/db/databases.ts';
import { embeddedServer, embeddedTargets } from '../../src/platform/db/embedded.ts';
import { type Home, homeAt } from '../../src/platform/home.ts';
import { smallMarket } from '../helpers/small-market.ts';
import { storePanel } from '../helpers/store-panel.ts';
import { until } from '../helpers/until.ts';
import { canMount, type Disk, mountDisk, moveToDisk } from './disks.ts';
import { importsIn } from './imports.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
export const PROMETHEUS = path.join(ROOT, 'bin/prometheus');
const TABLES = ['numeric_window_embeddings', 'prices_daily', 'market_holidays', 'news_articles', 'instruments'];
const HOME_MIB = 512;
const SERVER_MIB = 2048;
const FIRST_DAY = 80;
const DAYS = 260;

/** Content of what the workload writes, for comparison: the same text is the same rows. */
export interface Content {
  /** `prometheus data digest` of vectors, prices, holidays, news and instruments, a line each. */
  readonly tables: readonly string[];
  /** Sleeve → everything of one of its runs but ids and times, over all runs. */
  readonly runs: ReadonlyMap<string, ReadonlySet<string>>;
}

export interface World {
  readonly home: Home;
  /** Added to this process's environment: the home, and no databases of others. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Words after `prometheus` of the campaign and of the backfill. */
  readonly campaign: readonly string[];
  readonly backfill: readonly string[];
  /** The same of two imports over the same rows of a second market. */
  readonly imports: readonly [readonly string[], readonly string[]];
  /** The disks that home and database server lie on; null where none of its own may be mounted. */
  readonly disks: { readonly home: Disk; readonly server: Disk } | null;
  at(name: string): string;
  prometheus(...args: string[]): Promise<{ code: number; out: string; err: string }>;
  content(): Promise<Content>;
  query<Row extends object>(sql: string): Promise<Row[]>;
  /** Frees the room of rows that are gone, as autovacuum does where its statistics are not lost with each crash. */
  vacuum(): Promise<void>;
  /** Forgets everything that the workload writes. */
  clear(): Promise<void>;
  /** Ends supervisor and server; returns the processes that are left of this home. */
  end(): Promise<readonly string[]>;
  remove(): void;
}

/** Everything of a run by sleeve, in one text each; ids of the run itself left out. */
const RUN_CONTENT = `
  SELECT r.run_id, config_json->>'sleeve_id' AS sleeve,
    (SELECT md5(string_agg(concat_ws(',', date, equity_curve_value, drawdown), ';' ORDER BY date))
       FROM backtest_daily_equity e WHERE e.run_id = r.run_id) AS equity,
    (SELECT md5(string_agg(concat_ws(',', trade_date, ticker, direction, size, price), ';' ORDER BY trade_date, ticker, direction, size))
       FROM backtest_trades t WHERE t.run_id = r.run_id) AS trades,
    (SELECT count(*) FROM executed_actions a WHERE a.run_id = r.run_id) AS actions,
    (SELECT count(*) FROM engine_decisions d WHERE d.run_id = r.run_id) AS decisions
  FROM backtest_runs r`;

/** `disks`: home and server get small disks of their own where that is possible. */
export async function createWorld({ disks: wanted = false } = {}): Promise<World> {
  const folder = mkdtempSync(path.join(tmpdir(), 'prometheus-chaos-'));
  const home = homeAt(path.join(folder, 'home'));
  const small = wanted && canMount();
  const homeDisk = small ? mountDisk(home.root, HOME_MIB) : null;
  const env = { PROMETHEUS_HOME: home.root, HISTORICAL_DB_URL: undefined, RUNTIME_DB_URL: undefined };
  const prometheus: World['prometheus'] = async (...args) => {
    const ran = await execa(PROMETHEUS, args, { env, reject: false, stdin: 'ignore' });
    return { code: ran.exitCode ?? -1, out: ran.stdout, err: ran.stderr };
  };
  const must = async (...args: string[]) => {
    const { code, out, err } = await prometheus(...args);
    if (code !== 0) throw new Error(`prometheus ${args.join(' ')} ended with ${code}: ${err}`);
    return out;
  };
  const withDatabases = async <T>(work: (databases: Databases) => Promise<T>): Promise<T> => {
    const databases = openDatabases(embeddedTargets(embeddedServer(home)), { application: 'chaos' });
    try {
      return await work(databases);
    } finally {
      await databases.close();
    }
  };
  await must('db', 'up');
  let disks: World['disks'] = null;
  if (homeDisk) {
    await must('db', 'down');
    disks = { home: homeDisk, server: moveToDisk(embeddedServer(home).dataFolder, SERVER_MIB) };
    await must('db', 'up');
  }
  writeFileSync(path.join(home.root, 'programs.yaml'), PROGRAMS);
  const panel = smallMarket({ seed: 21, instruments: 16, days: DAYS, gaps: 0.01 });
  await withDatabases((databases) => storePanel(databases, panel));
  const [start, end] = [FIRST_DAY, DAYS - 1].map((t) => formatDay(panel.calendar.days[t]));
  const sleeves = canonicalSleeves('S', 'TEST').flatMap((sleeve) => ['--sleeve', formatSleeve(sleeve)]);
  const range = ['--start-date', start, '--end-date', end, '--market', 'TEST'];

  const query: World['query'] = (sql) =>
    withDatabases(({ runtime }) => runtime.client(async (client) => (await client.query(sql)).rows));
  return {
    home,
    env,
    disks,
    imports: importsIn(path.join(folder, 'csv')),
    campaign: ['backtest', 'campaign', '--market-id', 'TEST', '--start', start, '--end', end, ...sleeves],
    backfill: ['backfill', 'numeric-embeddings', ...range, '--shard-cells', '48', '--device', 'cpu', '--workers', '1'],
    at: (name) => path.join(folder, name),
    prometheus,
    query,
    content: async () => {
      const runs = new Map<string, Set<string>>();
      for (const { run_id: _, sleeve, ...rest } of await query<Record<string, string>>(RUN_CONTENT)) {
        runs.set(sleeve, (runs.get(sleeve) ?? new Set()).add(JSON.stringify(rest)));
      }
      return { tables: (await must('data', 'digest', ...TABLES)).split('\n'), runs };
    },
    vacuum: () =>
      withDatabases(async ({ historical, runtime }) => {
        for (const database of [historical, runtime]) await database.client((client) => client.query('VACUUM'));
      }),
    clear: () =>
      withDatabases(async ({ historical, runtime }) => {
        await historical.client((client) =>
          client.query(
            `TRUNCATE numeric_window_embeddings, console.backfills, console.shard_done, news_articles CASCADE;
             DELETE FROM prices_daily WHERE instrument_id LIKE '%.O'; DELETE FROM market_holidays WHERE market_id = 'OTHER'`,
          ),
        );
        await runtime.client((client) =>
          client.query(
            'TRUNCATE backtest_runs, backtest_daily_equity, backtest_trades, executed_actions, engine_decisions, decision_outcomes, positions_snapshots CASCADE',
          ),
        );
      }),
    end: async () => {
      await prometheus('supervisor', 'stop');
      await prometheus('db', 'down');
      return until(() => processesOf(home).length === 0 && ['none'], 'the end of all processes of the home')
        .then(() => [])
        .catch(() => processesOf(home));
    },
    remove: () => {
      disks?.server.remove();
      disks?.home.remove();
      // Under root the server's files lie apart from the home.
      rmSync(embeddedServer(home).base, { recursive: true, force: true });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The living processes that name the home in their environment, command or working folder. Linux. */
function processesOf(home: Home): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return [];
    const text = (name: string) => {
      try {
        return readFileSync(`/proc/${pid}/${name}`, 'utf8');
      } catch {
        return '';
      }
    };
    const command = text('cmdline').replaceAll('\0', ' ').trim();
    const mine = text('environ').split('\0').includes(`PROMETHEUS_HOME=${home.root}`) || command.includes(home.root);
    return mine && command ? [`${pid} ${command}`] : [];
  });
}

const PROGRAMS = `programs:
  chaos script:
    summary: prints numbered lines and keeps a ledger of them
    phase: P0
    command: [${JSON.stringify(process.execPath)}, ${JSON.stringify(path.join(import.meta.dirname, 'script.mjs'))}, "{arguments}"]
    arguments:
      ledger: { required: true }
      lines: { type: integer, required: true }
      exit: { type: integer, required: true }
      until: {}
    reading:
      progress: ['^line (?<done>\\d+) ']
`;
