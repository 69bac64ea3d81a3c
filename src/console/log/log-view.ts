/**
 * One job's log as one operator looks at it. What is asked of it is done at once where the lines are held already, and else
 * as soon as they are read: a later wish breaks off an earlier one that is not done yet. After every change there is a new
 * frame, which is all that a screen needs.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Counts, type Totals } from './counts.ts';
import { inOrder, type LogLine, sameLine } from './line.ts';
import type { ReadBytes } from './log-file.ts';
import { LogWindow, type Seat } from './log-window.ts';
import { MergedLog, type Walk } from './merged-log.ts';
import { DEFAULT_OPTIONS, type LogOptions, shownBy, showsAll, showsOthers, soughtBy, streamsOf } from './query.ts';

/** Lines held on both sides of the cursor: more than any terminal has rows. */
const MARGIN = 250;
/** Growth by more than this at once is not read whole by one who follows: the end is. */
const LEAP_BYTES = 2 * 1024 * 1024;
/** More than this is counted only when something is sought or left out: it takes a minute for each 5 GB. */
const COUNT_UNASKED_BYTES = 256 * 1024 * 1024;
/** Frames that no key asked for come no closer to each other: what is read at once is shown at once. */
const GATHER_MS = 25;
const ASK_REST_MS = 150;
/** Counting tells how far it is no more often than this, and rests no longer than this after each block. */
const TELL_MS = 250;
const MAX_PAUSE_MS = 20;
/** Longest text that is gathered for the clipboard. */
const MAX_SELECTION = 1024 * 1024;

export interface LogFrame {
  readonly options: LogOptions;
  /** False until the files have been looked at once. */
  readonly read: boolean;
  readonly lines: readonly LogLine[];
  /** Index in `lines`; -1: no line is shown. */
  readonly cursor: number;
  /** There are no more lines above, or below. */
  readonly atStart: boolean;
  readonly atEnd: boolean;
  readonly following: boolean;
  /** Lines that stood below the cursor when it came there, near the end of the log: what comes later moves no line in view. */
  readonly below: number | null;
  /** What is being read at the moment: `searching`, `reading`; null when all is there. */
  readonly busy: string | null;
  readonly totals: Totals;
  /** Number of the cursor's line among the lines shown, and of the match at or before it, from 1; null: not counted yet. */
  readonly position: { readonly line: number; readonly match: number } | null;
  readonly marks: readonly LogLine[];
  /** The other end of the selection; null: only the cursor's line is meant. */
  readonly anchor: LogLine | null;
  readonly timesKnown: boolean;
  /** Bytes a second that came at the last look; null when nothing did. */
  readonly inflow: number | null;
  readonly problem: string | null;
}

type Work = (signal: AbortSignal) => Promise<void>;

export class LogView {
  readonly #log: MergedLog;
  readonly #now: () => number;
  readonly #onChange: (frame: LogFrame) => void;
  readonly #margin: number;
  readonly #askRestMs: number;
  readonly #window: LogWindow;
  readonly #counts: Counts;
  #options: LogOptions;
  #following = true;
  #below: number | null = null;
  #marks: readonly LogLine[] = [];
  #anchor: LogLine | null = null;
  #position: LogFrame['position'] = null;
  #inflow: number | null = null;
  #lookedAt: number | null = null;
  #problem: string | null = null;

