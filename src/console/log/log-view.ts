/**
 * One job's log as one operator looks at it. What is asked of it is done at once where the lines are held already, and else
 * as soon as they are read: a later wish breaks off an earlier one that is not done yet. After every change there is a new
 * frame, which is all that a screen needs.
 */
import { BackgroundCount } from './background-count.ts';
import { Counts } from './counts.ts';
import { Errands, type Work } from './errands.ts';
import { Inflow } from './inflow.ts';
import { inOrder, type LogLine, sameLine } from './line.ts';
import type { ReadBytes } from './log-file.ts';
import type { LogFrame } from './log-frame.ts';
import { LogWindow, type Seat } from './log-window.ts';
import { Marks } from './marks.ts';
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
/** Longest text that is gathered for the clipboard. */
const MAX_SELECTION = 1024 * 1024;

export class LogView {
  readonly #log: MergedLog;
  readonly #now: () => number;
  readonly #onChange: (frame: LogFrame) => void;
  readonly #margin: number;
  readonly #window: LogWindow;
  readonly #counts: Counts;
  readonly #count: BackgroundCount;
  readonly #errands: Errands;
  readonly #marks: Marks;
  #options: LogOptions;
  #following = true;
  #below: number | null = null;
  #position: LogFrame['position'] = null;
  readonly #inflow = new Inflow();
  #lookedAt: number | null = null;
  /** Where the cursor was when a search was begun, and what was sought before. */
  #searchFrom: { readonly line: LogLine | null; readonly search: string; readonly following: boolean } | null = null;
  #telling: NodeJS.Timeout | null = null;
  readonly #closed = new AbortController();

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
    this.#marks = new Marks(more.marks ?? []);
    this.#margin = more.margin ?? MARGIN;
    this.#window = new LogWindow(this.#log, this.#margin);
    this.#counts = new Counts(this.#log, this.#question());
    const closed = this.#closed.signal;
    this.#count = new BackgroundCount(this.#counts, {
      closed,
      quiet: () => this.#errands.settled(),
      wanted: () => this.#countsNow,
      told: () => this.#changed(),
      ended: () => {
        this.#errands.locate();
        this.#changed();
      },
      restMs: more.askRestMs,
    });
    this.#errands = new Errands(
      {
        refresh: (signal) => this.#refresh(signal),
        seat: async (seat, signal) => {
          await this.#window.seat(seat, this.#walk(signal));
          this.#settle();
        },
        goOn: (signal) => this.#goOn(signal),
        fill: () => (this.#window.wanting ? (signal) => this.#window.fill(this.#walk(signal)) : null),
        locate: (signal) => this.#locate(signal),
        changed: () => this.#changed(),
        idle: () => void this.#count.run(),
      },
      closed,
    );
    this.#errands.refresh();
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
      busy: this.#errands.busy,
      totals: this.#counts.totals,
      position: this.#position,
      marks: this.#marks.lines,
      anchor: this.#marks.anchor,
      timesKnown: this.#log.times.known,
      inflow: this.#inflow.rate,
      problem: this.#errands.problem ?? this.#log.problem,
    };
  }

  close(): void {
    this.#closed.abort();
    if (this.#telling) clearTimeout(this.#telling);
  }

  /** Resolves when everything asked for so far is done; counting goes on. For tests. */
  settled(): Promise<void> {
    return this.#errands.settled();
  }

  /** The files may have grown. */
  refresh(): void {
    this.#errands.refresh();
  }

  /** Looks at the log in another way. The cursor stays on its line, or goes to the nearest one that is shown. */
  setOptions(options: LogOptions): void {
    const before = this.#options;
    this.#options = options;
    const others = showsOthers(before, options);
    if (others || before.search !== options.search) {
      this.#inflow.forget();
      this.#counts.ask(this.#question());
      this.#count.asked();
      this.#position = null;
    }
    const { lines, cursor } = this.#window;
    if (others) this.#seat(this.#following || cursor === -1 ? 'end' : lines[cursor], 'filtering');
    this.#tell();
  }

  /** Moves the cursor by lines; away from the end it stops following. */
  move(step: number): void {
    if (step < 0) this.#following = false;
    this.#errands.dropWish();
    if (this.#errands.seating || this.#errands.owed !== 0) this.#errands.owed += step;
    else {
      const from = this.#window.cursor;
      const short = this.#window.move(step);
      this.#settle();
      this.#shift(from, this.#window.cursor);
      const atEdge = short < 0 ? this.#window.atStart : this.#window.atEnd;
      if (short > 0 && atEdge) this.#following = true;
      if (!atEdge) this.#errands.owed = short;
    }
    this.#tell();
    this.#errands.begin();
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
    if (this.#errands.seeking !== 0) {
      this.#errands.seeking += step;
      return;
    }
    this.#ask('searching', async (signal) => {
      while (this.#errands.seeking !== 0) {
        const ahead = this.#errands.seeking > 0;
        const { lines, cursor } = this.#window;
        const here = lines[cursor] ?? null;
        const next = here && (await this.#match(here, ahead, false, signal));
        const found = next ?? (await this.#match(null, ahead, false, signal));
        if (found) await this.#goTo(found, signal);
        told(next ? 'found' : found ? 'around' : 'none');
        this.#errands.seeking -= Math.sign(this.#errands.seeking);
      }
    });
    this.#errands.seeking = step;
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
    this.#marks.toggle(line);
    this.#tell();
  }

  /** To the next mark, around the end to the first. */
  toMark(): void {
    const next = this.#marks.after(this.#window.lines[this.#window.cursor]);
    if (next) this.#ask('reading', (signal) => this.#goTo(next, signal));
  }

  /** Begins a selection at the cursor, or ends it. */
  toggleSelection(): void {
    this.#marks.anchor = this.#marks.anchor ? null : (this.#window.lines[this.#window.cursor] ?? null);
    if (this.#marks.anchor) this.#following = false;
    this.#tell();
  }

  /** The cursor's line, or all lines of the selection; null when that is too long to be gathered. */
  async selection(): Promise<string | null> {
    const line = this.#window.lines[this.#window.cursor];
    if (!line) return '';
    const other = this.#marks.anchor ?? line;
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
    return {
      streams: streamsOf(this.#options.streams),
      shown: showsAll(this.#options) ? null : shownBy(this.#options),
      matches: soughtBy(this.#options)?.matches ?? null,
    };
  }

  #seat(seat: Seat, what: string): void {
    this.#errands.seat(seat, what);
    this.#position = null;
  }

  /** The next line that matches; `from` null: from the beginning, or backward from the end. */
  #match(from: LogLine | null, forward: boolean, inclusive: boolean, signal: AbortSignal): Promise<LogLine | null> {
    const sought = soughtBy(this.#options);
    const shown = shownBy(this.#options);
    return this.#log.next(
      from,
      { forward, inclusive },
      {
        streams: streamsOf(this.#options.streams),
        wanted: (line) => (sought?.matches(line) ?? false) && shown(line),
        signal,
        barren: this.#counts.withoutMatch,
      },
    );
  }

  async #goTo(line: LogLine, signal: AbortSignal): Promise<void> {
    this.#following = false;
    if (!this.#window.moveTo(line)) await this.#window.seat(line, this.#walk(signal));
    this.#settle();
  }

  #ask(what: string, work: Work): void {
    this.#errands.ask(what, work);
    this.#position = null;
  }

  async #refresh(signal: AbortSignal): Promise<void> {
    // Lines are counted between two looks: these are those of the look before.
    const before = this.#counts.totals;
    if (this.#lookedAt !== null) this.#inflow.saw(this.#lookedAt, before);
    const found = await this.#log.refresh();
    this.#lookedAt = this.#now();
    if (found === 'same') return;
    this.#errands.locate();
    const walk = this.#walk(signal);
    if (found === 'new') {
      this.#inflow.forget();
      this.#counts.ask(this.#question());
      this.#marks.clear();
      this.#errands.seatNext(this.#following ? 'end' : 'start', 'reading');
      return;
    }
    this.#counts.grown();
    this.#marks.noted((line) => this.#log.times.arrival(line.stream, line.start));
    if (this.#errands.seating) return;
    const line = this.#window.lines[this.#window.cursor];
    this.#window.grown();
    if (!this.#following) {
      if (line && !this.#window.moveTo(line)) await this.#window.seat(line, walk);
      else await this.#window.fill(walk);
    } else if (this.#counts.totals.bytes - before.bytes > LEAP_BYTES)
      await this.#window.seat('end', walk, () => this.#following);
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
    while (this.#errands.owed !== 0) {
      await this.#window.fill(this.#walk(signal));
      this.#errands.owed = this.#window.move(this.#errands.owed);
      this.#settle();
      if (this.#errands.owed < 0 ? this.#window.atStart : this.#window.atEnd) {
        if (this.#errands.owed > 0) this.#following = true;
        this.#errands.owed = 0;
      }
    }
  }

  /** The position after a move among lines that are held. */
  #shift(from: number, to: number): void {
    if (!this.#position || from === to) return;
    const [low, high] = from < to ? [from, to] : [to, from];
    const sought = soughtBy(this.#options);
    const passed = this.#window.lines.slice(low + 1, high + 1);
    const matches = sought ? passed.filter(sought.matches).length : 0;
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
    const { lines, cursor } = this.#window;
    // Moved meanwhile: what was found is another line's place.
    if (!lines[cursor] || !sameLine(lines[cursor], line)) return this.#errands.locate();
    const isMatch = soughtBy(this.#options)?.matches(line) ?? false;
    this.#position = above && { line: above.shown + 1, match: above.matches + (isMatch ? 1 : 0) };
  }

  get #countsNow(): boolean {
    const { filter, search, level } = this.#options;
    const asked = filter !== '' || search !== '' || level !== DEFAULT_OPTIONS.level;
    return asked || this.#counts.totals.bytes <= COUNT_UNASKED_BYTES;
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
