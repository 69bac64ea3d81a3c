/** The last values of a series, in fixed memory. */
export class Ring<T> {
  readonly #capacity: number;
  #items: T[] = [];
  #next = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  push(item: T): void {
    if (this.#items.length < this.#capacity) this.#items.push(item);
    else this.#items[this.#next] = item;
    this.#next = (this.#next + 1) % this.#capacity;
  }

  clear(): void {
    this.#items = [];
    this.#next = 0;
  }

  /** A copy, oldest first. */
  toArray(): T[] {
    if (this.#items.length < this.#capacity) return this.#items.slice();
    return [...this.#items.slice(this.#next), ...this.#items.slice(0, this.#next)];
  }
}
