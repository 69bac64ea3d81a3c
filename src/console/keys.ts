/**
 * The one key table. Footer, help and the dispatcher read it; nothing else in the console knows a key. An action that
 * cannot be done now says why.
 */
import { isRunning, launchCommand, selectedJob, selectedPhase } from './selectors.ts';
import type { ConsoleState } from './store.ts';

/** Where a key is alive: `always` everywhere, `global` on every screen, the others in their own screen or overlay. */
export type Scope = 'always' | 'global' | 'overview' | 'dialog' | 'help';

/** What pressing the key may cost: *cost* actions ask first, *safe* ones do not. */
type Danger = 'safe' | 'cost';

export type ActionName =
  | 'interrupt'
  | 'redraw'
  | 'suspend'
  | 'help'
  | 'recheck'
  | 'detach'
  | 'screen.overview'
  | 'move.down'
  | 'move.up'
  | 'page.down'
  | 'page.up'
  | 'first'
  | 'last'
  | 'pane.next'
  | 'pane.previous'
  | 'zoom'
  | 'back'
  | 'launch'
  | 'rerun'
  | 'stop'
  | 'follow'
  | 'dialog.next'
  | 'dialog.previous'
  | 'dialog.press'
  | 'dialog.cancel'
  | 'dialog.launch'
  | 'help.down'
  | 'help.up'
  | 'help.pageDown'
  | 'help.pageUp'
  | 'help.close';

export interface Action {
  readonly name: ActionName;
  readonly scope: Scope;
  /** Key names as the key parser gives them. */
  readonly keys: readonly string[];
  /** One line for the help screen. */
  readonly help: string;
  /** A word or two for the footer, and how early it leaves when there is no room (1 leaves last); absent: not in the footer. */
  readonly footer?: {
    readonly label: string | ((state: ConsoleState) => string);
    readonly rank: number;
    /** The key as it is written there, when one name says it better than the first of the keys. */
    readonly key?: string;
  };
  readonly danger: Danger;
  /** Why it cannot be done now; null when it can. */
  readonly disabled?: (state: ConsoleState) => string | null;
}

const notThere = (state: ConsoleState): string | null =>
  state.connected ? null : (state.bootProblem ?? state.boot ?? 'the supervisor is not there yet');

const waiting = (state: ConsoleState): string | null => (state.sending ? 'the last request is still on its way' : null);

function noLaunch(state: ConsoleState): string | null {
  const missing = notThere(state) ?? waiting(state);
  if (missing) return missing;
  const phase = selectedPhase(state);
  if (!phase) return 'the phases have not been read yet';
  return launchCommand(state) ? null : `${phase.phase} has no command that runs as it stands`;
}

function noRerun(state: ConsoleState): string | null {
  const missing = notThere(state) ?? waiting(state);
  if (missing) return missing;
  const job = selectedJob(state);
  if (!job) return 'there is no job yet';
  return isRunning(job) ? `${job.id} has not ended` : null;
}

function noStop(state: ConsoleState): string | null {
  const missing = notThere(state) ?? waiting(state);
  if (missing) return missing;
  const job = selectedJob(state);
  if (!job) return 'there is no job';
  return isRunning(job) ? null : `${job.id} has ended: ${job.state}`;
}

function noRecheck(state: ConsoleState): string | null {
  return notThere(state) ?? (state.snapshot.checking ? 'the evidence is being read right now' : null);
}

