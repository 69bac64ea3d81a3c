/** `backfill text-embeddings`: which rows, of what, and that no vector of a day knows what came after its close. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { program as digest } from '../../engines/data/digest/program.ts';
import { digestSpec } from '../../engines/data/digest/spec.ts';
import { backfillJointRegime } from '../../engines/joint/program.ts';
import { jointRegimeSpec } from '../../engines/joint/spec.ts';
import { textHorizon } from '../../engines/text/backfill/horizon.ts';
import { backfillText } from '../../engines/text/backfill/program.ts';
import { openTextEncoder, type TextEncoder } from '../../engines/text/encoder.ts';
import { loadTextModel } from '../../engines/text/models.storage.ts';
import { textBackfillSpec, textFitSpec } from '../../engines/text/spec.ts';
import { fitTextModel } from '../../engines/text/static/program.ts';
import { formatCount } from '../../src/format/numbers.ts';
import { formatDay, isWeekend, parseDay } from '../../src/platform/dates.ts';
import { type Home, homeAt } from '../../src/platform/home.ts';
import { Random } from '../../src/platform/random.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { startPrometheus } from '../helpers/processes.ts';
import { runProgram } from '../helpers/run-program.ts';
import { until } from '../helpers/until.ts';

const MODEL = 'text-fin-static-v1';
const DIM = 384;
/** Companies of the market TEST, and one of another. */
const COMPANIES = ['AAA', 'BBB', 'CCC'];

interface Article {
  readonly id: number;
  readonly at: string;
  readonly headline: string;
  readonly body?: string;
  readonly issuers: readonly string[];
}

let home: Home;
let root: string;
let db: TestDatabases;
let encoder: TextEncoder;

const WORDS = Array.from({ length: 80 }, (_, k) => `word${String.fromCharCode(97 + (k % 26))}${k}`);
const sentence = (random: Random) => Array.from({ length: 6 }, () => random.pick(WORDS)).join(' ');

/** News around the clock over some weeks of March 2014, when the clocks change. */
function news(): Article[] {
  const random = new Random(8);
  const start = Date.UTC(2014, 2, 3);
  return Array.from({ length: 240 }, (_, k) => ({
    id: k + 1,
    at: new Date(start + random.below(28 * 24 * 60) * 60_000).toISOString(),
    headline: sentence(random),
    body: k % 5 === 0 ? sentence(random) : undefined,
    issuers: [...new Set([random.pick([...COMPANIES, 'ELSE']), random.pick([...COMPANIES, 'ELSE'])])].slice(0, k % 3),
  }));
}

async function store(articles: readonly Article[]): Promise<void> {
  await storeMarkets();
  // A Wednesday off: its news belongs to Thursday.
  await query(`INSERT INTO market_holidays VALUES ('TEST', '2014-03-12', 'Holiday', 'test', now())`);
  await storeNews(articles);
}

async function storeMarkets(): Promise<void> {
  await db.databases.runtime.transaction(async (client) => {
    await client.query(`INSERT INTO markets (market_id, name, region, timezone, updated_at)
      VALUES ('TEST', 'Test', 'US', 'America/New_York', now()), ('OTHER', 'Other', 'EU', 'Europe/Paris', now())`);
    for (const id of [...COMPANIES, 'ELSE']) {
      await client.query(
        `INSERT INTO issuers (issuer_id, issuer_type, name, updated_at) VALUES ($1, 'CORPORATION', $1, now())`,
        [id],
      );
      await client.query(
        `INSERT INTO instruments (instrument_id, issuer_id, market_id, asset_class, symbol, currency, status, updated_at)
         VALUES ($1, $2, $3, 'EQUITY', $2, 'USD', 'ACTIVE', now())`,
        [`${id}.T`, id, id === 'ELSE' ? 'OTHER' : 'TEST'],
      );
    }
  });
}