  /** Where the cursor was when a search was begun, and what was sought before. */
  #searchFrom: { readonly line: LogLine | null; readonly search: string; readonly following: boolean } | null = null;
  #telling: NodeJS.Timeout | null = null;
  readonly #closed = new AbortController();
  /** Where the window has to begin anew; what it holds is not what is to be shown. */
  #reseat: { readonly seat: Seat; readonly what: string } | null = null;
  /** The same, put off until the supervisor is there again. */
  #unreachable: { readonly seat: Seat; readonly what: string } | null = null;
  /** The newest wish that needs lines which are not held. */
  #wish: { readonly what: string; readonly work: Work } | null = null;
  #refreshWanted = true;
  #locateWanted = true;
  /** Lines that the cursor has still to go, beyond what is held. */
  #owed = 0;
  /** Matches that it has still to go on, or back. */
  #seeking = 0;
  #busy: string | null = null;
  #breaking = new AbortController();
  #working: Promise<void> | null = null;
  #counting = false;
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(
    read: ReadBytes,
    options: LogOptions,
    onChange: (frame: LogFrame) => void,
    more: {
      readonly now: () => number;
      readonly marks?: readonly LogLine[];
      readonly margin?: number;
      readonly blockBytes?: number;
      /** How long a question must stand before everything is counted for it: one that is being typed does not. */
      readonly askRestMs?: number;
    },
  ) {
    this.#log = new MergedLog(read, more.blockBytes);
    this.#options = options;
    this.#onChange = onChange;
    this.#now = more.now;
    this.#askRestMs = more.askRestMs ?? ASK_REST_MS;
    this.#marks = more.marks ?? [];
    this.#margin = more.margin ?? MARGIN;
    this.#window = new LogWindow(this.#log, this.#margin);
    this.#counts = new Counts(this.#log, this.#question());
    this.#begin();
  }

  get frame(): LogFrame {
    const { lines, cursor, atStart, atEnd } = this.#window;
    return {
      options: this.#options,
      read: this.#lookedAt !== null,
      lines,
      cursor,
      atStart,
      atEnd,
      following: this.#following,
      below: this.#below,
      busy: this.#busy,
      totals: this.#counts.totals,
      position: this.#position,
      marks: this.#marks,
      anchor: this.#anchor,
      timesKnown: this.#log.times.known,
      inflow: this.#inflow,
      problem: this.#problem ?? this.#log.problem,
    };
  }

