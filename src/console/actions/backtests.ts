/** The screen of backtests: marks, and what its curve shows. */
import type { Action } from '../action.ts';
import { CURVES, MOST_CURVES } from '../backtests.ts';
import { selectedRow } from '../lists.ts';

const SCOPES = ['backtests'] as const;

export const BACKTEST_ACTIONS: readonly Action[] = [
  {
    name: 'run.mark',
    scopes: SCOPES,
    keys: ['space'],
    help: 'mark the selected run, or take its mark away: marked runs are drawn over each other',
    footer: { label: 'mark', rank: 3 },
    danger: 'safe',
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
    name: 'run.curve',
    scopes: SCOPES,
    keys: ['M'],
    help: 'draw equity, drawdown, or the size of the universe',
    footer: { label: 'curve', rank: 4 },
    danger: 'safe',
    run: ({ state, store }) =>
      store.setState({ cursors: { ...state.cursors, curve: ((state.cursors.curve ?? 0) + 1) % CURVES.length } }),
  },
];
