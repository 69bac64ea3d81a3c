/** Markets, issuers and instruments of a file into the runtime database, in one transaction. */
import type pg from 'pg';
import { copyInto } from '../../../src/platform/db/copy.ts';
import type { KnownInstrument } from './directory.ts';
import { type Belonging, type GroupedRow, type InstrumentRow, symbolOf } from './instruments.ts';
import { inTransaction, type MergeCounts, type MergeTarget } from './merge.ts';

export const MARKET_FIELDS = ['market_name', 'market_region', 'market_timezone'] as const;
export const ISSUER_FIELDS = ['name', 'issuer_type', 'sector', 'industry', 'country'] as const;

/** Markets whose description need not be in a file. */
const MARKETS: Readonly<Record<string, { name: string; region: string; timezone: string }>> = {
  US_EQ: { name: 'US equities', region: 'US', timezone: 'America/New_York' },
};

export interface InstrumentImport {
  readonly markets: readonly GroupedRow[];
  readonly issuers: readonly GroupedRow[];
  readonly carriesMultiplier: boolean;
  readonly instruments: readonly { readonly row: InstrumentRow; readonly belonging: Belonging }[];
}

export interface InstrumentCounts {
  readonly instruments: MergeCounts;
  readonly issuers: MergeCounts;
  readonly markets: MergeCounts;
  /** Markets made without a description. */
  readonly undescribedMarkets: string[];
}

/** A stored value stays where the file has none. */
const kept = (name: string, ifNew = `s.${name}`, staged = name) => ({
  name,
  insert: ifNew,
  update: `COALESCE(s.${staged}, t.${name})`,
});
const mergedMetadata = {
  name: 'metadata',
  insert: 's.metadata',
  update: `CASE WHEN s.metadata IS NULL THEN t.metadata ELSE COALESCE(t.metadata, '{}'::jsonb) || s.metadata END`,
};
const STAMPS = { created: ['created_at'], updated: ['updated_at'] };

/** Stages and merges all rows of a file; either all of them land or none. */
export async function mergeInstruments(
  client: pg.ClientBase,
  target: MergeTarget,
  rows: InstrumentImport,
): Promise<InstrumentCounts> {
  await stageGroups(client, 'stage_markets', MARKET_FIELDS, rows.markets);
  await stageGroups(client, 'stage_issuers', ISSUER_FIELDS, rows.issuers);
  await stageInstruments(client, rows.instruments);
  return inTransaction(client, async () => {
    await target.lock();
    const { rows: stored } = await client.query<{ market_id: string }>('SELECT market_id FROM markets');
    const known = new Set([...stored.map((row) => row.market_id), ...Object.keys(MARKETS)]);
    const undescribedMarkets = rows.markets.filter((m) => !known.has(m.id) && !m.text.market_timezone).map((m) => m.id);
    const markets = await target.merge({
      stage: 'stage_markets',
      table: 'markets',
      match: 's.id = t.market_id',
      key: ['id'],
      identity: ['market_id'],
      columns: [
        { name: 'market_id', insert: 's.id' },
        kept('name', 's.market_name', 'market_name'),
        kept('region', 's.market_region', 'market_region'),
        kept('timezone', 's.market_timezone', 'market_timezone'),
      ].map((column) => withMarketDefaults(column)),
      ...STAMPS,
    });
    const issuers = await target.merge({
      stage: 'stage_issuers',
      table: 'issuers',
      match: 's.id = t.issuer_id',
      key: ['id'],
      identity: ['issuer_id'],
      columns: [
        { name: 'issuer_id', insert: 's.id' },
        kept('name', 'COALESCE(s.name, s.id)'),
        kept('issuer_type', "COALESCE(s.issuer_type, 'CORPORATION')"),
        kept('sector'),
        kept('industry'),
        kept('country'),
        mergedMetadata,
      ],
      ...STAMPS,
    });
    const instruments = await target.merge({
      stage: 'stage_instruments',
      table: 'instruments',
      match: 's.instrument_id = t.instrument_id',
      key: ['instrument_id'],
      identity: ['instrument_id'],
      columns: [
        { name: 'instrument_id', insert: 's.instrument_id' },
        kept('issuer_id'),
        kept('market_id'),
        kept('asset_class', "COALESCE(s.asset_class, 'EQUITY')"),
        kept('symbol', 's.default_symbol'),
        kept('exchange'),
        kept('currency', "COALESCE(s.currency, 'USD')"),
        // One share is one share, unless the file has its own word on it, be it that it is unknown.
        kept('multiplier', rows.carriesMultiplier ? 's.multiplier' : '1'),
        kept('maturity_date'),
        kept('underlying_instrument_id'),
        kept('status', "COALESCE(s.status, 'ACTIVE')"),
        mergedMetadata,
      ],
      ...STAMPS,
    });
    return { markets, issuers, instruments, undescribedMarkets };
  });
}

