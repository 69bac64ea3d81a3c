/**
 * Execution: a book of positions and the broker that fills orders. Targets become orders (target − current), orders
 * become fills, fills move positions, average cost and cash. Source: contracts §2.
 */
import { FILL_DELISTED, FILL_REBALANCE, FillLog } from './fill-log.ts';

type FillMode = 'close' | 'next_open' | 'next_close';

export interface BrokerOptions {
  /** Where orders of day t fill: its own close (the reference), or the next day's open or close. */
  readonly fill: FillMode;
  /** Worse price on each side, in basis points of the price. */
  readonly slippageBps: number;
  /** Charge on the traded value, in basis points. */
  readonly commissionBps: number;
  /** Targets are rounded towards zero to whole shares. */
  readonly wholeShares: boolean;
  /** Largest share of a day's volume that one order may take; the rest of the order expires. Infinity: no cap. */
  readonly maxParticipation: number;
}

export const REFERENCE_BROKER: BrokerOptions = {
  fill: 'close',
  slippageBps: 0,
  commissionBps: 0,
  wholeShares: false,
  maxParticipation: Number.POSITIVE_INFINITY,
};

/** Trading days without a price after which a position is closed at its delisting value. */
const DELISTING_DAYS = 5;
/** Orders smaller than this many shares are not worth sending. */
const MINIMUM_ORDER = 1e-6;
/** Share of an order that a few roundings can leave over. */
const ROUNDING = 1e-14;

/** Prices of one day over N instruments; NaN where there is none. */
export interface DayPrices {
  readonly close: Float64Array;
  /** Needed for `next_open` only. */
  readonly open?: Float64Array;
  /** Needed with a participation cap only. */
  readonly volume?: Float64Array;
}

/** An order on the day of its fill. */
interface Order {
  readonly day: number;
  readonly orderDay: number;
  /** Signed shares. */
  readonly ordered: number;
}

export class Book {
  readonly quantity: Float64Array;
  readonly averageCost: Float64Array;
  /** Last known close, the mark of a position without a price. */
  readonly mark: Float64Array;
  cash: number;
  readonly fills = new FillLog();
  /** Traded value since the start in dollars. */
  tradedValue = 0;
  readonly #missing: Uint8Array;
  readonly #pending: Float64Array;
  #hasPending = false;
  readonly #options: BrokerOptions;
  readonly #slip: number;
  readonly #fee: number;

  constructor(instruments: number, cash: number, options: BrokerOptions) {
    this.quantity = new Float64Array(instruments);
    this.averageCost = new Float64Array(instruments);
    this.mark = new Float64Array(instruments).fill(Number.NaN);
    this.cash = cash;
    this.#missing = new Uint8Array(instruments);
    this.#pending = new Float64Array(options.fill === 'close' ? 0 : instruments);
    this.#options = options;
    this.#slip = options.slippageBps / 1e4;
    this.#fee = options.commissionBps / 1e4;
  }

