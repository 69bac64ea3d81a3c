/** Names by day: which instruments a universe may hold when, by listing dates and membership. Pure. */
import { NOT_A_MEMBER, NOT_LISTED } from './model.ts';

/** A span of days, both ends included; null: open on that side. */
export interface Span {
  readonly first: number | null;
  readonly last: number | null;
}

export interface UniverseDates {
  /** `listing`, or the table of members. */
  readonly source: string;
  /** D × N, day-major, on shared memory: NOT_LISTED, NOT_A_MEMBER, or 0 for a name of the day. */
  readonly barred: Uint8Array;
  /** N, on shared memory: the first simulated day after the listing's last one; D where it has not ended or is not known. */
  readonly endsAt: Int32Array;
  /** Instruments that do not say a last date. */
  readonly undated: number;
  /** Members of the table that no instrument stands for: they are missing from every day. */
  readonly unknownMembers: number;
  /** SHA-256 over the spans. */
  readonly fingerprint: string;
}

/**
 * Spans → codes by day.
 * @param days day numbers of the D simulated days, ascending. @param listing N spans.
 * @param membership N lists of spans (a name may leave and come back); null: listing alone restricts.
 */
export function barredByDay(
  days: Int32Array,
  listing: readonly Span[],
  membership: readonly (readonly Span[])[] | null,
): Pick<UniverseDates, 'barred' | 'endsAt'> {
  const [count, n] = [days.length, listing.length];
  const barred = new Uint8Array(new SharedArrayBuffer(count * n));
  const endsAt = new Int32Array(new SharedArrayBuffer(n * 4)).fill(count);
  for (let i = 0; i < n; i++) {
    for (let d = 0; d < count; d++) {
      if (!holds(listing[i], days[d])) barred[d * n + i] = NOT_LISTED;
      else if (membership && !membership[i].some((span) => holds(span, days[d]))) barred[d * n + i] = NOT_A_MEMBER;
    }
    const { last } = listing[i];
    const end = last === null ? -1 : days.findIndex((day) => day > last);
    if (end >= 0) endsAt[i] = end;
  }
  return { barred, endsAt };
}

const holds = ({ first, last }: Span, day: number) =>
  (first === null || day >= first) && (last === null || day <= last);