async function storeNews(articles: readonly Article[]): Promise<void> {
  await db.databases.historical.transaction(async (client) => {
    for (const { id, at, headline, body, issuers } of articles) {
      await client.query(
        `INSERT INTO news_articles (article_id, "timestamp", source, headline, body) VALUES ($1, $2, 'test', $3, $4)`,
        [id, at, headline, body ?? null],
      );
      for (const issuer of issuers) {
        await client.query('INSERT INTO news_links VALUES ($1, $2, $3)', [id, issuer, `${issuer}.T`]);
      }
    }
  });
}

const query = async <Row extends object>(sql: string): Promise<Row[]> =>
  (await db.databases.historical.client((client) => client.query(sql))).rows;
const backfill = (args: Parameters<typeof runProgram<(typeof textBackfillSpec)['args']>>[2] = {}, at: Home = home) =>
  runProgram(
    textBackfillSpec,
    backfillText,
    { modelId: [MODEL], market: 'TEST', workers: 2, device: 'cpu', shardTexts: 25, ...args },
    db.databases,
    undefined,
    at,
  );
const content = async () => (await runProgram(digestSpec, digest, { table: ['text_embeddings'] }, db.databases)).stdout;
const textOf = ({ headline, body }: Article) => (body ? `${headline} ${body}` : headline);

beforeAll(async () => {
  root = mkdtempSync(path.join(tmpdir(), 'prometheus-text-'));
  home = homeAt(root);
  db = await createTestDatabases();
  await store(news());
  const { result } = await runProgram(
    textFitSpec,
    fitTextModel,
    { model: [MODEL], vocabulary: 100 },
    db.databases,
    undefined,
    home,
  );
  expect(result.exitCode).toBe(0);
  encoder = await openTextEncoder(await loadTextModel(home.models, MODEL), 'cpu');
  await db.drop();
});
afterAll(async () => {
  await encoder.close();
  rmSync(root, { recursive: true, force: true });
});
beforeEach(async () => {
  db = await createTestDatabases();
});
afterEach(() => db.drop());

/** The trading day whose close comes after an instant, by walking day by day with the clock of New York. */
function tradingDay(at: string): string {
  for (let day = parseDay(at.slice(0, 10)); ; day++) {
    const date = formatDay(day);
    if (isWeekend(day) || date === '2014-03-12') continue;
    // Clocks went forward on 9 March 2014.
    const close = Date.parse(`${date}T${date < '2014-03-09' ? '21' : '20'}:00:00Z`);
    if (Date.parse(at) < close) return date;
  }
}

async function expectedRows(
  articles: readonly Article[],
  start: string,
  end: string,
): Promise<Map<string, Float32Array>> {
  const { vectors } = await encoder.encode(articles.map(textOf));
  const rows = new Map<string, Float32Array>();
  const days = new Map<string, number[]>();
  articles.forEach((article, k) => {
    const utc = article.at.slice(0, 10);
    if (utc >= start && utc <= end) rows.set(`NEWS ${article.id}`, vectors.slice(k * DIM, (k + 1) * DIM));
    const day = tradingDay(article.at);
    if (day < start || day > end) return;
    for (const issuer of article.issuers) {
      if (!COMPANIES.includes(issuer)) continue;
      const key = `NEWS_ISSUER_DAY ${issuer}|${day}`;
      days.set(key, [...(days.get(key) ?? []), k]);
    }
  });
  for (const [key, own] of days) {
    const mean = Float64Array.from({ length: DIM }, (_, d) => own.reduce((sum, k) => sum + vectors[k * DIM + d], 0));
    const norm = Math.hypot(...mean);
    rows.set(
      key,
      Float32Array.from(mean, (value) => value / norm),
    );
  }
  return rows;
}

async function expectRows(expected: ReadonlyMap<string, Float32Array>): Promise<void> {
  const rows = await query<{ source_type: string; source_id: string; model_id: string; vector: Buffer }>(
    'SELECT * FROM text_embeddings',
  );
  expect(rows.map((row) => `${row.source_type} ${row.source_id}`).sort()).toEqual([...expected.keys()].sort());
  for (const row of rows) {
    const own = new Float32Array(new Uint8Array(row.vector).buffer);
    const wanted = expected.get(`${row.source_type} ${row.source_id}`)!;
    expect(row.model_id).toBe(MODEL);
    expect(Math.max(...own.map((value, d) => Math.abs(value - wanted[d])))).toBeLessThan(1e-6);
  }
}

