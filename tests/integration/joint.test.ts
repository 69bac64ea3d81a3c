/** Joint backfills on a real server: the contract's averages, masks, idempotence, and no look past the close. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { JOINT_DIM } from '../../engines/joint/ids.model.ts';
import {
  backfillJointAssessment,
  backfillJointProfiles,
  backfillJointRegime,
  backfillJointStab,
} from '../../engines/joint/program.ts';
import { jointAssessmentSpec, jointProfilesSpec, jointRegimeSpec, jointStabSpec } from '../../engines/joint/spec.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { runProgram } from '../helpers/run-program.ts';

let pair: TestDatabases;
/** A vector of one value everywhere, but a little more at `at`. */
const flat = (value: number, at = 0) => {
  const vector = new Float32Array(JOINT_DIM).fill(value);
  vector[at] += 1;
  return vector;
};
const bytes = (vector: Float32Array) => Buffer.from(vector.buffer);
/** Tuesday to Thursday. */
const DAYS = ['2014-01-07', '2014-01-08', '2014-01-09'];
const historical = (sql: string, values: unknown[] = []) =>
  pair.databases.historical.client((client) => client.query(sql, values));
const runtime = (sql: string, values: unknown[] = []) =>
  pair.databases.runtime.client((client) => client.query(sql, values));
const numeric = (model: string, id: string, day: string, vector: Float32Array, type = 'INSTRUMENT') =>
  historical(
    `INSERT INTO numeric_window_embeddings (entity_type, entity_id, window_spec, as_of_date, model_id, vector) VALUES ($1, $2, '{}', $3, $4, $5)`,
    [type, id, day, model, bytes(vector)],
  );
let articles = 0;
async function article(stamp: string, vector: Float32Array): Promise<void> {
  const { rows } = await historical(
    `INSERT INTO news_articles (timestamp, source, headline) VALUES ($1, 'test', $2) RETURNING article_id`,
    [stamp, `story ${++articles}`],
  );
  await historical(
    `INSERT INTO text_embeddings (source_type, source_id, model_id, vector) VALUES ('NEWS', $1, 'text-fin-general-v1', $2)`,
    [String(rows[0].article_id), bytes(vector)],
  );
}
const text = (type: string, id: string, model: string, vector: Float32Array) =>
  historical(`INSERT INTO text_embeddings (source_type, source_id, model_id, vector) VALUES ($1, $2, $3, $4)`, [
    type,
    id,
    model,
    bytes(vector),
  ]);
async function rowsOf(modelId: string) {
  const { rows } = await historical(
    `SELECT as_of_date::text AS day, joint_type AS type, entity_scope AS scope, vector FROM joint_embeddings WHERE model_id = $1
      ORDER BY as_of_date, entity_scope->>'entity_id' COLLATE "C", entity_scope->>'issuer_id' COLLATE "C"`,
    [modelId],
  );
  return rows.map((row) => ({ ...row, vector: new Float32Array(Uint8Array.from(row.vector as Buffer).buffer) }));
}
const span = { start: DAYS[0], end: DAYS[2] };

beforeEach(async () => {
  pair = await createTestDatabases();
  await runtime(`INSERT INTO markets (market_id, name, region, timezone, updated_at) VALUES ('US_EQ', 'US', 'US', 'America/New_York', now());
    INSERT INTO issuers (issuer_id, issuer_type, name, sector, updated_at) VALUES ('I1', 'CORPORATION', 'One', 'Energy', now()), ('I2', 'CORPORATION', 'Two', NULL, now());
    INSERT INTO instruments (instrument_id, issuer_id, market_id, asset_class, symbol, currency, updated_at)
      VALUES ('A.US', 'I1', 'US_EQ', 'EQUITY', 'A', 'USD', now()), ('A2.US', 'I1', 'US_EQ', 'EQUITY', 'A2', 'USD', now()), ('B.US', 'I2', 'US_EQ', 'EQUITY', 'B', 'USD', now())`);
  await historical(
    `INSERT INTO market_holidays (market_id, holiday_date, holiday_name, source, created_at) VALUES ('US_EQ', '2014-01-01', 'Holiday', 'test', now())`,
  );
});
afterEach(() => pair.drop());

