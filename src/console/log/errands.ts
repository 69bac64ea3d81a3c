/**
 * What is still to be done for a log view, one thing after the other. The newest wish breaks off an earlier one that is not
 * done yet; a look at the files comes before all else, and where the cursor stands among all lines is found last.
 */
import type { Seat } from './log-window.ts';

export type Work = (signal: AbortSignal) => Promise<void>;

/** How each errand is done. */
interface Doing {
  /** Takes in that the files may have grown. */
  readonly refresh: Work;
  /** Begins the window anew. */
  readonly seat: (seat: Seat, signal: AbortSignal) => Promise<void>;
  /** Goes the lines that the cursor has still to go. */
  readonly goOn: Work;
  /** Reads more lines around the cursor; null while enough are held. */
  readonly fill: () => Work | null;
  /** Finds where the cursor stands among all lines. */
  readonly locate: Work;
  /** One has begun or has ended. */
  readonly changed: () => void;
  /** None is left. */
  readonly idle: () => void;
}

interface Seating {
  readonly seat: Seat;
  readonly what: string;
}

export class Errands {
  readonly #doing: Doing;
  readonly #closed: AbortSignal;
  /** Where the window has to begin anew; what it holds is not what is to be shown. */
  #reseat: Seating | null = null;
  /** The same, put off until the supervisor is there again. */
  #unreachable: Seating | null = null;
  /** The newest wish that needs lines which are not held. */
  #wish: { readonly what: string; readonly work: Work } | null = null;
  #refreshWanted = false;
  #locateWanted = true;
  #busy: string | null = null;
  #problem: string | null = null;
  #breaking = new AbortController();
  #working: Promise<void> | null = null;
  /** Lines that the cursor has still to go, beyond what is held. */
  owed = 0;
  /** Matches that it has still to go on, or back. */
  seeking = 0;

  constructor(doing: Doing, closed: AbortSignal) {
    this.#doing = doing;
    this.#closed = closed;
    closed.addEventListener('abort', () => this.#breaking.abort(), { once: true });
  }

  /** What is being read at the moment: `searching`, `reading`; null when all is there. */
  get busy(): string | null {
    return this.#busy;
  }

  /** Why the last one could not be done. */
  get problem(): string | null {
    return this.#problem;
  }

  /** What the window holds is not what is to be shown. */
  get seating(): boolean {
    return this.#reseat !== null;
  }

  /** Resolves when everything asked for so far is done. */
  async settled(): Promise<void> {
    while (this.#working) await this.#working;
  }

  /** The files are to be looked at. */
  refresh(): void {
    this.#refreshWanted = true;
    this.begin();
  }

  /** Where the cursor stands is to be found anew. */
  locate(): void {
    this.#locateWanted = true;
    this.begin();
  }

  /** The window has to begin anew, whatever was wished for before. */
  seat(seat: Seat, what: string): void {
    this.#reseat = { seat, what };
    this.#breakOff();
  }

  /** The same from within an errand, which goes on. */
  seatNext(seat: Seat, what: string): void {
    this.#reseat = { seat, what };
  }

  /** A wish, in place of any before it. */
  ask(what: string, work: Work): void {
    this.#breakOff();
    this.#wish = { what, work };
  }

  /** Nobody wants any more what was wished for. */
  dropWish(): void {
    if (!this.#wish) return;
    this.#wish = null;
    this.seeking = 0;
    this.#breaking.abort();
  }

  /** Sets about what there is to do, unless that is being done. */
  begin(): void {
    this.#working ??= this.#work().finally(() => {
      this.#working = null;
      if (this.#closed.aborted) return;
      if (this.#wish || this.#reseat || this.owed || this.#refreshWanted || this.#locateWanted) this.begin();
    });
  }

  #breakOff(): void {
    this.#wish = null;
    this.owed = 0;
    this.seeking = 0;
    this.#breaking.abort();
    this.locate();
  }

  async #work(): Promise<void> {
    // Never within the call that asks: what it sets after asking counts too.
    await null;
    while (!this.#closed.aborted) {
      const task = this.#next();
      if (!task) break;
      this.#breaking = new AbortController();
      const { signal } = this.#breaking;
      this.#busy = task.what;
      if (task.what !== null) this.#doing.changed();
      try {
        await task.work(signal);
        this.#problem = null;
      } catch (error) {
        if (!signal.aborted) return this.#giveUp(error as Error);
      }
      this.#busy = null;
      if (!signal.aborted) this.#doing.changed();
    }
    this.#doing.idle();
  }

  /** The supervisor is away: what was wished for is void, the next look at the files tries again. */
  #giveUp({ message }: Error): void {
    this.#problem = message;
    this.#wish = null;
    this.owed = 0;
    this.seeking = 0;
    this.#refreshWanted = false;
    this.#unreachable = this.#reseat;
    this.#reseat = null;
    this.#locateWanted = false;
    this.#busy = null;
    this.#doing.changed();
  }

  #next(): { readonly what: string | null; readonly work: Work } | null {
    if (this.#refreshWanted) {
      this.#refreshWanted = false;
      this.#reseat ??= this.#unreachable;
      this.#unreachable = null;
      return { what: null, work: this.#doing.refresh };
    }
    const reseat = this.#reseat;
    if (reseat) {
      const work: Work = async (signal) => {
        await this.#doing.seat(reseat.seat, signal);
        if (this.#reseat === reseat) this.#reseat = null;
      };
      return { what: reseat.what, work };
    }
    const wish = this.#wish;
    if (wish) {
      const work: Work = async (signal) => {
        await wish.work(signal);
        if (this.#wish === wish) this.#wish = null;
      };
      return { what: wish.what, work };
    }
    if (this.owed !== 0) return { what: 'reading', work: this.#doing.goOn };
    const fill = this.#doing.fill();
    if (fill) return { what: null, work: fill };
    if (!this.#locateWanted) return null;
    this.#locateWanted = false;
    return { what: null, work: this.#doing.locate };
  }
}
