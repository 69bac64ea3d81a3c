/**
 * Vectors held against the days on which they are due, day by day: a vector on a day on which none is due stands in for no
 * other. Sets of instruments are bits, eight to a byte, the leftmost first. Pure.
 */
import type { PriceExtent, PriceGaps, VectorDays } from './evidence.ts';
import { leastRows, ownRanges } from './expectations.ts';

/** Who has a vector of a model on a day. */
export interface DayBits {
  /** Day number. */
  readonly day: number;
  readonly bits: Uint8Array;
}

export interface VectorBits {
  /** The bit of each instrument that has ever had a vector. */
  readonly bits: ReadonlyMap<string, number>;
  /** By model, days ascending. */
  readonly models: ReadonlyMap<string, readonly DayBits[]>;
}

/** Whose vectors are due. */
export interface DueDays {
  /** Day numbers, ascending. */
  readonly days: Int32Array;
  /** Bytes of a day. */
  readonly width: number;
  /** days × width. */
  readonly due: Uint8Array;
  /** The instruments that can be due at all: what others have is nobody's surplus. */
  readonly asked: Uint8Array;
}

/**
 * The days on which a vector of each of these instruments is due (`contracts.md` §5, as `coverage-days.ts` has it): trading days
 * up to the last price of all with the window's least rows within three times its calendar days. A price on the day itself is
 * not asked for.
 */
export function dueDays(
  { cells, last }: Pick<PriceExtent, 'cells' | 'last'>,
  { calendar, missed }: Pick<PriceGaps, 'calendar' | 'missed'>,
  instruments: readonly string[],
  bits: VectorBits['bits'],
  windowDays: number,
): DueDays {
  const { days } = calendar;
  // Those without a bit have no vector; their bits come after all others.
  let next = 0;
  for (const bit of bits.values()) next = Math.max(next, bit + 1);
  const bitOf = instruments.map((instrument) => bits.get(instrument) ?? next++);
  const width = (next + 7) >> 3;
  const [due, asked] = [new Uint8Array(days.length * width), new Uint8Array(width)];
  const [least, reach] = [leastRows(windowDays), 3 * windowDays];
  const ranges = ownRanges(cells);
  const rows = new Int32Array(days.length);
  instruments.forEach((instrument, k) => {
    const [byte, flag] = [bitOf[k] >> 3, 0x80 >> (bitOf[k] & 7)];
    asked[byte] |= flag;
    const own = ranges.get(instrument);
    if (!own || last === null) return;
    const lacks = missed.get(instrument) ?? [];
    const end = calendar.indexOnOrAfter(Math.min(last, own.last + reach) + 1);
    let [count, skipped] = [0, 0];
    let without = lacks[0] ?? Number.POSITIVE_INFINITY;
    for (let t = calendar.indexOnOrAfter(own.first); t < end; t++) {
      const day = days[t];
      if (day === without) without = lacks[++skipped] ?? Number.POSITIVE_INFINITY;
      else if (day <= own.last) rows[count++] = day;
      if (count >= least && day - rows[count - least] <= reach) due[t * width + byte] |= flag;
    }
  });
  return { days, width, due, asked };
}

/** A model's vectors against what is due. */
export function vectorsAgainst({ days, width, due, asked }: DueDays, there: readonly DayBits[] = []): VectorDays {
  const found = { days: [] as number[], present: [] as number[], missing: [] as number[], surplus: [] as number[] };
  const none = new Uint8Array(width);
  // Bit strings end where the names of their time did: what they lack is none.
  const seen = new Uint8Array(width);
  for (let t = 0, k = 0; t < days.length || k < there.length; ) {
    const day = Math.min(days[t] ?? Number.POSITIVE_INFINITY, there[k]?.day ?? Number.POSITIVE_INFINITY);
    const row = days[t] === day ? due.subarray(t * width, ++t * width) : none;
    seen.fill(0);
    if (there[k]?.day === day) seen.set(there[k++].bits.subarray(0, width));
    let [present, missing, surplus] = [0, 0, 0];
    for (let byte = 0; byte < width; byte++) {
      const a = row[byte];
      const b = seen[byte] & asked[byte];
      present += ONES[a & b];
      missing += ONES[a & ~b];
      surplus += ONES[b & ~a];
    }
    found.days.push(day);
    found.present.push(present);
    found.missing.push(missing);
    found.surplus.push(surplus);
  }
  return found;
}

/** Bits set in each byte. */
const ONES = Uint8Array.from({ length: 256 }, (_, byte) => byte.toString(2).replaceAll('0', '').length);
