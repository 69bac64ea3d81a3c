/** Text measured in terminal cells: cutting, padding and wrapping that never miscounts a wide character. */

/** The sign that text was cut. */
export const CUT = '…';

/** Characters that every terminal draws in one cell and that join no cluster: nearly all that the console shows. */
const ONE_CELL_EACH =
  /^[\x20-\x7e\u00a1-\u00ac\u00ae-\u02ff\u0370-\u0373\u0391-\u03c9\u0410-\u044f\u2010-\u2027\u2030-\u205e\u2190-\u21ff\u2200-\u22ff\u2500-\u25fc\u2620\u2713\u2717\u2800-\u28ff]*$/;

/** Escape sequences of terminals (CSI, OSC, DCS and the short ones), then every control character that is left. */
const SEQUENCES =
  /\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]|\x9b[0-?]*[ -/]*[@-~]|[\x90\x98\x9d-\x9f][^\x07\x9c]*[\x07\x9c]?/g;
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;
/** Joiners, variation selectors and direction marks: terminals disagree about their width, and some turn text around. */
const INVISIBLE = /[\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]|\p{Variation_Selector}/gu;

/** Made when first needed: it loads the Unicode data, which text of one-cell characters does without. */
let segmenter: Intl.Segmenter | null = null;
const graphemes = (text: string) => (segmenter ??= new Intl.Segmenter()).segment(text);

/** The characters of a text as a terminal puts them into cells: a letter with its accents is one. */
export const clustersOf = (text: string): string[] =>
  ONE_CELL_EACH.test(text) ? [...text] : [...graphemes(text)].map(({ segment }) => segment);

/** True when each character of `text` takes one cell and joins with no other. */
export const oneCellEach = (text: string): boolean => ONE_CELL_EACH.test(text);

/** First and last character of the blocks that are two cells wide (East Asian Width W and F). */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2329, 0x232a],
  [0x2e80, 0x303e],
  [0x3041, 0x4dbf],
  [0x4e00, 0xa4cf],
  [0xa960, 0xa97c],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6b],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18cff],
  [0x1aff0, 0x1b2ff],
  [0x1f200, 0x1f265],
  [0x20000, 0x3fffd],
];
const NO_CELL =
  /[\p{Nonspacing_Mark}\p{Enclosing_Mark}\p{Control}\p{Format}\p{Surrogate}\p{Default_Ignorable_Code_Point}]/u;
const EMOJI = /^\p{Emoji_Presentation}/u;

/**
 * Cells that one line of text takes. A cluster (a letter with its accents, a flag) takes what its first visible character
 * takes; text from outside has gone through `cleanText`, so that nothing in it joins characters into one picture.
 */
export function cellWidth(text: string): number {
  if (ONE_CELL_EACH.test(text)) return text.length;
  let cells = 0;
  for (const { segment } of graphemes(text)) cells += clusterWidth(segment);
  return cells;
}

function clusterWidth(cluster: string): number {
  for (const character of cluster) {
    if (NO_CELL.test(character)) continue;
    const code = character.codePointAt(0) ?? 0;
    return WIDE.some(([first, last]) => code >= first && code <= last) || EMOJI.test(character) ? 2 : 1;
  }
  return 0;
}

/**
 * Text from outside (logs, names, error messages) made harmless for a fixed grid: no escape sequence, no control
 * character, tabs and line breaks as spaces.
 */
export function cleanText(text: string): string {
  if (ONE_CELL_EACH.test(text)) return text;
  return text
    .replace(SEQUENCES, '')
    .replace(/\r?\n|\t/g, ' ')
    .replace(CONTROLS, '')
    .replace(INVISIBLE, '');
}

/** The longest beginning of `text` that fits `width` cells, without a mark. */
export function startOf(text: string, width: number): string {
  if (ONE_CELL_EACH.test(text)) return text.slice(0, width);
  let used = 0;
  let end = 0;
  for (const { segment, index } of graphemes(text)) {
    used += cellWidth(segment);
    if (used > width) break;
    end = index + segment.length;
  }
  return text.slice(0, end);
}

