/** `prometheus similar` against a plain sort of all cosines. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backfillNumeric } from '../../engines/numeric/program.ts';
import { similar } from '../../engines/numeric/similar.ts';
import { numericBackfillSpec, similarSpec } from '../../engines/numeric/spec.ts';
import { formatDay } from '../../src/platform/dates.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { runProgram } from '../helpers/run-program.ts';
import { smallMarket } from '../helpers/small-market.ts';
import { storePanel } from '../helpers/store-panel.ts';

const panel = smallMarket({ seed: 31, instruments: 8, days: 100, gaps: 0 });
const date = (t: number) => formatDay(panel.calendar.days[t]);
const MODEL = 'num-profile-core-v1';
let db: TestDatabases;
let rows: { id: string; day: string; vector: Buffer }[];

beforeAll(async () => {
  db = await createTestDatabases();
  await storePanel(db.databases, panel);
  await runProgram(
    numericBackfillSpec,
    backfillNumeric,
    { market: 'TEST', startDate: date(70), endDate: date(99), models: [MODEL], workers: 1, device: 'cpu' },
    db.databases,
  );
  rows = (
    await db.databases.historical.client((client) =>
      client.query('SELECT entity_id AS id, as_of_date AS day, vector FROM numeric_window_embeddings'),
    )
  ).rows;
});
afterAll(() => db?.drop());

const search = (more: object) =>
  runProgram(similarSpec, similar, { model: MODEL, instrument: 'I000.T', asOf: date(90), ...more }, db.databases);

function plain(from: string, to: string, k: number): string {
  const values = ({ vector }: { vector: Buffer }) => Array.from({ length: 384 }, (_, i) => vector.readFloatLE(i * 4));
  const query = values(rows.find((row) => row.id === 'I000.T' && row.day === date(90))!);
  const ranked = rows
    .filter((row) => row.day >= from && row.day <= to && !(row.id === 'I000.T' && row.day === date(90)))
    .map((row) => {
      const other = values(row);
      const dot = other.reduce((sum, value, i) => sum + value * query[i], 0);
      return { ...row, cosine: dot / (Math.hypot(...other) * Math.hypot(...query)) };
    })
    .sort((a, b) => b.cosine - a.cosine)
    .slice(0, k);
  const lines = ranked.map((row, i) => [i + 1, row.id, row.day, row.cosine.toFixed(6)].join());
  return `${['rank,entity_id,as_of_date,cosine', ...lines].join('\n')}\n`;
}

describe('similar', () => {
  it('gives the nearest of the day, and of a range', async () => {
    expect((await search({ topK: 4 })).stdout).toBe(plain(date(90), date(90), 4));
    expect((await search({ topK: 100 })).stdout).toBe(plain(date(90), date(90), 100));
    const range = { startDate: date(75), endDate: date(95) };
    expect((await search({ topK: 25, ...range })).stdout).toBe(plain(date(75), date(95), 25));
  });

  it('says what is missing', async () => {
    await expect(search({ asOf: date(69) })).rejects.toMatchObject({
      message: `${MODEL} has no vector of I000.T on ${date(69)}`,
      fix: `The nearest day that has one is ${date(70)}.`,
    });
    await expect(search({ instrument: 'NOBODY' })).rejects.toMatchObject({ fix: expect.stringContaining('backfill') });
    await expect(search({ startDate: date(70) })).rejects.toThrow(/needs --start-date and --end-date/);
  });
});
