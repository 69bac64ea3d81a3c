/**
 * The one key table. Footer, help and the dispatcher read it; nothing else in the console knows a key. An action that
 * cannot be done now says why.
 */
import type { Action, Scope } from './action.ts';
import { BACKTEST_ACTIONS } from './actions/backtests.ts';
import { COVERAGE_ACTIONS } from './actions/coverage.ts';
import { FORM_KEYS, FORM_OPENERS } from './actions/form.ts';
import { JOB_ACTIONS } from './actions/jobs.ts';
import { LOG_ACTIONS } from './actions/log.ts';
import { NAVIGATION } from './actions/navigation.ts';
import { OVERLAYS } from './actions/overlays.ts';
import { PHASE_ACTIONS } from './actions/phases.ts';
import { VIEW } from './actions/view.ts';
import { editedField } from './form/model.ts';
import type { ConsoleState } from './store.ts';

/** `^c` asks for a second one: the one action that the controller itself remembers something for. */
const INTERRUPT: Action = {
  name: 'interrupt',
  scopes: ['always'],
  keys: ['ctrl+c'],
  help: 'twice: detach',
  danger: 'safe',
  run: () => {},
};

/** All keys, in the order in which help and footer show them. */
export const ACTIONS: readonly Action[] = [
  ...VIEW.slice(0, 1),
  ...JOB_ACTIONS,
  ...PHASE_ACTIONS,
  ...FORM_OPENERS,
  ...LOG_ACTIONS,
  ...BACKTEST_ACTIONS,
  ...COVERAGE_ACTIONS,
  ...NAVIGATION,
  ...VIEW.slice(1),
  INTERRUPT,
  ...OVERLAYS,
  ...FORM_KEYS,
];

/** The scopes whose keys are alive now, the nearest first. An overlay takes all keys but the ones that work always. */
export function activeScopes({ overlay, screen }: ConsoleState): readonly Scope[] {
  if (overlay === null) return [screen, 'global', 'always'];
  if (overlay.kind === 'form') {
    if (overlay.button !== null) return ['buttons', 'always'];
    return editedField(overlay) ? ['field', 'always'] : ['switch', 'field', 'always'];
  }
  const over = overlay.kind === 'dialog' && overlay.typed ? 'typing' : overlay.kind;
  return [over, 'always'];
}

const isAlive = (action: Action, scopes: readonly Scope[]) => action.scopes.some((scope) => scopes.includes(scope));

/** The action of a key in the present state, or null. */
export function findAction(state: ConsoleState, key: string): Action | null {
  const scopes = activeScopes(state);
  return ACTIONS.find((action) => isAlive(action, scopes) && action.keys.includes(key)) ?? null;
}

/** Why an action cannot be done now; null when it can. */
export function refusal(action: Action, state: ConsoleState): string | null {
  if (state.readOnly && action.danger !== 'safe') return 'this console is read-only (:rw ends that)';
  return action.disabled?.(state) ?? null;
}

const KEY_NAMES: Readonly<Record<string, string>> = {
  up: '↑',
  down: '↓',
  left: '←',
  right: '→',
  enter: 'Enter',
  escape: 'Esc',
  tab: 'Tab',
  'shift+tab': 'Shift-Tab',
  pagedown: 'PgDn',
  pageup: 'PgUp',
  home: 'Home',
  end: 'End',
  space: 'Space',
};

/** A key as people write it: `^r`, `Enter`, `↓`. */
export const keyLabel = (key: string): string => KEY_NAMES[key] ?? key.replace(/^ctrl\+/, '^');

export interface FooterItem {
  readonly key: string;
  readonly label: string;
  readonly rank: number;
}

/** What the footer offers now, in the order of the table: what cannot be done is in the help, with the reason. */
export function footerItems(state: ConsoleState): FooterItem[] {
  const scopes = activeScopes(state);
  return ACTIONS.flatMap((action) => {
    if (!action.footer || !isAlive(action, scopes) || refusal(action, state) !== null) return [];
    const { label, rank, key } = action.footer;
    const text = typeof label === 'function' ? label(state) : label;
    return text === null ? [] : [{ key: key ?? keyLabel(action.keys[0]), label: text, rank }];
  });
}