/** All keys, in the order in which help and footer show them. */
export const ACTIONS: readonly Action[] = [
  {
    name: 'help',
    scope: 'global',
    keys: ['?'],
    help: 'this help',
    footer: { label: 'help', rank: 1 },
    danger: 'safe',
  },
  {
    name: 'launch',
    scope: 'overview',
    keys: ['n'],
    help: 'launch the first command of the selected phase (asks first)',
    footer: { label: (state) => `launch ${selectedPhase(state)?.phase ?? ''}`.trim(), rank: 3 },
    danger: 'cost',
    disabled: noLaunch,
  },
  {
    name: 'rerun',
    scope: 'overview',
    keys: ['r'],
    help: 'run the selected job again, exactly as it was (asks first)',
    footer: { label: 'rerun', rank: 4 },
    danger: 'cost',
    disabled: noRerun,
  },
  {
    name: 'stop',
    scope: 'overview',
    keys: ['x'],
    help: 'stop the selected job: TERM to its process group (asks first)',
    footer: { label: 'stop', rank: 5 },
    danger: 'cost',
    disabled: noStop,
  },
  {
    name: 'move.down',
    scope: 'overview',
    keys: ['j', 'down'],
    help: 'next row: selects a phase or a job, scrolls the other panes',
    footer: { label: 'move', rank: 8, key: 'j k' },
    danger: 'safe',
  },
  { name: 'move.up', scope: 'overview', keys: ['k', 'up'], help: 'previous row', danger: 'safe' },
  { name: 'page.down', scope: 'overview', keys: ['ctrl+d', 'pagedown'], help: 'ten rows down', danger: 'safe' },
  { name: 'page.up', scope: 'overview', keys: ['ctrl+u', 'pageup'], help: 'ten rows up', danger: 'safe' },
  { name: 'first', scope: 'overview', keys: ['g', 'home'], help: 'first row', danger: 'safe' },
  { name: 'last', scope: 'overview', keys: ['G', 'end'], help: 'last row', danger: 'safe' },
  {
    name: 'pane.next',
    scope: 'overview',
    keys: ['tab'],
    help: 'next pane',
    footer: { label: 'pane', rank: 7 },
    danger: 'safe',
  },
  { name: 'pane.previous', scope: 'overview', keys: ['shift+tab'], help: 'previous pane', danger: 'safe' },
  {
    name: 'zoom',
    scope: 'overview',
    keys: ['z', 'enter'],
    help: 'the pane with the focus over the whole screen, and back',
    footer: { label: (state) => (state.zoomed ? 'unzoom' : 'zoom'), rank: 6 },
    danger: 'safe',
  },
  {
    name: 'follow',
    scope: 'overview',
    keys: ['f'],
    help: 'back to the end of the log, and follow it',
    footer: { label: 'follow log', rank: 10 },
    danger: 'safe',
    disabled: (state) => (state.scroll.log === 0 ? 'the log is being followed' : null),
  },
  {
    name: 'back',
    scope: 'overview',
    keys: ['escape'],
    help: 'one step back: unzoom, then follow again; never quits',
    danger: 'safe',
  },
  {
    name: 'recheck',
    scope: 'global',
    keys: ['ctrl+r'],
    help: 'read all evidence again now',
    footer: { label: 'recheck', rank: 9 },
    danger: 'safe',
    disabled: noRecheck,
  },
  { name: 'screen.overview', scope: 'global', keys: ['1'], help: 'the overview', danger: 'safe' },
  { name: 'redraw', scope: 'always', keys: ['ctrl+l'], help: 'draw the whole screen again', danger: 'safe' },
  {
    name: 'detach',
    scope: 'global',
    keys: ['q'],
    help: 'detach: the console closes, jobs and databases keep running',
    footer: { label: 'detach', rank: 2 },
    danger: 'safe',
  },
  { name: 'interrupt', scope: 'always', keys: ['ctrl+c'], help: 'twice: detach', danger: 'safe' },
  {
    name: 'suspend',
    scope: 'always',
    keys: ['ctrl+z'],
    help: 'back to the shell for a while (fg returns)',
    danger: 'safe',
  },

  {
    name: 'dialog.next',
    scope: 'dialog',
    keys: ['tab', 'right', 'down'],
    help: 'next button',
    footer: { label: 'move', rank: 3 },
    danger: 'safe',
  },
  {
    name: 'dialog.previous',
    scope: 'dialog',
    keys: ['shift+tab', 'left', 'up'],
    help: 'previous button',
    danger: 'safe',
  },
  {
    name: 'dialog.press',
    scope: 'dialog',
    keys: ['enter'],
    help: 'press the button with the focus; a new dialog always has it on Cancel',
    footer: { label: 'press', rank: 2 },
    danger: 'cost',
  },
  {
    name: 'dialog.launch',
    scope: 'dialog',
    keys: ['L'],
    help: 'launch at once, without moving to the button',
    footer: { label: 'launch', rank: 4 },
    danger: 'cost',
    disabled: (state) =>
      launchButton(state) === -1 ? 'this dialog launches nothing: move to the button and press Enter' : null,
  },
  {
    name: 'dialog.cancel',
    scope: 'dialog',
    keys: ['escape', 'q'],
    help: 'close the dialog; nothing is changed',
    footer: { label: 'cancel', rank: 1 },
    danger: 'safe',
  },

  {
    name: 'help.close',
    scope: 'help',
    keys: ['escape', 'q', '?'],
    help: 'close the help',
    footer: { label: 'close', rank: 1 },
    danger: 'safe',
  },
  {
    name: 'help.down',
    scope: 'help',
    keys: ['j', 'down'],
    help: 'next row',
    footer: { label: 'scroll', rank: 2, key: 'j k' },
    danger: 'safe',
  },
  { name: 'help.up', scope: 'help', keys: ['k', 'up'], help: 'previous row', danger: 'safe' },
  {
    name: 'help.pageDown',
    scope: 'help',
    keys: ['ctrl+d', 'pagedown', 'space'],
    help: 'ten rows down',
    danger: 'safe',
  },
  { name: 'help.pageUp', scope: 'help', keys: ['ctrl+u', 'pageup'], help: 'ten rows up', danger: 'safe' },
];

/** The button of a dialog that launches something, or -1. */
export function launchButton(state: ConsoleState): number {
  if (state.overlay?.kind !== 'dialog') return -1;
  return state.overlay.buttons.findIndex((b) => b.request?.kind === 'launch' || b.request?.kind === 'rerun');
}

/** The scopes whose keys are alive now, the nearest first. An overlay takes all keys but the ones that work always. */
export function activeScopes(state: ConsoleState): readonly Scope[] {
  if (state.overlay?.kind === 'dialog') return ['dialog', 'always'];
  if (state.overlay?.kind === 'help') return ['help', 'always'];
  return ['overview', 'global', 'always'];
}

/** The action of a key in the present state, or null. */
export function findAction(state: ConsoleState, key: string): Action | null {
  const scopes = activeScopes(state);
  return ACTIONS.find((action) => scopes.includes(action.scope) && action.keys.includes(key)) ?? null;
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
  readonly enabled: boolean;
  readonly rank: number;
}

/** What the footer offers now, in the order of the table. */
export function footerItems(state: ConsoleState): FooterItem[] {
  const scopes = activeScopes(state);
  return ACTIONS.flatMap((action) => {
    if (!action.footer || !scopes.includes(action.scope)) return [];
    const { label, rank, key } = action.footer;
    const text = typeof label === 'function' ? label(state) : label;
    return [{ key: key ?? keyLabel(action.keys[0]), label: text, enabled: !action.disabled?.(state), rank }];
  });
}
