/** The k nearest by cosine, exactly. Pure. */

export interface Neighbour {
  readonly entityId: string;
  /** Day number. */
  readonly day: number;
  readonly cosine: number;
}

/** Collects the `k` best of any number of vectors against one; ties by day, then id. */
export class Nearest {
  readonly #query: Float32Array;
  readonly #norm: number;
  readonly #k: number;
  /** Ascending: the worst of the best comes first. */
  readonly #best: Neighbour[] = [];

  /** @throws RangeError for a vector of zeros or with a value that is no finite number: it has no direction. */
  constructor(query: Float32Array, k: number) {
    this.#query = query;
    this.#k = k;
    this.#norm = Math.sqrt(query.reduce((sum, value) => sum + value * value, 0));
    if (!(this.#norm > 0) || !Number.isFinite(this.#norm)) throw new RangeError('the vector has no direction');
  }

  /** Looks at one candidate: little-endian float32. One of another length or without direction is left out. */
  add(entityId: string, day: number, vector: Buffer): void {
    if (vector.length !== this.#query.length * 4) return;
    let [dot, squares] = [0, 0];
    for (let k = 0, at = 0; k < this.#query.length; k++, at += 4) {
      const value = vector.readFloatLE(at);
      dot += value * this.#query[k];
      squares += value * value;
    }
    const cosine = dot / (Math.sqrt(squares) * this.#norm);
    if (!Number.isFinite(cosine)) return;
    const one = { entityId, day, cosine };
    if (this.#best.length === this.#k && compare(one, this.#best[0]) <= 0) return;
    let [low, high] = [0, this.#best.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compare(this.#best[middle], one) < 0) low = middle + 1;
      else high = middle;
    }
    this.#best.splice(low, 0, one);
    if (this.#best.length > this.#k) this.#best.shift();
  }

  /** Nearest first. */
  list(): Neighbour[] {
    return this.#best.toReversed();
  }
}

/** Positive when `a` ranks before `b`. */
function compare(a: Neighbour, b: Neighbour): number {
  if (a.cosine !== b.cosine) return a.cosine - b.cosine;
  if (a.day !== b.day) return b.day - a.day;
  return a.entityId < b.entityId ? 1 : a.entityId > b.entityId ? -1 : 0;
}
