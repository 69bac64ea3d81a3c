/** Every file of ../shared/data/dirty has the outcome that docs/data.md states. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Reject, Warn } from '../../engines/data/import/reasons.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { haveShared, SHARED, SKIP_REASON } from '../helpers/shared-data.ts';
import { Files, runImport } from './import-support.ts';

const DIRTY = path.join(SHARED, 'data', 'dirty');

interface Expected {
  /** Records below the header. */
  readonly read: number;
  /** Rows in the table afterwards (it was empty). */
  readonly stored: number;
  readonly collapsed?: number;
  /** Rejected rows by reason. */
  readonly rows?: Readonly<Record<string, number>>;
  /** Why the whole file was rejected. */
  readonly file?: string;
  readonly warnings?: readonly string[];
}

const EXPECTED: Readonly<Record<string, Expected>> = {
  'made_bad_dates.csv': { read: 30, stored: 27, rows: { [Reject.notADate]: 2, [Reject.weekend]: 1 } },
  'made_crlf_bom.csv': { read: 20, stored: 20 },
  'made_duplicate_dates.csv': { read: 119, stored: 108, collapsed: 10, rows: { [Reject.outsideRange]: 1 } },
  'made_nan_close.csv': { read: 60, stored: 56, rows: { [Reject.missingValue]: 3, [Reject.notANumber]: 1 } },
  'made_no_header.csv': { read: 0, stored: 0, file: 'no header line' },
  'made_non_positive_price.csv': {
    read: 60,
    stored: 57,
    rows: { [Reject.notPositive]: 2, [Reject.negativeVolume]: 1 },
  },
  'made_not_gzip.csv.gz': { read: 5, stored: 5 },
  'made_out_of_order.csv': { read: 60, stored: 60 },
  'made_truncated.csv.gz': { read: 10_628, stored: 0, file: 'gzip stream is cut off' },
  'made_wrong_column_count.csv': { read: 20, stored: 18, rows: { [Reject.columnCount]: 2 } },
  'made_wrong_header.csv': { read: 0, stored: 0, file: 'columns are missing' },
  'real_close_outside_low_high_DXC.csv': { read: 23, stored: 22, rows: { [Reject.outsideRange]: 1 } },
  'real_gaps_LUMN.csv': { read: 57, stored: 57, warnings: [Warn.gap] },
  'real_header_only_BRK.B.csv': { read: 0, stored: 0, file: Reject.noRows },
  'real_mislabelled_A.csv.gz': {
    read: 1258,
    stored: 1257,
    rows: { [Reject.missingValue]: 1 },
    warnings: [Warn.noAdjustedClose],
  },
  'real_mislabelled_AAPL.csv.gz': {
    read: 1258,
    stored: 1257,
    rows: { [Reject.missingValue]: 1 },
    warnings: [Warn.noAdjustedClose],
  },
  'real_nan_open_high_low_DHR.csv.gz': {
    read: 1243,
    stored: 1240,
    rows: { [Reject.missingValue]: 2, [Reject.outsideRange]: 1 },
    warnings: [Warn.gap, Warn.noAdjustedClose],
  },
  'real_nan_short_history_BHF.csv.gz': {
    read: 143,
    stored: 142,
    rows: { [Reject.missingValue]: 1 },
    warnings: [Warn.noAdjustedClose],
  },
  'real_special_dividend_minus82pct_KDP.csv': { read: 43, stored: 43, warnings: [Warn.jump] },
  'real_unnamed_index_column_order_MSFT.csv.gz': { read: 2682, stored: 2682 },
  'real_zero_volume_flat_AMCR.csv.gz': {
    read: 2129,
    stored: 758,
    rows: { [Reject.noTrade]: 1371 },
    warnings: [Warn.gap],
  },
};

