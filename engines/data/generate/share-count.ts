/** How many shares one share of the first day has become, and what a share pays: splits and dividends of a company. */

import { log } from '../../../src/platform/random.ts';
import type { Company } from './company.ts';
import type { CompanyEvent } from './price-path.ts';

/** Trading days from the announcement of a split to the day it takes effect, and the least distance of two splits. */
const NOTICE = 15;
const PAUSE = 190;
const REVERSE_BELOW = 1.6;
const REVERSE_RATIO = 0.1;
/** No price before adjustment falls under this many dollars. */
const LEAST_PRICE = 0.05;
/** The dividend is set anew with every fourth payment. */
const PAYMENTS_A_YEAR = 4;
const MOST_PAYOUT = 0.2;

export class ShareCount {
  /** Shares now for one share of the first day. */
  count = 1;
  /** Logarithm of the least worth of all of them. */
  floor = log(LEAST_PRICE);
  readonly #company: Company;
  readonly #events: CompanyEvent[];
  #due = -1;
  #ratio = 1;
  #lastSplit = -PAUSE;
  /** Dollars a share and payment. */
  #dividend = 0;
  #payments = 0;

  constructor(company: Company, events: CompanyEvent[]) {
    this.#company = company;
    this.#events = events;
  }

  /** Before the session of trading day t: a split that was announced takes effect. */
  open(t: number): void {
    if (t !== this.#due) return;
    this.count *= this.#ratio;
    this.floor = log(LEAST_PRICE * this.count);
    this.#dividend /= this.#ratio;
    this.#lastSplit = t;
    this.#events.push({ kind: 'split', day: t, value: this.#ratio });
  }

  /** Trading day t is an ex day after a close at which all shares were worth `worth`: the share of it that is paid out. */
  payDividend(t: number, worth: number): number {
    const price = worth / this.count;
    if (this.#payments++ % PAYMENTS_A_YEAR === 0) {
      const next = Math.max(0.01, Math.round((this.#company.dividendYield / PAYMENTS_A_YEAR) * price * 100) / 100);
      const raised = this.#dividend > 0 && next > this.#dividend;
      this.#dividend = next;
      this.#events.push({ kind: raised ? 'dividendRaised' : 'dividend', day: t, value: next });
    } else this.#events.push({ kind: 'dividend', day: t, value: this.#dividend });
    return Math.min(MOST_PAYOUT, this.#dividend / price);
  }

  /** After the close of trading day t, at which all shares were worth `worth`: announces a split when the price calls for one. */
  considerSplit(t: number, worth: number): void {
    const { turn, last, splitAbove } = this.#company;
    const pending = this.#due > t;
    // A split takes effect before the company's last chapter begins.
    const end = turn >= 0 ? turn : last;
    if (pending || t - this.#lastSplit < PAUSE || t + NOTICE >= end) return;
    this.#ratio = ratioFor(worth / this.count, splitAbove);
    if (this.#ratio === 1) return;
    this.#due = t + NOTICE;
    this.#events.push({ kind: 'splitAnnounced', day: t, value: this.#ratio });
  }
}

/** New shares for one old one at a price in dollars; 1 for no split. */
function ratioFor(price: number, splitAbove: number): number {
  if (price < REVERSE_BELOW) return REVERSE_RATIO;
  if (price <= splitAbove) return 1;
  return price > 260 ? 4 : price > 180 ? 3 : 2;
}
