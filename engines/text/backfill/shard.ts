/** One shard, from articles to a commit: its rows and its mark are written together or not at all. */
import type pg from 'pg';
import { formatCount } from '../../../src/format/numbers.ts';
import { dayOfInstant, formatDay } from '../../../src/platform/dates.ts';
import type { Database } from '../../../src/platform/db/databases.ts';
import {
  DONE_ELSEWHERE,
  describeShard,
  type Failure,
  markShard,
  type ShardOutcome,
  shardId,
} from '../../../src/queue/shard-marks.ts';
import type { TextEncoder } from '../encoder.ts';
import { normalize } from '../pooling.model.ts';
import { type Article, readArticles, readIssuers, textOf } from './news.storage.ts';
import type { TextShard, TextSource, Windows } from './plan.model.ts';
import {
  copyTexts,
  type Doubt,
  doubtfulIssuerDays,
  equalIssuerDays,
  existingTexts,
  type IssuerDays,
  removeTexts,
  type TextRow,
} from './vectors.storage.ts';

/** Texts through the encoder at a time. */
const BATCH = 2048;
/** Vectors of the shard's articles: a thread works on one shard at a time, and memory that is touched already costs nothing. */
let room = new Float32Array(0);

/** What a thread knows of the backfill. Plain data. */
export interface TextShardContext extends TextShardReading {
  readonly backfillId: string;
  readonly skipExisting: boolean;
  /** `host/pid` */
  readonly worker: string;
}

/** Which vectors are due. Plain data. */
export interface TextShardReading {
  readonly sources: readonly TextSource[];
  /** First and last day of the request: UTC days of articles, trading days of issuer days. */
  readonly range: { readonly first: number; readonly last: number };
  readonly windows: Windows;
  /** Highest article id that counts; null without a limit. */
  readonly lastId: number | null;
  /** Instruments and issuers of the market, ascending. */
  readonly instruments: readonly string[];
  readonly issuers: readonly string[];
}

/** A vector that is due: an article's own, or the mean of the articles of an issuer's day. */
interface Item {
  readonly source: TextSource;
  readonly id: string;
  /** `YYYY-MM-DD` */
  readonly date: string;
  /** Positions among the shard's articles. */
  readonly articles: number[];
}

export async function runTextShard(
  historical: Database,
  context: TextShardContext,
  shard: TextShard,
  modelId: string,
  encoder: TextEncoder,
): Promise<ShardOutcome> {
  const { backfillId, windows } = context;
  const id = shardId(backfillId, shard.number);
  return historical.transaction(async (client) => {
    // The mark protects the rows: after a crash of the server both are there or neither is.
    await client.query('SET LOCAL synchronous_commit = off; SET LOCAL enable_seqscan = off');
    if (!(await markShard(client, id, backfillId, 'text'))) return DONE_ELSEWHERE;
    const { articles, items, articleIds, owned } = await readShard(client, context, shard);
    const { whole, doubts } = context.skipExisting
      ? await standing(client, context, shard, { items, articleIds, owned }, modelId, encoder.dim)
      : NOTHING_STANDS;
    const todo = whole.size ? items.filter((item) => !whole.has(keyOf(item))) : items;
    const { rows: made, failures } = await encodeItems(todo, articles, encoder);
    const keep = new Set([...whole, ...(await stillRight(client, modelId, made, { todo, articles, doubts }))]);
    const rows = keep.size > whole.size ? made.filter((row) => !keep.has(keyOf(row))) : made;
    const removed = await removeTexts(client, modelId, articleIds, owned, keep);
    const written = await copyTexts(client, modelId, rows);
    await describeShard(client, {
      shardId: id,
      modelId,
      firstDate: formatDay(windows.days[shard.from]),
      lastDate: formatDay(windows.days[shard.to - 1]),
      rows: written,
      skipped: keep.size,
      failed: failures.length,
      removed,
      failures,
      worker: context.worker,
      provider: encoder.provider,
    });
    return { written: true, rows: written, skipped: keep.size, failed: failures.length };
  });
}

/**
 * How many of a shard's vectors --skip-existing would leave, by source. An issuer day that the run works out again to compare
 * counts as left, unless it has an article whose vector is to be made: a text that the model cannot embed is found by the run.
 * Only reads.
 */
