/**
 * The SELECTs behind the files of an export. PostgreSQL prints the values itself (COPY, CSV). Columns beyond the usual ones
 * appear only where some row needs them; docs/data.md describes the files.
 */
import { sqlLiteral } from '../../../src/platform/db/copy.ts';

export interface Column {
  readonly name: string;
  readonly sql: string;
}

/** A column that is written only when some row has more to say than what an import supplies by itself. */
interface OptionalColumn extends Column {
  /** True for a row that needs the column. */
  readonly needed: string;
}

const IS_DATE = `'^\\d{4}-\\d{2}-\\d{2}$'`;

/** SQL for jsonb metadata without the keys that have columns of their own; null when nothing else is left. */
function restOfMetadata(column: string, keys: readonly { name: string; taken: string }[]): string {
  const without = keys.map(({ name, taken }) => `CASE WHEN ${taken} THEN '${name}' ELSE '' END`);
  const rest = `(${column} - ARRAY[${without.join(', ')}])`;
  return `CASE WHEN ${rest} <> '{}' OR ${column} = '{}' THEN ${rest} END`;
}

const dateKey = (name: string) => ({ name, taken: `i.metadata ->> '${name}' ~ ${IS_DATE}` });
const FIRST_DATE = dateKey('first_date');
const LAST_DATE = dateKey('last_date');
const DELISTING = {
  name: 'delisting_value',
  taken: `jsonb_typeof(i.metadata -> 'delisting_value') = 'number'`,
};
const taken = (key: { name: string; taken: string }) => `CASE WHEN ${key.taken} THEN i.metadata ->> '${key.name}' END`;
const INSTRUMENT_METADATA = restOfMetadata('i.metadata', [FIRST_DATE, LAST_DATE, DELISTING]);

const INSTRUMENT_COLUMNS: readonly Column[] = [
  { name: 'instrument_id', sql: 'i.instrument_id' },
  { name: 'issuer_id', sql: 'i.issuer_id' },
  { name: 'symbol', sql: 'i.symbol' },
  { name: 'name', sql: 's.name' },
  { name: 'sector', sql: 's.sector' },
  { name: 'market_id', sql: 'i.market_id' },
  { name: 'currency', sql: 'i.currency' },
  { name: 'first_date', sql: taken(FIRST_DATE) },
  { name: 'last_date', sql: taken(LAST_DATE) },
];

const INSTRUMENT_OPTIONS: readonly OptionalColumn[] = [
  { name: 'delisting_value', sql: taken(DELISTING), needed: DELISTING.taken },
  { name: 'asset_class', sql: 'i.asset_class', needed: `i.asset_class <> 'EQUITY'` },
  { name: 'status', sql: 'i.status', needed: `i.status <> 'ACTIVE'` },
  { name: 'exchange', sql: 'i.exchange', needed: 'i.exchange IS NOT NULL' },
  { name: 'multiplier', sql: 'i.multiplier', needed: 'i.multiplier IS DISTINCT FROM 1' },
  { name: 'maturity_date', sql: 'i.maturity_date::date', needed: 'i.maturity_date IS NOT NULL' },
  {
    name: 'underlying_instrument_id',
    sql: 'i.underlying_instrument_id',
    needed: 'i.underlying_instrument_id IS NOT NULL',
  },
  { name: 'metadata', sql: INSTRUMENT_METADATA, needed: `(${INSTRUMENT_METADATA}) IS NOT NULL` },
  { name: 'issuer_type', sql: 's.issuer_type', needed: `s.issuer_type <> 'CORPORATION'` },
  { name: 'industry', sql: 's.industry', needed: 's.industry IS NOT NULL' },
  { name: 'country', sql: 's.country', needed: 's.country IS NOT NULL' },
  { name: 'issuer_metadata', sql: 's.metadata', needed: 's.metadata IS NOT NULL' },
  // Whether a market needs describing depends on its id: the three are always written for a market that is not US_EQ.
  { name: 'market_name', sql: 'm.name', needed: `(m.market_id, m.name) IS DISTINCT FROM ('US_EQ', 'US equities')` },
  { name: 'market_region', sql: 'm.region', needed: `(m.market_id, m.region) IS DISTINCT FROM ('US_EQ', 'US')` },
  {
    name: 'market_timezone',
    sql: 'm.timezone',
    needed: `(m.market_id, m.timezone) IS DISTINCT FROM ('US_EQ', 'America/New_York')`,
  },
];

