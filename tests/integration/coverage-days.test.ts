/** A row of the coverage table day by day, on a real server: gaps, duplicates, holidays, and who is missing. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { requirementsOf } from '../../src/phases/config.ts';
import { type CoverageOptions, coverageYear, missingOn } from '../../src/phases/coverage-days.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { HOLIDAYS, seedMarket, smallConfig } from '../helpers/phase-market.ts';

let pair: TestDatabases;
beforeEach(async () => {
  pair = await createTestDatabases();
  await seedMarket(pair.databases);
});
afterEach(() => pair.drop());

const historical = (sql: string) => pair.databases.historical.client((client) => client.query(sql));
const options = (): CoverageOptions => ({
  need: requirementsOf(smallConfig, false),
  now: Date.now,
  signal: new AbortController().signal,
  timeoutMs: 10_000,
});
const year = (row: string, of = 2014) => coverageYear(pair.databases, row, of, options());

test('prices: holidays are no days, a hole is a gap, duplicates fill nothing', async () => {
  await historical(`ALTER TABLE prices_daily DROP CONSTRAINT prices_daily_pkey;
    DELETE FROM prices_daily WHERE instrument_id = 'AAA' AND trade_date BETWEEN '2014-03-03' AND '2014-03-06';
    INSERT INTO prices_daily SELECT * FROM prices_daily WHERE instrument_id = 'BBB'`);
  const { days, gaps } = await year('prices_daily');
  expect(days.some(({ date }) => HOLIDAYS.includes(date))).toBe(false);
  expect(days.find(({ date }) => date === '2014-03-04')).toEqual({ date: '2014-03-04', present: 2, expected: 3 });
  expect(gaps).toEqual([{ first: '2014-03-03', last: '2014-03-06', days: 4, missing: 4, fill: null }]);
  expect(await missingOn(pair.databases, 'prices_daily', '2014-03-04', options())).toEqual(['AAA']);
  // After the last price nothing is expected.
  expect(days.at(-1)).toMatchObject({ present: 0, expected: 0 });
});

test('vectors of a model: expected from the 54th price on, and the command that fills the gap', async () => {
  await historical(`INSERT INTO numeric_window_embeddings (entity_type, entity_id, window_spec, as_of_date, model_id)
    SELECT 'INSTRUMENT', instrument_id, '{}', trade_date, 'num-stab-core-v1' FROM prices_daily
     WHERE trade_date > '2014-03-01' AND NOT (instrument_id = 'CCC' AND trade_date BETWEEN '2014-04-07' AND '2014-04-09')`);
  const { days, gaps } = await year('num-stab-core-v1');
  const prices = await year('prices_daily', 2013);
  const first = 54 - prices.days.filter(({ expected }) => expected > 0).length;
  expect(days.findIndex(({ expected }) => expected > 0)).toBe(first - 1);
  expect(gaps).toHaveLength(2);
  expect(gaps[1]).toMatchObject({ first: '2014-04-07', last: '2014-04-09', days: 3, missing: 3 });
  expect(gaps[1].fill?.join(' ')).toBe(
    'backfill numeric-embeddings --start-date 2014-04-07 --end-date 2014-04-09 --window-days 63 --market US_EQ --models num-stab-core-v1 --skip-existing',
  );
  expect(await missingOn(pair.databases, 'num-stab-core-v1', '2014-04-08', options())).toEqual(['CCC']);
});

test('vectors are due of active equities of the market, on trading days, with the prices of a window near enough', async () => {
  await historical(`INSERT INTO numeric_window_embeddings (entity_type, entity_id, window_spec, as_of_date, model_id)
    SELECT 'INSTRUMENT', instrument_id, '{}', trade_date, 'num-stab-core-v1' FROM prices_daily`);
  const gaps = async () =>
    (await year('num-stab-core-v1')).gaps.map(({ first, last, missing }) => [first, last, missing]);
  expect(await gaps()).toEqual([]);
  // Its vectors are of no use to a market that does not hold it.
  await pair.databases.runtime.client((client) =>
    client.query(`UPDATE instruments SET market_id = 'XX' WHERE instrument_id = 'AAA'`),
  );
  await historical(`DELETE FROM numeric_window_embeddings WHERE entity_id = 'AAA' AND as_of_date = '2014-04-08'`);
  expect(await gaps()).toEqual([]);
  // A price on a Saturday is none, and a vector of it fills no gap.
  await historical(`INSERT INTO prices_daily SELECT instrument_id, '2014-04-05', open, high, low, close, adjusted_close, volume, currency
      FROM prices_daily WHERE trade_date = '2014-04-04';
    DELETE FROM numeric_window_embeddings WHERE entity_id = 'BBB' AND as_of_date = '2014-04-08'`);
  expect(await gaps()).toEqual([['2014-04-08', '2014-04-08', 1]]);
  // A day without a price of one's own is due all the same: the window ends before it.
  await historical(`DELETE FROM prices_daily WHERE instrument_id = 'BBB' AND trade_date = '2014-04-08'`);
  expect(await gaps()).toEqual([['2014-04-08', '2014-04-08', 1]]);
  expect(await missingOn(pair.databases, 'num-stab-core-v1', '2014-04-08', options())).toEqual(['BBB']);
  // Fewer than 54 prices in 189 days: nothing is due.
  await historical(
    `DELETE FROM prices_daily WHERE instrument_id = 'BBB' AND trade_date BETWEEN '2013-12-01' AND '2014-03-31'`,
  );
  expect(await gaps()).toEqual([]);
  // The vectors that BBB has of those days stand in for nobody else's.
  await historical(`DELETE FROM numeric_window_embeddings WHERE entity_id = 'CCC' AND as_of_date = '2014-04-07'`);
  expect(await gaps()).toEqual([['2014-04-07', '2014-04-07', 1]]);
  expect(await missingOn(pair.databases, 'num-stab-core-v1', '2014-04-07', options())).toEqual(['CCC']);
});

test('news: a trading day without an article is a gap', async () => {
  await historical(`DELETE FROM news_articles WHERE timestamp::date BETWEEN '2014-02-12' AND '2014-02-13'`);
  const { gaps } = await year('news_articles');
  expect(gaps[0]).toMatchObject({ first: '2014-02-12', last: '2014-02-13', days: 2, missing: 2 });
});

test('text vectors: every article of a day is expected', async () => {
  const model = smallConfig.context.textModel;
  await historical(`INSERT INTO text_embeddings (source_type, source_id, model_id, vector)
    SELECT 'NEWS', article_id::text, '${model}', '\\x00' FROM news_articles WHERE timestamp::date <> '2014-02-12'`);
  const { gaps } = await year(model);
  expect(gaps[0]).toMatchObject({ first: '2014-02-12', last: '2014-02-12', missing: 1 });
});

test('a row that is not in the table is refused by name', () => {
  expect(() => year('nonsense')).toThrow("no row 'nonsense'");
});
