/** Text measured in terminal cells: cutting, padding and wrapping that never miscounts a wide character. */
import stringWidth from 'string-width';

/** The sign that text was cut. */
export const CUT = '…';

/**
 * Characters that every terminal draws in one cell and that join no cluster: nearly all that the console shows. Anything
 * else is measured by string-width, which is also what Ink lays out with; both must agree or rows shift.
 */
const ONE_CELL_EACH =
  /^[\x20-\x7e\u00a1-\u00ac\u00ae-\u02ff\u0370-\u0373\u0391-\u03c9\u0410-\u044f\u2010-\u2027\u2030-\u205e\u2190-\u21ff\u2200-\u22ff\u2500-\u25fc\u2620\u2713\u2717\u2800-\u28ff]*$/;

/** Escape sequences of terminals (CSI, OSC, DCS and the short ones), then every control character that is left. */
const SEQUENCES =
  /\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]|\x9b[0-?]*[ -/]*[@-~]|[\x90\x98\x9d-\x9f][^\x07\x9c]*[\x07\x9c]?/g;
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;
/** Joiners, variation selectors and direction marks: terminals disagree about their width, and some turn text around. */
const INVISIBLE = /[\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]/g;

const graphemes = new Intl.Segmenter();

/** True when each character of `text` takes one cell and joins with no other. */
export const oneCellEach = (text: string): boolean => ONE_CELL_EACH.test(text);

/** Cells that one line of text takes. */
export function cellWidth(text: string): number {
  return ONE_CELL_EACH.test(text) ? text.length : stringWidth(text);
}

/**
 * Text from outside (logs, names, error messages) made harmless for a fixed grid: no escape sequence, no control
 * character, tabs and line breaks as spaces.
 */
export function cleanText(text: string): string {
  if (ONE_CELL_EACH.test(text)) return text;
  return text.replace(SEQUENCES, '').replace(/\r?\n|\t/g, ' ').replace(CONTROLS, '').replace(INVISIBLE, '');
}

/** The longest beginning of `text` that fits `width` cells, without a mark. */
export function startOf(text: string, width: number): string {
  if (ONE_CELL_EACH.test(text)) return text.slice(0, width);
  let used = 0;
  let end = 0;
  for (const { segment, index } of graphemes.segment(text)) {
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
  const segments = [...graphemes.segment(text)].map(({ segment }) => segment);
  let room = width - cellWidth(mark);
  if (room < 0) return startOf(mark, width);
  let from = segments.length;
  while (from > 0 && cellWidth(segments[from - 1]) <= room) room -= cellWidth(segments[--from]);
  return mark + segments.slice(from).join('');
}

/** Exactly `width` cells: cut with a mark or filled with spaces. */
export function fitToWidth(text: string, width: number, align: 'left' | 'right' = 'left', mark = CUT): string {
  const cut = cutToWidth(text, width, mark);
  const fill = ' '.repeat(Math.max(0, width - cellWidth(cut)));
  return align === 'left' ? cut + fill : fill + cut;
}

/**
 * Breaks text at spaces into lines of at most `width` cells; words that are longer than a line are broken. With
 * `maxLines` the last line ends in a mark when there was more.
 */
export function wrapText(text: string, width: number, maxLines = Number.POSITIVE_INFINITY, mark = CUT): string[] {
  if (width <= 0) return [];
  const lines: string[] = [];
  let line = '';
  for (let word of text.split(' ')) {
    const joined = line === '' ? word : `${line} ${word}`;
    if (cellWidth(joined) <= width) {
      line = joined;
      continue;
    }
    if (line !== '') lines.push(line);
    while (cellWidth(word) > width) {
      // A wide character in a one-cell column still has to move on.
      const head = startOf(word, width) || (word.match(/^./su)?.[0] ?? word);
      lines.push(head);
      word = word.slice(head.length);
    }
    line = word;
  }
  if (line !== '' || lines.length === 0) lines.push(line);
  if (lines.length <= maxLines) return lines;
  const kept = lines.slice(0, maxLines);
  const last = kept.length - 1;
  if (last >= 0) kept[last] = cutToWidth(`${kept[last]} ${lines[maxLines]}`, width, mark);
  return kept;
}
