/**
 * The mouse, where it is wanted: a click goes where the keys would go (a screen, a pane, a row of a list), the wheel moves
 * within the pane under it. Nothing is done by the mouse: what lies over a screen takes no click at all.
 */
import type { ActionContext, Spot } from './action.ts';
import { move, openScreen } from './actions/navigation.ts';
import type { KeyEvent } from './key-parser.ts';
import { isList, select, visibleIds } from './lists.ts';
import type { PaneId } from './screens.ts';
import type { ConsoleStore } from './store.ts';

type MouseEvent = Extract<KeyEvent, { type: 'mouse' }>;

/** Rows that one turn of the wheel moves. */
const WHEEL_ROWS = 3;

/** Does what the mouse asks for. @param context of the state as it is now */
export function applyMouse(event: MouseEvent, context: ActionContext): void {
  const { state, store, limits } = context;
  if (state.overlay !== null) return;
  const { column, row } = event;
  const tab = row === 0 ? limits.tabs.find(({ left, width }) => column >= left && column < left + width) : undefined;
  if (tab && event.what === 'click') {
    openScreen({ store }, tab.screen);
    return;
  }
  const spots = Object.entries(limits.spots) as [PaneId, Spot][];
  const [pane, spot] = spots.find(([, one]) => isInside(one, column, row)) ?? [];
  if (!pane || !spot) return;
  if (pane !== state.focus) store.setState({ focus: pane });
  if (event.what === 'click') selectAt(pane, spot, row, store);
  else move({ ...context, state: store.getState() }, event.what === 'wheel-up' ? -WHEEL_ROWS : WHEEL_ROWS);
}

const isInside = ({ rect }: Spot, column: number, row: number): boolean =>
  column >= rect.left && column < rect.left + rect.width && row >= rect.top && row < rect.top + rect.height;

/** Selects the row of a list that was clicked; a title, a border or what follows the last row selects nothing. */
function selectAt(pane: PaneId, { bodyTop, bodyRows, first, lines, starts }: Spot, row: number, store: ConsoleStore) {
  const state = store.getState();
  const line = row - bodyTop + first;
  if (!isList(pane) || row < bodyTop || row >= bodyTop + bodyRows || line >= lines) return;
  const at = starts ? starts.findLastIndex((start) => start <= line) : line;
  const id = visibleIds(state, pane)[at];
  if (id !== undefined) store.setState(select(state, pane, id));
}
