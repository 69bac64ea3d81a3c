/** What a shard changes in the roll-up, day by day: rows that went and rows that came. Pure. */
import type { Removed } from './storage.ts';

/** What a shard changes on a day. */
export interface DayChange {
  /** Day number. */
  readonly day: number;
  readonly entityType: string;
  vectors: number;
  rows: number;
}

export class DayChanges {
  readonly #days = new Map<string, DayChange>();

  /** `whole`: keys (`type|id|day number`) that keep a vector, whatever was removed beside it. */
  constructor(removed: readonly Removed[], whole: ReadonlySet<string> | null) {
    for (const { entityType, day, entityIds, rows } of removed) {
      const gone = entityIds.filter((id) => !whole?.has(`${entityType}|${id}|${day}`));
      this.#days.set(`${entityType}|${day}`, { entityType, day, vectors: -gone.length, rows: -rows });
    }
  }

  /** One row more. */
  add(entityType: string, day: number): void {
    const key = `${entityType}|${day}`;
    const change = this.#days.get(key) ?? { entityType, day, vectors: 0, rows: 0 };
    change.vectors++;
    change.rows++;
    this.#days.set(key, change);
  }

  list(): DayChange[] {
    return [...this.#days.values()].filter(({ vectors, rows }) => vectors !== 0 || rows !== 0);
  }
}
