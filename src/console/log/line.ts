/** One line of a job's log as it is shown. */
import type { LogFile } from '../../supervisor/reads.ts';
import { endOf, extentOf, type LineBlock } from './line-block.ts';
import { lineTextOf, MAX_BYTES, visibleText } from './text.ts';
import type { LogTimes } from './times.ts';

export type LogStream = Exclude<LogFile, 'times'>;
/** In this order lines of one moment stand. */
export const LOG_STREAMS = ['out', 'err', 'events'] as const satisfies readonly LogStream[];

/** Ascending. */
export const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type Level = (typeof LEVELS)[number];

export interface LogLine {
  readonly stream: LogStream;
  /** Where it lies in the stream's file; `end` is where the next one begins. */
  readonly start: number;
  readonly end: number;
  /** It may still grow, or its place among the other streams is not settled yet. */
  readonly provisional: boolean;
  readonly text: string;
  /** null: it names none. */
  readonly level: Level | null;
  /** When it was seen first, for the order of streams: 0 when no time is known, infinite when it was not noted yet. */
  readonly arrival: number;
  /** When it was said; null when nobody knows. Events tell their time, other lines were seen within the moment before. */
  readonly at: number | null;
}

type Place = Pick<LogLine, 'stream' | 'start' | 'arrival'>;

/** The order of lines: by time, streams of one moment one after the other, each in its own order. */
export function inOrder(a: Place, b: Place): number {
  if (a.stream === b.stream) return a.start - b.start;
  if (a.arrival !== b.arrival) return a.arrival < b.arrival ? -1 : 1;
  return LOG_STREAMS.indexOf(a.stream) - LOG_STREAMS.indexOf(b.stream);
}

export const sameLine = (a: Pick<LogLine, 'stream' | 'start'>, b: Pick<LogLine, 'stream' | 'start'>): boolean =>
  a.stream === b.stream && a.start === b.start;

/** What a line says: its text, and the level that it names, which is looked for only when somebody asks. */
export class Words {
  readonly text: string;
  /** When it was said, as an event tells. */
  readonly at: number | null;
  #level: Level | null | undefined;

  constructor(text: string, at: number | null = null, level?: Level | null) {
    this.text = text;
    this.at = at;
    this.#level = level;
  }

  get level(): Level | null {
    if (this.#level === undefined) this.#level = levelOf(this.text);
    return this.#level;
  }
}

/** What line `i` of a block says; null for events that are figures, which are told as series and bars. */
export function wordsOf(stream: LogStream, block: LineBlock, i: number): Words | null {
  const { from, to } = extentOf(block, i);
  return stream === 'events' ? eventWords(block.bytes, from, to) : new Words(textAt(block, from, to));
}

/** Cut out of what is text already, where that is possible: a log is searched several times as fast. */
const textAt = ({ plain, bytes }: LineBlock, from: number, to: number): string =>
  plain !== null && to - from <= MAX_BYTES ? plain.slice(from, to) : lineTextOf(bytes, from, to);

/** Line `i` of a block, which says `words`. */
export function lineOf(stream: LogStream, block: LineBlock, i: number, words: Words, times: LogTimes): LogLine {
  const arrival = times.arrival(stream, block.starts[i]);
  const seen = arrival > 0 && Number.isFinite(arrival) ? arrival : null;
  const open = block.open && i === block.starts.length - 1;
  return {
    stream,
    start: block.starts[i],
    end: endOf(block, i),
    provisional: open || arrival === Number.POSITIVE_INFINITY,
    text: words.text,
    level: words.level,
    arrival,
    at: words.at ?? seen,
  };
}

/** As loggers write it, in the first part of a line: in capitals, or in small letters with a colon or in brackets. */
const NAMED =
  /\b(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|ERR|CRITICAL|FATAL|PANIC)\b|^\W?(debug|info|warn|warning|error|fatal)[\]:]/;
const HEAD = 80;
/**
 * What loggers, launchers of many processes and exception groups put before a line: a time, `[rank0]:`, `worker-3 |`,
 * `worker:`. Each begins otherwise: there is one way to read a line.
 */
const LEAD = / *(?:\[[^\]]*\]:?|\([^)]*\)|\d[\d:.,TZ/+-]*(?=\s)|[A-Za-z_][\w.@/-]*(?: *\||:(?=\s))|[|+>])/.source;
const EXCEPTION = /(?:[\w.]+\.)?\w*(?:Error|Exception)/.source;
/** A traceback's first line, its frames and its last line; behind a lead the last one is told by its colon or its end. */
const FAILING = new RegExp(
  [
    `^(?:${LEAD})* *(?:Exception Group )?Traceback \\(most recent call last\\):`,
    `^(?:${LEAD})*\\s+(?:File ".*", line \\d+|at .+:\\d+:\\d+\\)?$)`,
    `^${EXCEPTION}\\b`,
    `^(?:${LEAD})+ *${EXCEPTION}(?::|$)`,
  ].join('|'),
);

/** A line without any of these is none of those, which is told fast. */
const HINT = /Error|Exception|File "|Traceback| at /;

const LEVEL_OF: Readonly<Record<string, Level>> = {
  trace: 'debug',
  debug: 'debug',
  info: 'info',
  notice: 'info',
  warn: 'warn',
  warning: 'warn',
  error: 'error',
  err: 'error',
  critical: 'error',
  fatal: 'error',
  panic: 'error',
};

/** The level that a line names, or that its form tells; null when neither does. */
export function levelOf(text: string): Level | null {
  const named = NAMED.exec(text.slice(0, HEAD));
  if (named) return LEVEL_OF[(named[1] ?? named[2]).toLowerCase()];
  return HINT.test(text) && FAILING.test(text) ? 'error' : null;
}

/** An event in words. What is no event of ours is shown as it stands. */
function eventWords(bytes: Buffer, from: number, to: number): Words | null {
  let event: Record<string, unknown>;
  try {
    event = JSON.parse(bytes.toString('utf8', from, to));
  } catch {
    return new Words(lineTextOf(bytes, from, to));
  }
  return toldWords(event, () => lineTextOf(bytes, from, to));
}

/** What an event says; null for figures. `raw`: its text as it stands, for what is no event of ours. */
export function toldWords(event: Readonly<Record<string, unknown>>, raw: () => string): Words | null {
  const at = typeof event?.t === 'number' && Number.isFinite(event.t) ? event.t : null;
  const word = (name: string) => visibleText(String(event[name] ?? '').replaceAll('\n', ' | '));
  const said = (text: string, level: Level) => new Words(text, at, level);
  switch (event?.type) {
    case 'progress':
    case 'metric':
      return null;
    case 'log':
      return said(word('message'), LEVELS.find((level) => level === event.level) ?? 'info');
    case 'stage':
      return said(`── ${word('name')}${event.of ? ` (${word('index')}/${word('of')})` : ''} ──`, 'info');
    case 'artifact':
      return said(['made', word('kind'), word('id'), word('path')].filter(Boolean).join(' '), 'info');
    case 'paused':
      return said(event.reason === null ? 'goes on' : `paused ${word('reason')}`, 'info');
    case 'result':
      return said(
        `result: ${word('status')} · ${word('summary')}`,
        event.status === 'failed' ? 'error' : event.status === 'partial' ? 'warn' : 'info',
      );
    default:
      return new Words(raw(), at);
  }
}