describe('v1', () => {
  test('profiles: half the mean of profile and regime of the first instrument, half the text; no text, no row', async () => {
    await numeric('num-profile-core-v1', 'A.US', DAYS[0], flat(2));
    await numeric('num-regime-core-v1', 'A.US', DAYS[0], flat(6));
    await numeric('num-profile-core-v1', 'A2.US', DAYS[0], flat(90));
    await numeric('num-profile-core-v1', 'B.US', DAYS[0], flat(2));
    await text('PROFILE', 'I1', 'text-profile-v1', flat(10));
    await runProgram(jointProfilesSpec, backfillJointProfiles, span, pair.databases);
    const [row, ...others] = await rowsOf('joint-profile-core-v1');
    expect(others).toEqual([]);
    expect(row).toMatchObject({
      day: DAYS[0],
      type: 'PROFILE_CORE_V0',
      scope: {
        entity_type: 'ISSUER',
        issuer_id: 'I1',
        instrument_id: 'A.US',
        source: 'numeric+text',
        as_of_date: DAYS[0],
      },
    });
    // (½·(2 + 6) + 10) / 2, and 1 more where all have one.
    expect([row.vector[0], row.vector[1]]).toEqual([8, 7]);
  });

  test('profiles warn of what is missing, and of nothing else', async () => {
    await numeric('num-profile-core-v1', 'A.US', DAYS[0], flat(2));
    await numeric('num-regime-core-v1', 'A.US', DAYS[0], flat(6));
    let summary = '';
    const warnings = async () => {
      const { events, result } = await runProgram(jointProfilesSpec, backfillJointProfiles, span, pair.databases);
      summary = result.summary;
      return events.flatMap((event) => (event.type === 'log' && event.level === 'warn' ? [event.message] : []));
    };
    expect(await warnings()).toEqual([expect.stringContaining('there is no profile text of text-profile-v1')]);
    expect(await rowsOf('joint-profile-core-v1')).toEqual([]);
    expect(summary).toMatch(
      /^0 rows of joint-profile-core-v1 on \d+ trading days?; there is no profile text of text-profile-v1: joint-profile-core-v1 has rows of issuers with one only, so none is written \(v2 needs none\)$/,
    );
    // Of no issuer of the market: every input has a vector, and no issuer has both.
    await text('PROFILE', 'NOBODY', 'text-profile-v1', flat(10));
    expect(await warnings()).toEqual([]);
    expect(summary).toMatch(/^0 rows .*; no entity has on any of these days what a row is joined of$/);
    await text('PROFILE', 'I1', 'text-profile-v1', flat(10));
    expect(await warnings()).toEqual([]);
    expect(await rowsOf('joint-profile-core-v1')).toHaveLength(1);
  });

  test('regime: half the regime, half the mean news of the UTC day; only days that have both', async () => {
    for (const day of DAYS.slice(0, 2)) {
      await runtime(
        `INSERT INTO regimes (regime_record_id, as_of_date, region, regime_label, regime_embedding, confidence) VALUES ($1, $2, 'US', 'CALM', $3, 1)`,
        [`r${day}`, day, bytes(flat(4))],
      );
    }
    await article(`${DAYS[0]}T00:00:00Z`, flat(1));
    await article(`${DAYS[0]}T23:59:59Z`, flat(3));
    await article(`${DAYS[2]}T12:00:00Z`, flat(3));
    await runProgram(jointRegimeSpec, backfillJointRegime, span, pair.databases);
    const rows = await rowsOf('joint-regime-core-v1');
    expect(rows.map(({ day, type, scope }) => [day, type, scope])).toEqual([
      [DAYS[0], 'REGIME_CONTEXT_V0', { region: 'US' }],
    ]);
    expect(rows[0].vector[1]).toBe(3);
  });

  test('stability, then assessment: means of what is there, with the branches named', async () => {
    await numeric('num-stab-core-v1', 'A.US', DAYS[0], flat(2));
    await numeric('num-stab-core-v1', 'B.US', DAYS[0], flat(6));
    await numeric('num-profile-core-v1', 'A.US', DAYS[0], flat(4));
    await text('PROFILE', 'I1', 'text-profile-v1', flat(8));
    await article('2014-01-02T12:00:00Z', flat(10));
    await article(`${DAYS[0]}T12:00:00Z`, flat(20));
    // A week and a day before: outside of the window.
    await article('2013-12-31T12:00:00Z', flat(1000));
    await runProgram(jointProfilesSpec, backfillJointProfiles, span, pair.databases);
    await runProgram(jointStabSpec, backfillJointStab, span, pair.databases);
    const stabs = await rowsOf('joint-stab-fragility-v1');
    expect(stabs.map(({ scope, vector }) => [scope, vector[1]])).toEqual([
      [{ entity_id: 'A.US' }, 4],
      [{ entity_id: 'B.US' }, 6],
    ]);
    await runProgram(jointAssessmentSpec, backfillJointAssessment, { ...span, wText: 2 }, pair.databases);
    const first = (await rowsOf('joint-assessment-context-v1')).filter(({ day }) => day === DAYS[0]);
    expect(first.map(({ scope }) => [scope.entity_id, scope.source])).toEqual([
      ['A.US', 'profile+stab+text'],
      ['A2.US', 'profile+text'],
      ['B.US', 'stab+text'],
    ]);
    expect(first[0]).toMatchObject({
      type: 'ASSESSMENT_CTX_V0',
      scope: { entity_type: 'INSTRUMENT', as_of_date: DAYS[0], issuer_id: 'I1', region: 'US' },
    });
    // A: (6 + 4 + 2·15) / 4; B: (6 + 2·15) / 3.
    expect([first[0].vector[1], first[2].vector[1]]).toEqual([10, 12]);
  });

  test('a repeated run leaves the same rows; --skip-existing leaves days alone; a bad vector is named and makes it partial', async () => {
    await numeric('num-stab-core-v1', 'A.US', DAYS[0], flat(2));
    await historical(
      `INSERT INTO numeric_window_embeddings (entity_type, entity_id, window_spec, as_of_date, model_id, vector) VALUES ('INSTRUMENT', 'B.US', '{}', '${DAYS[0]}', 'num-stab-core-v1', '\\x0000')`,
    );
    const first = await runProgram(jointStabSpec, backfillJointStab, span, pair.databases);
    expect(first.result.exitCode).toBe(3);
    expect(JSON.stringify(first.result.data)).toContain('num-stab-core-v1 of B.US on 2014-01-07');
    const before = await rowsOf('joint-stab-fragility-v1');
    await runProgram(jointStabSpec, backfillJointStab, span, pair.databases);
    expect(await rowsOf('joint-stab-fragility-v1')).toEqual(before);
    await historical(`UPDATE numeric_window_embeddings SET vector = $1`, [bytes(flat(50))]);
    await runProgram(jointStabSpec, backfillJointStab, { ...span, skipExisting: true }, pair.databases);
    expect(await rowsOf('joint-stab-fragility-v1')).toEqual(before);
  });

  test('wrong arguments say what is allowed', async () => {
    const run = (args: object) => runProgram(jointStabSpec, backfillJointStab, args as never, pair.databases);
    await expect(run({ ...span, modelId: 'joint-profile-core-v1' })).rejects.toThrow('is no model of this kind');
    await expect(run({ asOf: DAYS[0], start: DAYS[0] })).rejects.toThrow('--as-of excludes');
    await expect(run({})).rejects.toThrow('--start and --end are needed');
    await expect(run({ start: DAYS[1], end: DAYS[0] })).rejects.toThrow(`--end ${DAYS[0]} is before --start`);
    await expect(run({ start: '2014-01-11', end: '2014-01-12' })).rejects.toThrow('holds no trading day');
  });
});

