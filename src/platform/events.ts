/**
 * The one event stream of a program: by hand it becomes a progress bar on stderr (`terminal-events.ts`), in a job it is
 * NDJSON on a file descriptor of its own, in tests it is an array.
 */
import { writeSync } from 'node:fs';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export type ProgramEvent =
  /** A named part of the work begins; `index` counts from 1. */
  | { type: 'stage'; name: string; index?: number; of?: number }
  /** Work done so far in `unit`; `total` is null while unknown. `label` tells parallel bars apart (a sleeve, a file). */
  | { type: 'progress'; done: number; total: number | null; unit: string; label?: string }
  /** One point of a named series. `series` tells parallel series apart; `at` is the simulated date, when there is one. */
  | { type: 'metric'; name: string; value: number; unit: string; series?: string; at?: string }
  | { type: 'log'; level: LogLevel; message: string }
  /** Something the program made: rows of a run, a file, a report. */
  | { type: 'artifact'; kind: string; id: string; path?: string }
  /** It rests on purpose, and why (`until 20:00 UTC (night window)`); null: it goes on. */
  | { type: 'paused'; reason: string | null }
  /** The outcome, once, last; `ProgramResult` says what its figures are. Whoever runs a program tells it. */
  | {
      type: 'result';
      status: 'done' | 'partial' | 'failed';
      summary: string;
      rows?: Readonly<Record<string, number>>;
      due?: number;
      failures?: number;
    };

/** An event with the time it was reported (milliseconds since 1970, UTC). */
export type StampedEvent = ProgramEvent & { t: number };

export interface Events {
  emit(event: ProgramEvent): void;
}

export const stage = (events: Events, name: string, index?: number, of?: number) =>
  events.emit({ type: 'stage', name, index, of });
export const log = (events: Events, level: LogLevel, message: string) => events.emit({ type: 'log', level, message });

/** Events as NDJSON on a file descriptor: one line an event, written at once so that kill -9 loses none. */
export function fileEvents(fd: number, now: () => number): Events {
  return {
    emit(event) {
      writeSync(fd, `${JSON.stringify({ t: now(), ...event })}\n`);
    },
  };
}

/** Events kept in memory, for tests and for programs that run inside another one. */
export function collectedEvents(): Events & { readonly list: ProgramEvent[] } {
  const list: ProgramEvent[] = [];
  return { list, emit: (event) => void list.push(event) };
}
