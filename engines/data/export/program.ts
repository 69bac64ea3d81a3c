/** `prometheus data export`. */
import path from 'node:path';
import type pg from 'pg';
import { formatCount } from '../../../src/format/numbers.ts';
import { csvLine } from '../../../src/platform/csv.ts';
import { Exit, UserError } from '../../../src/platform/errors.ts';
import { log, stage } from '../../../src/platform/events.ts';
import type { Program, ProgramContext } from '../../../src/platform/program.ts';
import { amongInstruments, holidaysQuery, instrumentsQuery, newsQuery, pricesQuery } from './queries.ts';
import type { exportSpec } from './spec.ts';
import { beginSnapshot, columnsNeeded, type ExportFile, prepareFolder, rowsByYear, writeFile } from './storage.ts';

interface Exported {
  readonly file: string;
  readonly rows: number;
}

export const program: Program<typeof exportSpec> = async (args, context) => {
  const { databases, events } = context;
  const folder = path.resolve(args.output);
  const written: Exported[] = [];
  await databases.runtime.transaction(async (runtime) => {
    await beginSnapshot(runtime);
    const currencies = await instrumentsByCurrency(runtime, args.market, databases.runtime.target.label);
    await databases.historical.transaction(async (historical) => {
      await beginSnapshot(historical);
      const marketFiles = await planMarketFiles(historical, currencies, args.market, args.gzip);
      const query = instrumentsQuery(args.market);
      const instruments: ExportFile = {
        name: 'instruments.csv',
        query,
        columns: await columnsNeeded(runtime, query),
      };
      prepareFolder(folder, [instruments.name, ...marketFiles.map((file) => file.name)]);
      written.push(...(await writeFiles(runtime, folder, [instruments], 'instruments', context)));
      written.push(...(await writeFiles(historical, folder, marketFiles, 'prices and news', context)));
      await warnOfStrangers(historical, runtime, context);
    });
  });
  if (!args.json) {
    context.stdout(csvLine(['file', 'rows']));
    for (const { file, rows } of written) context.stdout(csvLine([file, rows]));
  }
  const rows = written.reduce((sum, file) => sum + file.rows, 0);
  const summary = `${formatCount(rows)} rows in ${written.length} files in ${folder}`;
  events.emit({ type: 'artifact', kind: 'export', id: args.market, path: folder });
  return { exitCode: Exit.done, summary, data: { market: args.market, folder, files: written } };
};

/** The instruments of a market by currency, ascending. @throws UserError when there are none. */
async function instrumentsByCurrency(
  client: pg.ClientBase,
  market: string,
  label: string,
): Promise<Map<string, string[]>> {
  const { rows } = await client.query<{ instrument_id: string; currency: string }>(
    'SELECT instrument_id, currency FROM instruments WHERE market_id = $1 ORDER BY instrument_id COLLATE "C"',
    [market],
  );
  if (rows.length === 0) {
    throw new UserError(`market ${market} has no instruments in the ${label}`, 'Check --market; nothing was written.');
  }
  const currencies = new Map<string, string[]>();
  for (const { instrument_id, currency } of rows) {
    const ids = currencies.get(currency);
    if (ids) ids.push(instrument_id);
    else currencies.set(currency, [instrument_id]);
  }
  return currencies;
}

/** The files of the historical database: holidays, prices by year, news by year. */
async function planMarketFiles(
  client: pg.ClientBase,
  currencies: ReadonlyMap<string, readonly string[]>,
  market: string,
  gzip: boolean,
): Promise<ExportFile[]> {
  const suffix = gzip ? '.csv.gz' : '.csv';
  const among = amongInstruments([...currencies.values()].flat());
  const holidays = holidaysQuery(market);
  const files: ExportFile[] = [{ name: 'market_holidays.csv', query: holidays, columns: holidays.columns }];
  const byYear = [
    {
      query: pricesQuery(among, currencies),
      date: 'p.trade_date::date',
      nameOf: (year: number) => `prices_daily/${year}`,
    },
    { query: newsQuery(among), date: `a."timestamp"`, nameOf: (year: number) => `news/news_${year}` },
  ];
  for (const { query, date, nameOf } of byYear) {
    const columns = await columnsNeeded(client, query);
    for (const year of (await rowsByYear(client, query, date)).keys()) {
      const where = `${date} >= '${yearStart(year)}' AND ${date} < '${yearStart(year + 1)}'`;
      files.push({ name: `${nameOf(year)}${suffix}`, query, columns, where });
    }
  }
  return files;
}

const yearStart = (year: number) => `${String(year).padStart(4, '0')}-01-01`;

async function writeFiles(
  client: pg.ClientBase,
  folder: string,
  files: readonly ExportFile[],
  what: string,
  { events, signal }: ProgramContext,
): Promise<Exported[]> {
  stage(events, what);
  const written: Exported[] = [];
  for (const [i, file] of files.entries()) {
    const rows = await writeFile(client, folder, file, signal);
    written.push({ file: file.name, rows });
    events.emit({ type: 'progress', done: i + 1, total: files.length, unit: 'files' });
  }
  return written;
}

/** Prices of ids that no instrument has cannot be imported anywhere, so they are not exported; that must be said. */
async function warnOfStrangers(
  historical: pg.ClientBase,
  runtime: pg.ClientBase,
  { events }: ProgramContext,
): Promise<void> {
  const known = await runtime.query<{ id: string }>('SELECT instrument_id AS id FROM instruments');
  const { rows } = await historical.query<{ id: string; count: number }>(
    `SELECT instrument_id AS id, count(*) AS count FROM prices_daily
     WHERE NOT ${amongInstruments(known.rows.map((row) => row.id))} GROUP BY 1 ORDER BY 1`,
  );
  if (rows.length === 0) return;
  const count = rows.reduce((sum, row) => sum + row.count, 0);
  const names = `${rows
    .slice(0, 3)
    .map((row) => row.id)
    .join(', ')}${rows.length > 3 ? ' …' : ''}`;
  const ids = rows.length === 1 ? '1 id' : `${rows.length} ids`;
  log(
    events,
    'warn',
    `${formatCount(count)} price rows belong to ${ids} without an instrument (${names}): not exported`,
  );
}
