/** Point-in-time universes: names by listing dates and by a table of members, beside runs over the names active today. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { campaign } from '../../engines/backtest/program.ts';
import { canonicalSleeves, formatSleeve } from '../../engines/backtest/sleeves.ts';
import { campaignSpec } from '../../engines/backtest/spec.ts';
import type { Panel } from '../../engines/market/panel.ts';
import { formatDay } from '../../src/platform/dates.ts';
import { readRun } from '../../src/report/runs.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { runProgram } from '../helpers/run-program.ts';
import { smallMarket } from '../helpers/small-market.ts';
import { storePanel } from '../helpers/store-panel.ts';

const FIRST = 80;
const DAYS = 200;
const SLEEVE = canonicalSleeves('S', 'TEST')[1];

let db: TestDatabases;
let panel: Panel;
/** Names whose prices end inside the range, with the panel day of the last one. */
let ended: { id: string; last: number; value: number | null }[];
const date = (t: number) => formatDay(panel.calendar.days[t]);

const query = async <Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> =>
  db.databases.runtime.client(async (client) => (await client.query(sql, values)).rows as Row[]);

beforeAll(async () => {
  panel = smallMarket({ seed: 11, instruments: 40, days: DAYS, gaps: 0 });
  db = await createTestDatabases();
  await storePanel(db.databases, panel);
  ended = panel.instruments.flatMap(({ id, delistingValue: value }, i) => {
    const last = panel.columns.close!.subarray(i * DAYS, (i + 1) * DAYS).findLastIndex((price) => !Number.isNaN(price));
    return last < DAYS - 1 ? [{ id, last, value }] : [];
  });
  for (const { id, last } of ended) {
    await query(
      `UPDATE instruments SET status = 'DELISTED', metadata = metadata || jsonb_build_object('last_date', $2::text) WHERE instrument_id = $1`,
      [id, date(last)],
    );
  }
});
afterAll(() => db?.drop());

type Args = Partial<Record<'universeDates' | 'persist', string>>;
async function run(args: Args = {}) {
  const given = { marketId: 'TEST', start: date(FIRST), end: date(DAYS - 1), sleeve: [formatSleeve(SLEEVE)], ...args };
  const ran = await runProgram(campaignSpec, campaign, given as never, db.databases);
  const runId = ran.stdout.trim().split('\n')[1].split(',')[0];
  const trades = await query<{ day: string; ticker: string; direction: string; price: number; cause: string | null }>(
    `SELECT trade_date AS day, ticker, direction, price, decision_metadata_json->>'cause' AS cause
       FROM backtest_trades WHERE run_id = $1 ORDER BY trade_date, ticker COLLATE "C"`,
    [runId],
  );
  return { runId, trades, logs: ran.events.flatMap((event) => (event.type === 'log' ? [event.message] : [])) };
}

it('states survivorship on every run without dates, and none of the names that failed is in it', async () => {
  const { runId, trades, logs } = await run();
  expect(trades.filter(({ ticker }) => ended.some(({ id }) => id === ticker))).toEqual([]);
  expect(logs.at(-1)).toBe('note: same-close, no costs: not tradable; survivors only');
  const shown = await readRun(db.databases.runtime, runId);
  expect(shown.caveat).toBe('same-close, no costs: not tradable; survivors only');
  expect(shown.config).not.toHaveProperty('universe_dates');
});

describe('--universe-dates listing', () => {
  it('holds names of every status while they are listed, and closes them at their delisting value the day after', async () => {
    const { runId, trades, logs } = await run({ universeDates: 'listing' });
    const held = ended.filter(({ id }) => trades.some(({ ticker }) => ticker === id));
    expect(held.length).toBeGreaterThan(1);
    expect(held.some(({ value }) => value !== null)).toBe(true);
    for (const { id, last, value } of held) {
      const own = trades.filter(({ ticker }) => ticker === id);
      const closed = own.at(-1)!;
      const i = panel.instruments.findIndex((one) => one.id === id);
      // What was sold before the end leaves nothing to close.
      if (closed.cause === null) continue;
      expect(closed).toMatchObject({ day: date(last + 1), direction: 'SELL', cause: 'delisted' });
      expect(closed.price).toBe(value ?? panel.columns.close![i * DAYS + last]);
    }
    expect(trades.filter(({ cause }) => cause === 'delisted').length).toBeGreaterThan(1);
    const shown = await readRun(db.databases.runtime, runId);
    expect(shown.caveat).toBe('same-close, no costs: not tradable');
    expect(shown.config).toMatchObject({ universe_dates: 'listing' });
    expect(logs).toContain(`${40 - ended.length} of 40 instruments say no last date: they count as listed to this day`);
  });

  it('bars a name before its first date, with the reason', async () => {
    const id = panel.instruments[0].id;
    const before = await query<{ metadata: object }>('SELECT metadata FROM instruments WHERE instrument_id = $1', [id]);
    await query(
      `UPDATE instruments SET metadata = metadata || jsonb_build_object('first_date', $2::text) WHERE instrument_id = $1`,
      [id, date(120)],
    );
    const { trades } = await run({ universeDates: 'listing', persist: 'full' });
    const days = trades.filter(({ ticker }) => ticker === id).map(({ day }) => day);
    expect(days.length).toBeGreaterThan(0);
    expect(days[0] >= date(120)).toBe(true);
    const reasons = await query<{ day: string; listed: boolean }>(
      `SELECT as_of_date AS day, NOT reasons ? 'not_listed' AS listed FROM universe_members
        WHERE universe_id = $1 AND entity_id = $2 ORDER BY 1`,
      [SLEEVE.universeId, id],
    );
    expect(reasons.filter(({ listed }) => listed).map(({ day }) => day)).toEqual(
      Array.from({ length: DAYS - 120 }, (_, k) => date(120 + k)),
    );
    await query('UPDATE instruments SET metadata = $2 WHERE instrument_id = $1', [id, before[0].metadata]);
  });

  it('refuses a date that is none', async () => {
    const { id } = panel.instruments[1];
    await query(`UPDATE instruments SET metadata = metadata || '{"last_date":"soon"}' WHERE instrument_id = $1`, [id]);
    await expect(run({ universeDates: 'listing' })).rejects.toThrow(`last_date of ${id} is 'soon', no date`);
    await query(`UPDATE instruments SET metadata = metadata - 'last_date' WHERE instrument_id = $1`, [id]);
  });
});