  /**
   * Begins day `day`: fills what waited from the day before, takes the new marks, closes positions that have had no price
   * for 5 trading days at their delisting value (`delistingValue`, NaN: the last close). Where the day is known from which a
   * name is no longer listed (`endsAt`), its position is closed on that day. Returns the instruments closed.
   */
  open(day: number, prices: DayPrices, delistingValue: Float64Array, endsAt?: Int32Array): number[] {
    if (this.#hasPending) this.#fillPending(day, prices);
    const closed: number[] = [];
    const { close } = prices;
    // Fields in locals: these loops run for every instrument and day, and the optimiser cannot hoist them itself.
    const { quantity, mark } = this;
    const missing = this.#missing;
    for (let i = 0; i < close.length; i++) {
      const price = close[i];
      const ended = endsAt !== undefined && day >= endsAt[i];
      if (!Number.isNaN(price) && !ended) {
        mark[i] = price;
        missing[i] = 0;
      } else if (quantity[i] !== 0 && (ended || ++missing[i] >= DELISTING_DAYS)) {
        const value = Number.isNaN(delistingValue[i]) ? mark[i] : delistingValue[i];
        this.#book({ day, orderDay: day, ordered: -quantity[i] }, i, -quantity[i], value, value, FILL_DELISTED);
        missing[i] = 0;
        closed.push(i);
      }
    }
    return closed;
  }

  /** Cash plus all positions at their marks. */
  equity(): number {
    const { quantity, mark } = this;
    let value = this.cash;
    for (let i = 0; i < quantity.length; i++) if (quantity[i] !== 0) value += quantity[i] * mark[i];
    return value;
  }

  /**
   * Orders towards `weights` (N) on day `day`. Positions without a price today keep their value: the targets are spread
   * over what is left of the equity. Fills at once (`close`) or waits for the next day.
   */
  rebalance(day: number, weights: Float64Array, prices: DayPrices, equity: number): void {
    const { close } = prices;
    const { wholeShares, fill } = this.#options;
    const { quantity, mark } = this;
    let investable = equity;
    for (let i = 0; i < close.length; i++) {
      if (quantity[i] !== 0 && Number.isNaN(close[i])) investable -= quantity[i] * mark[i];
    }
    for (let i = 0; i < close.length; i++) {
      const price = close[i];
      const held = quantity[i];
      const weight = weights[i];
      if ((held === 0 && weight === 0) || Number.isNaN(price)) continue;
      let target = (weight * investable) / price;
      if (wholeShares) target = Math.trunc(target);
      const delta = target - held;
      if (Math.abs(delta) < MINIMUM_ORDER) continue;
      if (fill === 'close') this.#fill({ day, orderDay: day, ordered: delta }, i, price, prices.volume);
      else {
        this.#pending[i] = delta;
        this.#hasPending = true;
      }
    }
  }

  #fillPending(day: number, prices: DayPrices): void {
    const price = this.#options.fill === 'next_open' ? prices.open! : prices.close;
    for (let i = 0; i < this.#pending.length; i++) {
      const delta = this.#pending[i];
      if (delta === 0) continue;
      this.#pending[i] = 0;
      // No price, no fill: the order ends with the day and never comes back on top of a newer one.
      if (Number.isNaN(price[i])) continue;
      this.#fill({ day, orderDay: day - 1, ordered: delta }, i, price[i], prices.volume);
    }
    this.#hasPending = false;
  }

  #fill(order: Order, i: number, price: number, volume: Float64Array | undefined): void {
    const cap = this.#options.maxParticipation;
    let shares = order.ordered;
    if (cap !== Number.POSITIVE_INFINITY) {
      const most = cap * (volume && !Number.isNaN(volume[i]) ? volume[i] : 0);
      if (Math.abs(shares) > most) shares = Math.sign(shares) * (this.#options.wholeShares ? Math.floor(most) : most);
      if (Math.abs(shares) < MINIMUM_ORDER) return;
    }
    const paid = shares > 0 ? price * (1 + this.#slip) : price * (1 - this.#slip);
    this.#book(order, i, shares, paid, price, FILL_REBALANCE);
  }

  #book(order: Order, i: number, shares: number, paid: number, reference: number, cause: number): void {
    const value = shares * paid;
    const commission = cause === FILL_DELISTED ? 0 : Math.abs(value) * this.#fee;
    const held = this.quantity[i];
    // Average cost moves on buys only.
    if (shares > 0) this.averageCost[i] = (held * this.averageCost[i] + value) / (held + shares);
    const left = held + shares;
    // What rounding leaves of a position that is closed, and not a cent more: its value would be lost.
    this.quantity[i] = Math.abs(left) < ROUNDING * Math.abs(shares) ? 0 : left;
    if (this.quantity[i] === 0) this.averageCost[i] = 0;
    this.cash -= value + commission;
    if (cause === FILL_REBALANCE) this.tradedValue += Math.abs(value);
    this.fills.append({
      ...order,
      instrument: i,
      quantity: shares,
      price: paid,
      commission,
      slippage: Math.abs(shares * (paid - reference)),
      cause,
    });
  }
}
