/** What a shard tells the roll-up, against a plain count of vectors before and after, and who has one then. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DayChanges } from '../../engines/numeric/day-changes.model.ts';

const TYPE = 'INSTRUMENT';
const IDS = ['A', 'B', 'C'];
/** The numbers by which the roll-up knows them. */
const BITS = Int32Array.of(9, 0, 4);
/** A row of a table without the key: several may stand for one vector, whole or damaged. */
const row = fc.record({ id: fc.constantFrom(...IDS), day: fc.integer({ min: 10, max: 12 }), whole: fc.boolean() });
type Row = { id: string; day: number; whole: boolean };

const idsOf = (bits: Uint8Array) => IDS.filter((_, k) => bits[BITS[k] >> 3] & (0x80 >> (BITS[k] & 7)));
const countOf = (rows: readonly Row[], day: number) => {
  const own = rows.filter((one) => one.day === day);
  return { vectors: new Set(own.map(({ id }) => id)).size, rows: own.length };
};

it('is the difference of the counts and who is left, whether all rows are replaced or only the damaged ones', () => {
  fc.assert(
    fc.property(
      fc.array(row, { maxLength: 20 }),
      fc.boolean(),
      fc.subarray(IDS),
      (before: Row[], skipExisting, failing) => {
        const gone = skipExisting ? before.filter(({ whole }) => !whole) : before;
        const kept = skipExisting ? before.filter(({ whole }) => whole) : [];
        const keys = new Set(kept.map(({ id, day }) => `${TYPE}|${id}|${day}`));
        const days = [...new Set(gone.map(({ day }) => day))];
        const removed = days.map((day) => {
          const own = gone.filter((one) => one.day === day);
          return { entityType: TYPE, day, entityIds: [...new Set(own.map(({ id }) => id))], rows: own.length };
        });
        const entities = IDS.map((id) => ({ type: TYPE, id }) as const);
        const changes = new DayChanges(entities, BITS, removed, skipExisting ? keys : null);
        const after = [...kept];
        for (const id of IDS)
          for (const day of [10, 11, 12]) {
            if (keys.has(`${TYPE}|${id}|${day}`) || failing.includes(id)) continue;
            changes.add({ entity: IDS.indexOf(id), day });
            after.push({ id, day, whole: true });
          }
        const [{ entityType, owned, days: told }] = changes.list();
        expect([entityType, idsOf(owned)]).toEqual([TYPE, IDS]);
        for (const day of [10, 11, 12]) {
          const [was, is] = [countOf(before, day), countOf(after, day)];
          const change = told.find((one) => one.day === day);
          // No vectors less is -0.
          expect({ vectors: (change?.vectors ?? 0) + 0, rows: (change?.rows ?? 0) + 0 }).toEqual({
            vectors: is.vectors - was.vectors,
            rows: is.rows - was.rows,
          });
          if (change)
            expect(idsOf(change.entities)).toEqual(
              IDS.filter((id) => after.some((one) => one.id === id && one.day === day)),
            );
        }
      },
    ),
  );
});
