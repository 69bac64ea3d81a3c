/** What a shard changes in the roll-up, day by day: rows that went and rows that came, and who has a vector then. Pure. */
import type { Entity } from './encoder.model.ts';
import type { Removed, VectorRow } from './storage.ts';

/** What a shard changes on a day. */
interface DayChange {
  /** Day number. */
  readonly day: number;
  vectors: number;
  rows: number;
  /** Those of the shard's entities that have a vector now, as bits: eight to a byte, the leftmost is number 0. */
  readonly entities: Uint8Array;
}

/** What a shard changes of one entity type. */
export interface TypeChanges {
  readonly entityType: string;
  /** The shard's entities, as bits; as long as those of each day. */
  readonly owned: Uint8Array;
  /** Days ascending. */
  readonly days: readonly DayChange[];
}

export class DayChanges {
  readonly #entities: readonly Entity[];
  readonly #bits: Int32Array;
  readonly #whole: ReadonlySet<string> | null;
  readonly #days = new Map<string, Map<number, DayChange>>();
  readonly #bytes: number;

  /**
   * `bits`: the number of each of the shard's entities. `whole`: keys (`type|id|day number`) that keep a vector, whatever was
   * removed beside it; null: nothing is kept.
   */
  constructor(
    entities: readonly Entity[],
    bits: Int32Array,
    removed: readonly Removed[],
    whole: ReadonlySet<string> | null,
  ) {
    [this.#entities, this.#bits, this.#whole] = [entities, bits, whole];
    this.#bytes = (bits.reduce((most, bit) => Math.max(most, bit), 0) >> 3) + 1;
    for (const { type } of entities) this.#days.set(type, new Map());
    for (const { entityType, day, entityIds, rows } of removed) {
      const change = this.#changeOf(entityType, day);
      change.vectors = -entityIds.filter((id) => !whole?.has(`${entityType}|${id}|${day}`)).length;
      change.rows = -rows;
    }
  }

  /** One row more. */
  add({ entity, day }: VectorRow): void {
    const change = this.#changeOf(this.#entities[entity].type, day);
    change.vectors++;
    change.rows++;
    set(change.entities, this.#bits[entity]);
  }

  /** Types ascending, as the shard has them. */
  list(): TypeChanges[] {
    return [...this.#days].map(([entityType, byDay]) => {
      const owned = new Uint8Array(this.#bytes);
      this.#entities.forEach(({ type }, entity) => {
        if (type === entityType) set(owned, this.#bits[entity]);
      });
      return { entityType, owned, days: [...byDay.values()].sort((a, b) => a.day - b.day) };
    });
  }

  #changeOf(type: string, day: number): DayChange {
    const byDay = this.#days.get(type)!;
    let change = byDay.get(day);
    if (!change) {
      change = { day, vectors: 0, rows: 0, entities: this.#kept(type, day) };
      byDay.set(day, change);
    }
    return change;
  }

  /** Those whose vectors of the day are left as they are. */
  #kept(entityType: string, day: number): Uint8Array {
    const kept = new Uint8Array(this.#bytes);
    if (this.#whole?.size) {
      this.#entities.forEach(({ type, id }, entity) => {
        if (type === entityType && this.#whole!.has(`${type}|${id}|${day}`)) set(kept, this.#bits[entity]);
      });
    }
    return kept;
  }
}

function set(bits: Uint8Array, bit: number): void {
  bits[bit >> 3] |= 0x80 >> (bit & 7);
}
