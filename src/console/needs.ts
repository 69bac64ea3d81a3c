/** What the open screen has to ask the supervisor for. */
import type { ReadArgs, ReadName } from '../supervisor/reads.ts';
import { drawnOf, glanceOf, JOURNAL, LAMBDA, MACHINE_HISTORY, type Need, RUNS } from './answers.ts';
import { comparedRuns, shownRuns } from './backtests.ts';
import { dialogNeeds } from './dialogs.ts';
import { formNeeds } from './form/status.ts';
import { coverageDays, dayCursor } from './grids.ts';
import { coverageCursor, isRunning, selectedRow } from './lists.ts';
import { paletteNeeds } from './palette/palette.ts';
import type { ScreenId } from './screens.ts';
import type { ConsoleState } from './store.ts';

/** Programs of the user's own come and go with `programs.yaml`. */
const PROGRAMS_MS = 15_000;

/**
 * How often the programs are asked for: where one may be launched from. Elsewhere once is enough, for a console at rest is to take
 * next to nothing; and the list of them holds still while one is chosen from it.
 */
function programsEveryMs({ screen, overlay }: ConsoleState): number | null {
  const choosing = overlay?.kind === 'programs' && overlay.at > 0;
  const launching =
    screen === 'jobs' || overlay?.kind === 'programs' || overlay?.kind === 'form' || overlay?.kind === 'prompt';
  return launching && !choosing ? PROGRAMS_MS : null;
}

const need = <Name extends ReadName>(name: Name, args: ReadArgs<Name>, everyMs: number | null): Need<Name> => ({
  name,
  args,
  everyMs,
});

/** Runs do not change once they have ended: what was compared once stays. */
function comparisonOf(state: ConsoleState): Need[] {
  const pair = comparedRuns(state);
  return pair ? [need('compare', { a: pair[0].runId, b: pair[1].runId }, null)] : [];
}

/** Questions of each screen; a screen that is not here lives from the snapshot. */
const NEEDS: Partial<Record<ScreenId, (state: ConsoleState) => readonly Need[]>> = {
  jobs: (state) => {
    const job = selectedRow(state, 'jobs');
    if (!job) return [];
    // Seldom once it has ended, but not never: the last answer may be from before its end.
    const everyMs = isRunning(job) ? 2000 : 10_000;
    const picked = selectedRow(state, 'metrics');
    return [
      need('jobSeries', glanceOf(job), everyMs),
      ...(picked ? [need('jobSeries', drawnOf(job, picked.name), everyMs)] : []),
    ];
  },
  phases: () => [need('events', JOURNAL, 5000)],
  backtests: (state) => [
    need('runs', RUNS, 10_000),
    ...shownRuns(state).map(({ runId }) => need('run', { id: runId }, null)),
    ...comparisonOf(state),
  ],
  coverage: (state) => {
    const cursor = coverageCursor(state);
    if (!cursor) return [];
    const row = cursor.row.name;
    const days = coverageDays(state);
    const at = dayCursor(state);
    const day = days && at !== null ? days[at] : null;
    return [
      need('coverageYear', { row, year: cursor.year }, 15_000),
      ...(day && day.present < day.expected ? [need('coverageMissing', { row, date: day.date }, 15_000)] : []),
    ];
  },
  research: ({ similar }) => [
    need('models', {}, 15_000),
    need('lambda', LAMBDA, 45_000),
    ...(similar ? [need('similar', similar, null)] : []),
  ],
  machine: () => [need('history', MACHINE_HISTORY, 2000)],
  events: () => [need('events', JOURNAL, 2000)],
};

/** The questions of the screen that is open, and of what lies over it. */
export const needsOf = (state: ConsoleState): readonly Need[] => [
  ...(NEEDS[state.screen]?.(state) ?? []),
  // Asked for before a form is opened, so that it is filled in at once.
  need('programs', {}, programsEveryMs(state)),
  ...(state.overlay?.kind === 'form' ? formNeeds(state, state.overlay) : []),
  ...(state.overlay?.kind === 'dialog' ? dialogNeeds(state.overlay) : []),
  ...(state.overlay?.kind === 'prompt' && state.overlay.purpose === 'command'
    ? paletteNeeds(state.overlay.line.text)
    : []),
];
