/**
 * Takes whole frames and sends the rows that changed, from the cell where they begin to differ, inside one synchronised
 * update. An unchanged frame costs 0 bytes, which is what a slow SSH link needs.
 */
import { Writable } from 'node:stream';
import { type Attributes, applySgr, SGR, sgrOf } from '../format/sgr.ts';
import { cellWidth, oneCellEach } from '../format/width.ts';

/** The terminal as far as painting needs it. */
export interface FrameTarget {
  readonly columns: number;
  readonly rows: number;
  write(text: string): void;
}

const BEGIN_UPDATE = '\x1b[?2026h';
const END_UPDATE = '\x1b[?2026l';
const ERASE_REST = '\x1b[K';
/** A shared beginning shorter than this is not worth a cursor address further right. */
const WORTH_SKIPPING = 6;

export class FrameWriter extends Writable {
  /** What was sent since the start, for the byte budget. */
  readonly sent = { frames: 0, rows: 0, bytes: 0 };
  readonly #target: FrameTarget;
  #latest: string | null = null;
  /** Rows on the screen; null while nobody knows what is there. */
  #shown: string[] | null = null;
  #open = false;

  constructor(target: FrameTarget) {
    super({ decodeStrings: false });
    this.#target = target;
  }

  get columns(): number {
    return this.#target.columns;
  }

  get rows(): number {
    return this.#target.rows;
  }

  /** Begins to paint: the screen is ours now, and blank. */
  open(): void {
    this.#open = true;
    this.repaint();
  }

  /** Stops painting; frames that still come are dropped. */
  shut(): void {
    this.#open = false;
  }

  /** The screen's content is unknown (resize, redraw key): the next frame is sent whole. */
  forget(): void {
    this.#shown = null;
  }

  /** Sends the latest frame whole, now. */
  repaint(): void {
    this.forget();
    if (this.#latest !== null) this.#paint(this.#latest);
  }

  /** Sends the latest frame whole unless a newer one has been sent since `forget`. */
  repaintIfForgotten(): void {
    if (this.#shown === null) this.repaint();
  }

  override _write(chunk: string | Uint8Array, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const text = String(chunk);
    // Ink writes an empty string to learn when everything before has been written.
    if (text !== '') {
      this.#latest = text;
      this.#paint(text);
    }
    done();
  }

  #paint(frame: string): void {
    if (!this.#open) return;
    // A frame laid out for the size before a resize may be too tall for a moment: what does not fit is not sent.
    const rows = frame.split('\n').slice(0, this.rows);
    let update = '';
    let changed = 0;
    if (this.#shown === null) {
      update = '\x1b[0m\x1b[2J';
      this.#shown = [];
    }
    for (let i = 0; i < Math.max(rows.length, this.#shown.length); i++) {
      const before = this.#shown[i] ?? '';
      const after = rows[i] ?? '';
      if (before === after) continue;
      update += this.#rowUpdate(i, before, after);
      changed++;
    }
    this.#shown = rows;
    if (update === '') return;
    const bytes = BEGIN_UPDATE + update + END_UPDATE;
    this.sent.frames++;
    this.sent.rows += changed;
    this.sent.bytes += Buffer.byteLength(bytes);
    this.#target.write(bytes);
  }

  #rowUpdate(row: number, before: string, after: string): string {
    const { index, column, sgr } = sharedBeginning(before, after);
    const rest = after.slice(index);
    const end = column + cellWidth(rest.replace(SGR, ''));
    // After the last column the cursor still stands on it: erasing from there would take its character away.
    const erase = end < this.columns ? ERASE_REST : '';
    return `\x1b[${row + 1};${column + 1}H${sgr}${rest}${erase}`;
  }
}

interface Resume {
  readonly index: number;
  readonly column: number;
  /** Colours in force at that place. */
  readonly sgr: string;
}

const START: Resume = { index: 0, column: 0, sgr: '' };

/** The place up to which two rows are the same, never inside an escape sequence or a cluster of characters. */
export function sharedBeginning(before: string, after: string): Resume {
  const colours: Attributes = new Map();
  let index = 0;
  let column = 0;
  while (index < after.length && before[index] === after[index]) {
    if (after[index] !== '\x1b') {
      if (!oneCellEach(after[index])) break;
      index++;
      column++;
      continue;
    }
    SGR.lastIndex = index;
    const sequence = SGR.exec(after);
    if (sequence?.index !== index || !before.startsWith(sequence[0], index)) break;
    applySgr(colours, sequence[0]);
    index += sequence[0].length;
  }
  const joins = (text: string | undefined) => text !== undefined && text !== '\x1b' && !oneCellEach(text);
  if (column < WORTH_SKIPPING || joins(after[index]) || joins(before[index])) return START;
  return { index, column, sgr: sgrOf(colours) };
}
