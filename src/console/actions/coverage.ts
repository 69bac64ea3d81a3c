/** The coverage screen: cursor of its grids, what is expected, and filling a gap. */
import { splitCommand } from '../../format/command.ts';
import type { Action, ActionContext } from '../action.ts';
import { answerTo } from '../answers.ts';
import { commandDialog, ruleDialog } from '../dialogs.ts';
import { moveGrid } from '../grids.ts';
import { coverageCursor, selectedRow } from '../lists.ts';
import { CELL_UNITS, type ConsoleState } from '../store.ts';
import { editProgram, noForm } from './form.ts';
import { notReady } from './reasons.ts';

const SCOPES = ['coverage'] as const;
const isGrid = ({ focus }: ConsoleState): string | null =>
  focus === 'heat' || focus === 'days' ? null : 'only in the grids of years and of days';

/** What is expected of the row under the cursor; null before it was read. */
function ruleOf(state: ConsoleState): { readonly name: string; readonly text: string } | null {
  const cursor = coverageCursor(state);
  if (!cursor) return null;
  const { name } = cursor.row;
  const { value } = answerTo(state, 'coverageYear', { row: name, year: cursor.year });
  return value ? { name, text: value.rule } : null;
}

function right({ state, store }: ActionContext, step: number): void {
  const moved = moveGrid(state, step, 0);
  if (moved) store.setState(moved);
}

export const COVERAGE_ACTIONS: readonly Action[] = [
  {
    name: 'gap.fill',
    scopes: SCOPES,
    keys: ['F'],
    help: 'the form filled with the backfill of the selected gap: its days, its model',
    footer: { label: 'fill gap', rank: 3 },
    danger: 'cost',
    on: 'gaps',
    disabled: (state) => {
      const missing = noForm(state);
      if (missing) return missing;
      const gap = selectedRow(state, 'gaps');
      if (!gap) return 'no gap is selected';
      return gap.fill ? null : 'only an import can fill this one';
    },
    run: (context) => {
      const gap = selectedRow(context.state, 'gaps');
      if (!gap?.fill) return;
      const { program, args } = splitCommand(gap.fill);
      editProgram(context, program, args);
    },
  },
  {
    name: 'grid.finer',
    scopes: SCOPES,
    keys: ['+'],
    help: 'finer: from years to days, from days to the instruments that a day lacks',
    danger: 'safe',
    disabled: ({ focus }) => (focus === 'missing' ? 'nothing is finer than instruments' : null),
    run: ({ state, store }) => store.setState({ focus: state.focus === 'heat' ? 'days' : 'missing' }),
  },
  {
    name: 'grid.coarser',
    scopes: SCOPES,
    keys: ['-'],
    help: 'coarser: from instruments to days, from days to years',
    danger: 'safe',
    disabled: ({ focus }) => (focus === 'heat' ? 'nothing is coarser than years' : null),
    run: ({ state, store }) => store.setState({ focus: state.focus === 'missing' ? 'days' : 'heat' }),
  },
  {
    name: 'grid.unit',
    scopes: SCOPES,
    keys: ['c'],
    help: 'what a cell of the years says: a mark for the share of the expected, the share in percent, the count',
    danger: 'safe',
    run: ({ state, store }) => {
      const next = CELL_UNITS[(CELL_UNITS.indexOf(state.cellUnit) + 1) % CELL_UNITS.length];
      store.setState({ cellUnit: next });
    },
  },
  {
    name: 'grid.recount',
    scopes: SCOPES,
    keys: ['R'],
    help: 'count every numeric vector anew, as a job (asks first)',
    danger: 'cost',
    disabled: notReady,
    run: ({ state, store, host }) =>
      store.setState({
        overlay: commandDialog(
          state,
          'the exact recount of numeric vectors',
          { program: 'coverage recount', args: [] },
          host.newId(),
        ),
      }),
  },
  {
    name: 'grid.rule',
    scopes: SCOPES,
    keys: ['E'],
    help: 'what is expected of the selected table or model, in words',
    danger: 'safe',
    on: 'heat',
    disabled: (state) => (ruleOf(state) ? null : 'its rule has not been read yet'),
    run: ({ state, store }) => {
      const rule = ruleOf(state);
      if (rule) store.setState({ overlay: ruleDialog(rule.name, rule.text) });
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