describe('the rows', () => {
  it('are one an article of the UTC days and one an issuer and trading day, and the same again', async () => {
    const articles = news();
    await store(articles);
    const range = { start: '2014-03-06', end: '2014-03-20' };
    const { result, stdout } = await backfill(range);
    const expected = await expectedRows(articles, range.start, range.end);
    await expectRows(expected);
    expect(result.exitCode).toBe(0);
    expect(stdout).toBe(`model_id,due,written,skipped,failed\n${MODEL},${expected.size},${expected.size},0,0\n`);
    const before = await content();
    await backfill({ ...range, workers: 1, shardTexts: 1000 });
    expect(await content()).toBe(before);
    const again = await backfill({ ...range, skipExisting: true });
    expect(again.result.data).toMatchObject({ written: 0, models: [{ skipped: expected.size }] });
  });

  it('are those of all news without dates, without a limit', async () => {
    const articles = news();
    await store(articles);
    await backfill();
    const days = articles.map(({ at }) => at.slice(0, 10)).sort();
    await expectRows(await expectedRows(articles, days[0], days[days.length - 1]));
    const dry = await backfill({ dryRun: true });
    expect(dry.result.data).toMatchObject({ due: { NEWS: 240 } });
  });

  it('are counted by --dry-run --skip-existing as the run after it makes them', async () => {
    const articles = news();
    await store(articles);
    await backfill({ start: '2014-03-10', end: '2014-03-14' });
    // Of the weekend's articles the first run makes no vectors, of which the second cannot know that Monday's means hold them.
    const ofMonday = articles.filter(({ at }) => at < '2014-03-10' && tradingDay(at) === '2014-03-10');
    const outdated = new Set(ofMonday.flatMap(({ issuers }) => issuers.filter((one) => COMPANIES.includes(one)))).size;
    expect(outdated).toBeGreaterThan(0);
    const there = (await query('SELECT 1 FROM text_embeddings')).length;
    // A vector that is not whole is made anew, and so it is none that is there.
    // An article's takes the days of its issuers with it: here it is one of no issuer, and the day is none of Monday's.
    await query(`UPDATE text_embeddings SET vector = '\\x00' WHERE ctid IN (
      SELECT DISTINCT ON (source_type) ctid FROM text_embeddings
       WHERE CASE source_type WHEN 'NEWS' THEN NOT EXISTS (SELECT 1 FROM news_links WHERE article_id::text = source_id)
                              ELSE source_id NOT LIKE '%|2014-03-10' END)`);
    const rowsBefore = await content();
    const asked = { start: '2014-03-05', end: '2014-03-20', skipExisting: true };
    const { result, stdout } = await backfill({ ...asked, dryRun: true });
    const { due, rows, skipped, models } = result.data as {
      due: Record<string, number>;
      rows: number;
      skipped: number;
      models: Record<string, number>[];
    };
    expect([skipped, rows + skipped]).toEqual([there - 2 - outdated, due.NEWS + due.NEWS_ISSUER_DAY]);
    expect(stdout).toBe(
      `model_id,news,news_issuer_day,skipped\n${MODEL},${models[0].news},${models[0].news_issuer_day},${skipped}\n`,
    );
    expect(result.summary).toContain(
      `${formatCount(rows)} vectors are to be made, ${formatCount(skipped)} are there already`,
    );
    expect(await content()).toBe(rowsBefore);
    const before = await query<{ id: string }>(`SELECT source_type || source_id AS id FROM text_embeddings
      WHERE octet_length(vector) > 1`);
    expect((await backfill(asked)).result.data).toMatchObject({ written: rows, models: [{ skipped }] });
    const made = await query<{ type: string; count: number }>(
      `SELECT source_type AS type, count(*)::int AS count FROM text_embeddings
        WHERE source_type || source_id <> ALL (ARRAY[${before.map(({ id }) => `'${id}'`).join()}]) GROUP BY 1 ORDER BY 1`,
    );
    expect(made).toEqual([
      { type: 'NEWS', count: models[0].news },
      { type: 'NEWS_ISSUER_DAY', count: models[0].news_issuer_day - outdated },
    ]);
    expect((await backfill({ ...asked, dryRun: true })).result.data).toMatchObject({ rows: 0 });
    // Without it everything that is due is made again.
    expect((await backfill({ ...asked, skipExisting: false, dryRun: true })).result.data).toMatchObject({
      rows: rows + skipped,
    });
  });

  it('follow --source and --limit', async () => {
    const articles = news();
    await store(articles);
    await backfill({ limit: 10 });
    expect((await query('SELECT 1 FROM text_embeddings')).length).toBe(10);
    await backfill({ source: ['NEWS_ISSUER_DAY'], start: '2014-03-10', end: '2014-03-10' });
    const found = await query<{ id: string }>(
      `SELECT source_id AS id FROM text_embeddings WHERE source_type = 'NEWS_ISSUER_DAY'`,
    );
    expect(found.length).toBeGreaterThan(0);
    expect(found.every(({ id }) => id.endsWith('|2014-03-10'))).toBe(true);
    await expect(backfill({ source: ['NEWS_ISSUER_DAY'], limit: 3 })).rejects.toThrow(/--limit counts articles/);
  });

  it('replace what stood there for the same articles, issuers and days, and nothing else', async () => {
    await store(news());
    const insert = (source: string, id: string, model = MODEL) =>
      query(
        `INSERT INTO text_embeddings (source_type, source_id, model_id, vector) VALUES ('${source}', '${id}', '${model}', '\\x00')`,
      );
    await insert('NEWS', '1');
    await insert('NEWS', '1', 'mine');
    await insert('NEWS', '9999');
    await insert('NEWS_ISSUER_DAY', 'AAA|2014-03-10');
    await insert('NEWS_ISSUER_DAY', 'BBB|2014-03-15'); // no trading day: nobody's
    await insert('NEWS_ISSUER_DAY', 'ELSE|2014-03-10'); // another market's
    await backfill();
    const left = await query<{ key: string }>(
      `SELECT source_id || ' ' || model_id AS key FROM text_embeddings WHERE octet_length(vector) = 1 ORDER BY 1`,
    );
    expect(left.map(({ key }) => key)).toEqual(
      ['1 mine', `9999 ${MODEL}`, `BBB|2014-03-15 ${MODEL}`, `ELSE|2014-03-10 ${MODEL}`].sort(),
    );
  });
});

