/** Writes the synthetic market as files that `prometheus data import` reads; formats: docs/synthetic-market.md. */
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { csvLine } from '../../../src/platform/csv.ts';
import { formatDay } from '../../../src/platform/dates.ts';
import { errorCode, errorMessage, InterruptedError, UserError } from '../../../src/platform/errors.ts';
import { type Events, stage } from '../../../src/platform/events.ts';
import { makeFolders } from '../../../src/platform/folders.ts';
import type { Company } from './company.ts';
import { GzipFile } from './gzip-file.ts';
import { type MarketFingerprint, type SyntheticMarket, sameMarket, sortArticles } from './market.ts';
import type { Article } from './news-plan.ts';
import {
  CURRENCY,
  factsOf,
  HOLIDAY_SOURCE,
  type InstrumentFacts,
  MARKET,
  NEWS_LANGUAGE,
  NEWS_SOURCE,
} from './output.ts';
import type { PriceSeries } from './price-path.ts';
import { SECTORS } from './sectors.ts';

/** Says which market a folder holds, so that two never mix. Written first as incomplete, last with the list of files. */
const MANIFEST = 'synthetic-market.json';

const PRICE_HEADER = 'instrument_id,trade_date,open,high,low,close,adjusted_close,volume\n';
const NEWS_HEADER = 'article_id,published_at,instrument_id,headline,source,section,language,body\n';
const HOLIDAY_HEADER = 'market_id,holiday_date,holiday_name,source\n';
const INSTRUMENT_HEADER =
  'instrument_id,issuer_id,symbol,name,sector,market_id,currency,first_date,last_date,delisting_value,metadata\n';

/** Lines of news that are packed at once. */
const BATCH = 500;

export interface WrittenFile {
  /** Relative to the folder. */
  readonly file: string;
  readonly rows: number;
}

interface Manifest {
  readonly market: MarketFingerprint;
  readonly complete: boolean;
  readonly files: readonly WrittenFile[];
}

/**
 * Writes instruments.csv, market_holidays.csv, prices_daily/YYYY.csv.gz and news/news_YYYY.csv.gz. Each file appears when
 * it is complete; run again after a kill, it gives the same files. Memory holds one company's history at a time.
 * @throws UserError when the folder holds anything but an output of the same options.
 */
export async function writeMarketFiles(
  market: SyntheticMarket,
  folder: string,
  events: Events,
  signal: AbortSignal,
): Promise<readonly WrittenFile[]> {
  try {
    claimFolder(market, folder);
    const articles: Article[] = [];
    const facts = new Map<Company, InstrumentFacts>();
    stage(events, 'synthetic prices', 1, 2);
    const prices = await writePrices(market, path.join(folder, 'prices_daily'), articles, facts, events, signal);
    stage(events, 'synthetic news', 2, 2);
    const news = await writeNews(market, path.join(folder, 'news'), sortArticles(articles), events, signal);
    const holidays = market.holidays.map((holiday) =>
      csvLine([MARKET.id, formatDay(holiday.day), holiday.name, HOLIDAY_SOURCE]),
    );
    const files = [
      writeWhole(folder, 'instruments.csv', INSTRUMENT_HEADER, instrumentLines(market, facts)),
      writeWhole(folder, 'market_holidays.csv', HOLIDAY_HEADER, holidays),
      ...prices,
      ...news,
    ];
    writeManifest(folder, { market: market.fingerprint, complete: true, files });
    return files;
  } catch (error) {
    throw asFileError(error, folder);
  }
}

/** Makes the folder ours, or refuses it. */
function claimFolder(market: SyntheticMarket, folder: string): void {
  for (const sub of ['prices_daily', 'news']) makeFolders(path.resolve(folder, sub));
  const manifest = path.join(folder, MANIFEST);
  if (existsSync(manifest)) {
    const { market: held } = JSON.parse(readFileSync(manifest, 'utf8')) as Manifest;
    if (!sameMarket(held, market.fingerprint)) {
      throw new UserError(
        `${folder} already holds another synthetic market`,
        'Choose another folder, or remove this one.',
      );
    }
  } else {
    const others = readdirSync(folder, { recursive: true, withFileTypes: true }).find((entry) => !entry.isDirectory());
    if (others) {
      throw new UserError(`${folder} already holds files (${others.name})`, 'Choose an empty or a new folder.');
    }
  }
  writeManifest(folder, { market: market.fingerprint, complete: false, files: [] });
}

/** One file a year, open side by side: rows come company by company, and each file is sorted by instrument, then date. */
async function writePrices(
  market: SyntheticMarket,
  folder: string,
  articles: Article[],
  facts: Map<Company, InstrumentFacts>,
  events: Events,
  signal: AbortSignal,
): Promise<WrittenFile[]> {
  const total = market.companies.reduce((sum, company) => sum + company.last - company.first + 1, 0);
  let done = 0;
  return yearFiles(
    folder,
    (year) => `${year}.csv.gz`,
    PRICE_HEADER,
    async (fileOf) => {
      for (const company of market.companies) {
        if (signal.aborted) throw new InterruptedError('writing the synthetic market');
        const series = market.prices(company);
        for (const [year, { lines, rows }] of priceLines(market, series)) await fileOf(year).write(lines, rows);
        for (const article of market.articles(series)) articles.push(article);
        facts.set(company, factsOf(series, market.tradingDays));
        done += series.close.length;
        events.emit({ type: 'progress', done, total, unit: 'rows' });
      }
    },
  );
}

