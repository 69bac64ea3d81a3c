/** Joint backfills over the shard queue: cut as one likes, broken off, taken over, and nothing read that came later. */
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { program as digest } from '../../engines/data/digest/program.ts';
import { digestSpec } from '../../engines/data/digest/spec.ts';
import { JOINT_DIM } from '../../engines/joint/ids.model.ts';
import type { JointBackfillSpec } from '../../engines/joint/plan.model.ts';
import {
  backfillJointAssessment,
  backfillJointProfiles,
  backfillJointRegime,
  backfillJointStab,
  joinJoint,
} from '../../engines/joint/program.ts';
import { jointAssessmentSpec, jointProfilesSpec, jointRegimeSpec, jointStabSpec } from '../../engines/joint/spec.ts';
import { formatDay, isWeekend, parseDay } from '../../src/platform/dates.ts';
import { Random } from '../../src/platform/random.ts';
import { oldestOpen } from '../../src/queue/backfills.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { runProgram } from '../helpers/run-program.ts';

const TEXT = 'text-test-v1';
const INSTRUMENTS = ['AAA.T', 'AAB.T', 'BBB.T'];
const issuerOf = (id: string) => id.slice(0, 1);
const RANGE = { start: '2014-03-03', end: '2014-03-14' };
const DAYS = Array.from({ length: 12 }, (_, k) => parseDay(RANGE.start) + k)
  .filter((day) => !isWeekend(day))
  .map(formatDay);
const CUT = DAYS[4];

let db: TestDatabases;
beforeEach(async () => {
  db = await createTestDatabases();
  await store();
});
afterEach(() => db.drop());

/** A vector drawn from its name. */
function drawn(name: string): Buffer {
  const random = new Random(7, ...Buffer.from(name));
  return Buffer.from(Float32Array.from({ length: JOINT_DIM }, () => random.normal()).buffer);
}

async function store(): Promise<void> {
  await db.databases.runtime.transaction(async (client) => {
    await client.query(`INSERT INTO markets (market_id, name, region, timezone, updated_at)
      VALUES ('TEST', 'Test', 'US', 'America/New_York', now())`);
    await client.query(`INSERT INTO issuers (issuer_id, issuer_type, name, sector, updated_at)
      VALUES ('A', 'CORPORATION', 'A', 'Energy', now()), ('B', 'CORPORATION', 'B', NULL, now())`);
    for (const id of INSTRUMENTS) {
      await client.query(
        `INSERT INTO instruments (instrument_id, issuer_id, market_id, asset_class, symbol, currency, status, updated_at)
         VALUES ($1, $2, 'TEST', 'EQUITY', $1, 'USD', 'ACTIVE', now())`,
        [id, issuerOf(id)],
      );
    }
    for (const day of DAYS) {
      await client.query(
        `INSERT INTO regimes (regime_record_id, as_of_date, region, regime_label, regime_embedding, confidence)
         VALUES ($1, $2, 'US', 'CALM', $3, 1)`,
        [`r-${day}`, day, drawn(`regime ${day}`)],
      );
    }
  });
  await db.databases.historical.transaction(async (client) => {
    await client.query(`INSERT INTO market_holidays VALUES ('TEST', '2014-01-01', 'Holiday', 'test', now())`);
    const numeric = (type: string, id: string, model: string, day: string) =>
      client.query(
        `INSERT INTO numeric_window_embeddings (entity_type, entity_id, window_spec, as_of_date, model_id, vector)
         VALUES ($1, $2, '{}', $3, $4, $5)`,
        [type, id, day, model, drawn(`${model} ${id} ${day}`)],
      );
    for (const day of DAYS) {
      for (const id of INSTRUMENTS) {
        for (const part of ['stab', 'profile', 'regime']) await numeric('INSTRUMENT', id, `num-${part}-core-v1`, day);
        for (const part of ['stab', 'profile']) await numeric('INSTRUMENT', id, `num-${part}-core-v2`, day);
      }
      await numeric('SECTOR', 'TEST|Energy', 'num-regime-core-v2', day);
    }
    const text = (type: string, id: string, model: string) =>
      client.query(`INSERT INTO text_embeddings (source_type, source_id, model_id, vector) VALUES ($1, $2, $3, $4)`, [
        type,
        id,
        model,
        drawn(`${type} ${id}`),
      ]);
    await text('PROFILE', 'A', 'text-profile-v1');
    // Twice a day over the span and the week before, one of them in the evening of New York.
    for (let k = 0; k < 40; k++) {
      const at = new Date(Date.UTC(2014, 1, 24) + k * 43_200_000 + 80_000_000).toISOString();
      await client.query(
        `INSERT INTO news_articles (article_id, "timestamp", source, headline) VALUES ($1, $2, 'test', $3)`,
        [k + 1, at, `article ${k}`],
      );
      await text('NEWS', String(k + 1), TEXT);
    }
    for (const day of DAYS.filter((_, k) => k % 3 === 0)) await text('NEWS_ISSUER_DAY', `A|${day}`, TEXT);
  });
}

