/** The coverage screen: cursor of its grids, and filling a gap. */
import { splitCommand } from '../../format/command.ts';
import type { Action, ActionContext } from '../action.ts';
import { commandDialog } from '../dialogs.ts';
import { moveGrid } from '../grids.ts';
import { coverageCursor, selectedRow } from '../lists.ts';
import type { ConsoleState } from '../store.ts';
import { notReady } from './reasons.ts';

const SCOPES = ['coverage'] as const;
const isGrid = ({ focus }: ConsoleState): string | null =>
  focus === 'heat' || focus === 'days' ? null : 'only in the grids of years and of days';

function right({ state, store }: ActionContext, step: number): void {
  const moved = moveGrid(state, step, 0);
  if (moved) store.setState(moved);
}

export const COVERAGE_ACTIONS: readonly Action[] = [
  {
    name: 'gap.fill',
    scopes: SCOPES,
    keys: ['F'],
    help: 'launch the backfill of the selected gap (asks first)',
    footer: { label: 'fill gap', rank: 3 },
    danger: 'cost',
    disabled: (state) => {
      const missing = notReady(state);
      if (missing) return missing;
      const gap = selectedRow(state, 'gaps');
      if (!gap) return 'no gap is selected';
      return gap.fill ? null : 'only an import can fill this one';
    },
    run: ({ state, store, host }) => {
      const gap = selectedRow(state, 'gaps');
      const cursor = coverageCursor(state);
      if (!gap?.fill || !cursor) return;
      const title = `${cursor.row.name}: fill ${gap.first} → ${gap.last}`;
      store.setState({ overlay: commandDialog(state, title, splitCommand(gap.fill), host.newId()) });
    },
  },
  {
    name: 'grid.left',
    scopes: SCOPES,
    keys: ['h', 'left'],
    help: 'the year, or the day, before',
    footer: { label: 'year or day', rank: 4, key: 'h l' },
    danger: 'safe',
    disabled: isGrid,
    run: (context) => right(context, -1),
  },
  {
    name: 'grid.right',
    scopes: SCOPES,
    keys: ['l', 'right'],
    help: 'the year, or the day, after',
    danger: 'safe',
    disabled: isGrid,
    run: (context) => right(context, 1),
  },
];
