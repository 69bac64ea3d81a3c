/** What a verb of the palette is, and what several of them need. */
import type { ActionContext } from '../action.ts';
import { openScreen } from '../actions/navigation.ts';
import type { Need } from '../answers.ts';
import { isHidden, isRunning, type ListId, select } from '../lists.ts';
import type { PaneId, ScreenId } from '../screens.ts';
import { phasesOf } from '../selectors.ts';
import type { ConsoleState } from '../store.ts';

export interface Verb {
  /** As on the command line, where it is one of its. */
  readonly name: string;
  /** What follows it, for completion; and how many of them do, one unless it is said. */
  readonly words?: (state: ConsoleState) => readonly string[];
  readonly takes?: number;
  /** What is asked while they are typed, where no snapshot tells of them. */
  readonly reads?: Need;
  /** Absent: the summary of the command. */
  readonly help?: string;
  /** False for what costs or destroys. */
  readonly safe: boolean;
  /** Whether the console has a place for these words; where it has none, the command itself is run. Absent: always. */
  readonly fits?: (words: readonly string[], state: ConsoleState) => boolean;
  run(context: ActionContext, words: readonly string[]): void;
}

/** The words of a verb that takes none. */
export const none = (words: readonly string[]): boolean => words.length === 0;

/** The words of a verb on one object, or on the selected one: flags are the command's own affair. */
export const atMostOne = (words: readonly string[]): boolean =>
  words.length === 0 || (words.length === 1 && !words[0].startsWith('-'));

export const phaseIds = (state: ConsoleState): string[] => phasesOf(state).map(({ phase }) => phase);

type Job = ConsoleState['snapshot']['jobs'][number];

const jobIds =
  (keep: (job: Job) => boolean) =>
  ({ snapshot }: ConsoleState) =>
    snapshot.jobs.filter(keep).map(({ id }) => id);
export const runningJobIds = jobIds(isRunning);
export const endedJobIds = jobIds((job) => !isRunning(job));
export const allJobIds = jobIds(() => true);

/** A job by its id, its number alone, or `last`, as on the command line. */
export const jobCalled = ({ snapshot }: ConsoleState, id: string): Job | undefined =>
  id === 'last'
    ? snapshot.jobs[0]
    : snapshot.jobs.find((job) => job.id === id || Number.parseInt(job.id, 10) === Number(id));

/** Opens a screen with the focus on a pane, and this row selected in a list, whatever filter hid it. */
export function goTo(
  { store }: Pick<ActionContext, 'store'>,
  screen: ScreenId,
  focus: PaneId,
  row?: { readonly list: ListId; readonly id: string },
): void {
  openScreen({ store }, screen);
  store.setState((state) => ({
    ...(row && { ...select(state, row.list, row.id), filters: { ...state.filters, [row.list]: undefined } }),
    focus,
  }));
}

/** Whether its list shows a job at all. */
export const isListed = (state: ConsoleState, id: string): boolean => {
  const job = jobCalled(state, id);
  return job === undefined || !isHidden(job);
};

/** The longest of the names that the words begin with. */
export const longestOf = (names: readonly string[], words: readonly string[]): string | undefined =>
  names.filter((name) => name.split(' ').every((word, i) => words[i] === word)).sort((a, b) => b.length - a.length)[0];