const historical = (sql: string) => db.databases.historical.client((client) => client.query(sql));
const common = { ...RANGE, marketId: 'TEST', shardDays: 3 };
const fragility = (v: string, args: object = {}) =>
  runProgram(
    jointStabSpec,
    backfillJointStab,
    { ...common, modelId: `joint-stab-fragility-${v}`, ...args },
    db.databases,
  );
async function all(v: string, args: object = {}) {
  const given = (stem: string) => ({ ...common, modelId: `${stem}-${v}`, ...args });
  const withNews = (stem: string) => ({ ...given(stem), textModelId: TEXT });
  const runs = [
    await runProgram(jointProfilesSpec, backfillJointProfiles, given('joint-profile-core'), db.databases),
    await runProgram(jointRegimeSpec, backfillJointRegime, withNews('joint-regime-core'), db.databases),
    await fragility(v, args),
    await runProgram(jointAssessmentSpec, backfillJointAssessment, withNews('joint-assessment-context'), db.databases),
  ];
  for (const { result } of runs) expect(result.exitCode).toBe(0);
  return runs;
}
const content = async () =>
  (await runProgram(digestSpec, digest, { table: ['joint_embeddings'] }, db.databases)).stdout;
const upTo = async (day: string) =>
  (
    await historical(
      `SELECT joint_type, as_of_date::text, entity_scope::text, model_id, vector FROM joint_embeddings WHERE as_of_date <= '${day}'
        ORDER BY 1, 2, 3, 4`,
    )
  ).rows;

describe.each(['v1', 'v2'])('%s', (v) => {
  it('any cut into shards gives the same table, again and day by day', async () => {
    const runs = await all(v);
    expect(runs.map(({ result }) => (result.data as { written: number }).written)).toEqual([
      v === 'v1' ? DAYS.length : 2 * DAYS.length,
      DAYS.length,
      3 * DAYS.length,
      3 * DAYS.length,
    ]);
    const before = await content();
    await all(v, { shardDays: 100, workers: 1 });
    expect(await content()).toBe(before);
    for (const day of DAYS) await all(v, { start: undefined, end: undefined, asOf: day });
    expect(await content()).toBe(before);
    const again = await fragility(v, { skipExisting: true });
    expect(again.stdout).toBe(`model_id,written,skipped,failed\njoint-stab-fragility-${v},0,${3 * DAYS.length},0\n`);
  });

  it('removing everything after a day changes nothing up to it', async () => {
    await all(v);
    const before = await upTo(CUT);
    expect(before).toHaveLength(v === 'v1' ? 40 : 45);
    await historical(`DELETE FROM joint_embeddings`);
    await historical(`DELETE FROM numeric_window_embeddings WHERE as_of_date > '${CUT}'`);
    // v1 reads all of the UTC day, v2 what came before the close: 21:00 UTC.
    const last = v === 'v1' ? `${formatDay(parseDay(CUT) + 1)}T00:00:00Z` : `${CUT}T21:00:00Z`;
    await historical(`DELETE FROM text_embeddings USING news_articles a
      WHERE source_type = 'NEWS' AND source_id = a.article_id::text AND a."timestamp" >= '${last}'`);
    await historical(
      `DELETE FROM text_embeddings WHERE source_type = 'NEWS_ISSUER_DAY' AND right(source_id, 10) > '${CUT}'`,
    );
    await db.databases.runtime.client((client) => client.query(`DELETE FROM regimes WHERE as_of_date > '${CUT}'`));
    await all(v);
    expect(await upTo(CUT)).toEqual(before);
  });
});

