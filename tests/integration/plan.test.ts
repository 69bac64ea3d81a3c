/** `plan full-horizon` and `plan check` against a backfill that really ran. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatDay } from '../../src/platform/dates.ts';
import { measuredRates } from '../../src/queue/rates.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { bareEnvironment, MAIN } from '../helpers/processes.ts';
import { smallMarket } from '../helpers/small-market.ts';
import { storePanel } from '../helpers/store-panel.ts';

const MODEL = 'num-stab-core-v1';
const panel = smallMarket({ seed: 12, instruments: 9, days: 200 });
const [start, end] = [60, 199].map((t) => formatDay(panel.calendar.days[t]));
let folder: string;
let pair: TestDatabases;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'prometheus-plan-'));
  pair = await createTestDatabases();
  await storePanel(pair.databases, panel);
  // Rows are deleted below, and the roll-up that the size of a row is reckoned by counts them until it is recounted: a
  // vacuum that gives their pages back in between would leave that size to chance.
  await pair.databases.historical.client((client) =>
    client.query(
      'ALTER TABLE numeric_window_embeddings SET (autovacuum_enabled = false, toast.autovacuum_enabled = false)',
    ),
  );
});
afterAll(async () => {
  await pair.drop();
  rmSync(folder, { recursive: true, force: true });
});

function prometheus(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const env = bareEnvironment(folder, path.join(folder, 'home'));
  const words = [MAIN, ...argv, '--historical', pair.urls.historical, '--runtime', pair.urls.runtime];
  return new Promise((resolve) => {
    execFile(process.execPath, words, { cwd: folder, env }, (error, out, err) =>
      resolve({ code: error ? Number(error.code) : 0, out, err }),
    );
  });
}
const plan = (...more: string[]) =>
  prometheus('plan', 'full-horizon', '--start', start, '--end', end, '--market', 'TEST', '--models', MODEL, ...more);

test('a plan knows rows before anything ran, time and bytes afterwards, and is checked against what was written', async () => {
  expect(await prometheus('plan', 'check')).toMatchObject({
    code: 1,
    err: expect.stringContaining('there is no plan'),
  });

  const before = await plan('--json', '--workers', '1', '4');
  expect(before).toMatchObject({ code: 3, err: '' });
  const unknown = JSON.parse(before.out);
  expect(unknown).toMatchObject({ worker_seconds: null, bytes: null, disk: { enough: null } });
  // A server of the user's own on this machine: its folder is known.
  expect(unknown.disk.free_bytes).toBeGreaterThan(0);
  expect(unknown.hours).toEqual([
    { workers: 1, hours: null },
    { workers: 4, hours: null },
  ]);
  expect(unknown.steps[0].end).toBe(end);
  expect((await prometheus('plan', 'check')).code).toBe(3);
  expect((await plan()).out).toMatch(/time UNKN: no shard of num-stab-core-v1 was measured yet/);

  const backfill = ['backfill', 'numeric-embeddings', '--start-date', start, '--end-date', end, '--market', 'TEST'];
  expect(await prometheus(...backfill, '--models', MODEL, '--workers', '1', '--device', 'cpu')).toMatchObject({
    code: 0,
  });
  const { rows } = await pair.databases.historical.client((client) =>
    client.query('SELECT count(*)::int AS rows FROM numeric_window_embeddings'),
  );
  expect(unknown.rows).toBe(rows[0].rows);

  // All of it stands: there is nothing left to write.
  expect(JSON.parse((await plan('--json')).out)).toMatchObject({
    ...{ rows: 0, bytes: 0, worker_seconds: 0, steps: [], commands: [] },
    models: [{ rows: 0, standing: unknown.rows }],
  });
  const gone = await pair.databases.historical.client((client) =>
    client.query('DELETE FROM numeric_window_embeddings WHERE as_of_date > $1', [formatDay(panel.calendar.days[80])]),
  );
  const after = JSON.parse((await plan('--json', '--workers', '1', '4')).out);
  expect(after.rows).toBe(gone.rowCount);
  expect(after.models[0].standing).toBe(unknown.rows - after.rows);
  expect(after.hours[0].hours).toBeCloseTo(4 * after.hours[1].hours, 12);
  expect(after.worker_seconds).toBeCloseTo(after.rows / after.models[0].rows_per_second, 9);
  expect(after.bytes).toBeGreaterThan(after.rows * 384 * 4);
  expect(after.kinds).toMatchObject([{ kind: 'numeric', table: 'numeric_window_embeddings', rows: after.rows }]);
  expect(after.commands).toEqual([
    expect.arrayContaining(['numeric-embeddings', after.steps[0].start, end, MODEL, '--skip-existing']),
  ]);

  // Rows that nothing asks for stand in for none that is due.
  await pair.databases.historical.client((client) =>
    client.query(
      `INSERT INTO numeric_window_embeddings (entity_type, entity_id, window_spec, as_of_date, model_id, vector)
       SELECT 'PORTFOLIO', entity_id, window_spec, as_of_date + 30, model_id, vector FROM numeric_window_embeddings WHERE model_id = $1`,
      [MODEL],
    ),
  );
  expect(JSON.parse((await plan('--json')).out)).toMatchObject({ rows: after.rows, models: [after.models[0]] });
  await pair.databases.historical.client((client) =>
    client.query(`DELETE FROM numeric_window_embeddings WHERE entity_type = 'PORTFOLIO'`),
  );

  const again = await prometheus(
    ...backfill,
    '--models',
    MODEL,
    '--workers',
    '1',
    '--device',
    'cpu',
    '--skip-existing',
  );
  expect(again.code).toBe(0);
  const check = await prometheus('plan', 'check', '--json');
  const { models, kinds } = JSON.parse(check.out);
  const [clock] = kinds;
  expect(kinds).toHaveLength(1);
  expect(check.code).toBe(0);
  expect(models).toHaveLength(1);
  expect(models[0]).toMatchObject({ model_id: MODEL, rows: after.rows, planned_rows: after.rows });
  expect(models[0].error).toBeCloseTo(models[0].planned_seconds / models[0].worker_seconds - 1, 12);
  // One worker at a time: its time is that of the clock.
  expect(clock.workers).toBeCloseTo(1, 6);
  expect(clock.seconds).toBeCloseTo(models[0].worker_seconds, 6);
  expect(clock.planned).toBeCloseTo(models[0].planned_seconds, 6);
  expect(clock.error).toBeCloseTo(models[0].error, 6);
  expect((await prometheus('plan', 'check')).out).toMatch(/ERROR/);
}, 240_000);

test('hours follow from backfills with different numbers of workers, rests left out', async () => {
  const model = 'num-regime-core-v1';
  /** A finished backfill of four shards of 100 rows; `ends` in seconds after midnight. */
  const record = (id: string, seconds: number, ends: readonly number[]) =>
    pair.databases.historical.client(async (client) => {
      await client.query(
        `INSERT INTO console.backfills (backfill_id, kind, spec, data_fingerprint, models, shards, due, state)
         VALUES ($1, 'numeric', '{}', '', '{}', 4, 400, 'done')`,
        [id],
      );
      await client.query(
        `INSERT INTO console.shard_done (shard_id, backfill_id, kind, model_id, rows, seconds, done_at)
         SELECT $1 || '/' || ended, $1, 'numeric', $2, 100, $3, timestamptz '2020-01-01 00:00Z' + ended * interval '1 s'
           FROM unnest($4::float8[]) AS ended`,
        [id, model, seconds, ends],
      );
    });
  const planned = async () => {
    const words = ['--start', start, '--end', end, '--market', 'TEST', '--models', model, '--workers', '1', '2'];
    return JSON.parse((await prometheus('plan', 'full-horizon', ...words, '--json')).out);
  };
  // One after another, with an hour's rest in the middle; then two at a time, each shard a fifth longer.
  await record('alone', 10, [10, 20, 3630, 3640]);
  expect((await planned()).kinds[0].scaling).toBeNull();
  await record('together', 12, [112, 112.5, 124, 124.5]);
  const { kinds, hours, rows } = await planned();
  const [{ scaling }] = kinds;
  expect(scaling.each / scaling.alone).toBeCloseTo(12 / 10 - 1, 1);
  const alone = rows / 10 / 3600;
  expect(hours[0].hours).toBeCloseTo(alone, 6);
  // 48 seconds of work in 24.5 by the clock.
  expect(scaling.measured_to).toBeCloseTo(48 / 24.5, 9);
  expect(hours[1].hours).toBeLessThan(alone);
  expect(hours[1].hours).toBeGreaterThan(alone / 2);
}, 240_000);

