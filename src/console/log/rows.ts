/** A log's frame as rows of a pane: which lines are in view, how they are broken, and what stands before them. */
import { formatClock, formatElapsed } from '../../format/age.ts';
import { type Line, type Span, span } from '../../format/lines.ts';
import type { Tone } from '../../format/states.ts';
import { CUT, cellWidth, startOf } from '../../format/width.ts';
import { inOrder, type Level, type LogLine, type LogStream, sameLine } from './line.ts';
import type { LogFrame } from './log-frame.ts';
import { levelName, type Sought, standingOut, streamsOf } from './query.ts';

export interface LogRows {
  /** At most as many as there is room for. */
  readonly rows: readonly Line[];
  /** There is more above, or below. */
  readonly above: boolean;
  readonly below: boolean;
}

export interface RowsOptions {
  readonly width: number;
  readonly height: number;
  /** When the job began, for times since then; null: nobody knows. */
  readonly startedAt: number | null;
}

/** From this width on words stand where else letters do. */
const WORDS_FROM = 100;
/** What stands before the text leaves at least this much for it. */
const MIN_TEXT = 12;

const LEVEL_TONES: Readonly<Record<Level, Tone>> = { debug: 'muted', info: 'info', warn: 'warn', error: 'bad' };
const STREAM_WORDS: Readonly<Record<LogStream, readonly [word: string, letter: string]>> = {
  out: ['out', 'o'],
  err: ['err', 'e'],
  events: ['evt', 'v'],
};

/** The part of the text of a line that one row shows. */
interface Piece {
  readonly line: number;
  readonly from: number;
  readonly to: number;
}

/** The rows in view. The cursor's line stands in the middle, but where the log begins or ends, and while it is followed. */
export function logRows(frame: LogFrame, options: RowsOptions): LogRows {
  const { lines, cursor } = frame;
  const height = Math.max(0, options.height);
  if (cursor < 0 || height === 0) return { rows: [], above: false, below: false };
  const sought = standingOut(frame.options);
  const lead = leadOf(frame, options, sought);
  const room = Math.max(1, options.width - lead.width);
  const piecesOf = (line: number) => pieces(lines[line].text, line, frame.options.wrap ? room : null);

  const own = piecesOf(cursor);
  const above: Piece[] = [];
  let first = cursor;
  while (first > 0 && above.length < height) above.unshift(...piecesOf(--first));
  const below: Piece[] = [];
  let last = cursor;
  while (last < lines.length - 1 && below.length < height) below.push(...piecesOf(++last));

  const all = [...above, ...own, ...below];
  const middle = above.length - Math.floor(Math.max(0, height - own.length) / 2);
  const bottom = Math.max(0, all.length - height);
  // A line that is taller than the pane is shown from its beginning.
  // Of what came after the cursor's coming, no more is shown than the pane has room for.
  const known = below.filter(({ line }) => line - cursor <= (frame.below ?? height)).length;
  const rest = Math.max(0, above.length + own.length + known - height);
  const top = frame.following
    ? bottom
    : Math.max(0, Math.min(own.length > height ? above.length : middle, rest, bottom));
  const shown = all.slice(top, top + height);
  return {
    rows: shown.map((piece, i) => [
      // A line whose beginning is out of view has the cursor's sign all the same.
      ...(piece.from === 0
        ? lead.of(piece.line)
        : [cursorSign(i === 0 && piece.line === cursor), ' '.repeat(lead.width - 1)]),
      ...textOf(lines[piece.line], piece, frame.options.wrap ? 0 : frame.options.left, sought),
    ]),
    above: top > 0 || first > 0 || !frame.atStart,
    below: top + shown.length < all.length || last < lines.length - 1 || !frame.atEnd,
  };
}

const cursorSign = (here: boolean): Span => (here ? span('▸', 'accent', { bold: true }) : span(' '));

/** A line's text broken at `width` cells; null: not broken. */
function pieces(text: string, line: number, width: number | null): Piece[] {
  if (width === null) return [{ line, from: 0, to: text.length }];
  const found: Piece[] = [];
  let from = 0;
  do {
    const rest = text.slice(from);
    // A wide character in a one-cell column still has to move on.
    const taken = startOf(rest, width).length || (rest.match(/^./su)?.[0].length ?? 0);
    found.push({ line, from, to: from + taken });
    from += taken;
  } while (from < text.length);
  return found;
}

