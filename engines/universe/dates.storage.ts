/** Reads listing dates of instruments, and tables of members. */
import { createHash } from 'node:crypto';
import { formatCount } from '../../src/format/numbers.ts';
import { tryParseDay } from '../../src/platform/dates.ts';
import type { Database } from '../../src/platform/db/databases.ts';
import { errorCode, errorMessage, UsageError, UserError } from '../../src/platform/errors.ts';
import type { Instrument } from '../market/panel.ts';
import { barredByDay, type Span, type UniverseDates } from './dates.model.ts';

/** `--universe-dates listing`: first and last date of each instrument and nothing else. */
const LISTING = 'listing';
/** PostgreSQL's codes for words that are no date, and for dates that no calendar has. */
const NO_DATE = ['22007', '22008'];
const IDENTIFIER = /^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$/i;

/**
 * Names by day as `--universe-dates` asks for them.
 * @param choice `listing`, or a table of the runtime database with instrument_id, first_date and last_date (null: still a
 * member; several rows a name may be there).
 * @throws UserError for a date that cannot be read, and for a table that is missing, lacks a column or knows none of the names.
 */
export async function loadUniverseDates(
  runtime: Database,
  choice: string,
  { instruments, days }: { readonly instruments: readonly Instrument[]; readonly days: Int32Array },
): Promise<UniverseDates> {
  const ids = instruments.map(({ id }) => id);
  const listing = await loadListing(runtime, ids);
  const members = choice === LISTING ? null : await loadMembers(runtime, choice);
  const membership = members && ids.map((id) => members.get(id) ?? []);
  if (membership?.every((spans) => spans.length === 0)) {
    throw new UserError(
      `${choice} has none of the ${formatCount(ids.length)} instruments of the market`,
      'Its ids must be those of instruments.',
    );
  }
  const known = new Set(ids);
  return {
    source: choice,
    ...barredByDay(days, listing, membership),
    undated: listing.filter(({ last }) => last === null).length,
    unknownMembers: members ? [...members.keys()].filter((id) => !known.has(id)).length : 0,
    fingerprint: createHash('sha256')
      .update(JSON.stringify([ids, listing, membership]))
      .digest('hex'),
  };
}

async function loadListing(runtime: Database, ids: readonly string[]): Promise<Span[]> {
  const { rows } = await runtime.client((client) =>
    client.query<{ id: string; first: string | null; last: string | null }>(
      `SELECT instrument_id AS id, metadata->>'first_date' AS first, metadata->>'last_date' AS last
         FROM instruments WHERE instrument_id = ANY($1)`,
      [ids],
    ),
  );
  const spans = new Map(
    rows.map(({ id, first, last }) => {
      const span = { first: dayOf(first, `first_date of ${id}`), last: dayOf(last, `last_date of ${id}`) };
      requireOrder(span, `instruments.metadata of ${id}`);
      return [id, span] as const;
    }),
  );
  return ids.map((id) => spans.get(id) ?? { first: null, last: null });
}

function dayOf(text: string | null, what: string): number | null {
  if (text === null || text === '') return null;
  const day = tryParseDay(text);
  if (day === null)
    throw new UserError(`instruments.metadata: ${what} is '${text}', no date`, 'Import the instrument anew.');
  return day;
}

function requireOrder({ first, last }: Span, what: string): void {
  if (first !== null && last !== null && last < first) {
    throw new UserError(`${what}: the last date comes before the first`, 'Correct the row.');
  }
}

async function loadMembers(runtime: Database, table: string): Promise<Map<string, Span[]>> {
  const fix = 'Give listing, or a table with instrument_id, first_date and last_date.';
  if (!IDENTIFIER.test(table)) throw new UsageError(`--universe-dates '${table}' is no name of a table`, fix);
  const members = new Map<string, Span[]>();
  await runtime.client(async (client) => {
    const { rows: columns } = await client.query<{ name: string }>(
      `SELECT attname AS name FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped`,
      [table],
    );
    if (columns.length === 0) throw new UserError(`there is no table ${table} in the ${runtime.target.label}`, fix);
    const names = columns.map(({ name }) => name);
    const missing = ['instrument_id', 'first_date', 'last_date'].find((name) => !names.includes(name));
    if (missing) throw new UserError(`${table} has no column '${missing}'; it has ${names.join(', ')}`, fix);
    const { rows } = await client
      .query<{ id: string } & Span>(
        `SELECT instrument_id AS id, first_date::date - date '1970-01-01' AS first, last_date::date - date '1970-01-01' AS last
           FROM ${table} ORDER BY instrument_id COLLATE "C", first_date NULLS FIRST, last_date NULLS LAST`,
      )
      .catch((error) => {
        if (!NO_DATE.includes(errorCode(error) ?? '')) throw error;
        throw new UserError(
          `${table} holds a first_date or last_date that is none: ${errorMessage(error)}`,
          'Correct it.',
        );
      });
    for (const { id, ...span } of rows) {
      requireOrder(span, `${table}, ${id}`);
      const spans = members.get(id);
      if (spans) spans.push(span);
      else members.set(id, [span]);
    }
  });
  return members;
}