it.each(['"abc"', '-1', '[]'])('a delisting value of %s is refused, never taken for the last close', async (value) => {
  const { id } = panel.instruments[1];
  const set = (json: string) =>
    query(
      `UPDATE instruments SET metadata = metadata || jsonb_build_object('delisting_value', $2::jsonb) WHERE instrument_id = $1`,
      [id, json],
    );
  const { delistingValue } = panel.instruments[1];
  await set(value);
  await expect(run()).rejects.toThrow(`delisting_value of ${id} is ${value}, no price`);
  await set(JSON.stringify(delistingValue));
});

describe('--universe-dates TABLE', () => {
  const create = (rows: [string, string | null, string | null][]) =>
    query(
      `INSERT INTO members SELECT * FROM unnest($1::text[], $2::date[], $3::date[])`,
      [0, 1, 2].map((k) => rows.map((row) => row[k])),
    );
  beforeAll(() => query('CREATE TABLE members (instrument_id text, first_date date, last_date date)'));

  it('sells a name that leaves at the close of the next day, and takes it back when it returns', async () => {
    // One that the plain run holds on the day on which it will leave.
    const daily = (await run()).trades.filter(({ day }) => day === date(110) || day === date(111));
    const leaver = daily.find(({ ticker }, k) => daily.findIndex((one) => one.ticker === ticker) < k)!.ticker;
    const others = panel.instruments
      .map(({ id }) => id)
      .filter((id) => id !== leaver && ended.every((e) => e.id !== id));
    await create([
      [leaver, null, date(110)],
      [leaver, date(150), null],
      ...others.map((id): [string, string, null] => [id, '1990-01-01', null]),
      ['NOBODY.T', null, null],
    ]);
    const { runId, trades, logs } = await run({ universeDates: 'members', persist: 'full' });
    const days = trades.filter(({ ticker }) => ticker === leaver).map(({ day, direction }) => ({ day, direction }));
    const inside = days.filter(({ day }) => day > date(110) && day < date(150));
    expect(inside).toEqual([{ day: date(111), direction: 'SELL' }]);
    expect(days.some(({ day }) => day >= date(150))).toBe(true);
    expect(trades.filter(({ ticker }) => ended.some(({ id }) => id === ticker))).toEqual([]);
    const [{ n }] = await query<{ n: number }>(
      `SELECT count(*)::int AS n FROM universe_members WHERE universe_id = $1 AND entity_id = $2 AND reasons ? 'not_a_member'`,
      [SLEEVE.universeId, leaver],
    );
    expect(n).toBe(39);
    expect(logs).toContain('1 members of members are no equities of TEST: no day has them');
    expect((await readRun(db.databases.runtime, runId)).caveat).toBe('same-close, no costs: not tradable');
  });

  it.each([
    ['nowhere', /there is no table nowhere/],
    ['instruments', /instruments has no column 'first_date'/],
    ['x; DROP TABLE members', /is no name of a table/],
  ])('refuses %s', async (universeDates, message) => {
    await expect(run({ universeDates })).rejects.toThrow(message);
  });

  it('refuses a span that ends before it begins, and a table that knows none of the names', async () => {
    await query('TRUNCATE members');
    await create([[panel.instruments[2].id, date(20), date(10)]]);
    await expect(run({ universeDates: 'members' })).rejects.toThrow(/the last date comes before the first/);
    await query('TRUNCATE members');
    await create([['NOBODY.T', null, null]]);
    await expect(run({ universeDates: 'members' })).rejects.toThrow(/none of the 40 instruments/);
    await query(
      `CREATE TABLE worded AS SELECT instrument_id, 'soon' AS first_date, null::date AS last_date FROM members`,
    );
    await expect(run({ universeDates: 'worded' })).rejects.toThrow(
      /worded holds a first_date or last_date that is none: .*"soon"/,
    );
  });
});
