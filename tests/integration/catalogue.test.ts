/**
 * Every program of the catalogue as a job on real databases: each tells a result, and its verdict rests on that. Then every other
 * command with --json over what they left behind. The shape of each JSON document is kept in `tests/snapshots/json`, a name and
 * its kinds a line; `npx vitest run catalogue -u` takes over what has changed.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PROGRAMS } from '../../engines/catalog.ts';
import { parseArguments } from '../../src/cli/arguments.ts';
import { COMMANDS as COMMAND_LINE, findCommand } from '../../src/cli/commands.ts';
import { makeCli } from '../../src/cli/context.ts';
import { parseProgramArguments } from '../../src/cli/job-runtime.ts';
import { createHome } from '../../src/platform/home.ts';
import type { ProgramSpec } from '../../src/platform/program.ts';
import { hasEnded } from '../../src/supervisor/job-state.ts';
import { readJob } from '../../src/supervisor/job-store.ts';
import { beginJob, type JobRuntime, makeJob, splitProgram } from '../../src/supervisor/launch.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { createTestHome, fixtureRuntime, viewOf } from '../helpers/jobs.ts';
import { formatShape, parseShape, renewed, shapeOf } from '../helpers/json-shape.ts';
import { minilmWheel } from '../helpers/minilm.ts';
import { MAIN } from '../helpers/processes.ts';
import { until } from '../helpers/until.ts';

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

/** Hours of the day that are far from now. */
const hour = String((new Date().getUTCHours() + 12) % 24).padStart(2, '0');
const CLOSED = `--window ${hour}:00-${hour}:30`;

/**
 * Every other command with --json over what those left behind: whose shape it is, and the lines whose documents show it, in an
 * order in which each finds what it needs.
 */
const REPORTS: readonly (readonly [name: string, ...lines: string[]])[] = [
  ['db status', 'db status'],
  ['backtest sleeves', 'backtest sleeves'],
  ['backtests ls', 'backtests ls'],
  ['backtests show', 'backtests show RUN', 'backtests show RUN'],
  ['report', 'report RUN', 'report RUN RUN'],
  ['lambda show', 'lambda show'],
  ['plan full-horizon', 'plan full-horizon --start 2012-01-03 --end 2013-12-31 --models num-stab-core-v1'],
  ['plan check', 'plan check'],
  ['verify tests', 'verify tests'],
  ['models ls', 'models ls'],
  ['models show', 'models show num-stab-core-v1', 'models show num-regime-core-v2', 'models show text-fin-static-v1'],
  ['models verify', 'models verify num-stab-core-v1 num-regime-core-v2 text-fin-static-v1'],
  ['phases', 'phases'],
  ['why PHASE', 'why P0', 'why P1', 'why P2', 'why P3', 'why P4', 'why P5'],
  ['why CHECK', 'why P1.trades'],
  ['coverage', 'coverage'],
  ['coverage --year', 'coverage --row prices_daily --year 2013', 'coverage --row num-stab-core-v1 --year 2011'],
  ['coverage --date', 'coverage --row num-stab-core-v1 --date 2011-03-01'],
  ['check', 'check'],
  ['doctor', 'doctor', 'doctor --profile threadripper'],
  ['supervisor start', 'supervisor start'],
  ['supervisor status', 'supervisor status'],
  ['job programs', 'job programs'],
  [
    'job start',
    `job start backfill numeric-embeddings -- ${CLOSED} --start-date 2012-01-03 --end-date 2013-12-31 --models num-scenario-core-v1`,
  ],
  ['backfill throttle', 'backfill throttle'],
  ['status', 'status'],
  ['top', 'top'],
  ['job ls', 'job ls --all'],
  ['job show', 'job show 1', 'job show 5', 'job show 15', 'job show last'],
  ['job metrics', 'job metrics 5', 'job metrics 15'],
  ['job logs', 'job logs 5'],
  ['job stop', 'job stop last'],
  ['job wait', 'job wait last', 'job wait 1'],
  ['job rerun', 'job rerun last'],
  ['job kill', 'job kill last'],
  ['job keep', 'job keep 1'],
  ['job rm', 'job rm 2 3'],
  ['phases run', 'phases run P1 --override why-not'],
  ['events', 'events'],
  ['events --audit', 'events --audit'],
  ['db adopt', 'db adopt --dry-run'],
  ['db adopt --apply', 'db adopt --apply all'],
];

