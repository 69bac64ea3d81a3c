/**
 * The rows of a frame, put together from blocks of finished rows. A row is joined from the blocks that it goes through as they
 * stand; only where one lies over another is it cut, cell by cell.
 */
import { type Attributes, applySgr, SGR, sgrOf } from '../format/sgr.ts';
import { cellWidth, clustersOf, oneCellEach } from '../format/width.ts';

export interface Block {
  /** Cells and rows from the upper left corner. */
  readonly left: number;
  readonly top: number;
  readonly width: number;
  /** Each of exactly `width` cells, with its colours closed at its end. */
  readonly rows: readonly string[];
  /** Lies over the blocks that do not. */
  readonly over: boolean;
}

interface Piece {
  readonly left: number;
  readonly width: number;
  readonly text: string;
}

const RESET = '\x1b[0m';

/** What lies where. Tells `changed` once for all changes of one moment. */
export class Canvas {
  readonly #blocks = new Map<unknown, Block>();
  readonly #changed: () => void;
  #telling = false;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Puts a block in the place of the one of the same key. */
  put(key: unknown, block: Block): void {
    this.#blocks.set(key, block);
    this.#tell();
  }

  remove(key: unknown): void {
    this.#blocks.delete(key);
    this.#tell();
  }

  /** So many rows, without the blanks at their ends. What lies beyond is cut off. */
  frame(columns: number, rows: number): string[] {
    const pieces: Piece[][] = Array.from({ length: Math.max(0, rows) }, () => []);
    for (const over of [false, true]) {
      for (const block of this.#blocks.values()) {
        if (block.over !== over) continue;
        const { left, width } = block;
        block.rows.forEach((text, i) => {
          const row = pieces[block.top + i];
          if (row) lay(row, { left, width, text });
        });
      }
    }
    return pieces.map((row) => joined(row, columns));
  }

  #tell(): void {
    if (this.#telling) return;
    this.#telling = true;
    queueMicrotask(() => {
      this.#telling = false;
      this.#changed();
    });
  }
}

/** Lays a piece into a row that is in order; what lies under it is cut away. */
function lay(row: Piece[], piece: Piece): void {
  const end = piece.left + piece.width;
  for (let i = row.length - 1; i >= 0; i--) {
    const under = row[i];
    const underEnd = under.left + under.width;
    if (underEnd <= piece.left || under.left >= end) continue;
    row.splice(
      i,
      1,
      ...[part(under, under.left, piece.left), part(under, end, underEnd)].filter((one) => one.width > 0),
    );
  }
  const after = row.findIndex(({ left }) => left >= end);
  row.splice(after === -1 ? row.length : after, 0, piece);
}

const part = ({ left, text }: Piece, from: number, to: number): Piece => ({
  left: from,
  width: to - from,
  text: to > from ? cellsOf(text, from - left, to - left) : '',
});

function joined(row: readonly Piece[], columns: number): string {
  let text = '';
  let at = 0;
  for (const piece of row) {
    if (piece.left >= columns) break;
    text += ' '.repeat(piece.left - at);
    const fitting = piece.left + piece.width <= columns ? piece : part(piece, piece.left, columns);
    text += fitting.text;
    at = fitting.left + fitting.width;
  }
  return text.trimEnd();
}

/** Cells `from` to `to` of a row, in their colours. Half of a wide character is a blank. */
export function cellsOf(row: string, from: number, to: number): string {
  const before: Attributes = new Map();
  const inForce: Attributes = new Map();
  let cells = '';
  let column = 0;
  let index = 0;
  const take = (text: string): void => {
    // Nearly always a character is a cell.
    if (oneCellEach(text)) {
      cells += text.slice(Math.max(0, from - column), Math.max(0, to - column));
      column += text.length;
      return;
    }
    for (const cluster of clustersOf(text)) {
      const width = cellWidth(cluster);
      const inside = Math.min(to, column + width) - Math.max(from, column);
      if (inside > 0) cells += inside === width ? cluster : ' '.repeat(inside);
      column += width;
    }
  };
  for (const { 0: sequence, index: at } of row.matchAll(SGR)) {
    take(row.slice(index, at));
    index = at + sequence.length;
    if (column >= to) break;
    applySgr(inForce, sequence);
    if (column <= from) applySgr(before, sequence);
    else cells += sequence;
  }
  if (column < to) take(row.slice(index));
  return sgrOf(before) + cells + (inForce.size > 0 ? RESET : '');
}
