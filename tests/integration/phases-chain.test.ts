/** Phase 4's chain on a real server: refused at its start where the data lacks that a later step would read. */
import { mkdirSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PROGRAMS } from '../../engines/catalog.ts';
import type { PhaseConfig } from '../../src/phases/config.ts';
import { UserError } from '../../src/platform/errors.ts';
import { openLocalSupervisor } from '../../src/supervisor/local.ts';
import type { Supervisor } from '../../src/supervisor/protocol.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { createTestHome, fixtureRuntime, type TestHome } from '../helpers/jobs.ts';
import { evaluate, FIRST_DAY, LAST_DAY, seedGreen, smallConfig } from '../helpers/phase-market.ts';

const MODELS = smallConfig.numeric.models;
const NUMERIC = { start: '2014-01-02', end: LAST_DAY };
/** Encoders on the first two months, contexts and comparison on the rest. */
const config: PhaseConfig = {
  ...smallConfig,
  // A window of two days: each price has its vector.
  numeric: { ...smallConfig.numeric, ...NUMERIC, windowDays: 2 },
  context: {
    ...smallConfig.context,
    ...{ encoderStart: FIRST_DAY, encoderEnd: '2013-12-31', start: '2014-01-02', headEnd: '2014-02-28', end: LAST_DAY },
    ...{ priceGapDays: 4, newsGapDays: 31 },
  },
};

let home: TestHome;
let pair: TestDatabases;
let supervisor: Supervisor | undefined;
beforeEach(async () => {
  home = createTestHome();
  mkdirSync(home.home.jobs, { recursive: true });
  pair = await createTestDatabases();
  await seedGreen(pair.databases);
  await historical(
    `INSERT INTO numeric_window_embeddings (entity_type, entity_id, window_spec, as_of_date, model_id)
     SELECT 'INSTRUMENT', instrument_id, '{}', trade_date, model
       FROM prices_daily, unnest('{${MODELS.join(',')}}'::text[]) model WHERE trade_date >= '${NUMERIC.start}'`,
  );
  const asked = { market: config.market, limit: null, min_share: 1, sample: 20_000, recompute: 200 };
  const models = MODELS.map((model_id) => ({ model_id, window_days: 2, state: 'OK' }));
  const proof = { ...NUMERIC, ...asked, expected: 9, present: 9, recomputed: 9, models };
  await pair.databases.runtime.client((client) =>
    client.query(
      `INSERT INTO console.evidence (check_id, phase, state, observed, required, reason, recorded_at)
       VALUES ('P2.verified', 'P2', 'OK', $1, '{}', '', '2025-06-01T12:00:00Z')`,
      [proof],
    ),
  );
});
afterEach(async () => {
  await supervisor?.close();
  await pair.drop();
  await home.remove();
});

const historical = (sql: string) => pair.databases.historical.client((client) => client.query(sql));
const board = async (of = config) => (await evaluate(pair.targets, { config: of })).board;

test('the chain names the days that lack and their import, starts no job, and may begin when they are there', async () => {
  await historical(`
    CREATE TABLE kept_prices AS SELECT * FROM prices_daily WHERE trade_date < '2013-12-02';
    CREATE TABLE kept_news AS SELECT * FROM news_articles WHERE timestamp >= '2014-03-01Z';
    DELETE FROM prices_daily WHERE trade_date < '2013-12-02';
    DELETE FROM news_articles WHERE timestamp >= '2014-03-01Z'`);
  supervisor = openLocalSupervisor({
    home: home.home,
    databases: pair.databases,
    jobs: fixtureRuntime({ catalog: () => PROGRAMS }),
    evaluateBoard: () => board(),
    latestRuns: async () => [],
    now: Date.now,
    gpu: { env: { PATH: home.at('bin') } },
  });
  const refused = await supervisor.chain({ phase: 'P4', idempotencyKey: 'k' }).then(
    () => null,
    (error: unknown) => error,
  );
  expect(refused).toBeInstanceOf(UserError);
  expect(refused).toMatchObject({
    message:
      'P4 may not begin: P4.inputs PART: Encoders (2013-11-01 → 2013-12-31) lack prices 2013-11-01 → 2013-11-29 (20 trading days); ' +
      'contexts and comparison (2014-01-02 → 2014-04-30) lack news 2014-03-01 → 2014-04-30 (61 days); ' +
      'the fit of regimes (2013-11-01 → 2013-12-31) asks for 252 trading days with prices, after 106 earlier ones: there are 0; ' +
      'the head of the context backend (2014-01-02 → 2014-02-28) asks for 191 trading days with prices: there are 40. ' +
      'Import what lacks, or name other days under context in phases.yaml. ' +
      'Use: prometheus data import --instruments FILE --holidays FILE --prices PATH --news PATH',
  });
  expect(supervisor.snapshot().jobs).toEqual([]);

  await historical(`
    INSERT INTO prices_daily SELECT * FROM kept_prices;
    INSERT INTO news_articles SELECT * FROM kept_news`);
  const p4 = async (of: PhaseConfig) => (await board(of)).phases.find(({ phase }) => phase === 'P4')!;
  // Half a year is too short for what v2 spaces are fitted on.
  expect((await p4(config)).blockedBy).toEqual([
    expect.stringMatching(/^P4.inputs PART: The fit of regimes .* asks for 252 trading days/),
  ]);
  const jointModels = config.context.jointModels.map((model) => model.replace(/-v2$/, '-v1'));
  const v1 = { ...config, context: { ...config.context, jointModels } };
  expect((await p4(v1)).blockedBy).toEqual([
    expect.stringMatching(/^P4.inputs PART: text-fin-general-v1 is not installed here/),
  ]);
  // A table of words is fitted by the chain itself.
  const fitted = await p4({ ...v1, context: { ...v1.context, textModel: 'text-fin-static-v1' } });
  expect([fitted.blockedBy, fitted.checks[0]]).toMatchObject([[], { id: 'P4.inputs', state: 'OK' }]);
});
