/**
 * A frame of a terminal as an SVG picture. Text stays text, piece by piece in its cells; lines, blocks and braille are drawn,
 * so that they meet whatever font the reader has.
 */
import { paletteColour } from './colours.ts';
import { cellWidth, clustersOf } from './width.ts';

export interface PictureColours {
  readonly foreground: string;
  readonly background: string;
}

/** A cell in units of the picture. */
const [W, H] = [8, 18];
const FONT_SIZE = 13;
const BASELINE = 13.5;
const PAD = 8;
/** Half the thickness of a line, and half the distance of a double one. */
const [THIN, APART] = [0.6, 1.6];

interface Attributes {
  readonly fg: number | null;
  readonly bg: number | null;
  readonly bold: boolean;
  readonly dim: boolean;
  readonly inverse: boolean;
}

interface Cell {
  readonly column: number;
  readonly width: number;
  readonly text: string;
  readonly attributes: Attributes;
}

const PLAIN: Attributes = { fg: null, bg: null, bold: false, dim: false, inverse: false };

/**
 * @param rows rows with SGR sequences (16 and 256 colours, bold, dim, inverse)
 * @param size of the frame in cells
 * @param title what it shows, for those who cannot see it
 */
export function frameSvg(
  rows: readonly string[],
  size: { readonly columns: number; readonly rows: number },
  { foreground, background }: PictureColours,
  title: string,
): string {
  const width = size.columns * W + 2 * PAD;
  const height = size.rows * H + 2 * PAD;
  const paint = ({ fg, bg, inverse }: Attributes) => {
    const [front, behind] = [fg === null ? foreground : paletteColour(fg), bg === null ? null : paletteColour(bg)];
    return inverse ? { front: behind ?? background, behind: front } : { front, behind };
  };
  const body = rows.map((row, y) => rowSvg(cellsOf(row), PAD + y * H, paint)).filter((line) => line !== '');
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="'DejaVu Sans Mono',Menlo,Consolas,'Liberation Mono',monospace" font-size="${FONT_SIZE}" xml:space="preserve">`,
    `<title>${escapeXml(title)}</title>`,
    `<rect width="${width}" height="${height}" rx="6" fill="${background}"/>`,
    ...body,
    '</svg>\n',
  ].join('\n');
}

/** The cells of a row, each with what is in force there. */
function cellsOf(row: string): Cell[] {
  const cells: Cell[] = [];
  let attributes = PLAIN;
  let column = 0;
  for (const part of row.split(/(\x1b\[[\d;]*m)/)) {
    const sgr = /^\x1b\[([\d;]*)m$/.exec(part);
    if (sgr) {
      attributes = withSgr(attributes, sgr[1].split(';').map(Number));
      continue;
    }
    for (const text of clustersOf(part)) {
      const width = cellWidth(text);
      cells.push({ column, width, text, attributes });
      column += width;
    }
  }
  return cells;
}

function withSgr(before: Attributes, codes: readonly number[]): Attributes {
  const [code, kind, index] = codes;
  if (code === 38 && kind === 5) return { ...before, fg: index };
  if (code === 48 && kind === 5) return { ...before, bg: index };
  if (code === 1) return { ...before, bold: true };
  if (code === 2) return { ...before, dim: true };
  if (code === 22) return { ...before, bold: false, dim: false };
  if (code === 7 || code === 27) return { ...before, inverse: code === 7 };
  if (code === 39) return { ...before, fg: null };
  if (code === 49) return { ...before, bg: null };
  if (code >= 30 && code <= 37) return { ...before, fg: code - 30 };
  if (code >= 90 && code <= 97) return { ...before, fg: code - 90 + 8 };
  if (code >= 40 && code <= 47) return { ...before, bg: code - 40 };
  return code ? before : PLAIN;
}

type Painter = (attributes: Attributes) => { readonly front: string; readonly behind: string | null };

function rowSvg(cells: readonly Cell[], top: number, paint: Painter): string {
  const parts: string[] = [];
  for (const run of runsOf(cells)) {
    const { front, behind } = paint(run[0].attributes);
    const [left, right] = [run[0].column, run.at(-1)!.column + run.at(-1)!.width];
    const opacity = run[0].attributes.dim ? ' opacity=".65"' : '';
    if (behind)
      parts.push(`<rect x="${x(left)}" y="${top}" width="${(right - left) * W}" height="${H}" fill="${behind}"/>`);
    const drawn = run.map((cell) => drawCell(cell.text, x(cell.column), top)).join('');
    if (drawn) parts.push(`<path d="${drawn}" fill="${front}"${opacity}/>`);
    const text = textPieces(run).map(
      ({ column, text: piece }) => `<tspan x="${x(column)}"${lengthOf(piece)}>${escapeXml(piece)}</tspan>`,
    );
    const bold = run[0].attributes.bold ? ' font-weight="bold"' : '';
    if (text.length > 0)
      parts.push(`<text y="${top + BASELINE}" fill="${front}"${bold}${opacity}>${text.join('')}</text>`);
  }
  return parts.join('');
}

const x = (column: number): number => PAD + column * W;

/** A letter stands where it begins; several are held to their cells. */
const lengthOf = (text: string): string => {
  const cells = cellWidth(text);
  return cells > 1 ? ` textLength="${cells * W}"` : '';
};

/** Neighbours of the same attributes. */
function runsOf(cells: readonly Cell[]): Cell[][] {
  const runs: Cell[][] = [];
  for (const cell of cells) {
    const last = runs.at(-1);
    if (last && JSON.stringify(last[0].attributes) === JSON.stringify(cell.attributes)) last.push(cell);
    else runs.push([cell]);
  }
  return runs;
}

/** Words of plain letters each at their column; a sign, which may come from another font, stands alone. */
function textPieces(run: readonly Cell[]): { column: number; text: string }[] {
  const pieces: { column: number; text: string; open: boolean }[] = [];
  let spaces = '';
  for (const { column, text } of run) {
    if (text === ' ' || isDrawn(text)) {
      spaces = text === ' ' ? `${spaces} ` : '   ';
      continue;
    }
    const last = pieces.at(-1);
    const plain = /^[\x21-\x7e]$/.test(text);
    // One space is kept within a piece, so that sentences stay sentences.
    if (plain && last?.open && spaces.length <= 1) last.text += spaces + text;
    else pieces.push({ column, text, open: plain });
    spaces = '';
  }
  return pieces;
}

const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** Arms of the box-drawing characters to left, up, right, down: 0 none, 1 single, 2 double. */
const BOX: Readonly<Record<string, readonly [left: number, up: number, right: number, down: number]>> = {
  '─': [1, 0, 1, 0],
  '│': [0, 1, 0, 1],
  '┌': [0, 0, 1, 1],
  '┐': [1, 0, 0, 1],
  '└': [0, 1, 1, 0],
  '┘': [1, 1, 0, 0],
  '├': [0, 1, 1, 1],
  '┤': [1, 1, 0, 1],
  '┬': [1, 0, 1, 1],
  '┴': [1, 1, 1, 0],
  '┼': [1, 1, 1, 1],
  '═': [2, 0, 2, 0],
  '║': [0, 2, 0, 2],
  '╔': [0, 0, 2, 2],
  '╗': [2, 0, 0, 2],
  '╚': [0, 2, 2, 0],
  '╝': [2, 2, 0, 0],
};
const UPWARD = '▁▂▃▄▅▆▇█';
const RIGHTWARD = '▏▎▍▌▋▊▉';
const SHADES = '░▒▓';
/** Bits of a braille cell by column and row. */
const DOTS = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
];

const isBraille = (text: string): boolean => text >= '\u2800' && text <= '\u28ff';
const isDrawn = (text: string): boolean =>
  text in BOX || UPWARD.includes(text) || RIGHTWARD.includes(text) || SHADES.includes(text) || isBraille(text);

/** The character as a path, empty when it is a letter. */
function drawCell(text: string, left: number, top: number): string {
  if (text in BOX) return boxPath(BOX[text], left, top);
  if (UPWARD.includes(text)) {
    const height = ((UPWARD.indexOf(text) + 1) * H) / 8;
    return bar(left, top + H - height, W, height);
  }
  if (RIGHTWARD.includes(text)) return bar(left, top, RIGHTWARD.indexOf(text) + 1, H);
  if (SHADES.includes(text)) return shade(SHADES.indexOf(text) + 1, left, top);
  if (!isBraille(text)) return '';
  const bits = text.charCodeAt(0) - 0x2800;
  return DOTS.flatMap((column, i) =>
    column.map((bit, j) => (bits & bit ? bar(left + 1 + i * 4, top + 1.25 + j * 4.5, 2, 2) : '')),
  ).join('');
}

const bar = (left: number, top: number, width: number, height: number): string =>
  `M${round(left)} ${round(top)}h${round(width)}v${round(height)}h${round(-width)}z`;
const round = (value: number): number => Math.round(value * 100) / 100;

/** A quarter, half or three quarters of the cell in rows of dots. */
function shade(quarters: number, left: number, top: number): string {
  const rows = Array.from({ length: H / 2 }, (_, row) => row);
  return rows
    .flatMap((row) =>
      [0, 1, 2, 3].map((k) => ((k + 2 * (row % 2)) % 4 < quarters ? bar(left + 2 * k, top + 2 * row, 2, 2) : '')),
    )
    .join('');
}

function boxPath(
  [toLeft, up, right, down]: readonly [number, number, number, number],
  left: number,
  top: number,
): string {
  const [middle, centre] = [left + W / 2, top + H / 2];
  const offsets = (weight: number) => (weight === 2 ? [-APART, APART] : weight === 1 ? [0] : []);
  // In a double corner the outer line begins further out than the inner one; everything else meets in the middle.
  const turn = toLeft > 0 !== right > 0 && up > 0 !== down > 0;
  const side = (toward: number) => (turn ? (toward ? 1 : -1) : 0);
  const across = (from: number, to: number, offset: number) =>
    bar(from - THIN, centre + offset - THIN, to - from + 2 * THIN, 2 * THIN);
  const upright = (from: number, to: number, offset: number) =>
    bar(middle + offset - THIN, from - THIN, 2 * THIN, to - from + 2 * THIN);
  return [
    ...offsets(toLeft).map((offset) => across(left, middle - offset * side(down), offset)),
    ...offsets(right).map((offset) => across(middle + offset * side(down), left + W, offset)),
    ...offsets(up).map((offset) => upright(top, centre - offset * side(right), offset)),
    ...offsets(down).map((offset) => upright(centre + offset * side(right), top + H, offset)),
  ].join('');
}