test('shards that found most of their rows there already say nothing of what rows take', async () => {
  const { historical } = pair.databases;
  const record = (shard: number, rows: number, skipped: number, seconds: number) =>
    historical.client((client) =>
      client.query(
        `INSERT INTO console.shard_done (shard_id, backfill_id, kind, model_id, rows, skipped, seconds, done_at)
         VALUES ('again/' || $1, 'again', 'numeric', 'm', $2, $3, $4, now())`,
        [shard, rows, skipped, seconds],
      ),
    );
  await record(0, 10, 90, 9);
  expect((await measuredRates(historical, ['m'])).size).toBe(0);
  await record(1, 100, 0, 10);
  await record(2, 60, 40, 6);
  expect((await measuredRates(historical, ['m'])).get('m')).toBe(10);
});

test('an end before the start, and days without prices, are told', async () => {
  const wrong = await prometheus('plan', 'full-horizon', '--start', end, '--end', start, '--market', 'TEST');
  expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining('is before') });
  const early = await prometheus(
    ...['plan', 'full-horizon', '--start', '2012-11-01', '--end', end, '--market', 'TEST', '--models', MODEL],
  );
  expect(early.out.replace(/\s+/g, ' ')).toMatch(/prices cover 2013-\d\d-\d\d/);
});

