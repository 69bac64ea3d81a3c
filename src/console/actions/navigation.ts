/** Moving about: screens, panes, rows. */
import type { Action, ActionContext } from '../action.ts';
import { moveGrid } from '../grids.ts';
import { held, isList, select, selectedIndex, visibleIds } from '../lists.ts';
import { panesOf, SCREENS, type ScreenId } from '../screens.ts';
import { clamp, PAGE } from './steps.ts';

/** Opens a screen, with the focus where it was when the screen was left. */
export function openScreen({ store }: Pick<ActionContext, 'store'>, screen: ScreenId): void {
  store.setState((state) => ({
    screen,
    zoomed: false,
    lastFocus: { ...state.lastFocus, [state.screen]: state.focus },
    focus: state.screen === screen ? state.focus : (state.lastFocus[screen] ?? panesOf(screen)[0]),
  }));
}

/** Moves by rows: the selection of a list, the cursor of a grid, what a pane shows. */
export function move({ state, store, limits }: ActionContext, step: number): void {
  const { focus } = state;
  const moved = moveGrid(state, 0, step);
  if (moved) {
    store.setState(moved);
    return;
  }
  if (focus === 'output') {
    const view = state.log?.view;
    if (step === Number.NEGATIVE_INFINITY) view?.first();
    else if (step === Number.POSITIVE_INFINITY) view?.follow();
    else view?.move(step);
    return;
  }
  if (!isList(focus)) {
    // A log rests at its end: up means away from it.
    const sign = focus === 'log' ? -1 : 1;
    const scroll = clamp((state.scroll[focus] ?? 0) + sign * step, limits.panes[focus] ?? 0);
    store.setState({ scroll: { ...state.scroll, [focus]: scroll } });
    return;
  }
  const ids = visibleIds(state, focus);
  const at = selectedIndex(state, focus);
  const next = ids[clamp(at + step, ids.length - 1)];
  if (next === undefined) return;
  const stays = next === ids[at];
  store.setState(stays ? (held(state, focus, { own: true, gone: true }) ?? {}) : select(state, focus, next));
}

function focusPane({ state, store }: ActionContext, step: number): void {
  const panes = panesOf(state.screen);
  store.setState({ focus: panes[(panes.indexOf(state.focus) + step + panes.length) % panes.length] });
}

/** One step back, the nearest thing first. */
function back({ state, store }: ActionContext): void {
  const { focus } = state;
  const log = focus === 'output' ? state.log : null;
  if (state.toast) store.setState({ toast: null });
  else if (log?.frame.anchor) log.view.toggleSelection();
  else if (log?.frame.options.search) log.view.setOptions({ ...log.frame.options, search: '' });
  else if (log?.frame.options.filter) log.view.setOptions({ ...log.frame.options, filter: '' });
  else if (state.filters[focus]) store.setState({ filters: { ...state.filters, [focus]: undefined } });
  else if (state.zoomed) store.setState({ zoomed: false });
  else if (state.scroll[focus]) store.setState({ scroll: { ...state.scroll, [focus]: 0 } });
  else if (state.snapshot.handover) store.setState({ handoverRead: true });
}

const GLOBAL = ['global'] as const;

export const NAVIGATION: readonly Action[] = [
  {
    name: 'move.down',
    scopes: GLOBAL,
    keys: ['j', 'down'],
    help: 'next row: moves the selection of a list, scrolls the other panes',
    footer: { label: 'move', rank: 8, key: 'j k' },
    danger: 'safe',
    run: (context) => move(context, 1),
  },
  { name: 'move.up', scopes: GLOBAL, keys: ['k', 'up'], help: 'previous row', danger: 'safe', run: (c) => move(c, -1) },
  {
    name: 'page.down',
    scopes: GLOBAL,
    keys: ['ctrl+d', 'pagedown'],
    help: 'ten rows down',
    danger: 'safe',
    run: (context) => move(context, PAGE),
  },
  {
    name: 'page.up',
    scopes: GLOBAL,
    keys: ['ctrl+u', 'pageup'],
    help: 'ten rows up',
    danger: 'safe',
    run: (context) => move(context, -PAGE),
  },
  {
    name: 'first',
    scopes: GLOBAL,
    keys: ['g', 'home'],
    help: 'first row',
    danger: 'safe',
    run: (context) => move(context, Number.NEGATIVE_INFINITY),
  },
  {
    name: 'last',
    scopes: GLOBAL,
    keys: ['G', 'end'],
    help: 'last row',
    danger: 'safe',
    run: (context) => move(context, Number.POSITIVE_INFINITY),
  },
  {
    name: 'pane.next',
    scopes: GLOBAL,
    keys: ['tab'],
    help: 'next pane',
    footer: { label: 'pane', rank: 7 },
    danger: 'safe',
    run: (context) => focusPane(context, 1),
  },
  {
    name: 'pane.previous',
    scopes: GLOBAL,
    keys: ['shift+tab'],
    help: 'previous pane',
    danger: 'safe',
    run: (context) => focusPane(context, -1),
  },
  {
    name: 'zoom',
    scopes: GLOBAL,
    keys: ['z', 'enter'],
    help: 'the pane with the focus over the whole screen, and back',
    footer: { label: (state) => (state.zoomed ? 'unzoom' : 'zoom'), rank: 6 },
    danger: 'safe',
    run: ({ state, store }) => store.setState({ zoomed: !state.zoomed }),
  },
  {
    name: 'back',
    scopes: GLOBAL,
    keys: ['escape'],
    help: 'one step back: clear the filter, unzoom, rest again, put away what happened meanwhile; never quits',
    danger: 'safe',
    run: back,
  },
  ...SCREENS.map(
    ({ id, key, title }): Action => ({
      name: `screen.${id}`,
      scopes: GLOBAL,
      keys: [key],
      help: `the screen ${title}`,
      danger: 'safe',
      run: (context) => openScreen(context, id),
    }),
  ),
];