describe('news that comes later', () => {
  const range = { start: '2014-03-10', end: '2014-03-14' };
  const at = (stamp: string, id: number, headline = WORDS[id]): Article => ({
    id,
    at: stamp,
    headline,
    issuers: ['AAA'],
  });
  const first = [at('2014-03-10T15:00:00Z', 1), at('2014-03-11T15:00:00Z', 2), at('2014-03-13T15:00:00Z', 3)];
  const skipping = { ...range, skipExisting: true };
  const asked = async () => (await backfill({ ...skipping, dryRun: true })).result.data;
  const written = async (args: Parameters<typeof backfill>[0] = skipping) =>
    ((await backfill(args)).result.data as { written: number }).written;
  /** Rows that --skip-existing leaves behind are those of a run without it, and it is done with them. */
  async function expectWhole(): Promise<void> {
    expect(await written()).toBe(0);
    const kept = await content();
    await backfill(range);
    expect(await content()).toBe(kept);
  }

  it('has the means of its issuer days made anew by --skip-existing, as dry run and plan had counted', async () => {
    await store(first);
    await backfill(range);
    const later = [at('2014-03-10T16:00:00Z', 4), at('2014-03-12T16:00:00Z', 5)]; // of the 10th and the 13th
    await storeNews(later);
    expect(await asked()).toMatchObject({ rows: 4, skipped: 4, models: [{ news: 2, news_issuer_day: 2 }] });
    const plan = await textHorizon(
      { market: 'TEST', ...range, models: [MODEL] },
      { home, databases: db.databases, signal: new AbortController().signal },
    );
    expect(plan.models).toEqual([{ modelId: MODEL, byYear: new Map([[2014, 4]]), standing: 4 }]);
    const { result } = await backfill(skipping);
    expect(result.data).toMatchObject({ written: 4, models: [{ skipped: 4 }] });
    await expectRows(await expectedRows([...first, ...later], range.start, range.end));
    expect(await asked()).toMatchObject({ rows: 0, skipped: 8 });
    await expectWhole();
  });

  it('is seen by its own vector where a run over NEWS alone made that first', async () => {
    await store(first);
    await backfill(range);
    await storeNews([at('2014-03-10T16:00:00Z', 4)]);
    expect(await written({ ...skipping, source: ['NEWS'] })).toBe(1);
    expect(await asked()).toMatchObject({ rows: 1, models: [{ news: 0, news_issuer_day: 1 }] });
    expect(await written()).toBe(1);
    await expectWhole();
  });

  it('is compared where an article has no vector and gets none: outside the range, or of no known word', async () => {
    const sunday = at('2014-03-09T12:00:00Z', 4);
    await store([...first, sunday, at('2014-03-11T16:00:00Z', 5, 'Unheard-of')]);
    await backfill(range);
    expect(await written()).toBe(0);
    const before = await content();
    await storeNews([at('2014-03-08T12:00:00Z', 6)]);
    expect(await written()).toBe(1);
    expect(await content()).not.toBe(before);
    await expectWhole();
  });

  it('cannot be told by issuer days alone, unless articles have vectors', async () => {
    const days = { ...skipping, source: ['NEWS_ISSUER_DAY' as const] };
    await store(first);
    await backfill({ ...days, skipExisting: false });
    await storeNews([at('2014-03-10T16:00:00Z', 4)]);
    expect(await written(days)).toBe(0);
    // Both sources: the articles' vectors are made, and with them the days'.
    expect(await written()).toBe(7);
    await storeNews([at('2014-03-10T17:00:00Z', 7)]);
    expect(await written(days)).toBe(1);
    expect(await written(days)).toBe(0);
    expect(await written()).toBe(2);
    await expectWhole();
  });
});