  close(): void {
    this.#closed.abort();
    this.#breaking.abort();
    if (this.#telling) clearTimeout(this.#telling);
  }

  /** Resolves when everything asked for so far is done; counting goes on. For tests. */
  async settled(): Promise<void> {
    while (this.#working) await this.#working;
  }

  /** The files may have grown. */
  refresh(): void {
    this.#refreshWanted = true;
    this.#begin();
  }

  /** Looks at the log in another way. The cursor stays on its line, or goes to the nearest one that is shown. */
  setOptions(options: LogOptions): void {
    const before = this.#options;
    this.#options = options;
    const others = showsOthers(before, options);
    if (others || before.search !== options.search) {
      this.#counts.ask(this.#question());
      this.#askedAt = performance.now();
      this.#position = null;
    }
    const { lines, cursor } = this.#window;
    if (others) this.#seat(this.#following || cursor === -1 ? 'end' : lines[cursor], 'filtering');
    this.#tell();
  }

  /** Moves the cursor by lines; away from the end it stops following. */
  move(step: number): void {
    if (step < 0) this.#following = false;
    if (this.#wish) {
      this.#wish = null;
      this.#seeking = 0;
      this.#breaking.abort();
    }
    if (this.#reseat || this.#owed !== 0) this.#owed += step;
    else {
      const from = this.#window.cursor;
      const short = this.#window.move(step);
      this.#settle();
      this.#shift(from, this.#window.cursor);
      const atEdge = short < 0 ? this.#window.atStart : this.#window.atEnd;
      if (short > 0 && atEdge) this.#following = true;
      if (!atEdge) this.#owed = short;
    }
    this.#tell();
    this.#begin();
  }

  first(): void {
    this.#following = false;
    this.#seat('start', 'reading');
  }

  /** To the end, and stays there as lines come. */
  follow(): void {
    this.#following = true;
    this.#seat('end', 'reading');
  }

  /** To the next line that matches the search, or to the previous one; past an end it goes on at the other. */
  seek(forward: boolean, told: (how: 'found' | 'around' | 'none') => void): void {
    if (!soughtBy(this.#options)) return;
    const step = forward ? 1 : -1;
    // Pressed again while it seeks: one further.
    if (this.#seeking !== 0) {
      this.#seeking += step;
      return;
    }
    this.#ask('searching', async (signal) => {
      while (this.#seeking !== 0) {
        const ahead = this.#seeking > 0;
        const { lines, cursor } = this.#window;
        const here = lines[cursor] ?? null;
        const next = here && (await this.#match(here, ahead, false, signal));
        const found = next ?? (await this.#match(null, ahead, false, signal));
        if (found) await this.#goTo(found, signal);
        told(next ? 'found' : found ? 'around' : 'none');
        this.#seeking -= Math.sign(this.#seeking);
      }
    });
    this.#seeking = step;
  }

  /** A search is being typed: it goes to the first match at or below the line at which it was begun. */
  type(search: string): void {
    this.#searchFrom ??= {
      line: this.#window.lines[this.#window.cursor] ?? null,
      search: this.#options.search,
      following: this.#following,
    };
    const { line } = this.#searchFrom;
    this.setOptions({ ...this.#options, search });
    if (!line) return;
    this.#ask('searching', async (signal) => {
      const sought = soughtBy(this.#options);
      await this.#goTo((sought && (await this.#match(line, true, true, signal))) ?? line, signal);
    });
  }

  /** Ends the typing: stays where it came to, or goes back to where it was begun and to what was sought before. */
  endTyping(accepted: boolean): void {
    const from = this.#searchFrom;
    this.#searchFrom = null;
    if (accepted || !from) return;
    this.setOptions({ ...this.#options, search: from.search });
    const { line } = from;
    if (from.following) this.follow();
    else if (line) this.#ask('reading', (signal) => this.#goTo(line, signal));
  }

  /** Marks the cursor's line, or takes its mark away. */
  toggleMark(): void {
    const line = this.#window.lines[this.#window.cursor];
    if (!line) return;
    const others = this.#marks.filter((mark) => !sameLine(mark, line));
    this.#marks = others.length < this.#marks.length ? others : [...this.#marks, line].sort(inOrder);
    this.#tell();
  }

  /** To the next mark, around the end to the first. */
  toMark(): void {
    const line = this.#window.lines[this.#window.cursor];
    const next = this.#marks.find((mark) => line && inOrder(mark, line) > 0) ?? this.#marks[0];
    if (next) this.#ask('reading', (signal) => this.#goTo(next, signal));
  }

  /** Begins a selection at the cursor, or ends it. */
  toggleSelection(): void {
    this.#anchor = this.#anchor ? null : (this.#window.lines[this.#window.cursor] ?? null);
    if (this.#anchor) this.#following = false;
    this.#tell();
  }

  /** The cursor's line, or all lines of the selection; null when that is too long to be gathered. */
  async selection(): Promise<string | null> {
    const line = this.#window.lines[this.#window.cursor];
    if (!line) return '';
    const other = this.#anchor ?? line;
    const [first, last] = inOrder(other, line) < 0 ? [other, line] : [line, other];
    const texts: string[] = [];
    let length = 0;
    for await (const one of this.#log.forward(await this.#log.cutBefore(first), this.#walk(this.#closed.signal))) {
      if (inOrder(one, last) > 0) break;
      texts.push(one.text);
      length += one.text.length + 1;
      if (length > MAX_SELECTION) return null;
      if (sameLine(one, last)) break;
    }
    return texts.join('\n');
  }

  /** All lines shown, from the first one on, read as they are taken. */
  lines(signal: AbortSignal): AsyncGenerator<LogLine> {
    return this.#log.forward(this.#log.start, this.#walk(AbortSignal.any([signal, this.#closed.signal])));
  }

  #walk(signal: AbortSignal): Walk {
    const { streams } = this.#options;
    return { streams: streamsOf(streams), wanted: shownBy(this.#options), signal, barren: this.#counts.barren };
  }

  #question() {
    const sought = soughtBy(this.#options);
    return {
      streams: streamsOf(this.#options.streams),
      shown: showsAll(this.#options) ? null : shownBy(this.#options),
      matches: sought && (({ text }: { readonly text: string }) => sought.matches(text)),
    };
  }

  #seat(seat: Seat, what: string): void {
    this.#reseat = { seat, what };
    this.#breakOff();
  }

  /** The next line that matches, from a line on (or from an end of the log); `inclusive`: that line counts too. */
  async #match(
    from: LogLine | null,
    forward: boolean,
    inclusive: boolean,
    signal: AbortSignal,
  ): Promise<LogLine | null> {
    const sought = soughtBy(this.#options);
    const shown = shownBy(this.#options);
    const walk: Walk = {
      streams: streamsOf(this.#options.streams),
      wanted: (line) => (sought?.matches(line.text) ?? false) && shown(line),
      signal,
      barren: this.#counts.withoutMatch,
    };
    const before = from ? await this.#log.cutBefore(from) : forward ? this.#log.start : this.#log.end;
    const cut = from && forward && !inclusive ? { ...before, [from.stream]: from.end } : before;
    for await (const line of forward ? this.#log.forward(cut, walk) : this.#log.backward(cut, walk)) return line;
    return null;
  }

  async #goTo(line: LogLine, signal: AbortSignal): Promise<void> {
    this.#following = false;
    if (!this.#window.moveTo(line)) await this.#window.seat(line, this.#walk(signal));
    this.#settle();
  }

  #ask(what: string, work: Work): void {
    this.#breakOff();
    this.#wish = { what, work };
  }

  /** What was wished for before is void. */
  #breakOff(): void {
    this.#wish = null;
    this.#owed = 0;
    this.#seeking = 0;
    this.#breaking.abort();
    this.#position = null;
    this.#locateWanted = true;
    this.#begin();
  }

  #begin(): void {
    this.#working ??= this.#work().finally(() => {
      this.#working = null;
      if (this.#closed.signal.aborted) return;
      if (this.#wish || this.#reseat || this.#owed || this.#refreshWanted || this.#locateWanted) this.#begin();
    });
  }

  /** Does one thing after the other until nothing is asked for any more. */
  async #work(): Promise<void> {
    // Never within the call that asks: what it sets after asking counts too.
    await null;
    while (!this.#closed.signal.aborted) {
      const task = this.#nextTask();
      if (!task) break;
      this.#breaking = new AbortController();
      const { signal } = this.#breaking;
      this.#busy = task.what;
      if (task.what !== null) this.#changed();
      try {
        await task.work(signal);
        this.#problem = null;
      } catch (error) {
        if (!signal.aborted) {
          // The supervisor is away: what was wished for is void, the next look at the files tries again.
          this.#problem = (error as Error).message;
          this.#wish = null;
          this.#owed = 0;
          this.#seeking = 0;
          this.#refreshWanted = false;
          this.#unreachable = this.#reseat;
          this.#reseat = null;
          this.#locateWanted = false;
          this.#busy = null;
          this.#changed();
          return;
        }
      }
      this.#busy = null;
      if (!signal.aborted) this.#changed();
    }
    void this.#count();
  }

  #nextTask(): { readonly what: string | null; readonly work: Work } | null {
    if (this.#refreshWanted) {
      this.#refreshWanted = false;
      this.#reseat ??= this.#unreachable;
      this.#unreachable = null;
      return { what: null, work: (signal) => this.#refresh(signal) };
    }
    const reseat = this.#reseat;
    if (reseat) {
      const work: Work = async (signal) => {
        await this.#window.seat(reseat.seat, this.#walk(signal));
        this.#settle();
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
    if (this.#owed !== 0) return { what: 'reading', work: (signal) => this.#goOn(signal) };
    if (this.#window.wanting) return { what: null, work: (signal) => this.#window.fill(this.#walk(signal)) };
    if (this.#locateWanted) {
      this.#locateWanted = false;
      return { what: null, work: (signal) => this.#locate(signal) };
    }
    return null;
  }

  async #refresh(signal: AbortSignal): Promise<void> {
    const before = this.#counts.totals.bytes;
    const found = await this.#log.refresh();
    const now = this.#now();
    const grownBy = this.#counts.totals.bytes - before;
    const elapsed = this.#lookedAt === null ? 0 : now - this.#lookedAt;
    this.#lookedAt = now;
    this.#inflow = grownBy > 0 && elapsed > 0 ? (1000 * grownBy) / elapsed : null;
    if (found === 'same') return;
    this.#locateWanted = true;
    const walk = this.#walk(signal);
    if (found === 'new') {
      this.#counts.ask(this.#question());
      this.#marks = [];
      this.#anchor = null;
      this.#reseat = { seat: this.#following ? 'end' : 'start', what: 'reading' };
      return;
    }
    this.#counts.grown();
    const noted = (line: LogLine) => ({ ...line, arrival: this.#log.times.arrival(line.stream, line.start) });
    this.#marks = this.#marks.map(noted);
    this.#anchor = this.#anchor && noted(this.#anchor);
    if (this.#reseat) return;
    const line = this.#window.lines[this.#window.cursor];
    this.#window.grown();
    if (!this.#following) {
      if (line && !this.#window.moveTo(line)) await this.#window.seat(line, walk);
      else await this.#window.fill(walk);
    } else if (grownBy > LEAP_BYTES) await this.#window.seat('end', walk, () => this.#following);
    else {
      // Whoever scrolls up meanwhile is not taken to the end.
      do {
        await this.#window.fill(walk);
        if (this.#following) this.#window.move(Number.POSITIVE_INFINITY);
      } while (this.#following && !this.#window.atEnd);
    }
  }

  /** The cursor has come to its place. */
  #settle(): void {
    const { lines, cursor } = this.#window;
    const below = lines.length - 1 - cursor;
    this.#below = below < this.#margin ? below : null;
  }

  /** Goes the lines that the cursor has still to go. */
  async #goOn(signal: AbortSignal): Promise<void> {
    while (this.#owed !== 0) {
      await this.#window.fill(this.#walk(signal));
      this.#owed = this.#window.move(this.#owed);
      this.#settle();
      if (this.#owed < 0 ? this.#window.atStart : this.#window.atEnd) {
        if (this.#owed > 0) this.#following = true;
        this.#owed = 0;
      }
    }
  }

  /** The position after a move among lines that are held. */
  #shift(from: number, to: number): void {
    if (!this.#position || from === to) return;
    const [low, high] = from < to ? [from, to] : [to, from];
    const sought = soughtBy(this.#options);
    const passed = this.#window.lines.slice(low + 1, high + 1);
    const matches = sought ? passed.filter((line) => sought.matches(line.text)).length : 0;
    const { line, match } = this.#position;
    this.#position = { line: line + to - from, match: match + (from < to ? matches : -matches) };
  }

  async #locate(signal: AbortSignal): Promise<void> {
    const line = this.#window.lines[this.#window.cursor];
    if (!line) {
      this.#position = null;
      return;
    }
    const above = await this.#counts.above(await this.#log.cutBefore(line), signal);
    const isMatch = soughtBy(this.#options)?.matches(line.text) ?? false;
    this.#position = above && { line: above.shown + 1, match: above.matches + (isMatch ? 1 : 0) };
  }

  get #countsNow(): boolean {
    const { filter, search, level } = this.#options;
    const asked = filter !== '' || search !== '' || level !== DEFAULT_OPTIONS.level;
    return asked || this.#counts.totals.bytes <= COUNT_UNASKED_BYTES;
  }

  /** Counts in the background, at half of a core at most, while nothing else is to be done. */
  async #count(): Promise<void> {
    if (this.#counting) return;
    this.#counting = true;
    let told = performance.now();
    let any = false;
    try {
      while (!this.#closed.signal.aborted) {
        await this.#working;
        if (!this.#countsNow) break;
        // Not while a search is being typed.
        const wait = this.#askedAt + this.#askRestMs - performance.now();
        if (wait > 0) {
          await sleep(wait, undefined, { signal: this.#closed.signal });
          continue;
        }
        const began = performance.now();
        if (!(await this.#counts.step(this.#closed.signal))) break;
        any = true;
        const ended = performance.now();
        if (ended - told > TELL_MS) {
          told = ended;
          this.#changed();
        }
        await sleep(Math.min(ended - began, MAX_PAUSE_MS), undefined, { signal: this.#closed.signal });
      }
    } catch {
      // The supervisor is away, or the view is closed. The next look at the files goes on.
      any = false;
    } finally {
      this.#counting = false;
    }
    if (!any || this.#closed.signal.aborted) return;
    this.#locateWanted = true;
    this.#changed();
    this.#begin();
  }

  /** Something has changed by itself: a frame comes soon. */
  #changed(): void {
    if (this.#closed.signal.aborted) return;
    this.#telling ??= setTimeout(() => this.#tell(), GATHER_MS);
  }

  /** A frame, at once. */
  #tell(): void {
    if (this.#telling) clearTimeout(this.#telling);
    this.#telling = null;
    if (!this.#closed.signal.aborted) this.#onChange(this.frame);
  }
}
