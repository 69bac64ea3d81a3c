/** Text that is meant to break out of where it stands: of SQL, of a CSV, of a shell, of the terminal that it is shown on. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { bareEnvironment, MAIN } from '../helpers/processes.ts';
import { Files, PRICE_HEADER, rowsOf } from './import-support.ts';

const HOSTILE = [
  "x'; DROP TABLE prices_daily; --",
  'x"; DROP TABLE console.notes; --',
  '$1 %s \\x27 $$ {{x}} `id` $(id)',
  "' OR '1'='1",
  '=cmd|"/c calc"!A1, "quoted", and a comma',
  'red \x1b[31m title \x1b]0;owned\x07 copy \x1b]52;c;eA==\x07 \x9b2J',
  'turned \u202e around',
];
/** What may never reach a terminal from the outside. */
const DRIVES_TERMINAL = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]/;

let pair: TestDatabases;
let files: Files;
let before: unknown[][];

const tables = async () =>
  (
    await Promise.all(
      (['historical', 'runtime'] as const).map((name) =>
        rowsOf(
          pair.databases[name],
          `SELECT table_schema, table_name FROM information_schema.tables
            WHERE table_schema IN ('public', 'console') ORDER BY 1, 2`,
        ),
      ),
    )
  ).flat();

function run(...argv: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const { historical, runtime } = pair.urls;
  const child = spawn(process.execPath, [MAIN, ...argv], {
    env: {
      ...bareEnvironment(files.folder, path.join(files.folder, 'home')),
      HISTORICAL_DB_URL: historical,
      RUNTIME_DB_URL: runtime,
      USER: HOSTILE[0],
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stderr.on('data', (chunk) => (err += chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out, err }));
  });
}

beforeAll(async () => {
  pair = await createTestDatabases();
  files = new Files();
  before = await tables();
});
afterAll(() => pair?.drop());

const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
/** As a client shows it: the whole of what a command wrote. */
const shown = async (...argv: string[]) => {
  const ran = await run(...argv);
  expect(ran.out + ran.err, argv.join(' ')).not.toMatch(DRIVES_TERMINAL);
  expect(ran.err).not.toContain('    at ');
  return ran;
};

describe('hostile text', () => {
  test('in files is stored as it is, or rejected by name', async () => {
    const instruments = files.write('instruments.csv', [
      'instrument_id,issuer_id,symbol,name,sector,market_id,currency',
      ...HOSTILE.map((text, i) => `H${i}.US,H${i},H${i},${quoted(text)},${quoted(text)},US_EQ,USD`),
      ...HOSTILE.map((text, i) => `${quoted(text)},I${i},${quoted(text)},x,Energy,US_EQ,USD`),
    ]);
    const prices = files.write('prices.csv', [
      PRICE_HEADER,
      ...HOSTILE.map((text) => `${quoted(text)},2014-01-02,10,12,9,11,5.5,1000`),
      ...HOSTILE.map((_, i) => `H${i}.US,2014-01-02,10,12,9,11,5.5,1000`),
    ]);
    const news = files.write('news.csv', [
      'article_id,published_at,instrument_id,headline,body',
      ...HOSTILE.map((text, i) => `${quoted(text)},2014-01-02T10:00:00Z,H${i}.US,${quoted(text)},${quoted(text)}`),
    ]);
    const ran = await shown('data', 'import', '--instruments', instruments, '--prices', prices, '--news', news);
    expect([0, 3]).toContain(ran.code);
    // Only what a key of ours is joined by is no id.
    const ids = HOSTILE.filter((text) => !text.includes('|'));
    const { historical, runtime } = pair.databases;
    const column = async (of: typeof runtime, sql: string) => (await rowsOf(of, sql)).flat().toSorted();
    expect(await column(runtime, "SELECT name FROM issuers WHERE issuer_id LIKE 'H%'")).toEqual(HOSTILE.toSorted());
    expect(await column(runtime, "SELECT symbol FROM instruments WHERE instrument_id NOT LIKE 'H%'")).toEqual(
      ids.toSorted(),
    );
    expect(await column(historical, 'SELECT headline FROM news_articles')).toEqual(HOSTILE.toSorted());
    expect(await column(historical, 'SELECT instrument_id FROM prices_daily')).toEqual(
      [...ids, ...HOSTILE.map((_, i) => `H${i}.US`)].toSorted(),
    );
    expect(await tables()).toEqual(before);
  });

  test('on a command line is a value and nothing else', async () => {
    const text = HOSTILE.join(' ');
    const noted = await shown('note', 'P1', text);
    expect(noted.code).toBe(0);
    const asked = [
      await shown('why', text),
      await shown('coverage', '--row', text, '--year', '2014'),
      await shown('similar', '--model', text, '--instrument', text, '--as-of', '2014-01-02'),
      await shown('backtests', 'show', text),
      await shown('decide', 'P5', '--runs', text, '--text', text, '--override', text),
      await shown('job', 'show', text),
      await shown('models', 'show', text),
    ];
    for (const { code, err } of asked) {
      expect([1, 2]).toContain(code);
      expect(err.trim().split('\n')).toHaveLength(1);
    }
    expect((await shown('backtests', 'ls', '--sleeve', text)).code).toBe(0);
    // A pipe gets the very text.
    const why = await run('why', 'P1', '--json');
    const notes = (JSON.parse(why.out) as { phase: { notes: { note: string }[] } }).phase.notes.map(({ note }) => note);
    expect(notes).toContain(text);
    await shown('why', 'P1');
    expect(await tables()).toEqual(before);
  });
});