describe('an instrument whose issuer has changed', () => {
  it('has its rows replaced under the issuers that its news names', async () => {
    await store(news());
    await backfill();
    await db.databases.runtime.client((client) =>
      client.query(`INSERT INTO issuers (issuer_id, issuer_type, name, updated_at) VALUES ('NEW', 'CORPORATION', 'New', now());
        UPDATE instruments SET issuer_id = 'NEW' WHERE instrument_id = 'AAA.T'`),
    );
    // A row under each issuer that nothing is due for.
    await query(`DELETE FROM news_links USING news_articles a WHERE a.article_id = news_links.article_id AND issuer_id = 'AAA'
      AND a."timestamp" BETWEEN '2014-03-09 21:00+0' AND '2014-03-10 20:00+0'`);
    await query(`INSERT INTO text_embeddings (source_type, source_id, model_id, vector) VALUES
      ('NEWS_ISSUER_DAY', 'NEW|2014-03-10', '${MODEL}', '\\x00')`);
    const { result } = await backfill();
    expect(result.exitCode).toBe(0);
    const rows = await query<{ id: string }>(
      `SELECT source_id AS id FROM text_embeddings WHERE source_id LIKE '%|2014-03-10'`,
    );
    expect(rows.map(({ id }) => id)).not.toContain('NEW|2014-03-10');
    expect(rows.map(({ id }) => id)).not.toContain('AAA|2014-03-10');
    expect((await query(`SELECT 1 FROM text_embeddings WHERE source_id LIKE 'AAA|%'`)).length).toBeGreaterThan(5);
  });
});