/** As a backfill looks whose process died before its second shard: open, that shard's rows and mark not there. */
async function breakOff(): Promise<void> {
  await historical(`UPDATE console.backfills SET state = 'open', ended_at = NULL WHERE spec ->> 'kind' = 'stab'`);
  await historical(`DELETE FROM console.shard_done d USING console.backfills b
    WHERE d.shard_id = b.backfill_id || '/1' AND b.spec ->> 'kind' = 'stab'`);
  await historical(`DELETE FROM joint_embeddings WHERE joint_type = 'STAB_FRAGILITY_V0'
    AND as_of_date BETWEEN '${DAYS[3]}' AND '${DAYS[5]}'`);
}

describe('stored vectors that cannot be used', () => {
  it('are listed whole in a file with the reason, and make the result partial', async () => {
    await historical(`UPDATE numeric_window_embeddings SET vector = '\\x0102' WHERE model_id = 'num-stab-core-v2'`);
    const { result, events } = await fragility('v2');
    expect(result.exitCode).toBe(3);
    const { failed, failures_file } = result.data as { failed: number; failures_file: string };
    expect(failed).toBe(3 * DAYS.length);
    const lines = readFileSync(failures_file, 'utf8').trimEnd().split('\n');
    expect(new Set(lines.slice(1)).size).toBe(failed);
    for (const line of lines.slice(1)) expect(line).toMatch(/num-stab-core-v2 of \S+ on .*"has 0\.5 values, not 384"$/);
    expect(events).toContainEqual(expect.objectContaining({ kind: 'rejected items', path: failures_file }));
  });
});

describe('a backfill that broke off', () => {
  it('goes on with --resume', async () => {
    await all('v2');
    const before = await content();
    await breakOff();
    expect(await content()).not.toBe(before);
    const { result } = await fragility('v2', { resume: true });
    expect(result.data).toMatchObject({ written: 3 * DAYS.length, failed: 0 });
    expect(await content()).toBe(before);
  });

  it('refuses to go on over other vectors', async () => {
    await all('v2');
    await breakOff();
    await historical(
      `DELETE FROM numeric_window_embeddings WHERE model_id = 'num-stab-core-v2' AND as_of_date = '${DAYS[9]}'`,
    );
    await expect(fragility('v2', { resume: true })).rejects.toThrow('vectors, calendar or instruments have changed');
    await expect(
      runProgram(
        jointStabSpec,
        async (_, context) => {
          const open = await oldestOpen<JointBackfillSpec>(context.databases.historical, 'joint', new Set());
          await joinJoint(open!, 1, context);
          return { exitCode: 0, summary: '' };
        },
        common,
        db.databases,
      ),
    ).rejects.toThrow('vectors, calendar or instruments have changed');
  });
});

describe('what is missing', () => {
  it('is an error where all vectors are about it, else a branch that is left out', async () => {
    await historical(`DELETE FROM numeric_window_embeddings WHERE model_id = 'num-stab-core-v2'`);
    await expect(fragility('v2')).rejects.toMatchObject({
      message: 'there is no vector of the stability model from 2014-03-03 to 2014-03-14',
      fix: expect.stringContaining('--models num-stab-core-v2'),
    });
    const { events } = await fragility('v1');
    expect(JSON.stringify(events)).toContain('there is no joint profile vector');
  });

  it('makes the result partial where it is the vectors of news that is there', async () => {
    const regime = async (args: object) =>
      (
        await runProgram(
          jointRegimeSpec,
          backfillJointRegime,
          { ...common, modelId: 'joint-regime-core-v2', textModelId: 'nosuch', ...args },
          db.databases,
        )
      ).result;
    const { exitCode, summary, data } = await regime({});
    expect([exitCode, (data as { written: number }).written]).toEqual([3, DAYS.length]);
    expect(summary).toContain('no vector of nosuch: prometheus backfill text-embeddings --model-id nosuch');
    expect((await regime({ wText: 0 })).exitCode).toBe(0);
    await historical('DELETE FROM news_articles');
    expect((await regime({})).exitCode).toBe(0);
  });
});
