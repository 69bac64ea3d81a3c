/** The log of the selected job: the rows in view, and in one line how it is looked at. */
import { readFilter } from '../../src/console/filter.ts';
import { isRunning } from '../../src/console/lists.ts';
import type { Rate } from '../../src/console/log/inflow.ts';
import type { LogFrame } from '../../src/console/log/log-frame.ts';
import { logRows } from '../../src/console/log/rows.ts';
import { selectedJob } from '../../src/console/selectors.ts';
import type { ConsoleState } from '../../src/console/store.ts';
import { type Line, type Packed, packLine, span } from '../../src/format/lines.ts';
import { formatBytes, formatCount, formatFixed, formatPercent } from '../../src/format/numbers.ts';
import type { PaneContent } from '../components/pane.tsx';
import { unknown } from '../components/signs.ts';

/** From this height on a row is kept for what is sought and left out. */
const STATUS_FROM = 4;

/** The pane for `width` × `height` cells of content. */
export function outputPane(state: ConsoleState, width: number, height: number): PaneContent {
  const job = selectedJob(state);
  if (!job) return { title: 'Log', lines: [[span('There is no job whose log could be shown.', 'muted')]] };
  const title = `Log of ${job.id}`;
  if (state.log?.jobId !== job.id) return { title, lines: [[span('reading the log …', 'muted')]] };
  const { frame } = state.log;
  const status = height >= STATUS_FROM;
  const { rows, above, below } = logRows(frame, {
    width,
    height: height - (status ? 1 : 0),
    startedAt: job.startedAt,
  });
  const lines = rows.length > 0 ? [...rows] : [emptyLine(frame)];
  while (status && lines.length < height - 1) lines.push([]);
  return {
    title,
    note: (room) => packLine(notes(frame, isRunning(job), above, below), room, 3),
    lines: status ? [...lines, statusLine(frame, width)] : lines,
  };
}

/** Why there is no row. */
function emptyLine({ problem, busy, read, totals, options, atEnd }: LogFrame): Line {
  if (problem) return unknown(problem);
  if (busy || !read || !atEnd) return [span(`${busy ?? 'reading the log'} …`, 'info')];
  if (totals.bytes === 0) return [span('It has said nothing so far.', 'muted')];
  const narrowed = options.filter !== '' || options.level !== 'debug' || options.streams !== 'merged';
  return [
    span(
      narrowed ? 'No line passes the filter, the level and the choice of streams.' : 'It has told figures only.',
      'muted',
    ),
  ];
}

/** How it is looked at, for the right end of the title. */
function notes(frame: LogFrame, running: boolean, above: boolean, below: boolean): Packed[] {
  const { options, following, inflow } = frame;
  const more = `${above ? '▴' : ''}${below ? '▾' : ''}`;
  return [
    ...(more ? [{ line: [span(more, 'warn')] as Line, rank: 2 }] : []),
    { line: [following ? span('● following', 'info') : span('○ f follows', 'warn')], rank: 1 },
    ...(running && inflow ? [{ line: [span(inflowWords(inflow), 'info')] as Line, rank: 3 }] : []),
    ...(options.streams === 'merged' ? [] : [{ line: [span(options.streams, 'warn')] as Line, rank: 4 }]),
    ...(options.level === 'debug'
      ? []
      : [{ line: [span(`≥ ${options.level.toUpperCase()}`, 'warn')] as Line, rank: 4 }]),
    ...(options.time === 'off' ? [] : [{ line: [span(`time ${options.time}`, 'muted')] as Line, rank: 6 }]),
    ...(options.wrap ? [{ line: [span('wrapped', 'muted')] as Line, rank: 7 }] : []),
    ...(options.left > 0 ? [{ line: [span(`from column ${options.left + 1}`, 'warn')] as Line, rank: 5 }] : []),
    ...(frame.timesKnown || options.streams !== 'merged'
      ? []
      : [{ line: [span('no times: streams one after the other', 'warn')] as Line, rank: 5 }]),
  ];
}

/** A slow log's rate has a decimal place: a line every two seconds is neither none nor one. */
function inflowWords({ perSecond, unit }: Rate): string {
  if (unit === 'bytes') return `≈ ${formatBytes(Math.round(perSecond))}/s`;
  return `≈ ${perSecond < 9.95 ? formatFixed(perSecond, 1) : formatCount(Math.round(perSecond))} lines/s`;
}

/** Where the cursor is, what is sought, what is left out. */
function statusLine(frame: LogFrame, width: number): Line {
  const { options, totals, position, busy, problem, anchor } = frame;
  const counted = totals.counted >= totals.bytes;
  const far = totals.bytes === 0 ? '' : ` (${formatPercent(totals.counted / totals.bytes, 0)} counted)`;
  const count = (value: number) => (counted ? formatCount(value) : value > 0 ? `${formatCount(value)}+` : '?');
  const pieces: Packed[] = [];
  const add = (rank: number, ...line: Line) => void pieces.push({ line, rank });
  if (problem) add(1, ...unknown(problem));
  if (busy) add(2, span(`${busy} …`, 'info'));
  const place = position ? formatCount(position.line) : '?';
  add(3, span(`line ${place} of ${count(totals.shown)}${counted ? '' : far}`, 'muted'));
  if (options.search !== '') {
    const wrong = readFilter(options.search).problem;
    const matches = position && totals.matches > 0 ? `match ${formatCount(position.match)} of ` : '';
    const words =
      wrong ?? `${matches}${count(totals.matches)} ${totals.matches === 1 && counted ? 'match' : 'matches'}`;
    add(2, span(`/${options.search}/ `, 'accent', { bold: true }), span(words, wrong ? 'bad' : 'plain'));
  }
  if (options.filter !== '') {
    const wrong = readFilter(options.filter).problem;
    add(
      2,
      span(`&${options.filter}`, 'warn'),
      span(wrong ? ` ${wrong}` : ` ${count(totals.shown)} of ${count(totals.lines)} lines`, wrong ? 'bad' : 'muted'),
    );
  } else if (counted && totals.shown < totals.lines) {
    add(
      4,
      span(`${formatCount(totals.lines - totals.shown)} lines below ${options.level.toUpperCase()} hidden`, 'warn'),
    );
  }
  if (anchor) add(2, span('selecting: Y copies, Space or Esc ends it', 'accent'));
  // Of the lines, as beside it stands how many there are; until they are counted some of it may be figures.
  add(5, span(`${counted ? '' : '≤ '}${formatBytes(totals.bytes - totals.figures)}`, 'muted'));
  return packLine(pieces, width, 3);
}