describe('the close', () => {
  it('parts what a day may know from what it may not', async () => {
    const at = (stamp: string, id: number): Article => ({ id, at: stamp, headline: WORDS[id], issuers: ['AAA'] });
    await store([
      at('2014-03-07T20:59:59.999Z', 1), // Friday before the close
      at('2014-03-07T21:00:00.000Z', 2), // at the close
      at('2014-03-09T12:00:00.000Z', 3), // Sunday
      at('2014-03-10T19:59:59.000Z', 4), // Monday before the close, clocks gone forward
      at('2014-03-10T20:00:00.000Z', 5),
      at('2014-03-12T15:00:00.000Z', 6), // holiday
    ]);
    await backfill({ start: '2014-03-07', end: '2014-03-13', source: ['NEWS_ISSUER_DAY'] });
    const rows = await query<{ id: string; vector: Buffer }>(
      'SELECT source_id AS id, vector FROM text_embeddings ORDER BY 1',
    );
    expect(rows.map(({ id }) => id)).toEqual(['AAA|2014-03-07', 'AAA|2014-03-10', 'AAA|2014-03-11', 'AAA|2014-03-13']);
    const alone = await encoder.encode([WORDS[1], WORDS[5], WORDS[6]]);
    for (const [row, k] of [
      [0, 0],
      [2, 1],
      [3, 2],
    ]) {
      const own = new Float32Array(new Uint8Array(rows[row].vector).buffer);
      expect(Math.max(...own.map((value, d) => Math.abs(value - alone.vectors[k * DIM + d])))).toBeLessThan(1e-6);
    }
  });

  it('holds against any later news: a changed future changes no vector up to it', async () => {
    await store(news());
    await backfill();
    const upTo = `SELECT source_id, md5(vector) FROM text_embeddings
                   WHERE source_type = 'NEWS_ISSUER_DAY' AND right(source_id, 10) <= '2014-03-18' ORDER BY 1`;
    const before = await query(upTo);
    expect(before.length).toBeGreaterThan(10);
    await query(
      `UPDATE news_articles SET headline = 'worda0 changed', body = NULL WHERE "timestamp" >= '2014-03-18 16:00 America/New_York'`,
    );
    await backfill();
    expect(await query(upTo)).toEqual(before);
  });
});

