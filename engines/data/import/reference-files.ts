/** Instruments and holidays: small files, read whole, merged in one transaction each. */
import type pg from 'pg';
import type { SourceFile } from '../csv/source.ts';
import { type HolidayRow, HolidayRows, mergeHolidays } from './holidays.ts';
import { ISSUER_FIELDS, loadKnownInstruments, MARKET_FIELDS, mergeInstruments } from './instrument-storage.ts';
import { belongingOf, groupRows, type InstrumentRow, InstrumentRows } from './instruments.ts';
import type { MergeTarget } from './merge.ts';
import { Reject, Warn } from './reasons.ts';
import { eachFile, type FileImport, type ImportSession } from './session.ts';

/** Imports instruments files into the runtime database. */
export async function importInstruments(
  session: ImportSession,
  client: pg.ClientBase,
  target: MergeTarget,
  sources: readonly SourceFile[],
): Promise<void> {
  await eachFile(session, 'instruments', sources, async (file, progress) => {
    let rows!: InstrumentRows;
    const read: InstrumentRow[] = [];
    await file.read(progress, {
      header: (names) => {
        rows = new InstrumentRows(names, file.reject);
      },
      record: (reader) => {
        const row = rows.read(reader);
        if (row) read.push(row);
      },
    });
    file.warnOfUnusedColumns(rows.columns.others.map((other) => other.name));
    warnOfNoRows(file);
    const distinct = resolveInMemory(file, read, (row) => row.text.instrument_id!);
    const stored = new Map((await loadKnownInstruments(client, target)).map((known) => [known.id, known]));
    const belonging = new Map(
      distinct.map((row) => [row, belongingOf(row, stored.get(row.text.instrument_id!), session.market)]),
    );
    const differing = (row: InstrumentRow, detail: string) => file.warn(row.line, Warn.issuerConflict, detail);
    const issuers = groupRows(
      distinct,
      (row) => belonging.get(row)!.issuerId,
      ISSUER_FIELDS,
      (row) => row.issuerMetadata,
      differing,
    );
    const markets = groupRows(
      distinct,
      (row) => belonging.get(row)!.marketId,
      MARKET_FIELDS,
      () => null,
      differing,
    );
    const instruments = distinct.map((row) => ({ row, belonging: belonging.get(row)! }));
    const carriesMultiplier = rows.columns.at.multiplier >= 0;
    const counts = await mergeInstruments(client, target, { markets, issuers, instruments, carriesMultiplier });
    file.merged(distinct.length, counts.instruments);
    session.report.addSide('issuers', issuers.length, counts.issuers);
    session.report.addSide('markets', markets.length, counts.markets);
    for (const market of counts.undescribedMarkets) file.warn(null, Warn.unknownMarket, market);
  });
}

/** Imports holiday files into the historical database. */
export async function importHolidays(
  session: ImportSession,
  client: pg.ClientBase,
  target: MergeTarget,
  sources: readonly SourceFile[],
): Promise<void> {
  await eachFile(session, 'market_holidays', sources, async (file, progress) => {
    let rows!: HolidayRows;
    const read: HolidayRow[] = [];
    await file.read(progress, {
      header: (names) => {
        rows = new HolidayRows(names, session.market, file.reject);
      },
      record: (reader) => {
        const row = rows.read(reader);
        if (row) read.push(row);
      },
    });
    file.warnOfUnusedColumns(rows.columns.others.map((other) => other.name));
    warnOfNoRows(file);
    const distinct = resolveInMemory(file, read, (row) => `${row.market} ${row.day}`);
    file.merged(distinct.length, await mergeHolidays(client, target, distinct));
  });
}

/** An empty table is a valid export, so this is no rejection; for one that was meant to be full the remark matters. */
function warnOfNoRows(file: FileImport): void {
  if (file.outcome.read === 0) file.warn(null, Warn.noRows, '');
}

/** Exact repeats of a key become one row, rows that differ are all rejected. */
function resolveInMemory<Row extends { readonly line: number }>(
  file: FileImport,
  rows: readonly Row[],
  keyOf: (row: Row) => string,
): Row[] {
  const contentOf = ({ line: _, ...content }: Row) => JSON.stringify(content);
  const kept: Row[] = [];
  for (const [key, same] of Map.groupBy(rows, keyOf)) {
    const contents = new Set(same.map(contentOf));
    if (contents.size > 1) {
      file.rejectLines(
        same.map((row) => row.line),
        Reject.conflict,
        key,
      );
      continue;
    }
    file.outcome.collapsed += same.length - 1;
    kept.push(same[0]);
  }
  return kept;
}
