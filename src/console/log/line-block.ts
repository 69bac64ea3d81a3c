/**
 * Where lines begin and end in a file that is read by blocks. A line ends behind its newline; one without a newline in a
 * whole block is cut at the block's end, so that no line is longer than two blocks and each can be found by looking at its
 * neighbours alone, wherever in the file.
 */
import { isAscii } from 'node:buffer';

export const BLOCK_BYTES = 64 * 1024;
const NEWLINE = 10;

/** The lines that begin in one block. */
export interface LineBlock {
  /** Number of the block: it begins at `BLOCK_BYTES * index`, or at smaller multiples in tests. */
  readonly index: number;
  /** Place of `bytes[0]` in the file. */
  readonly offset: number;
  /** The block, and of the next one what belongs to its last line. */
  readonly bytes: Buffer;
  /** The same as text, when it is printable ASCII throughout: its lines are parts of it as they stand. */
  readonly plain: string | null;
  /** Where its lines begin in the file, ascending: each ends where the next one begins, its newline included. */
  readonly starts: Float64Array;
  /** Where the last one ends. */
  readonly end: number;
  /** The last line has no end yet: the file ends in it. */
  readonly open: boolean;
}

/** The neighbours of a block; null where the file begins or ends. A block that is shorter than `size` is the last one. */
export interface Neighbours {
  readonly before: Buffer | null;
  readonly block: Buffer;
  readonly after: Buffer | null;
}

/** Finds the lines of block `index`, in blocks of `size` bytes. */
export function linesOf(index: number, { before, block, after }: Neighbours, size = BLOCK_BYTES): LineBlock {
  const offset = index * size;
  const starts = new Float64Array(lineCount({ before, block }));
  let found = 0;
  if (beginsAtStart(before) && block.length > 0) starts[found++] = offset;
  let newline = block.indexOf(NEWLINE);
  const any = newline !== -1;
  while (newline !== -1) {
    if (newline + 1 < block.length) starts[found++] = offset + newline + 1;
    newline = block.indexOf(NEWLINE, newline + 1);
  }
  if (starts.length === 0)
    return { index, offset, bytes: block, plain: plainText(block), starts, end: offset, open: false };
  const whole = block.length === size;
  // It ends in this block, or is cut at its end.
  if (block.at(-1) === NEWLINE || (whole && !any)) {
    const end = offset + block.length;
    return { index, offset, bytes: block, plain: plainText(block), starts, end, open: false };
  }
  const rest = after === null ? -1 : after.indexOf(NEWLINE);
  const taken = after === null ? 0 : rest === -1 ? after.length : rest + 1;
  const bytes = taken === 0 ? block : Buffer.concat([block, after!.subarray(0, taken)]);
  return {
    index,
    offset,
    bytes,
    plain: plainText(bytes),
    starts,
    end: offset + block.length + taken,
    open: rest === -1 && (after?.length ?? 0) < size,
  };
}

/** The bytes as text when every one of them is a printable character or a newline. */
function plainText(bytes: Buffer): string | null {
  if (!isAscii(bytes)) return null;
  const text = bytes.toString('latin1');
  return /[^\n\x20-\x7e]/.test(text) ? null : text;
}

/** How many lines begin in a block, without looking for each. */
export function lineCount({ before, block }: Omit<Neighbours, 'after'>): number {
  let count = beginsAtStart(before) && block.length > 0 ? 1 : 0;
  const last = block.length - 1;
  for (let at = block.indexOf(NEWLINE); at !== -1 && at < last; at = block.indexOf(NEWLINE, at + 1)) count++;
  return count;
}

/** Whether a line begins where a block does. */
const beginsAtStart = (before: Buffer | null): boolean =>
  before === null || before.at(-1) === NEWLINE || !before.includes(NEWLINE);

/** The first line of the block that begins at or after a place; the number of lines when none does. */
export function firstFrom({ starts }: LineBlock, place: number): number {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (starts[middle] < place) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Where line `i` ends in the file. */
export const endOf = ({ starts, end }: LineBlock, i: number): number => (i + 1 < starts.length ? starts[i + 1] : end);

/** The bytes of line `i` without its newline, as a place in `block.bytes`. */
export function extentOf(block: LineBlock, i: number): { from: number; to: number } {
  const from = block.starts[i] - block.offset;
  const end = endOf(block, i) - block.offset;
  return { from, to: end > from && block.bytes[end - 1] === NEWLINE ? end - 1 : end };
}
