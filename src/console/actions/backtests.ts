/** The screen of backtests: marks, and what its curve shows. */
import type { Action, ActionContext } from '../action.ts';
import {
  byDate,
  comparedRuns,
  curveCursor,
  curveOf,
  curvesOf,
  MOST_CURVES,
  runDetail,
  shownRuns,
} from '../backtests.ts';
import { selectedRow } from '../lists.ts';
import type { ConsoleState } from '../store.ts';

const SCOPES = ['backtests'] as const;

/** The runs that a comparison would be of: the marked ones, else the marked one and the selected one. */
function toCompare(state: ConsoleState): readonly string[] {
  const marked = state.marked.backtests ?? [];
  const selected = selectedRow(state, 'backtests')?.runId;
  return marked.length === 1 && selected !== undefined && !marked.includes(selected) ? [...marked, selected] : marked;
}

/** How many days the drawn curves have, all runs together. */
const drawnDays = (state: ConsoleState): number =>
  byDate(
    shownRuns(state).flatMap((run) => runDetail(state, run) ?? []),
    curveOf(state),
  ).days.length;

function moveCursor({ state, store }: ActionContext, step: number): void {
  const days = drawnDays(state);
  const at = curveCursor(state, days) ?? (step < 0 ? days : -1);
  store.setState({ cursors: { ...state.cursors, curve: Math.max(0, Math.min(days - 1, at + step)) } });
}

const noCurve = (state: ConsoleState): string | null => (drawnDays(state) > 0 ? null : 'no curve is drawn yet');

export const BACKTEST_ACTIONS: readonly Action[] = [
  {
    name: 'run.mark',
    scopes: SCOPES,
    keys: ['space'],
    help: 'mark the selected run, or take its mark away: marked runs are drawn over each other',
    footer: { label: 'mark', rank: 3 },
    danger: 'safe',
    on: 'backtests',
    disabled: (state) => {
      const run = selectedRow(state, 'backtests');
      if (!run) return 'no run is selected';
      const marked = state.marked.backtests ?? [];
      return marked.length < MOST_CURVES || marked.includes(run.runId) ? null : `${MOST_CURVES} are marked already`;
    },
    run: ({ state, store }) => {
      const run = selectedRow(state, 'backtests');
      if (!run) return;
      const before = state.marked.backtests ?? [];
      const backtests = before.includes(run.runId) ? before.filter((id) => id !== run.runId) : [...before, run.runId];
      store.setState({ marked: { ...state.marked, backtests } });
    },
  },
  {
    name: 'run.compare',
    scopes: SCOPES,
    keys: ['d'],
    help: 'compare the first two marked runs, or the marked and the selected one: what differs, figures, trades, verdict',
    footer: { label: 'compare', rank: 5 },
    danger: 'safe',
    disabled: (state) => (toCompare(state).length >= 2 ? null : 'mark a run (Space) and select another'),
    run: ({ state, store }) =>
      store.setState({ marked: { ...state.marked, backtests: toCompare(state) }, focus: 'compare', zoomed: true }),
  },
  {
    name: 'run.overlay',
    scopes: SCOPES,
    keys: ['='],
    help: 'the curves of the marked runs over the whole screen, and back',
    danger: 'safe',
    disabled: (state) => (comparedRuns(state) ? null : 'mark two runs (Space)'),
    run: ({ state, store }) => {
      const open = state.focus === 'curve' && state.zoomed;
      store.setState(open ? { zoomed: false } : { focus: 'curve', zoomed: true });
    },
  },
  {
    name: 'run.curve',
    scopes: SCOPES,
    keys: ['M'],
    help: 'draw equity, drawdown, or the next of the exposures that days record of themselves',
    footer: { label: 'curve', rank: 4 },
    danger: 'safe',
    on: 'backtests',
    disabled: (state) => (selectedRow(state, 'backtests') ? null : 'no run is selected'),
    run: ({ state, store }) => {
      const next = ((state.cursors.backtests ?? 0) + 1) % curvesOf(state).length;
      store.setState({ cursors: { ...state.cursors, backtests: next } });
    },
  },
  {
    name: 'curve.left',
    scopes: SCOPES,
    keys: ['left'],
    help: 'the day before, on the curves: its date and values stand above them',
    danger: 'safe',
    on: 'backtests',
    disabled: noCurve,
    run: (context) => moveCursor(context, -1),
  },
  {
    name: 'curve.right',
    scopes: SCOPES,
    keys: ['right'],
    help: 'the day after, on the curves',
    danger: 'safe',
    on: 'backtests',
    disabled: noCurve,
    run: (context) => moveCursor(context, 1),
  },
];