/** The text of a piece with what is sought standing out. */
function textOf({ text, level }: LogLine, { from, to }: Piece, left: number, sought: Sought | null): Line {
  const tone: Tone = level === 'error' ? 'bad' : level === 'warn' ? 'warn' : level === 'debug' ? 'muted' : 'plain';
  let begin = from;
  const cut = left > 0 && cellWidth(text) > 0;
  if (cut) begin = startOf(text, left + 1).length;
  const line: Span[] = cut ? [span(CUT, 'muted')] : [];
  let at = begin;
  for (const [start, end] of sought?.parts(text) ?? []) {
    const [a, b] = [Math.max(start, at), Math.min(end, to)];
    if (a >= b) continue;
    if (a > at) line.push(span(text.slice(at, a), tone));
    line.push(span(text.slice(a, b), 'accent', { inverse: true }));
    at = b;
  }
  if (at < to) line.push(span(text.slice(at, to), tone));
  return line;
}

interface Lead {
  readonly width: number;
  of(line: number): Line;
}

/** What stands before the text: cursor, mark, time, stream, level; as much of it as leaves room. */
function leadOf(frame: LogFrame, { width, startedAt }: RowsOptions, sought: Sought | null): Lead {
  const { lines, cursor, marks, anchor, options } = frame;
  const words = width >= WORDS_FROM;
  const isMarked = (line: LogLine) => marks.some((mark) => sameLine(mark, line));
  const here = lines[cursor];
  const isSelected = (line: LogLine) => anchor !== null && inOrder(line, anchor) * inOrder(line, here) <= 0;
  const columns: { width: number; of(line: LogLine, i: number): Line }[] = [
    {
      width: 1,
      of: (line, i) => [i === cursor ? cursorSign(true) : span(isSelected(line) ? '│' : ' ', 'accent')],
    },
    { width: 1, of: (line) => [span(isMarked(line) ? '◆' : ' ', 'accent')] },
  ];
  if (options.time !== 'off') {
    const time = (line: LogLine, i: number) => timeOf(line, lines[i - 1] ?? null, frame, startedAt);
    columns.push({ width: TIME_WIDTH + 1, of: (line, i) => [span(`${time(line, i).padStart(TIME_WIDTH)} `, 'muted')] });
  }
  if (streamsOf(options.streams).length > 1) {
    columns.push({
      width: words ? 4 : 2,
      of: ({ stream }) => [span(`${STREAM_WORDS[stream][words ? 0 : 1]} `, stream === 'err' ? 'warn' : 'muted')],
    });
  }
  const letters = words ? 5 : 1;
  columns.push({
    width: letters + 1,
    of: ({ level }) => {
      const word = level ? levelName(level).slice(0, letters) : '';
      const inverse = level !== null && sought?.levels.includes(level);
      return [span(word, level ? LEVEL_TONES[level] : 'muted', { inverse }), ' '.repeat(letters + 1 - word.length)];
    },
  });
  while (columns.length > 1 && columns.reduce((sum, one) => sum + one.width, 0) + MIN_TEXT > width) columns.pop();
  return {
    width: columns.reduce((sum, one) => sum + one.width, 0),
    of: (i) => columns.flatMap((column) => column.of(lines[i], i)),
  };
}

const TIME_WIDTH = 9;
const UNKNOWN_TIME = '?';

function timeOf({ at }: LogLine, before: LogLine | null, { options }: LogFrame, startedAt: number | null): string {
  if (at === null) return UNKNOWN_TIME;
  if (options.time === 'absolute') return formatClock(at);
  if (options.time === 'since start')
    return startedAt === null ? UNKNOWN_TIME : `+${formatElapsed(Math.max(0, at - startedAt))}`;
  if (before === null || before.at === null) return UNKNOWN_TIME;
  const seconds = Math.max(0, at - before.at) / 1000;
  return `+${seconds < 60 ? `${seconds.toFixed(1)} s` : formatElapsed(1000 * seconds)}`;
}
