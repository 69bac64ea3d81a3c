/** `plan full-horizon` and `plan check` against a backfill that really ran. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { formatDay } from '../../src/platform/dates.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { smallMarket } from '../helpers/small-market.ts';
import { storePanel } from '../helpers/store-panel.ts';

const MAIN = path.resolve(import.meta.dirname, '../../src/cli/main.ts');
const MODEL = 'num-stab-core-v1';
const panel = smallMarket({ seed: 12, instruments: 9, days: 200 });
const [start, end] = [60, 199].map((t) => formatDay(panel.calendar.days[t]));
let folder: string;
let pair: TestDatabases;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'prometheus-plan-'));
  pair = await createTestDatabases();
  await storePanel(pair.databases, panel);
});
afterAll(async () => {
  await pair.drop();
  rmSync(folder, { recursive: true, force: true });
});

function prometheus(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const env = { PATH: process.env.PATH, HOME: folder, PROMETHEUS_HOME: path.join(folder, 'home') };
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
  expect(unknown).toMatchObject({ worker_seconds: null, bytes: null, disk: { enough: null, free_bytes: null } });
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

  const after = JSON.parse((await plan('--json', '--workers', '1', '4')).out);
  expect(after.hours[0].hours).toBeCloseTo(4 * after.hours[1].hours, 12);
  expect(after.worker_seconds).toBeCloseTo(after.rows / after.models[0].rows_per_second, 9);
  expect(after.bytes).toBeGreaterThan(after.rows * 384 * 4);

  expect(await prometheus(...backfill, '--models', MODEL, '--workers', '1', '--device', 'cpu')).toMatchObject({
    code: 0,
  });
  const check = await prometheus('plan', 'check', '--json');
  const { models, clock } = JSON.parse(check.out);
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
}, 120_000);

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
  expect((await planned()).scaling).toBeNull();
  await record('together', 12, [112, 112.5, 124, 124.5]);
  const { scaling, hours, rows } = await planned();
  expect(scaling.each / scaling.alone).toBeCloseTo(12 / 10 - 1, 1);
  const alone = rows / 10 / 3600;
  expect(hours[0].hours).toBeCloseTo(alone, 6);
  // 48 seconds of work in 24.5 by the clock.
  expect(scaling.measured_to).toBeCloseTo(48 / 24.5, 9);
  expect(hours[1].hours).toBeLessThan(alone);
  expect(hours[1].hours).toBeGreaterThan(alone / 2);
}, 120_000);

test('an end before the start, and days without prices, are told', async () => {
  const wrong = await prometheus('plan', 'full-horizon', '--start', end, '--end', start, '--market', 'TEST');
  expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining('is before') });
  const early = await prometheus(
    ...['plan', 'full-horizon', '--start', '2012-11-01', '--end', end, '--market', 'TEST', '--models', MODEL],
  );
  expect(early.out.replace(/\s+/g, ' ')).toMatch(/prices cover 2013-\d\d-\d\d/);
});