describe('another fit under the same id', () => {
  const range = { start: '2014-03-06', end: '2014-03-19' };
  const fitEnds = async () =>
    query(`SELECT entity_scope->>'fit_end' AS fit_end, count(*)::int AS rows FROM joint_embeddings GROUP BY 1`);
  const context = (at: Home, end = range.end) =>
    runProgram(
      jointRegimeSpec,
      backfillJointRegime,
      { ...range, end, marketId: 'TEST', modelId: 'joint-regime-core-v2', textModelId: MODEL },
      db.databases,
      undefined,
      at,
    );

  it('is refused by --skip-existing and by joint vectors, which say what the fit that made theirs had learnt from', async () => {
    await store(news());
    await db.databases.runtime.client((client) =>
      client.query(
        `INSERT INTO regimes (regime_record_id, as_of_date, region, regime_label, regime_embedding, confidence, metadata)
         SELECT d::date::text, d, 'US', 'CALM', $1, 1, '{"known_until": "2014-03-01"}'
           FROM generate_series('2014-03-06'::date, '2014-03-19', '1 day') d`,
        [Buffer.from(new Float32Array(DIM).fill(1).buffer)],
      ),
    );
    const own = homeAt(mkdtempSync(path.join(root, 'own-')));
    const elsewhere = homeAt(mkdtempSync(path.join(root, 'elsewhere-')));
    const fitTable = (trainEnd: string) =>
      runProgram(
        textFitSpec,
        fitTextModel,
        { model: [MODEL], vocabulary: 100, trainEnd, replace: true },
        db.databases,
        undefined,
        own,
      );
    await fitTable('2014-03-15');
    await backfill(range, own);
    await context(own);
    expect(await fitEnds()).toEqual([{ fit_end: '2014-03-15', rows: 9 }]);
    expect((await backfill({ ...range, skipExisting: true }, own)).result.data).toMatchObject({ written: 0 });

    await fitTable('2014-03-10');
    const others = (last: string) =>
      new RegExp(
        `vectors of ${MODEL} from 2014-03-06 to ${last} were made by another fit \\([0-9a-f]{12}\\) than the one installed here \\([0-9a-f]{12}, fitted up to 2014-03-10\\)`,
      );
    const all = others('2014-03-20');
    await expect(backfill({ ...range, skipExisting: true }, own)).rejects.toThrow(all);
    await expect(backfill({ ...range, skipExisting: true, dryRun: true }, own)).rejects.toThrow(all);
    // What is read of them, and the days to make anew, begin with the news of the days before.
    await expect(context(own)).rejects.toMatchObject({
      message: expect.stringMatching(others('2014-03-19')),
      fix: expect.stringContaining(
        `backfill text-embeddings --model-id ${MODEL} --start 2014-03-05 --end 2014-03-19 --market TEST`,
      ),
    });

    // On a machine without the model the record of the backfill says it; without a record nobody knows.
    await context(elsewhere);
    expect(await fitEnds()).toEqual([{ fit_end: '2014-03-15', rows: 9 }]);
    await query('DELETE FROM console.model_fits');
    await context(elsewhere);
    expect(await fitEnds()).toEqual([{ fit_end: 'unknown', rows: 9 }]);

    // A part of the days made anew leaves the others to the first fit: who reads no other days may go on.
    await backfill({ ...range, end: '2014-03-12' }, own);
    expect((await context(own, '2014-03-12')).result.exitCode).toBe(0);
    await expect(context(own, '2014-03-13')).rejects.toThrow(
      /from 2014-03-\d\d to 2014-03-13 were made by another fit/,
    );
    await expect(backfill({ ...range, skipExisting: true }, own)).rejects.toThrow(/were made by another fit/);
    await backfill({ ...range, source: ['NEWS'] }, own);
    await expect(backfill({ ...range, skipExisting: true }, own)).rejects.toThrow(/were made by another fit/);
    await backfill(range, own);
    expect((await backfill({ ...range, skipExisting: true }, own)).result.data).toMatchObject({ written: 0 });
    for (const home of [own, elsewhere]) {
      await context(home);
      expect(await fitEnds()).toEqual([{ fit_end: '2014-03-10', rows: 9 }]);
    }
  });
});

