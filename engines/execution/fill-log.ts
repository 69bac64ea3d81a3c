/** Fills as growing columns: millions of fills without an object each. */

/** Columns over the fills, in order of execution. */
export interface Fills {
  readonly day: Int32Array;
  /** Day of the order: the day before `day` when orders fill on the next. */
  readonly orderDay: Int32Array;
  /** Signed shares of the order; a cap on participation fills less. */
  readonly ordered: Float64Array;
  readonly instrument: Int32Array;
  /** Signed shares: > 0 bought. */
  readonly quantity: Float64Array;
  readonly price: Float64Array;
  /** Dollars. */
  readonly commission: Float64Array;
  /** What slippage cost in dollars, ≥ 0. */
  readonly slippage: Float64Array;
  /** FILL_REBALANCE or FILL_DELISTED. */
  readonly cause: Uint8Array;
}

export const FILL_REBALANCE = 0;
export const FILL_DELISTED = 1;

export class FillLog {
  length = 0;
  #capacity = 4096;
  #day = new Int32Array(this.#capacity);
  #orderDay = new Int32Array(this.#capacity);
  #ordered = new Float64Array(this.#capacity);
  #instrument = new Int32Array(this.#capacity);
  #quantity = new Float64Array(this.#capacity);
  #price = new Float64Array(this.#capacity);
  #commission = new Float64Array(this.#capacity);
  #slippage = new Float64Array(this.#capacity);
  #cause = new Uint8Array(this.#capacity);

  append(fill: { [Column in keyof Fills]: number }): void {
    const at = this.length++;
    if (at === this.#capacity) this.#grow();
    this.#day[at] = fill.day;
    this.#orderDay[at] = fill.orderDay;
    this.#ordered[at] = fill.ordered;
    this.#instrument[at] = fill.instrument;
    this.#quantity[at] = fill.quantity;
    this.#price[at] = fill.price;
    this.#commission[at] = fill.commission;
    this.#slippage[at] = fill.slippage;
    this.#cause[at] = fill.cause;
  }

  /** The fills so far, copied to their exact length. */
  columns(): Fills {
    const end = this.length;
    return {
      day: this.#day.slice(0, end),
      orderDay: this.#orderDay.slice(0, end),
      ordered: this.#ordered.slice(0, end),
      instrument: this.#instrument.slice(0, end),
      quantity: this.#quantity.slice(0, end),
      price: this.#price.slice(0, end),
      commission: this.#commission.slice(0, end),
      slippage: this.#slippage.slice(0, end),
      cause: this.#cause.slice(0, end),
    };
  }

  #grow(): void {
    this.#capacity *= 2;
    const larger = <T extends Int32Array | Float64Array | Uint8Array>(column: T, copy: T): T => {
      copy.set(column);
      return copy;
    };
    this.#day = larger(this.#day, new Int32Array(this.#capacity));
    this.#orderDay = larger(this.#orderDay, new Int32Array(this.#capacity));
    this.#ordered = larger(this.#ordered, new Float64Array(this.#capacity));
    this.#instrument = larger(this.#instrument, new Int32Array(this.#capacity));
    this.#quantity = larger(this.#quantity, new Float64Array(this.#capacity));
    this.#price = larger(this.#price, new Float64Array(this.#capacity));
    this.#commission = larger(this.#commission, new Float64Array(this.#capacity));
    this.#slippage = larger(this.#slippage, new Float64Array(this.#capacity));
    this.#cause = larger(this.#cause, new Uint8Array(this.#capacity));
  }
}