/** The rows of one company by year. Nothing in them needs quotes; numbers read back as the same doubles. */
function priceLines(market: SyntheticMarket, series: PriceSeries): Map<number, { lines: string; rows: number }> {
  const { company, open, high, low, close, adjustedClose, volume } = series;
  const byYear = new Map<number, { lines: string; rows: number }>();
  for (let i = 0; i < close.length; i++) {
    const date = formatDay(market.tradingDays[company.first + i]);
    const year = Number(date.slice(0, 4));
    let part = byYear.get(year);
    if (!part) byYear.set(year, (part = { lines: '', rows: 0 }));
    part.lines += `${company.instrumentId},${date},${open[i]},${high[i]},${low[i]},${close[i]},${adjustedClose[i]},${volume[i]}\n`;
    part.rows++;
  }
  return byYear;
}

async function writeNews(
  market: SyntheticMarket,
  folder: string,
  articles: readonly Article[],
  events: Events,
  signal: AbortSignal,
): Promise<WrittenFile[]> {
  return yearFiles(
    folder,
    (year) => `news_${year}.csv.gz`,
    NEWS_HEADER,
    async (fileOf) => {
      let lines: string[] = [];
      let yearOfLines = 0;
      const flush = async (): Promise<void> => {
        if (lines.length > 0) await fileOf(yearOfLines).write(lines.join(''), lines.length);
        lines = [];
      };
      for (const [i, article] of articles.entries()) {
        const { headline, body } = market.text(article);
        const published = `${new Date(article.at).toISOString().slice(0, 19)}Z`;
        const year = Number(published.slice(0, 4));
        if (year !== yearOfLines || lines.length >= BATCH) {
          await flush();
          if (signal.aborted) throw new InterruptedError('writing the synthetic market');
          events.emit({ type: 'progress', done: i, total: articles.length, unit: 'articles' });
        }
        yearOfLines = year;
        // A row a company, with the article's id in each.
        for (const company of article.peer ? [article.company, article.peer] : [article.company]) {
          const row = [article.id, published, company.instrumentId, headline, NEWS_SOURCE, '', NEWS_LANGUAGE, body];
          lines.push(csvLine(row));
        }
      }
      await flush();
    },
  );
}

/** Runs `produce` over files that are made on first use, and completes all of them, or removes all that are incomplete. */
async function yearFiles(
  folder: string,
  nameOf: (year: number) => string,
  header: string,
  produce: (fileOf: (year: number) => GzipFile) => Promise<void>,
): Promise<WrittenFile[]> {
  const files = new Map<number, GzipFile>();
  const fileOf = (year: number): GzipFile => {
    let file = files.get(year);
    if (!file) {
      files.set(year, (file = new GzipFile(path.join(folder, nameOf(year)))));
      void file.write(header, 0);
    }
    return file;
  };
  try {
    await produce(fileOf);
    const ordered = [...files].sort(([a], [b]) => a - b).map(([, file]) => file);
    for (const file of ordered) await file.finish();
    return ordered.map((file) => ({
      file: path.join(path.basename(folder), path.basename(file.path)),
      rows: file.rows,
    }));
  } catch (error) {
    await Promise.all([...files.values()].map((file) => file.discard()));
    throw error;
  }
}

function instrumentLines(market: SyntheticMarket, facts: ReadonlyMap<Company, InstrumentFacts>): string[] {
  return market.companies.map((company) => {
    const { delistingValue, splits } = facts.get(company)!;
    return csvLine([
      company.instrumentId,
      company.issuerId,
      company.symbol,
      company.name,
      SECTORS[company.sector].name,
      MARKET.id,
      CURRENCY,
      formatDay(market.tradingDays[company.first]),
      formatDay(market.tradingDays[company.last]),
      delistingValue,
      splits.length > 0 ? JSON.stringify({ splits }) : null,
    ]);
  });
}

function writeWhole(folder: string, name: string, header: string, lines: readonly string[]): WrittenFile {
  replaceFile(path.join(folder, name), header + lines.join(''));
  return { file: name, rows: lines.length };
}

function writeManifest(folder: string, manifest: Manifest): void {
  replaceFile(path.join(folder, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
}

function replaceFile(file: string, content: string): void {
  writeFileSync(`${file}.part`, content);
  renameSync(`${file}.part`, file);
}

/** A full disk is told by the command line; other failures of the file system are told here. */
function asFileError(error: unknown, folder: string): unknown {
  const code = errorCode(error);
  if (error instanceof UserError || code === undefined || code === 'ENOSPC' || code === 'EFBIG') return error;
  return new UserError(`${folder} cannot be written: ${errorMessage(error)}`, 'Choose a folder that you may write.', {
    cause: error,
  });
}
