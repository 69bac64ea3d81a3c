/** Questions that the console asks the supervisor, and what is known of them. */
import type { ReadArgs, ReadName, ReadResult } from '../supervisor/reads.ts';
import type { ConsoleState } from './store.ts';

/** One question, asked again after `everyMs`; null: once is enough. */
export interface Need<Name extends ReadName = ReadName> {
  readonly name: Name;
  readonly args: ReadArgs<Name>;
  readonly everyMs: number | null;
}

/** What is known of a question. A newer answer that failed keeps the older value, with its time. */
export interface Answer<Value = unknown> {
  readonly value: Value | null;
  /** When the value was read. */
  readonly at: number | null;
  /** Why the last attempt failed. */
  readonly problem: string | null;
}

const NOTHING: Answer<never> = { value: null, at: null, problem: null };

/** The histories that the machine's screen draws. */
export const MACHINE_HISTORY: ReadArgs<'history'> = {
  prefixes: ['cpu', 'memory', 'gpu.', 'net.', 'historical.', 'runtime.'],
};
/** What the screen of events lists. */
export const JOURNAL: ReadArgs<'events'> = { audit: false, last: 2000 };
/** The runs that the screen of backtests lists. */
export const RUNS: ReadArgs<'runs'> = { limit: 200 };
/** Columns of time of the λ heat-map; what does not fit is averaged by the screen. */
export const LAMBDA: ReadArgs<'lambda'> = { columns: 60 };

/** Every figure of a job in as many points as a row has room for; the one that is drawn is asked for by itself. */
export const glanceOf = ({ id }: { readonly id: string }): ReadArgs<'jobSeries'> => ({ jobId: id, points: 60 });
/** The picked figure of a job, and its parallel series, in all points that are kept. */
export const drawnOf = ({ id }: { readonly id: string }, name: string): ReadArgs<'jobSeries'> => ({ jobId: id, name });

/** Names a question among the answers. */
export const needKey = ({ name, args }: Pick<Need, 'name' | 'args'>): string => `${name} ${JSON.stringify(args)}`;

/** What is known of a question. */
export function answerTo<Name extends ReadName>(
  state: ConsoleState,
  name: Name,
  args: ReadArgs<Name>,
): Answer<ReadResult<Name>> {
  return (state.answers[needKey({ name, args } as Need)] as Answer<ReadResult<Name>> | undefined) ?? NOTHING;
}