describe('what cannot be embedded', () => {
  it('is counted, listed with the reason, and makes the result partial', async () => {
    await store([
      { id: 1, at: '2014-03-10T10:00:00Z', headline: ' ', issuers: ['AAA'] },
      { id: 2, at: '2014-03-10T11:00:00Z', headline: 'Unheard-of', issuers: ['BBB'] },
      { id: 3, at: '2014-03-10T12:00:00Z', headline: WORDS[0], issuers: ['BBB'] },
    ]);
    const { result, stdout, events } = await backfill();
    expect(result.exitCode).toBe(3);
    expect(stdout).toContain(`${MODEL},5,2,0,3`);
    expect((result.data as { failures: { entity: string; reason: string }[] }).failures).toEqual([
      { model: MODEL, entity: 'NEWS 1', date: '2014-03-10', reason: 'the text is empty' },
      { model: MODEL, entity: 'NEWS 2', date: '2014-03-10', reason: 'no word of it is known to the model' },
      { model: MODEL, entity: 'NEWS_ISSUER_DAY AAA|2014-03-10', date: '2014-03-10', reason: 'the text is empty' },
    ]);
    expect(events.at(-1)).toMatchObject({ type: 'result', status: 'partial' });
  });

  it('is listed whole in a file of the home when it is too much for the log', async () => {
    const at = '2014-03-10T10:00:00Z';
    await store([
      ...Array.from({ length: 150 }, (_, k) => ({ id: k + 1, at, headline: 'Unheard-of', issuers: [] })),
      { id: 151, at, headline: WORDS[0], issuers: ['BBB'] },
    ]);
    mkdirSync(home.logs, { recursive: true });
    const { result, events } = await backfill();
    expect((result.data as { failures: unknown[] }).failures).toHaveLength(150);
    const artifact = events.filter((event) => event.type === 'artifact').find(({ kind }) => kind === 'rejected items');
    const lines = readFileSync(artifact!.path!, 'utf8').trimEnd().split('\n');
    expect(lines[0]).toBe('model_id,item,date,reason');
    expect(new Set(lines.slice(1).map((line) => line.split(',')[1])).size).toBe(150);
    expect(lines[1]).toBe(`${MODEL},NEWS 1,2014-03-10,no word of it is known to the model`);
    expect(events.filter((event) => event.type === 'log' && event.message.includes('130 more'))).toHaveLength(1);
  });

  it('says so when there is no news, no market, no model', async () => {
    await expect(backfill()).rejects.toThrow(/news_articles is empty/);
    await store(news());
    await expect(backfill({ market: 'NONE' })).rejects.toThrow(/NONE/);
    await expect(backfill({ modelId: ['text-fin-general-v1'] })).rejects.toThrow(/there is no model/);
    await expect(backfill({ start: '2013-04-01', end: '2013-03-01' })).rejects.toThrow(
      '--end 2013-03-01 is before --start 2013-04-01',
    );
    await expect(backfill({ workers: 256 })).rejects.toThrow(/--workers 256 needs as many .* free of \d+/);
  });
});

describe('a backfill that was killed', () => {
  const urls = () => ['--historical', db.urls.historical, '--runtime', db.urls.runtime];
  const argv = (...more: string[]) => [
    ...['backfill', 'text-embeddings', '--model-id', MODEL, '--market', 'TEST', '--shard-texts', '5'],
    ...['--workers', '1', '--device', 'cpu', ...urls(), ...more],
  ];

  it('is gone on with by --resume and by workers, and ends with the rows of an undisturbed one', async () => {
    await store(news());
    await backfill();
    const expected = await content();
    await query('TRUNCATE text_embeddings, console.backfills, console.shard_done');
    const first = startPrometheus(argv(), root);
    await until(
      async () => (await query('SELECT 1 FROM console.shard_done')).length >= 3 || first.over(),
      'three shards done',
    );
    first.child.kill('SIGKILL');
    await first.ended;
    const worker = startPrometheus(['worker', '--workers', '1', '--until-idle', '--device', 'cpu', ...urls()], root);
    const second = startPrometheus(argv('--resume'), root);
    const [joined, resumed] = [await worker.ended, await second.ended];
    expect([joined.code, joined.stderr]).toEqual([0, expect.anything()]);
    expect([resumed.code, resumed.stderr]).toEqual([0, expect.anything()]);
    expect(await content()).toBe(expected);
  });

  it('with --skip-existing over news of which half came later ends the same', async () => {
    const articles = news();
    await store(articles.filter(({ id }) => id % 2));
    await backfill();
    await storeNews(articles.filter(({ id }) => id % 2 === 0));
    const before = (await query('SELECT 1 FROM console.shard_done')).length;
    const first = startPrometheus(argv('--skip-existing'), root);
    await until(
      async () => (await query('SELECT 1 FROM console.shard_done')).length >= before + 3 || first.over(),
      'three shards done',
    );
    first.child.kill('SIGKILL');
    await first.ended;
    const second = startPrometheus(argv('--skip-existing', '--resume'), root);
    const resumed = await second.ended;
    expect([resumed.code, resumed.stderr]).toEqual([0, expect.anything()]);
    const kept = await content();
    await backfill();
    expect(await content()).toBe(kept);
  });
});
