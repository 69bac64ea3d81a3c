/** On which days vectors are due, and what is there of them, against sets of days. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TradingDays, yearEnd, yearOf, yearStart } from '../../src/phases/calendar.ts';
import type { PriceCell } from '../../src/phases/evidence.ts';
import { daysByYear } from '../../src/phases/expectations.ts';
import { type DueDays, dueDays, vectorsAgainst } from '../../src/phases/vector-days.ts';

const [from, to] = [yearStart(2010), yearEnd(2010)];
const calendar = new TradingDays(from, to, []);
const at = (t: number) => calendar.days[t];
const cell = (instrument: string, first: number, last: number): PriceCell => ({
  ...{ instrument, year: 2010, days: last - first + 1, first: at(first), last: at(last) },
});
const days = (first: number, last: number) => [...calendar.days.subarray(first, last + 1)];

describe('vectors are due', () => {
  /** The days of each name. The bits of some of them are given, in another order and with others between. */
  const due = (cells: PriceCell[], missed: [string, number[]][], names: string[], last = at(200)) => {
    const bits = new Map(
      [
        ['B', 11],
        ['other', 3],
        ['A', 0],
      ].filter(([name]) => names.includes(name as string) || name === 'other') as [string, number][],
    );
    const found = dueDays({ cells, last }, { calendar, missed: new Map(missed) }, names, bits, 63);
    const next = Math.max(...bits.values()) + 1;
    const fresh = names.filter((name) => !bits.has(name));
    const has = (row: number, bit: number) => found.due[row * found.width + (bit >> 3)] & (0x80 >> (bit & 7));
    return Object.fromEntries(
      names.map((name) => {
        const bit = bits.get(name) ?? next + fresh.indexOf(name);
        return [name, [...found.days].filter((_, t) => has(t, bit))];
      }),
    );
  };

  test('from the 54th price to the last of all, or until the window runs short', () => {
    const cells = [cell('A', 0, 200), cell('B', 10, 62), cell('C', 100, 160)];
    expect(due(cells, [], ['A', 'B', 'C', 'D'])).toEqual({ A: days(53, 200), B: [], C: days(153, 200), D: [] });
    // The 54th last price of C is that of day 107: 189 calendar days later it is out of reach.
    const end = [...calendar.days].findLastIndex((day) => day <= at(107) + 189);
    expect(due(cells, [], ['C'], at(260))).toEqual({ C: days(153, end) });
  });

  test('later where a price is missing before, and not for want of one later', () => {
    expect(due([cell('A', 0, 200)], [['A', [at(5), at(30), at(120)]]], ['A'])).toEqual({ A: days(55, 200) });
  });
});

test('present, missing and surplus are told apart as sets of pairs would, by year', () => {
  const names = ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J'];
  /** Names of others have bits too. */
  const WIDE = 14;
  const sets = fc.dictionary(fc.integer({ min: 14_600, max: 15_400 }).map(String), fc.subarray(names), { maxKeys: 12 });
  const pack = (bits: number[], width: number) => {
    const bytes = new Uint8Array(width);
    for (const bit of bits) bytes[bit >> 3] |= 0x80 >> (bit & 7);
    return bytes;
  };
  fc.assert(
    fc.property(sets, sets, fc.nat(2), (asked, seen, short) => {
      const dueOn = Object.keys(asked)
        .map(Number)
        .sort((a, b) => a - b);
      const width = 2;
      const due: DueDays = {
        ...{ days: Int32Array.from(dueOn), width, asked: pack([...names.keys()], width) },
        due: Uint8Array.from(
          dueOn.flatMap((day) => [
            ...pack(
              asked[day].map((name) => names.indexOf(name)),
              width,
            ),
          ]),
        ),
      };
      const there = Object.keys(seen)
        .map(Number)
        .sort((a, b) => a - b)
        .map((day) => {
          const bits = seen[day].map((name) => names.indexOf(name));
          // Strings end where the last bit is, or go on with names that nobody asks for.
          const bytes = short ? pack(bits, bits.some((bit) => bit > 7) ? 2 : 1) : pack([...bits, WIDE], 3);
          return { day, bits: bytes };
        });
      const found = vectorsAgainst(due, there);
      const pairs = (all: Record<string, string[]>) =>
        Object.entries(all).flatMap(([day, own]) => own.map((name) => `${day} ${name}`));
      const [a, b] = [new Set(pairs(asked)), new Set(pairs(seen))];
      const [first, last] = [14_700, 15_300];
      const byYear = (some: string[]) => {
        const counts: Record<string, number> = {};
        for (const pair of some) {
          const day = Number(pair.split(' ')[0]);
          if (day >= first && day <= last) counts[yearOf(day)] = (counts[yearOf(day)] ?? 0) + 1;
        }
        return counts;
      };
      const told = (figures: readonly number[]) => Object.fromEntries(daysByYear(found, figures, first, last));
      expect(told(found.present)).toEqual(byYear([...a].filter((pair) => b.has(pair))));
      expect(told(found.missing)).toEqual(byYear([...a].filter((pair) => !b.has(pair))));
      expect(told(found.surplus)).toEqual(byYear([...b].filter((pair) => !a.has(pair))));
    }),
  );
});
