/**
 * A row of the screen as data: pieces of text with a tone. It is cut, padded and turned into one string with colours at
 * the very end, so that widths are counted on plain text and nothing is ever cut inside an escape sequence.
 */
import { toAscii } from './ascii.ts';
import type { Tone } from './states.ts';
import { CUT, cellWidth, cleanText, startOf } from './width.ts';

export interface Span {
  readonly text: string;
  readonly tone?: Tone;
  readonly bold?: boolean;
  readonly inverse?: boolean;
}

export type Line = readonly (Span | string)[];

/** How rows become strings: colours by tone, and whether only ASCII may be sent. */
export interface Style {
  readonly ascii: boolean;
  /** Start and end sequence of a piece; empty strings without colour. */
  wrap(span: Span): readonly [string, string];
}

/** Style without any escape sequence, for tests and plain output. */
export const PLAIN_STYLE: Style = { ascii: false, wrap: () => ['', ''] };

export const span = (text: string, tone?: Tone, more: Omit<Span, 'text' | 'tone'> = {}): Span => ({
  text,
  tone,
  ...more,
});

/** The piece with its text made harmless: names, logs and errors come from outside, and no row may drive the terminal. */
function asSpan(piece: Span | string): Span {
  const given = typeof piece === 'string' ? { text: piece } : piece;
  const text = cleanText(given.text);
  return text === given.text ? given : { ...given, text };
}

/** Cells that a row takes before it is cut. */
export function lineWidth(line: Line): number {
  return line.reduce((sum, piece) => sum + cellWidth(asSpan(piece).text), 0);
}

/** The plain text of a row. */
export const lineText = (line: Line): string => line.map((piece) => asSpan(piece).text).join('');

/** The row spelled as the style can show it. Done before anything is measured, for a plain spelling may be longer. */
export function spellLine(line: Line, style: Pick<Style, 'ascii'>): Line {
  return style.ascii ? line.map((piece) => ({ ...asSpan(piece), text: toAscii(asSpan(piece).text) })) : line;
}

/** The row in exactly `width` cells: cut with a mark, or filled up with spaces. */
export function fitLine(line: Line, width: number): Span[] {
  const fitted: Span[] = [];
  let left = width;
  const total = lineWidth(line);
  // One cell is kept for the mark when something will be cut.
  let room = total > width ? width - cellWidth(CUT) : width;
  for (const piece of line) {
    const one = asSpan(piece);
    const cells = cellWidth(one.text);
    if (cells <= room) {
      fitted.push(one);
      room -= cells;
      left -= cells;
      continue;
    }
    const shown = startOf(one.text, room) + CUT;
    fitted.push({ ...one, text: shown });
    left -= cellWidth(shown);
    break;
  }
  if (left > 0) fitted.push({ text: ' '.repeat(left) });
  return fitted;
}

/** The row as one string of exactly `width` cells with the style's colours. */
export function renderLine(line: Line, width: number, style: Style): string {
  if (width <= 0) return '';
  let row = '';
  let closing = '';
  let opened = '';
  for (const one of fitLine(spellLine(line, style), width)) {
    const [open, close] = style.wrap(one);
    // Neighbours of one look share their sequences.
    if (open !== opened) row += closing + open;
    row += style.ascii ? toAscii(one.text) : one.text;
    [opened, closing] = [open, close];
  }
  return row + closing;
}

/** Two rows in one: `left` from the left edge, `right` against the right edge; the left one gives way. */
export function spread(left: Line, right: Line, width: number): Line {
  const rightWidth = lineWidth(right);
  if (rightWidth === 0) return fitLine(left, width);
  if (rightWidth >= width) return fitLine(right, width);
  return [...fitLine(left, width - rightWidth - 1), ' ', ...right];
}

/** Something that may have to leave when it gets narrow; rank 1 leaves last. */
export interface Packed {
  readonly line: Line;
  readonly rank: number;
}

/** Cells of the mark of what left, with the one before it. */
export const MARK_CELLS = 2;

/** As many of the pieces as fit, in their order, with `gap` cells between them and, where some had to leave, the mark of that. */
export function packLine(pieces: readonly Packed[], width: number, gap = 2): Line {
  const all = packUnmarked(pieces, width, gap);
  return all.left === 0 ? all.line : [...packUnmarked(pieces, width - MARK_CELLS, gap).line, ' ', span(CUT, 'muted')];
}

/** As many as fit where what leaves is told elsewhere, and how many left. One always stays. */
export function packUnmarked(pieces: readonly Packed[], width: number, gap: number): { line: Line; left: number } {
  const kept = [...pieces];
  const needed = () => kept.reduce((sum, piece) => sum + lineWidth(piece.line), 0) + gap * Math.max(0, kept.length - 1);
  while (kept.length > 1 && needed() > width) {
    const worst = kept.reduce((a, b) => (b.rank > a.rank ? b : a));
    kept.splice(kept.indexOf(worst), 1);
  }
  const line = kept.flatMap((piece, i) => [...(i > 0 ? [' '.repeat(gap)] : []), ...piece.line]);
  return { line, left: pieces.length - kept.length };
}
