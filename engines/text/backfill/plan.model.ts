/**
 * Cuts a text backfill into shards: spans of time, in whole windows. A window is a trading day (from close to close) where
 * issuer days are asked for, else a UTC day. Pure: every worker works out the same plan from the same news.
 */

export const SOURCES = ['NEWS', 'NEWS_ISSUER_DAY'] as const;
export type TextSource = (typeof SOURCES)[number];

/** What a backfill was asked for; equal requests are the same backfill. */
export interface TextBackfillSpec {
  readonly market: string;
  /** `YYYY-MM-DD`: UTC days of articles, trading days of issuer days. */
  readonly start: string;
  readonly end: string;
  readonly models: readonly string[];
  readonly sources: readonly TextSource[];
  /** Only so many articles, by id. */
  readonly limit: number | null;
  readonly skipExisting: boolean;
  readonly shardTexts: number;
}

/** Windows lie between consecutive bounds; window w holds `bounds[w] ≤ time < bounds[w + 1]`, milliseconds since 1970. */
export interface Windows {
  readonly bounds: Float64Array;
  /** Day number by window: the trading day, or the UTC day. */
  readonly days: Int32Array;
}

export interface TextShard {
  readonly number: number;
  /** Position of the model in the spec. */
  readonly model: number;
  /** Windows `from … to − 1`. */
  readonly from: number;
  readonly to: number;
}

/** Shards of at least `most` texts (the last one aside), each of whole windows. `counts` holds articles by window. */
export function planTextShards(counts: ArrayLike<number>, models: number, most: number): TextShard[] {
  const spans: { from: number; to: number }[] = [];
  let from = 0;
  let texts = 0;
  for (let w = 0; w < counts.length; w++) {
    texts += counts[w];
    if (texts < most && w + 1 < counts.length) continue;
    spans.push({ from, to: w + 1 });
    from = w + 1;
    texts = 0;
  }
  return Array.from({ length: models }, (_, model) => spans.map((span) => ({ model, ...span })))
    .flat()
    .map((shard, number) => ({ number, ...shard }));
}
