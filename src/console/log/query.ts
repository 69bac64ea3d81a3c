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

/** Whether a line is shown. */
export function shownBy({ level, filter }: LogOptions): Wanted {
  const least = LEVELS.indexOf(level);
  const { matches } = readFilter(filter);
  return (line) =>
    (least === 0 || LEVELS.indexOf(line.level ?? 'info') >= least) && (filter === '' || matches(line.text));
}

/** What is sought; null when nothing is, or when it is no regular expression. */
export function soughtBy({ search }: LogOptions): Filter | null {
  if (search === '') return null;
  const filter = readFilter(search);
  return filter.problem ? null : filter;
}