/** `text` in at most `width` cells; what is cut ends in `mark`. */
export function cutToWidth(text: string, width: number, mark = CUT): string {
  if (width <= 0) return '';
  if (cellWidth(text) <= width) return text;
  const room = width - cellWidth(mark);
  return room < 0 ? startOf(mark, width) : startOf(text, room) + mark;
}

/** Keeps the end instead: `/a/very/long/path` → `…/long/path`. */
export function cutStartToWidth(text: string, width: number, mark = CUT): string {
  if (width <= 0) return '';
  if (cellWidth(text) <= width) return text;
  const segments = clustersOf(text);
  let room = width - cellWidth(mark);
  if (room < 0) return startOf(mark, width);
  let from = segments.length;
  while (from > 0 && cellWidth(segments[from - 1]) <= room) room -= cellWidth(segments[--from]);
  return mark + segments.slice(from).join('');
}

/**
 * `text` in at most `width` cells with its last sentence whole where that takes no more than two thirds of them: messages end
 * in what to do. Else cut at its end.
 */
export function cutBeforeLastSentence(text: string, width: number, mark = CUT): string {
  if (cellWidth(text) <= width) return text;
  const at = text.lastIndexOf('. ');
  const end = text.slice(at + 2);
  if (at < 0 || cellWidth(end) * 3 > width * 2) return cutToWidth(text, width, mark);
  return `${cutToWidth(text, width - cellWidth(end) - 1, mark)} ${end}`;
}

/** Exactly `width` cells: cut with a mark or filled with spaces. */
export function fitToWidth(text: string, width: number, align: 'left' | 'right' = 'left', mark = CUT): string {
  const cut = cutToWidth(text, width, mark);
  const fill = ' '.repeat(Math.max(0, width - cellWidth(cut)));
  return align === 'left' ? cut + fill : fill + cut;
}

/** A space at which a row may end: not one inside an age (`15 m ago`, `just now`), which is one word to its reader. */
const BREAK = / (?!(?<=\d )[mhd] ago\b|(?<=\d [mhd] )ago\b|(?<=\bjust )now\b)/;

/** A word in parts of at most `width` cells, one at least; a character wider than that is a part of its own. */
function broken(word: string, width: number): string[] {
  if (ONE_CELL_EACH.test(word)) {
    return Array.from({ length: Math.max(1, Math.ceil(word.length / width)) }, (_, i) =>
      word.slice(i * width, (i + 1) * width),
    );
  }
  const parts: string[] = [];
  let part = '';
  let used = 0;
  for (const { segment } of graphemes(word)) {
    const cells = cellWidth(segment);
    if (used + cells > width && part !== '') {
      parts.push(part);
      part = '';
      used = 0;
    }
    part += segment;
    used += cells;
  }
  return [...parts, part];
}

/**
 * Breaks text at spaces into lines of at most `width` cells; words that are longer than a line are broken. With
 * `maxLines` the last line ends in a mark when there was more.
 */
export function wrapText(text: string, width: number, maxLines = Number.POSITIVE_INFINITY, mark = CUT): string[] {
  if (width <= 0) return [];
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(BREAK)) {
    const joined = line === '' ? word : `${line} ${word}`;
    if (cellWidth(joined) <= width) {
      line = joined;
      continue;
    }
    if (line !== '') lines.push(line);
    if (lines.length > maxLines) break;
    line = word;
    if (cellWidth(word) <= width) continue;
    const parts = broken(word, width);
    line = parts.pop()!;
    for (const part of parts) lines.push(part);
  }
  if (line !== '' || lines.length === 0) lines.push(line);
  if (lines.length <= maxLines) return lines;
  const kept = lines.slice(0, maxLines);
  const last = kept.length - 1;
  if (last >= 0) kept[last] = cutToWidth(`${kept[last]} ${lines[maxLines]}`, width, mark);
  return kept;
}