describe.skipIf(!haveShared)(`bad input (${haveShared ? DIRTY : SKIP_REASON})`, () => {
  let pair: TestDatabases;
  const files = new Files();

  const count = (findings: readonly { reason: string }[]) => {
    const groups = Map.groupBy(findings, (finding) => finding.reason);
    return Object.fromEntries([...groups].map(([reason, found]) => [reason, found.length]));
  };

  beforeAll(async () => {
    pair = await createTestDatabases();
    await runImport(pair, {
      instruments: path.join(SHARED, 'data', 'instruments.csv'),
      holidays: path.join(SHARED, 'data', 'market_holidays.csv'),
    });
    // Three of the files are about companies that the shared list lacks.
    await runImport(pair, { instruments: files.instruments('A.US', 'BHF.US', 'BRK-B.US') });
  });

  afterAll(async () => {
    await pair.drop();
  });

  it('has an expectation for every file', () => {
    const known = [...Object.keys(EXPECTED), 'made_duplicate_ids_instruments.csv'].sort();
    expect(readdirSync(DIRTY).sort()).toEqual(known);
  });

  it.each(Object.entries(EXPECTED))('%s', async (name, expected) => {
    await pair.databases.historical.client((client) => client.query('TRUNCATE prices_daily'));
    const { data, exitCode, events } = await runImport(pair, { prices: [path.join(DIRTY, name)] });
    const rejected = data.findings.filter((finding) => finding.level === 'rejected');
    const rows = rejected.filter((finding) => finding.line !== null);
    const warnings = data.findings.filter((finding) => finding.level === 'warning');
    const stored = await pair.databases.historical.client(
      async (client) => (await client.query<{ n: number }>('SELECT count(*) AS n FROM prices_daily')).rows[0].n,
    );
    expect({
      read: data.files[0].read,
      stored,
      collapsed: data.files[0].collapsed,
      rows: count(rows),
      file: rejected.find((finding) => finding.line === null)?.reason,
      warnings: [...new Set(warnings.map((finding) => finding.reason))].sort(),
    }).toEqual({ collapsed: 0, rows: {}, file: undefined, ...expected, warnings: expected.warnings ?? [] });
    // The parts make the whole, and the exit code says whether anything is missing.
    const { read, inserted, updated, unchanged, collapsed, rejected: refused } = data.files[0];
    if (!expected.file) expect(inserted + updated + unchanged + collapsed + refused).toBe(read);
    expect(exitCode).toBe(rejected.length > 0 ? 3 : 0);
    expect(events.at(-1)).toMatchObject({ type: 'result', status: rejected.length > 0 ? 'partial' : 'done' });
  });

  it('made_duplicate_ids_instruments.csv', async () => {
    const file = path.join(DIRTY, 'made_duplicate_ids_instruments.csv');
    const { data, exitCode } = await runImport(pair, { instruments: file });
    expect(data.files).toMatchObject([{ status: 'landed', read: 4, unchanged: 3, collapsed: 1, rejected: 0 }]);
    expect(exitCode).toBe(0);
  });

  it('rows under the wrong ticker are told when both come in one import', async () => {
    await pair.databases.historical.client((client) => client.query('TRUNCATE prices_daily'));
    const prices = ['A', 'AAPL'].map((symbol) => path.join(DIRTY, `real_mislabelled_${symbol}.csv.gz`));
    const { data } = await runImport(pair, { prices });
    expect(data.findings.filter((finding) => finding.reason === Warn.twins).map((finding) => finding.detail)).toEqual([
      'A.US and AAPL.US: 1,257 rows of 2012–2017',
    ]);
  });

  it('rows of companies that are not known are rejected one by one', async () => {
    const other = await createTestDatabases();
    try {
      await runImport(other, { instruments: path.join(SHARED, 'data', 'instruments.csv') });
      const { data } = await runImport(other, { prices: [path.join(DIRTY, 'real_nan_short_history_BHF.csv.gz')] });
      expect(data.files).toMatchObject([{ status: 'landed', read: 143, inserted: 0, rejected: 143 }]);
      expect(data.reasons.filter((reason) => reason.level === 'rejected')).toMatchObject([
        { reason: Reject.unknownInstrument, count: 143 },
      ]);
    } finally {
      await other.drop();
    }
  });

  it('one import of the whole folder keeps every good row, and --dry-run tells the same beforehand', async () => {
    await pair.databases.historical.client((client) => client.query('TRUNCATE prices_daily'));
    const planned = await runImport(pair, { prices: [DIRTY], dryRun: true });
    const done = await runImport(pair, { prices: [DIRTY] });
    expect(done.data.tables).toEqual(planned.data.tables);
    expect(done.data.findings).toEqual(planned.data.findings);
    expect(
      done.data.files.filter((file) => file.status === 'rejected').map((file) => path.basename(file.file)),
    ).toEqual([
      'made_duplicate_ids_instruments.csv',
      'made_no_header.csv',
      'made_truncated.csv.gz',
      'made_wrong_header.csv',
      'real_header_only_BRK.B.csv',
    ]);
    expect(done.data.tables.prices_daily).toMatchObject({ read: 19_838, collapsed: 10, rejected: 1391 });
  });
});
