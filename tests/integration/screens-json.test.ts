/** What each screen shows is there as JSON on the command line: the same objects as the supervisor answers to consoles. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { makeCli } from '../../src/cli/context.ts';
import { jobRuntime } from '../../src/cli/job-runtime.ts';
import { snakeCased } from '../../src/cli/json.ts';
import { readersOf } from '../../src/cli/readers.ts';
import type { ScreenId } from '../../src/console/screens.ts';
import type { Readers } from '../../src/supervisor/reads.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { INSTRUMENTS, seedGreen, smallConfig } from '../helpers/phase-market.ts';
import { startPrometheus } from '../helpers/processes.ts';

let pair: TestDatabases;
let readers: Readers;
let runs: readonly { readonly runId: string }[];
const home = mkdtempSync(path.join(tmpdir(), 'prometheus-screens-json-'));
const ROW = { row: 'prices_daily', year: 2014 };
const DAY = { row: 'prices_daily', date: '2014-01-06' };

beforeAll(async () => {
  pair = await createTestDatabases();
  await seedGreen(pair.databases);
  // A day that lacks an instrument.
  await pair.databases.historical.client((client) =>
    client.query(`DELETE FROM prices_daily WHERE trade_date = '${DAY.date}' AND instrument_id = '${INSTRUMENTS[0]}'`),
  );
  const { prices, news, gaps } = smallConfig;
  writeFileSync(path.join(home, 'phases.yaml'), stringify({ prices, news, gaps }));
  const env = { ...process.env, PROMETHEUS_HOME: home };
  const globals = { ...pair.urls, debug: false, help: false };
  const cli = makeCli(env, globals, process, new AbortController().signal, () => {}, home);
  readers = readersOf(cli, pair.databases, jobRuntime(cli)) as Readers;
  runs = await readers.runs({ limit: 30 });
});
afterAll(async () => {
  await pair?.drop();
  rmSync(home, { recursive: true, force: true });
});

/** The command's JSON objects, one a line; a board that is not green is no error. */
async function json(command: string): Promise<Record<string, unknown>[]> {
  const urls = ['--historical', pair.urls.historical, '--runtime', pair.urls.runtime];
  const { stdout, stderr } = await startPrometheus([...command.split(' '), ...urls, '--json'], home).ended;
  expect(stderr, command).not.toContain('usage');
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

/** Keys of what the product's own objects hold: they are those of the snapshot. */
const OWN: Readonly<Partial<Record<ScreenId, Readonly<Record<string, readonly string[]>>>>> = {
  overview: { status: ['phases', 'machine'] },
  phases: { phases: ['at', 'phases'], 'why P1': ['at', 'phase'] },
  jobs: { 'job ls --all': ['jobs'] },
  coverage: { coverage: ['at', 'rows'] },
  machine: { top: ['at', 'cpu', 'memory', 'disk', 'gpus'] },
};

test.each(Object.entries(OWN))('%s has the objects of the snapshot', async (_, commands) => {
  for (const [command, keys] of Object.entries(commands)) {
    const [found] = await json(command);
    expect(Object.keys(found), command).toEqual(expect.arrayContaining([...keys]));
  }
});

test('Coverage has days, gaps and who is missing', async () => {
  const [year] = await json(`coverage --row ${ROW.row} --year ${ROW.year}`);
  expect(year).toEqual({ schema: 1, ...ROW, ...(await readers.coverageYear(ROW)) });
  const [day] = await json(`coverage --row ${DAY.row} --date ${DAY.date}`);
  expect(day).toEqual({ schema: 1, ...DAY, missing: [INSTRUMENTS[0]] });
  expect(await readers.coverageMissing(DAY)).toEqual([INSTRUMENTS[0]]);
  const { stderr, code } = await startPrometheus(['coverage', '--row', 'prices_daily'], home).ended;
  expect([code, stderr]).toEqual([2, expect.stringContaining('takes a row and a year, or a row and a day')]);
});

test('Backtests has runs, one run day by day, and a comparison', async () => {
  expect(runs.length).toBeGreaterThan(1);
  expect(await json('backtests ls')).toEqual([{ schema: 1, runs: snakeCased(runs) }]);
  const [{ run }] = await json(`backtests show ${runs[0].runId}`);
  expect(run).toEqual(snakeCased(await readers.run({ id: runs[0].runId })));
  const [a, b] = runs.map((one) => one.runId);
  const [compared] = await json(`compare ${a} ${b} --draws 400`);
  expect(compared).toMatchObject(snakeCased(await readers.compare({ a, b })) as object);
  await expect(readers.compare({ a, b: a })).rejects.toMatchObject({
    message: expect.stringContaining('itself'),
    exitCode: 2,
  });
});

test('Research has models and λ; Events what happened; the form every program', async () => {
  const [{ models }] = await json('models ls');
  const known = await readers.models({});
  expect((models as { id: string }[]).map(({ id }) => id)).toEqual(known.map(({ id }) => id));
  const [overview] = await json('lambda show --columns 60');
  expect(overview).toMatchObject(snakeCased(await readers.lambda({ columns: 60 })) as object);
  const lines = (entries: readonly object[]) => entries.map((entry) => ({ schema: 1, ...entry }));
  expect(await json('events')).toEqual(lines(await readers.events({ audit: false, last: 50 })));
  expect(await json('events --audit')).toEqual(lines(await readers.events({ audit: true, last: 50 })));
  const [{ programs }] = await json('job programs');
  expect(programs).toEqual(JSON.parse(JSON.stringify((await readers.programs({})).programs)));
});

test('the documentation names a command for every screen', async () => {
  const { SCREENS } = await import('../../src/console/screens.ts');
  const text = readFileSync(path.resolve(import.meta.dirname, '../../docs/console.md'), 'utf8');
  for (const { title } of SCREENS) expect(text).toMatch(new RegExp(`\\| ${title} \\| \`[a-z]`));
});