export async function existingOfShard(
  historical: Database,
  reading: TextShardReading,
  shard: TextShard,
  modelId: string,
  dim: number,
): Promise<Record<TextSource, number>> {
  return historical.transaction(async (client) => {
    await client.query('SET TRANSACTION READ ONLY; SET LOCAL enable_seqscan = off');
    const due = await readShard(client, reading, shard);
    const { whole, doubts } = await standing(client, reading, shard, due, modelId, dim);
    const count = (source: TextSource) => [...whole].filter((key) => key.startsWith(`${source}|`)).length;
    const compared = [...doubts.values()].filter((doubt) => doubt === 'unseen').length;
    return { NEWS: count('NEWS'), NEWS_ISSUER_DAY: count('NEWS_ISSUER_DAY') + compared };
  });
}

/** What a shard has to make, and what it owns. */
interface ShardItems {
  readonly items: readonly Item[];
  readonly articleIds: readonly string[];
  readonly owned: IssuerDays;
}

async function readShard(
  client: pg.ClientBase,
  context: TextShardReading,
  shard: TextShard,
): Promise<ShardItems & { readonly articles: readonly Article[] }> {
  const { windows, lastId } = context;
  const [from, to] = [windows.bounds[shard.from], windows.bounds[shard.to]];
  const articles = await readArticles(client, from, to, lastId);
  const news = context.sources.includes('NEWS') ? articleItems(articles, context) : [];
  const owned = ownedIssuerDays(context, shard);
  const issuerDays = owned.days.length
    ? issuerDayItems(articles, await readIssuers(client, from, to, context.instruments), context, shard)
    : [];
  return { articles, items: [...news, ...issuerDays], articleIds: news.map(({ id }) => id), owned };
}

/** What --skip-existing finds. */
interface Standing {
  /** Keys of the items whose vectors are there, whole, and of the news as it is. */
  readonly whole: ReadonlySet<string>;
  /** Keys of issuer days that are there and whole, and may be the mean of other articles than the day has now. */
  readonly doubts: ReadonlyMap<string, Doubt['doubt']>;
}

const NOTHING_STANDS: Standing = { whole: new Set(), doubts: new Map() };

async function standing(
  client: pg.ClientBase,
  { sources, range, windows: { bounds, days }, instruments }: TextShardReading,
  shard: TextShard,
  { items, articleIds, owned }: ShardItems,
  modelId: string,
  dim: number,
): Promise<Standing> {
  const there = await existingTexts(client, modelId, articleIds, owned, dim);
  if (!there.size) return NOTHING_STANDS;
  const found = owned.days.length
    ? await doubtfulIssuerDays(client, modelId, dim, {
        bounds: bounds.subarray(shard.from, shard.to + 1),
        days: days.subarray(shard.from, shard.to),
        instruments,
        news: sources.includes('NEWS') ? range : null,
      })
    : [];
  const standing = items.map(keyOf).filter((key) => there.has(key));
  const doubtOf = new Map(found.map(({ id, doubt }) => [`NEWS_ISSUER_DAY|${id}`, doubt]));
  return {
    whole: new Set(standing.filter((key) => !doubtOf.has(key))),
    doubts: new Map(standing.flatMap((key) => (doubtOf.has(key) ? [[key, doubtOf.get(key)!]] : []))),
  };
}

/**
 * Keys of issuer days in doubt whose vectors came out as they stand, and none of whose articles got a vector just now: a text
 * that cannot be embedded has none however often the run is repeated, and neither has one that lies outside the range.
 */
async function stillRight(
  client: pg.ClientBase,
  modelId: string,
  made: readonly TextRow[],
  { todo, articles, doubts }: Pick<Standing, 'doubts'> & { todo: readonly Item[]; articles: readonly Article[] },
): Promise<string[]> {
  if (!doubts.size) return [];
  const fresh = new Set(made.filter(({ source }) => source === 'NEWS').map(({ id }) => id));
  const compared = todo.filter((item) => {
    const doubt = doubts.get(keyOf(item));
    return doubt && doubt !== 'newer' && !item.articles.some((k) => fresh.has(String(articles[k].id)));
  });
  const keys = new Set(compared.map(keyOf));
  return equalIssuerDays(
    client,
    modelId,
    made.filter((row) => keys.has(keyOf(row))),
  );
}

const keyOf = ({ source, id }: Pick<Item, 'source' | 'id'>) => `${source}|${id}`;

