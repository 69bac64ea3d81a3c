/** What a shard tells the roll-up, against a plain count of vectors before and after. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DayChanges } from '../../engines/numeric/day-changes.model.ts';

const TYPE = 'INSTRUMENT';
const IDS = ['A', 'B', 'C'];
/** A row of a table without the key: several may stand for one vector, whole or damaged. */
const row = fc.record({ id: fc.constantFrom(...IDS), day: fc.integer({ min: 10, max: 12 }), whole: fc.boolean() });
type Row = { id: string; day: number; whole: boolean };

const countOf = (rows: readonly Row[], day: number) => {
  const own = rows.filter((one) => one.day === day);
  return { vectors: new Set(own.map(({ id }) => id)).size, rows: own.length };
};

it('is the difference of the counts, whether all rows are replaced or only the damaged ones', () => {
  fc.assert(
    fc.property(fc.array(row, { maxLength: 20 }), fc.boolean(), (before: Row[], skipExisting) => {
      const gone = skipExisting ? before.filter(({ whole }) => !whole) : before;
      const kept = skipExisting ? before.filter(({ whole }) => whole) : [];
      const keys = new Set(kept.map(({ id, day }) => `${TYPE}|${id}|${day}`));
      const days = [...new Set(gone.map(({ day }) => day))];
      const removed = days.map((day) => {
        const own = gone.filter((one) => one.day === day);
        return { entityType: TYPE, day, entityIds: [...new Set(own.map(({ id }) => id))], rows: own.length };
      });
      const changes = new DayChanges(removed, skipExisting ? keys : null);
      const after = [...kept];
      for (const id of IDS)
        for (const day of [10, 11, 12]) {
          if (keys.has(`${TYPE}|${id}|${day}`)) continue;
          changes.add(TYPE, day);
          after.push({ id, day, whole: true });
        }
      // No vectors less is -0.
      const told = new Map(
        changes.list().map(({ day, vectors, rows }) => [day, { vectors: vectors + 0, rows: rows + 0 }]),
      );
      for (const day of [10, 11, 12]) {
        const [was, is] = [countOf(before, day), countOf(after, day)];
        expect(told.get(day) ?? { vectors: 0, rows: 0 }).toEqual({
          vectors: is.vectors - was.vectors,
          rows: is.rows - was.rows,
        });
      }
    }),
  );
});
