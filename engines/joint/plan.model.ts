/** Cuts a joint backfill into shards: spans of trading days. Pure: every worker works out the same plan. */
import type { Branch, JointKind } from './ids.model.ts';

/** What a backfill was asked for; equal requests are the same backfill. */
export interface JointBackfillSpec {
  readonly kind: JointKind;
  readonly market: string;
  readonly region: string;
  /** `YYYY-MM-DD` */
  readonly start: string;
  readonly end: string;
  /** The one joint model. */
  readonly models: readonly string[];
  /** Model of the news vectors; null where the news does not go into the kind. */
  readonly textModel: string | null;
  /** Model of profile texts; null where the kind has none. */
  readonly profileTextModel: string | null;
  /** Calendar days of news that a vector sees. */
  readonly textWindowDays: number;
  readonly weights: Readonly<Record<Branch, number>>;
  readonly skipExisting: boolean;
  readonly shardDays: number;
}

export interface JointShard {
  readonly number: number;
  /** Always the first: a joint backfill has one model. */
  readonly model: number;
  /** Trading days of the request `from … to − 1`. */
  readonly from: number;
  readonly to: number;
}

/** Shards of `most` days each, the last one aside. */
export function planJointShards(days: number, most: number): JointShard[] {
  return Array.from({ length: Math.ceil(days / most) }, (_, number) => ({
    number,
    model: 0,
    from: number * most,
    to: Math.min(days, (number + 1) * most),
  }));
}