/** A new market takes what is known of it by name, else its id, and UTC until somebody says better. */
function withMarketDefaults(column: { name: string; insert: string; update?: string }) {
  if (column.name === 'market_id') return column;
  const cases = Object.entries(MARKETS).map(([id, market]) => `WHEN '${id}' THEN '${market[column.name as 'name']}'`);
  const otherwise = column.name === 'timezone' ? `'UTC'` : 's.id';
  return { ...column, insert: `COALESCE(${column.insert}, CASE s.id ${cases.join(' ')} ELSE ${otherwise} END)` };
}

async function stageGroups(
  client: pg.ClientBase,
  stage: string,
  fields: readonly string[],
  groups: readonly GroupedRow[],
): Promise<void> {
  const columns = ['id', ...fields, 'metadata'];
  const types = columns.map((name) => `${name} ${name === 'metadata' ? 'jsonb' : 'varchar'}`);
  await client.query(`DROP TABLE IF EXISTS ${stage}; CREATE TEMP TABLE ${stage} (${types.join(', ')})`);
  await copyInto(client, stage, columns, async (writer) => {
    for (const group of groups) {
      writer.row(columns.length);
      writer.text(group.id);
      for (const field of fields) writer.text(group.text[field]);
      writer.jsonb(group.metadata);
      await writer.flushed();
    }
  });
}

const STAGED_TEXT = [
  'instrument_id',
  'symbol',
  'asset_class',
  'exchange',
  'currency',
  'underlying_instrument_id',
  'status',
] as const;

async function stageInstruments(client: pg.ClientBase, rows: InstrumentImport['instruments']): Promise<void> {
  const text = [...STAGED_TEXT, 'issuer_id', 'market_id', 'default_symbol'];
  await client.query(
    `DROP TABLE IF EXISTS stage_instruments; CREATE TEMP TABLE stage_instruments
       (${text.map((name) => `${name} varchar`).join(', ')}, multiplier float8, maturity_date date, metadata jsonb)`,
  );
  const columns = [...text, 'multiplier', 'maturity_date', 'metadata'];
  await copyInto(client, 'stage_instruments', columns, async (writer) => {
    for (const { row, belonging } of rows) {
      writer.row(columns.length);
      for (const field of STAGED_TEXT) writer.text(row.text[field]);
      writer.text(belonging.issuerId);
      writer.text(belonging.marketId);
      writer.text(symbolOf(row));
      writer.float64(row.multiplier ?? Number.NaN);
      if (row.maturityDay === null) writer.null();
      else writer.date(row.maturityDay);
      writer.jsonb(row.metadata);
      await writer.flushed();
    }
  });
}

/** Every instrument of the runtime database, as the import left it. */
export async function loadKnownInstruments(client: pg.ClientBase, target: MergeTarget): Promise<KnownInstrument[]> {
  const known = new Map<string, KnownInstrument>();
  for (const table of target.rowSources('instruments')) {
    const { rows } = await client.query<KnownInstrument>(
      `SELECT instrument_id AS id, symbol, issuer_id AS "issuerId", market_id AS "marketId", currency FROM ${table}`,
    );
    for (const row of rows) known.set(row.id, row);
  }
  return [...known.values()];
}