describe('over numeric, text and joint models', () => {
  const TEXT = 'text-fin-static-v1';
  const STAB = 'joint-stab-fragility-v1';
  const REGIME = 'joint-regime-core-v1';
  const SPAN = ['--start', start, '--end', end];
  /** Articles of two years on every fifth day; each third has no company. */
  const ARTICLES = Array.from({ length: 28 }, (_, k) => 60 + 5 * k);
  /** Ten of sixty words, each often enough to be learnt. */
  const headline = (k: number) =>
    Array.from({ length: 10 }, (_, j) => {
      const word = (10 * k + j + Math.floor(k / 6)) % 60;
      return `word${String.fromCharCode(97 + (word % 10))}${String.fromCharCode(97 + Math.floor(word / 10))}`;
    }).join(' ');
  const ask = async (...models: string[]) =>
    JSON.parse(
      (await prometheus('plan', 'full-horizon', ...SPAN, '--market', 'TEST', '--models', ...models, '--json')).out,
    );
  const rowsIn = async (table: string, where: string) =>
    pair.databases.historical.client(async (client) => {
      const { rows } = await client.query(`SELECT count(*)::int AS rows FROM ${table} WHERE ${where}`);
      return rows[0].rows as number;
    });

  beforeAll(async () => {
    await pair.databases.historical.transaction(async (client) => {
      for (const [k, t] of ARTICLES.entries()) {
        await client.query(
          `INSERT INTO news_articles (article_id, "timestamp", source, headline) VALUES ($1, $2, 'test', $3)`,
          [k + 1, `${formatDay(panel.calendar.days[t])}T12:00:00Z`, headline(k)],
        );
        if (k % 3 === 0) continue;
        const { id, issuerId } = panel.instruments[k % 9];
        await client.query('INSERT INTO news_links VALUES ($1, $2, $3)', [k + 1, issuerId, id]);
      }
    });
    const fit = await prometheus('models', 'fit', TEXT, '--vocabulary', '100');
    expect([fit.code, fit.err]).toEqual([0, fit.err]);
  }, 240_000);

  test('rows are those that the backfills make, years add up, and what does not stand is said', async () => {
    const plan = await ask(MODEL, TEXT, REGIME, STAB);
    expect(plan.kinds).toMatchObject([
      { kind: 'numeric', table: 'numeric_window_embeddings' },
      { kind: 'text', table: 'text_embeddings', rows: 28 + 18, bytes: null },
      { kind: 'joint', table: 'joint_embeddings', bytes: null },
    ]);
    const rowsOf = (id: string) => plan.models.find((one: { model_id: string }) => one.model_id === id).rows;
    // The articles' own vectors, and one for each that has a company: never two of a company on one day.
    expect(rowsOf(TEXT)).toBe(28 + 18);
    expect(rowsOf(REGIME)).toBe(140);
    expect(rowsOf(STAB)).toBe(
      await rowsIn('numeric_window_embeddings', `model_id = '${MODEL}' AND entity_type = 'INSTRUMENT'`),
    );
    const sum = (key: string) => plan.steps.reduce((total: number, one: Record<string, number>) => total + one[key], 0);
    expect(sum('rows')).toBe(plan.rows);
    expect(plan.reasons).toEqual(
      expect.arrayContaining([
        `${REGIME}: regimes of US stand on 0 of 140 trading days; the others get no row`,
        `${REGIME}: there is no news vector yet`,
        `${STAB}: there is no joint profile vector yet`,
        expect.stringMatching(`time UNKN: no shard of ${TEXT}, ${REGIME}, ${STAB} was measured yet`),
        expect.stringMatching('bytes UNKN: too few rows stand in text_embeddings, joint_embeddings'),
      ]),
    );
    expect(plan.bytes).toBeNull();
    expect(plan.commands.map((words: string[]) => words.slice(0, 2).join(' '))).toEqual([
      'backfill numeric-embeddings',
      'backfill text-embeddings',
      'backfill joint-regime-context',
      'backfill joint-stab-fragility',
    ]);
    expect(plan.beside).toContain('backtest campaign');
    expect(plan.beside).not.toContain('backfill joint-profiles');

    const later = await ask('num-profile-core-v1', 'joint-assessment-context-v1');
    expect(later.reasons).toContain(
      'joint-assessment-context-v1: vectors of joint-stab-fragility-v1 stand on 0 of 140 trading days; rows of the others are not counted',
    );
    const unknown = await prometheus('plan', 'full-horizon', ...SPAN, '--market', 'TEST', '--models', 'text-none-v1');
    expect(unknown).toMatchObject({ code: 1, err: expect.stringContaining('there is no model text-none-v1') });
  }, 240_000);

  test('its commands do it, in their order, and the check holds every kind against what they wrote', async () => {
    const { steps, commands, models, kinds: planned } = await ask(MODEL, TEXT, STAB);
    const [first] = steps;
    for (const words of commands) expect(await prometheus(...words)).toMatchObject({ code: 0 });
    const check = await prometheus('plan', 'check', '--json');
    expect(check.code).toBe(0);
    const { models: checked, kinds } = JSON.parse(check.out);
    const done = Object.fromEntries(checked.map((one: { model_id: string; rows: number }) => [one.model_id, one.rows]));
    // The numeric vectors were there; the others are made of the first step alone.
    expect(done[MODEL]).toBe(0);
    const within = `as_of_date BETWEEN '${first.start}' AND '${first.end}'`;
    expect(done[STAB]).toBe(await rowsIn('joint_embeddings', within));
    expect(done[STAB]).toBe(
      await rowsIn('numeric_window_embeddings', `model_id = '${MODEL}' AND entity_type = 'INSTRUMENT' AND ${within}`),
    );
    expect(done[TEXT]).toBe(await rowsIn('text_embeddings', `model_id = '${TEXT}'`));
    expect(done[TEXT]).toBeGreaterThan(0);
    expect(kinds.map((one: { kind: string }) => one.kind)).toEqual(planned.map((one: { kind: string }) => one.kind));
    expect(kinds[1].seconds).toBeGreaterThan(0);
    expect(models.map((one: { kind: string }) => one.kind)).toEqual(['numeric', 'text', 'joint']);
  }, 240_000);

  test('the size of a row is that of its table', async () => {
    await pair.databases.historical.client(async (client) => {
      await client.query(
        `INSERT INTO text_embeddings (source_type, source_id, model_id, vector)
         SELECT 'NEWS', 'other ' || n, 'text-other-v1', decode(repeat('00', 1536), 'hex') FROM generate_series(1, 2000) n`,
      );
      await client.query('ANALYZE text_embeddings');
    });
    const { kinds, bytes, disk } = await ask(MODEL, TEXT);
    const sizes = kinds.map((one: { bytes_per_row: number }) => one.bytes_per_row);
    expect(sizes[0]).not.toBe(sizes[1]);
    expect(bytes).toBe(kinds[0].bytes + kinds[1].bytes);
    expect(kinds[1].bytes).toBe(Math.round(kinds[1].rows * sizes[1]));
    expect(disk.need_bytes).toBe(2 * bytes + disk.wal_bytes);
  }, 240_000);
});
