/** The part of a log that is held: lines around the cursor, topped up as it moves. */
import { type LogLine, sameLine } from './line.ts';
import type { Cut, MergedLog, Walk } from './merged-log.ts';

type Place = Pick<LogLine, 'stream' | 'start'>;

/** Where a window begins: at an end of the log, or at a line (the nearest that is shown). */
export type Seat = 'start' | 'end' | Place;

export class LogWindow {
  /** In order, without gaps among the lines that are shown. */
  lines: readonly LogLine[] = [];
  /** Index in `lines`; -1: nothing is shown. */
  cursor = -1;
  /** There is nothing above, or below, as far as the files were known. */
  atStart = false;
  atEnd = false;
  readonly #log: MergedLog;
  readonly #margin: number;
  #top: Cut;
  #bottom: Cut;

  /** Holds at least `margin` lines on both sides of the cursor, at most twice as many. */
  constructor(log: MergedLog, margin: number) {
    this.#log = log;
    this.#margin = margin;
    this.#top = log.start;
    this.#bottom = log.start;
  }

  /** Begins anew somewhere, if that is still wanted when it is read: the cursor comes to the line, or to the nearest one after it, else before it. */
  async seat(seat: Seat, walk: Walk, wanted: () => boolean = () => true): Promise<void> {
    const cut = seat === 'start' ? this.#log.start : seat === 'end' ? this.#log.end : await this.#log.cutBefore(seat);
    const window = new LogWindow(this.#log, this.#margin);
    window.#top = cut;
    window.#bottom = cut;
    if (seat !== 'end') await window.#extendDown(1, walk);
    if (window.lines.length === 0) await window.#extendUp(1, walk);
    window.cursor = window.lines.length - 1;
    await window.fill(walk);
    if (!wanted()) return;
    this.lines = window.lines;
    this.cursor = window.cursor;
    this.atStart = window.atStart;
    this.atEnd = window.atEnd;
    this.#top = window.#top;
    this.#bottom = window.#bottom;
  }

  /** True when there are fewer lines than there should be on a side that has more. */
  get wanting(): boolean {
    const below = this.lines.length - 1 - this.cursor;
    return (!this.atStart && this.cursor < this.#margin) || (!this.atEnd && below < this.#margin);
  }

  /** Reads what is missing around the cursor, and lets go what is far from it. */
  async fill(walk: Walk): Promise<void> {
    const below = this.#margin - (this.lines.length - 1 - this.cursor);
    if (below > 0 && !this.atEnd) await this.#extendDown(below, walk);
    const above = this.#margin - Math.max(0, this.cursor);
    if (above > 0 && !this.atStart) await this.#extendUp(above, walk);
    this.#trim();
  }

  /** Moves the cursor within what is held; returns by how much it fell short. */
  move(step: number): number {
    if (this.lines.length === 0) return 0;
    const wanted = this.cursor + step;
    this.cursor = Math.max(0, Math.min(this.lines.length - 1, wanted));
    return wanted - this.cursor;
  }

  /** Puts the cursor on a line, if it is held. */
  moveTo(line: Pick<LogLine, 'stream' | 'start'>): boolean {
    const found = this.lines.findIndex((one) => sameLine(one, line));
    if (found !== -1) this.cursor = found;
    return found !== -1;
  }

  /** The files grew: lines that were not settled are read again, and the end is no end any more. */
  grown(): void {
    const settled = this.lines.findIndex((line) => line.provisional);
    if (settled !== -1) {
      const dropped = this.lines.slice(settled);
      const bottom = { ...this.#bottom };
      for (const { stream, start } of dropped) bottom[stream] = Math.min(bottom[stream], start);
      this.#bottom = bottom;
      this.lines = this.lines.slice(0, settled);
      this.cursor = Math.min(this.cursor, this.lines.length - 1);
    }
    this.atEnd = false;
    // A log that was empty has its first line below as much as above.
    if (this.lines.length === 0) this.atStart = false;
  }

  async #extendDown(count: number, walk: Walk): Promise<void> {
    const found: LogLine[] = [];
    const bottom = { ...this.#bottom };
    try {
      for await (const line of this.#log.forward(this.#bottom, walk)) {
        found.push(line);
        bottom[line.stream] = line.end;
        if (found.length === count) break;
      }
      if (found.length < count) {
        this.atEnd = true;
        // What was not wanted so far needs no second look when the files grow.
        for (const stream of walk.streams) bottom[stream] = Math.max(bottom[stream], this.#log.files[stream].settled);
      }
    } finally {
      // Also when it is broken off: what was found is found.
      this.#bottom = bottom;
      this.lines = [...this.lines, ...found];
      if (this.cursor === -1 && this.lines.length > 0) this.cursor = 0;
    }
  }

  async #extendUp(count: number, walk: Walk): Promise<void> {
    const found: LogLine[] = [];
    const top = { ...this.#top };
    try {
      for await (const line of this.#log.backward(this.#top, walk)) {
        found.push(line);
        top[line.stream] = line.start;
        if (found.length === count) break;
      }
      if (found.length < count) this.atStart = true;
    } finally {
      this.#top = top;
      this.lines = [...found.reverse(), ...this.lines];
      this.cursor += found.length;
    }
  }

  #trim(): void {
    const first = Math.max(0, this.cursor - 2 * this.#margin);
    const last = Math.min(this.lines.length, this.cursor + 2 * this.#margin + 1);
    if (first > 0) {
      for (const line of this.lines.slice(0, first)) this.#top = { ...this.#top, [line.stream]: line.end };
      this.atStart = false;
    }
    if (last < this.lines.length) {
      for (const line of this.lines.slice(last).reverse())
        this.#bottom = { ...this.#bottom, [line.stream]: line.start };
      this.atEnd = false;
    }
    if (first === 0 && last === this.lines.length) return;
    this.lines = this.lines.slice(first, last);
    this.cursor -= first;
  }
}