/** What must have come about before a report has something to tell. */
const BEFORE: Readonly<Record<string, () => Promise<unknown>>> = {
  'backfill throttle': () =>
    until(
      async () => (await idsIn('historical', "SELECT kind AS id FROM console.backfills WHERE state = 'open'")).length,
      'the backfill that rests',
    ),
  'db adopt': () =>
    db.databases.historical.client((client) =>
      client.query(
        'DROP INDEX ix_prices_daily_trade_date; DELETE FROM market_holidays WHERE extract(year FROM holiday_date) = 2012',
      ),
    ),
};

/** Objects whose names are data though they look like words of ours. */
const MAPS: Readonly<Record<string, readonly string[]>> = { 'job show': ['spec.args'] };

/** A stream of lines is kept by the kind of line. */
const LINE_KINDS: Readonly<Record<string, string>> = { events: 'kind', 'events --audit': 'kind', 'job logs': 'stream' };

const SHAPES = path.resolve(import.meta.dirname, '../snapshots/json');
const shapeFile = (name: string) => path.join(SHAPES, `${name.replace(/\W+/g, '-').toLowerCase()}.txt`);

const folder = createTestHome();
const { home } = folder;
let db: TestDatabases;
let runtime: JobRuntime;

/** A machine with a GPU and a suite of tests of the user's own. */
function equip(): NodeJS.ProcessEnv {
  const [bin, suite] = [folder.at('bin'), folder.at('suite')];
  for (const one of [bin, suite]) mkdirSync(one);
  execFileSync('git', ['init', '-q'], { cwd: suite });
  const script = (name: string, text: string) =>
    writeFileSync(path.join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  script(
    'pytest',
    'for word in "$@"; do case $word in --junitxml=*) echo \'<testsuite tests="2" />\' >$(echo $word | cut -d= -f2) ;; esac; done',
  );
  const uuid = 'GPU-5e8b7f9c-0000-1111-2222-333344445555';
  script(
    'nvidia-smi',
    `case $1 in
  -L) echo "GPU 0: Tesla V100-SXM2-16GB (UUID: ${uuid})" ;;
  --query-gpu*) echo "0, Tesla V100-SXM2-16GB, 93, 14540, 16384, 61, [N/A]"; exec sleep 1000 ;;
  *) while :; do echo "${uuid}, 4242, 14000, python3"; sleep 0.1; done ;;
esac`,
  );
  writeFileSync(path.join(home.root, 'programs.yaml'), `settings:\n  python.root: ${suite}\n`);
  writeFileSync(
    path.join(home.root, 'phases.yaml'),
    'prices: { start: 2011-01-03, end: 2013-12-31 }\nnews: { fromYear: 2013, minYears: 0.25 }\n',
  );
  return {
    ...{ PATH: `${bin}:${process.env.PATH}`, HOME: home.root, PROMETHEUS_HOME: home.root, NO_COLOR: '1' },
    ...{ HISTORICAL_DB_URL: db.urls.historical, RUNTIME_DB_URL: db.urls.runtime },
  };
}
let equipped: NodeJS.ProcessEnv;

beforeAll(async () => {
  createHome(home);
  db = await createTestDatabases();
  const env = { ...process.env, HISTORICAL_DB_URL: db.urls.historical, RUNTIME_DB_URL: db.urls.runtime };
  runtime = fixtureRuntime({ catalog: () => PROGRAMS, parse: parseProgramArguments, main: MAIN, env });
  equipped = equip();
});
afterAll(async () => {
  await run('supervisor stop');
  folder.remove();
  await db?.drop();
});

/** Runs a command line in this process: what it prints. */
async function run(line: string): Promise<string> {
  const { entry, rest } = findCommand(await wordsOf(line));
  if (entry === 'overview') throw new Error(`no command: ${line}`);
  const command = await entry.load();
  const { args, globals } = parseArguments(command.name, command.args, rest, command.positionals);
  const closers: (() => Promise<void>)[] = [];
  let said = '';
  const cli = makeCli(
    equipped,
    globals,
    process,
    new AbortController().signal,
    (close) => closers.push(close),
    home.root,
  );
  try {
    await command.run(args!, { ...cli, out: (text) => (said += text), err: () => {} });
    return said;
  } finally {
    await Promise.all(closers.map((close) => close()));
  }
}

/** @throws when a line is no document, or does not say by which schema it was written. */
function documentsIn(text: string, name: string): object[] {
  const documents = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  for (const one of documents) expect([name, one.schema]).toEqual([name, 1]);
  const kind = LINE_KINDS[name];
  return kind ? documents.map((one) => ({ [one[kind]]: one })) : documents;
}

async function expectShape(name: string, texts: readonly string[]): Promise<void> {
  const file = shapeFile(name);
  const found = shapeOf(
    texts.flatMap((text) => documentsIn(text, name)),
    MAPS[name],
  );
  const kept = parseShape(existsSync(file) ? readFileSync(file, 'utf8') : '');
  await expect(formatShape(renewed(kept, found))).toMatchFileSnapshot(file);
}

async function idsIn(database: 'historical' | 'runtime', sql: string): Promise<string[]> {
  const { rows } = await db.databases[database].client((client) => client.query<{ id: string }>(sql));
  return rows.map(({ id }) => id);
}

/** The words of a command line, with what only the databases know filled in. */
async function wordsOf(line: string): Promise<string[]> {
  // The plan's three sleeves come first: there is one run of each, whichever of them ended first.
  const runs = await idsIn(
    'runtime',
    'SELECT run_id AS id FROM backtest_runs ORDER BY universe_id COLLATE "C" DESC, created_at',
  );
  const [instrument] = await idsIn('runtime', 'SELECT instrument_id AS id FROM instruments ORDER BY 1');
  return line.split(/\s+/).map((word) => {
    if (word === 'RUN') return runs.shift()!;
    if (word === 'INSTRUMENT') return instrument;
    return word.replace('@', `${folder.at('')}/`);
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
  const printed = readFileSync(path.join(folder, 'stdout.log'), 'utf8');
  return { view: viewOf(home, id), verdict: exit!.verdict!, last: JSON.parse(lines.at(-1)!), results, printed };
}

/** What each program printed. */
const documents = new Map<string, string[]>();
const programOf = (line: string) => splitProgram(line.split(/\s+/), PROGRAMS).program;
const specOf = (name: string): ProgramSpec => PROGRAMS.find((one) => one.name === name)!;
const printsJson = ({ args }: { args: ProgramSpec['args'] }) => 'json' in args.shape;

test('each command with --json is here, and its shape is kept, and no other', async () => {
  const commands = await Promise.all(COMMAND_LINE.map(({ load }) => load()));
  const programs = PROGRAMS.filter(printsJson).map(({ name }) => name);
  const commandOf = (line: string) => (findCommand(line.split(' ')).entry as { name: string }).name;
  const reported = REPORTS.flatMap(([, ...lines]) => lines.map(commandOf));
  expect([...new Set([...programs, ...reported])].sort()).toEqual(
    commands
      .filter(printsJson)
      .map(({ name }) => name)
      .sort(),
  );
  const files = [...programs, ...REPORTS.map(([name]) => name)].map((name) => path.basename(shapeFile(name)));
  expect(readdirSync(SHAPES).sort()).toEqual(files.sort());
});

test('each program is here, and each tells how it ended as its last event, from which its job has its verdict', async () => {
  expect([...new Set(COMMANDS.map(programOf))].sort()).toEqual(PROGRAMS.map(({ name }) => name).sort());

  for (const line of COMMANDS) {
    const spec = specOf(programOf(line));
    const refused = spec.name === 'models install' && minilmWheel === null;
    const { view, verdict, last, results, printed } = await runJob(printsJson(spec) ? `${line} --json` : line);
    const due = (spec.rowsDue ?? spec.writes.length > 0) && last.due !== 0;
    expect([line, view.state, view.summary]).toEqual([line, refused ? 'FAIL' : 'DONE', last.summary]);
    expect([line, last.type, results]).toEqual([line, 'result', 1]);
    expect(verdict).toMatchObject({ status: refused ? 'failed' : 'done', rowsDue: due });
    if (due) expect([line, verdict.rows]).toEqual([line, expect.toSatisfy((rows: number) => rows > 0)]);
    if (printsJson(spec) && !refused) {
      documents.set(spec.name, [...(documents.get(spec.name) ?? []), printed]);
    }
  }
}, 600_000);

test.each(PROGRAMS.filter(printsJson).map(({ name }) => name))('%s prints JSON of the kept shape', async (name) => {
  if (name === 'models install' && minilmWheel === null) return;
  await expectShape(name, documents.get(name) ?? []);
});

test.each(REPORTS)('%s --json is of the kept shape', async (name, ...lines) => {
  await BEFORE[name]?.();
  const texts: string[] = [];
  for (const line of lines) {
    const [words, ...more] = line.split(' -- ');
    texts.push(await run([`${words} --json`, ...more].join(' -- ')));
  }
  await expectShape(name, texts);
});

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