/** A SELECT in two parts, so that optional columns can be asked for first. */
export interface FileQuery {
  readonly columns: readonly Column[];
  readonly options: readonly OptionalColumn[];
  /** FROM and WHERE. */
  readonly from: string;
  readonly order: string;
}

export function instrumentsQuery(market: string): FileQuery {
  return {
    columns: INSTRUMENT_COLUMNS,
    options: INSTRUMENT_OPTIONS,
    from: `FROM instruments i JOIN issuers s ON s.issuer_id = i.issuer_id JOIN markets m ON m.market_id = i.market_id
           WHERE i.market_id = ${sqlLiteral(market)}`,
    order: 'i.instrument_id COLLATE "C"',
  };
}

/** A day without the time that a column of an adopted table may have beside it. */
const dayOf = (column: string) => (column.endsWith('_date') ? `${column}::date` : column);

export function holidaysQuery(market: string): FileQuery {
  const names = ['market_id', 'holiday_date', 'holiday_name', 'source'];
  return {
    columns: names.map((name) => ({ name, sql: dayOf(name) })),
    options: [],
    from: `FROM market_holidays WHERE market_id = ${sqlLiteral(market)}`,
    order: 'holiday_date::date',
  };
}

/** `among` is a condition on `instrument_id`, from `amongInstruments`. */
export function pricesQuery(among: string, currencies: ReadonlyMap<string, readonly string[]>): FileQuery {
  const names = ['instrument_id', 'trade_date', 'open', 'high', 'low', 'close', 'adjusted_close', 'volume'];
  return {
    columns: names.map((name) => ({ name, sql: dayOf(`p.${name}`) })),
    options: [
      { name: 'currency', sql: 'p.currency', needed: currencyDiffers(currencies) },
      { name: 'metadata', sql: 'p.metadata', needed: 'p.metadata IS NOT NULL' },
    ],
    from: `FROM prices_daily p WHERE p.${among}`,
    order: 'p.instrument_id COLLATE "C", p.trade_date::date',
  };
}

/** An import gives a price the currency of its instrument; `currencies` maps each one to its instruments. */
function currencyDiffers(currencies: ReadonlyMap<string, readonly string[]>): string {
  const cases = [...currencies].map(
    ([currency, ids]) => `WHEN p.${amongInstruments(ids)} THEN p.currency <> ${sqlLiteral(currency)}`,
  );
  return `CASE ${cases.join(' ')} END`;
}

const SECTION = { name: 'section', taken: `jsonb_typeof(a.metadata -> 'section') = 'string'` };
const NEWS_METADATA = restOfMetadata('a.metadata', [{ name: 'external_id', taken: 'true' }, SECTION]);

/** Articles of a market: one row for each company of it, and those that speak of no company at all. */
export function newsQuery(among: string): FileQuery {
  const id = `COALESCE(a.metadata ->> 'external_id', a.article_id::text)`;
  const at = `a."timestamp" AT TIME ZONE 'UTC'`;
  const pattern = (fraction: string) => `'YYYY-MM-DD"T"HH24:MI:SS${fraction}"Z"'`;
  return {
    columns: [
      { name: 'article_id', sql: id },
      {
        name: 'published_at',
        sql: `to_char(${at}, CASE WHEN a."timestamp" = date_trunc('second', a."timestamp")
                             THEN ${pattern('')} ELSE ${pattern('.US')} END)`,
      },
      { name: 'instrument_id', sql: 'l.instrument_id' },
      { name: 'headline', sql: 'a.headline' },
      { name: 'source', sql: 'a.source' },
      { name: 'section', sql: `CASE WHEN ${SECTION.taken} THEN a.metadata ->> 'section' END` },
    ],
    options: [
      { name: 'language', sql: 'a.language', needed: 'a.language IS NOT NULL' },
      { name: 'body', sql: 'a.body', needed: 'a.body IS NOT NULL' },
      { name: 'metadata', sql: NEWS_METADATA, needed: `(${NEWS_METADATA}) IS NOT NULL` },
    ],
    from: `FROM news_articles a LEFT JOIN news_links l ON l.article_id = a.article_id
           WHERE (l.article_id IS NULL OR l.${among})`,
    order: `a."timestamp", ${id} COLLATE "C", l.instrument_id COLLATE "C"`,
  };
}

/** A condition that holds for some instruments. */
export function amongInstruments(ids: readonly string[]): string {
  return `instrument_id IN (${ids.map(sqlLiteral).join(', ')})`;
}