describe('v2', () => {
  const v2 = { modelId: 'joint-assessment-context-v2' };
  async function context(): Promise<Map<string, Float32Array>> {
    await runProgram(jointAssessmentSpec, backfillJointAssessment, { ...span, ...v2 }, pair.databases);
    return new Map((await rowsOf(v2.modelId)).map((row) => [`${row.day} ${row.scope.entity_id}`, row.vector]));
  }

  test('news stamped at or after the close never reaches that day’s vector; what came before it does', async () => {
    for (const day of DAYS) await numeric('num-stab-core-v2', 'A.US', day, flat(1, 5));
    await runProgram(jointStabSpec, backfillJointStab, { ...span, modelId: 'joint-stab-fragility-v2' }, pair.databases);
    const none = await context();
    // New York closes at 16:00, which is 21:00 UTC in January.
    await article(`${DAYS[1]}T21:00:00Z`, flat(-1, 9));
    const after = await context();
    expect(after.get(`${DAYS[0]} A.US`)).toEqual(none.get(`${DAYS[0]} A.US`));
    expect(after.get(`${DAYS[1]} A.US`)).toEqual(none.get(`${DAYS[1]} A.US`));
    expect(after.get(`${DAYS[2]} A.US`)).not.toEqual(none.get(`${DAYS[2]} A.US`));
    await article(`${DAYS[1]}T20:59:59Z`, flat(-1, 17));
    const before = await context();
    expect(before.get(`${DAYS[0]} A.US`)).toEqual(none.get(`${DAYS[0]} A.US`));
    expect(before.get(`${DAYS[1]} A.US`)).not.toEqual(none.get(`${DAYS[1]} A.US`));
  });

  test('takes what was said of the issuer first, and wants something of the name’s own', async () => {
    await numeric('num-stab-core-v2', 'A.US', DAYS[0], flat(1, 5));
    await numeric('num-stab-core-v2', 'A2.US', DAYS[0], flat(1, 5));
    await article(`${DAYS[0]}T12:00:00Z`, flat(1, 3));
    await text('NEWS_ISSUER_DAY', `I1|${DAYS[0]}`, 'text-fin-general-v1', flat(1, 30));
    await runProgram(jointStabSpec, backfillJointStab, { ...span, modelId: 'joint-stab-fragility-v2' }, pair.databases);
    const found = await context();
    expect([...found.keys()]).toEqual([`${DAYS[0]} A.US`, `${DAYS[0]} A2.US`]);
    const rows = await rowsOf(v2.modelId);
    expect(rows[0].scope).toMatchObject({ branches: 'stab+text', entity_id: 'A.US' });
    await historical(`DELETE FROM text_embeddings WHERE source_type = 'NEWS_ISSUER_DAY'`);
    expect((await context()).get(`${DAYS[0]} A.US`)).not.toEqual(found.get(`${DAYS[0]} A.US`));
  });

  test('a day without news has a regime context of the regime alone, and says so', async () => {
    for (const day of DAYS.slice(0, 2)) {
      await runtime(
        `INSERT INTO regimes (regime_record_id, as_of_date, region, regime_label, regime_embedding, confidence) VALUES ($1, $2, 'US', 'CALM', $3, 1)`,
        [`r${day}`, day, bytes(flat(4))],
      );
    }
    await article(`${DAYS[0]}T12:00:00Z`, flat(1, 3));
    const modelId = 'joint-regime-core-v2';
    await runProgram(jointRegimeSpec, backfillJointRegime, { ...span, modelId }, pair.databases);
    expect((await rowsOf(modelId)).map(({ day, scope }) => [day, scope.branches])).toEqual([
      [DAYS[0], 'regime+text'],
      [DAYS[1], 'regime'],
    ]);
  });

  test('profiles take the row of the sector in place of the instrument’s regime', async () => {
    await numeric('num-profile-core-v2', 'A.US', DAYS[0], flat(1, 5));
    await numeric('num-regime-core-v2', 'US_EQ|Energy', DAYS[0], flat(2, 6), 'SECTOR');
    await runProgram(
      jointProfilesSpec,
      backfillJointProfiles,
      { ...span, modelId: 'joint-profile-core-v2' },
      pair.databases,
    );
    const rows = await rowsOf('joint-profile-core-v2');
    expect(rows.map(({ scope }) => [scope.issuer_id, scope.branches])).toEqual([['I1', 'numeric+regime']]);
    const length = Math.sqrt(rows[0].vector.reduce((sum: number, value: number) => sum + value * value, 0));
    expect(length).toBeCloseTo(1, 5);
  });
});