/** Articles whose UTC day lies in the range. */
function articleItems(articles: readonly Article[], { range }: TextShardReading): Item[] {
  return articles.flatMap(({ id, at }, k): Item[] => {
    const day = dayOfInstant(at);
    if (day < range.first || day > range.last) return [];
    return [{ source: 'NEWS', id: String(id), date: formatDay(day), articles: [k] }];
  });
}

/** Trading days of the shard that lie in the range, and the market's issuers; nothing when issuer days are not asked for. */
function ownedIssuerDays({ sources, range, windows, issuers }: TextShardReading, shard: TextShard): IssuerDays {
  if (!sources.includes('NEWS_ISSUER_DAY')) return { issuers: [], days: [] };
  const days = windows.days.subarray(shard.from, shard.to);
  return {
    issuers,
    days: Array.from(
      days.filter((day) => day >= range.first && day <= range.last),
      formatDay,
    ),
  };
}

/** Issuer days with an article, by day, then issuer. */
function issuerDayItems(
  articles: readonly Article[],
  issuers: ReadonlyMap<number, readonly string[]>,
  { range, windows }: TextShardReading,
  shard: TextShard,
): Item[] {
  const items = new Map<string, Item>();
  let w = shard.from;
  for (const [k, { id, at }] of articles.entries()) {
    while (at >= windows.bounds[w + 1]) w++;
    const day = windows.days[w];
    if (day < range.first || day > range.last) continue;
    for (const issuer of issuers.get(id) ?? []) {
      const date = formatDay(day);
      const key = `${issuer}|${date}`;
      const item = items.get(key);
      if (item) item.articles.push(k);
      else items.set(key, { source: 'NEWS_ISSUER_DAY', id: key, date, articles: [k] });
    }
  }
  return [...items.values()].sort((a, b) => (a.date === b.date ? (a.id < b.id ? -1 : 1) : a.date < b.date ? -1 : 1));
}

/** Encodes each article once, for its own row and for its issuers' days. */
async function encodeItems(
  items: readonly Item[],
  articles: readonly Article[],
  encoder: TextEncoder,
): Promise<{ rows: TextRow[]; failures: Failure[] }> {
  const wanted = new Uint8Array(articles.length);
  for (const item of items) for (const k of item.articles) wanted[k] = 1;
  const needed = [...articles.keys()].filter((k) => wanted[k]);
  const { dim } = encoder;
  if (room.length < needed.length * dim) room = new Float32Array(needed.length * dim);
  const vectors = new Map<number, Float32Array>();
  const problems = new Map<number, string>();
  for (let at = 0; at < needed.length; at += BATCH) {
    const batch = needed.slice(at, at + BATCH);
    const rows = room.subarray(at * dim, (at + batch.length) * dim);
    const encoded = await encoder.encode(
      batch.map((k) => textOf(articles[k])),
      rows,
    );
    batch.forEach((k, row) => {
      const problem = encoded.problems.get(row);
      if (problem) problems.set(k, problem);
      else vectors.set(k, rows.subarray(row * dim, (row + 1) * dim));
    });
  }
  const rows: TextRow[] = [];
  const failures: Failure[] = [];
  for (const item of items) {
    const own = item.articles.map((k) => vectors.get(k)).filter((vector) => vector !== undefined);
    const vector = item.source === 'NEWS' ? own[0] : meanOf(own, encoder.dim);
    if (vector) rows.push({ source: item.source, id: item.id, vector });
    else failures.push({ entity: `${item.source} ${item.id}`, date: item.date, reason: reasonOf(item, problems) });
  }
  return { rows, failures };
}

function reasonOf({ source, articles }: Item, problems: ReadonlyMap<number, string>): string {
  const reason = problems.get(articles[0]) ?? 'its articles cancel each other out';
  return source === 'NEWS' || articles.length === 1
    ? reason
    : `none of its ${formatCount(articles.length)} articles: ${reason}`;
}

/** The mean brought to length 1; undefined when there is none. */
function meanOf(vectors: readonly Float32Array[], dim: number): Float32Array | undefined {
  if (!vectors.length) return undefined;
  const sum = new Float64Array(dim);
  for (const vector of vectors) for (let d = 0; d < dim; d++) sum[d] += vector[d];
  const mean = Float32Array.from(sum, (value) => value / vectors.length);
  normalize(mean, dim);
  return mean.every(Number.isFinite) ? mean : undefined;
}
