/** Which lines of a log are shown, and which of those are sought. */
import { type Filter, readFilter } from '../filter.ts';
import { LEVELS, type Level, LOG_STREAMS, type LogStream, type Words } from './line.ts';

export type Wanted = (line: Pick<Words, 'text' | 'level'>) => boolean;

export const TIME_MODES = ['off', 'absolute', 'since start', 'delta'] as const;
type TimeMode = (typeof TIME_MODES)[number];

/** `merged`: all that a job says in the order in which it was said; else one stream. */
export const STREAM_CHOICES = ['merged', 'out+err', ...LOG_STREAMS] as const;
export type StreamChoice = (typeof STREAM_CHOICES)[number];

/** How a log is looked at: kept when another job's log is opened. */
export interface LogOptions {
  readonly streams: StreamChoice;
  /** The least level that is shown; lines that name none count as `info`. */
  readonly level: Level;
  /** As typed: see `readFilter`; empty: everything. */
  readonly filter: string;
  readonly search: string;
  readonly wrap: boolean;
  readonly time: TimeMode;
  /** Cells that lines are moved to the left, when they are not wrapped. */
  readonly left: number;
}

export const DEFAULT_OPTIONS: LogOptions = {
  streams: 'merged',
  level: 'debug',
  filter: '',
  search: '',
  wrap: false,
  time: 'off',
  left: 0,
};

/** The streams of a choice, in the order in which lines of one moment stand. */
export function streamsOf(choice: StreamChoice): readonly LogStream[] {
  if (choice === 'merged') return LOG_STREAMS;
  return choice === 'out+err' ? ['out', 'err'] : [choice];
}

/** Whether options differ in which lines they show. */
export const showsOthers = (a: LogOptions, b: LogOptions): boolean =>
  a.streams !== b.streams || a.level !== b.level || a.filter !== b.filter;

/** True when no line is left out. */
export const showsAll = ({ level, filter }: LogOptions): boolean => level === LEVELS[0] && filter === '';

/** The name of a level as it stands before a line's text. */
export const levelName = (level: Level): string => level.toUpperCase();

/** What a filter or a search asks of a line, and what of it is to stand out. */
export interface Sought {
  readonly matches: Wanted;
  readonly parts: Filter['parts'];
  /** Levels that are sought by their whole name. */
  readonly levels: readonly Level[];
}

/**
 * Reads a filter or a search: it is looked for in a line's text, and the level that stands before the text counts by its
 * whole name: `WARN` finds what is at that level in other words, `W` does not.
 */
function readSought(typed: string): Sought {
  const { matches, parts } = readFilter(typed);
  const inverse = typed.startsWith('!');
  const inner = inverse ? readFilter(typed.slice(1)).parts : parts;
  const levels = LEVELS.filter((level) => inner(levelName(level)).some(([from, to]) => to - from === level.length));
  if (levels.length === 0) return { matches: ({ text }) => matches(text), parts, levels };
  const isNamed = ({ level }: Pick<Words, 'level'>) => level !== null && levels.includes(level);
  return { matches: (line) => (isNamed(line) ? !inverse : matches(line.text)), parts, levels: inverse ? [] : levels };
}

/** Whether a line is shown. */
export function shownBy({ level, filter }: LogOptions): Wanted {
  const least = LEVELS.indexOf(level);
  const { matches } = readSought(filter);
  return (line) => (least === 0 || LEVELS.indexOf(line.level ?? 'info') >= least) && (filter === '' || matches(line));
}

/** What is sought; null when nothing is, or when it is no regular expression. */
export const soughtBy = ({ search }: LogOptions): Sought | null =>
  search === '' || readFilter(search).problem ? null : readSought(search);

/** What stands out among the lines shown: what is sought, else what they are filtered by. */
export const standingOut = (options: LogOptions): Sought | null =>
  soughtBy(options) ?? (options.filter === '' ? null : readSought(options.filter));
