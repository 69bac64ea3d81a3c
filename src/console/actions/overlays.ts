/** Keys of what lies over a screen: dialogs, the menu, the help, the line being typed. */
import type { Action, ActionContext } from '../action.ts';
import { EMPTY_LINE, lineOf } from '../line-editor.ts';
import { completions, runCommand } from '../palette/palette.ts';
import { type ConsoleState, type Dialog, launchButton, type Prompt } from '../store.ts';
import { clamp, PAGE } from './steps.ts';
import { prompt } from './view.ts';

const close = ({ store }: ActionContext): void => store.setState({ overlay: null });

function focusButton({ state, store }: ActionContext, step: number): void {
  if (state.overlay?.kind !== 'dialog') return;
  const { buttons, focus } = state.overlay;
  store.setState({ overlay: { ...state.overlay, focus: (focus + step + buttons.length) % buttons.length } });
}

/** Why a button does nothing yet. */
function noPress({ typed, focus }: Dialog): string | null {
  if (!typed || focus === 0 || typed.line.text === typed.expected) return null;
  return `type ${typed.expected} first`;
}

function press({ state, store, send }: ActionContext, button: number): void {
  if (state.overlay?.kind !== 'dialog') return;
  const { request } = state.overlay.buttons[button];
  store.setState({ overlay: null });
  if (request) send(request);
}

function scrollHelp({ state, store, limits }: ActionContext, step: number): void {
  if (state.overlay?.kind === 'help')
    store.setState({ overlay: { ...state.overlay, top: clamp(state.overlay.top + step, limits.help) } });
}

function accept(context: ActionContext): void {
  const { state, store, send } = context;
  if (state.overlay?.kind !== 'prompt') return;
  const { purpose, line, phase } = state.overlay;
  const text = line.text.trim();
  store.setState({ overlay: purpose === 'help' ? { kind: 'help', top: 0, query: text } : null });
  if (purpose === 'search') state.log?.view.endTyping(true);
  if (phase !== null && text) {
    if (purpose === 'note') send({ kind: 'note', request: { phase, note: text } });
    else send({ kind: 'skip', request: { phase, skipped: purpose === 'skip', reason: text } });
  }
  // A filter has been at work since its first letter, and so has a search, also one in the help.
  if (purpose !== 'command' || text === '') return;
  store.setState({ typed: [...state.typed.filter((one) => one !== line.text), line.text].slice(-100) });
  runCommand(context, line.text);
}

/** Closes the prompt; a filter that was being typed is given up. */
function dismiss({ state, store }: ActionContext): void {
  if (state.overlay?.kind !== 'prompt') return;
  if (state.overlay.purpose === 'search') state.log?.view.endTyping(false);
  if (state.overlay.purpose === 'filter' && state.focus === 'output')
    state.log?.view.setOptions({ ...state.log.view.frame.options, filter: '' });
  const filters = state.overlay.purpose === 'filter' ? { ...state.filters, [state.focus]: undefined } : state.filters;
  const overlay = state.overlay.purpose === 'help' ? ({ kind: 'help', top: 0, query: '' } as const) : null;
  store.setState({ overlay, filters });
}

function recall({ state, store }: ActionContext, step: number): void {
  const prompt = promptOf(state);
  if (prompt?.purpose !== 'command') return;
  const { typed } = state;
  const at = clamp((prompt.recalled ?? typed.length) + step, typed.length);
  const line = at === typed.length ? EMPTY_LINE : lineOf(typed[at]);
  store.setState({ overlay: { ...prompt, recalled: at === typed.length ? null : at, line } });
}

function complete({ state, store }: ActionContext): void {
  const prompt = promptOf(state);
  if (prompt?.purpose !== 'command') return;
  const found = completions(state, prompt.line.text);
  if (found.length === 0) return;
  const common = found.reduce((a, b) => {
    let same = 0;
    while (same < a.length && a[same] === b[same]) same++;
    return a.slice(0, same);
  });
  const whole = found.length === 1 ? `${found[0]} ` : common;
  if (whole.length > prompt.line.text.length) store.setState({ overlay: { ...prompt, line: lineOf(whole) } });
}

const promptOf = ({ overlay }: ConsoleState): Prompt | null => (overlay?.kind === 'prompt' ? overlay : null);

const BOTH = ['dialog', 'typing'] as const;

export const OVERLAYS: readonly Action[] = [
  {
    name: 'dialog.next',
    scopes: BOTH,
    keys: ['tab', 'down'],
    help: 'next button',
    footer: { label: 'move', rank: 3 },
    danger: 'safe',
    run: (context) => focusButton(context, 1),
  },
  {
    name: 'dialog.previous',
    scopes: BOTH,
    keys: ['shift+tab', 'up'],
    help: 'previous button',
    danger: 'safe',
    run: (context) => focusButton(context, -1),
  },
  {
    name: 'dialog.right',
    scopes: ['dialog'],
    keys: ['right'],
    help: 'the button to the right',
    danger: 'safe',
    run: (context) => focusButton(context, 1),
  },
  {
    name: 'dialog.left',
    scopes: ['dialog'],
    keys: ['left'],
    help: 'the button to the left',
    danger: 'safe',
    run: (context) => focusButton(context, -1),
  },
  {
    name: 'dialog.press',
    scopes: BOTH,
    keys: ['enter'],
    help: 'press the button with the focus; a new dialog always has it on Cancel',
    footer: { label: 'press', rank: 2 },
    danger: 'safe',
    disabled: ({ overlay }) => (overlay?.kind === 'dialog' ? noPress(overlay) : null),
    run: (context) => context.state.overlay?.kind === 'dialog' && press(context, context.state.overlay.focus),
  },
  {
    name: 'dialog.launch',
    scopes: ['dialog'],
    keys: ['L'],
    help: 'launch at once, without moving to the button',
    footer: { label: 'launch', rank: 4 },
    danger: 'cost',
    disabled: (state) =>
      launchButton(state) === -1 ? 'this dialog launches nothing: move to the button and press Enter' : null,
    run: (context) => press(context, launchButton(context.state)),
  },
  {
    name: 'dialog.cancel',
    scopes: ['dialog'],
    keys: ['escape', 'q'],
    help: 'close the dialog; nothing is changed',
    footer: { label: 'cancel', rank: 1 },
    danger: 'safe',
    run: close,
  },
  {
    name: 'typing.cancel',
    scopes: ['typing'],
    keys: ['escape'],
    help: 'close the dialog; nothing is changed',
    footer: { label: 'cancel', rank: 1 },
    danger: 'safe',
    run: close,
  },
  {
    name: 'prompt.accept',
    scopes: ['prompt'],
    keys: ['enter'],
    help: 'run the command, keep the filter or the search, write the words on a phase',
    footer: { label: 'accept', rank: 1 },
    danger: 'safe',
    run: accept,
  },
  {
    name: 'prompt.cancel',
    scopes: ['prompt'],
    keys: ['escape'],
    help: 'close the line; a filter is cleared, a search goes back to where it was begun',
    footer: { label: 'cancel', rank: 2 },
    danger: 'safe',
    run: dismiss,
  },
  {
    name: 'prompt.complete',
    scopes: ['prompt'],
    keys: ['tab'],
    help: 'complete the command',
    footer: { label: 'complete', rank: 3 },
    danger: 'safe',
    disabled: ({ overlay }) =>
      overlay?.kind === 'prompt' && overlay.purpose !== 'command' ? 'only commands are completed' : null,
    run: complete,
  },
  {
    name: 'prompt.previous',
    scopes: ['prompt'],
    keys: ['up'],
    help: 'the command typed before',
    danger: 'safe',
    run: (context) => recall(context, -1),
  },
  {
    name: 'prompt.next',
    scopes: ['prompt'],
    keys: ['down'],
    help: 'the command typed after it',
    danger: 'safe',
    run: (context) => recall(context, 1),
  },
  {
    name: 'menu.close',
    scopes: ['menu'],
    keys: ['escape'],
    help: 'close the menu',
    footer: { label: 'close', rank: 1 },
    danger: 'safe',
    run: close,
  },
  {
    name: 'help.close',
    scopes: ['help'],
    keys: ['escape', 'q', '?'],
    help: 'close the help',
    footer: { label: 'close', rank: 1 },
    danger: 'safe',
    run: close,
  },
  {
    name: 'help.search',
    scopes: ['help'],
    keys: ['/'],
    help: 'show only the keys whose line matches',
    footer: { label: 'search', rank: 2 },
    danger: 'safe',
    run: ({ state, store }) =>
      store.setState({ overlay: prompt('help', state.overlay?.kind === 'help' ? state.overlay.query : '') }),
  },
  {
    name: 'help.down',
    scopes: ['help'],
    keys: ['j', 'down'],
    help: 'next row',
    footer: { label: 'scroll', rank: 2, key: 'j k' },
    danger: 'safe',
    run: (context) => scrollHelp(context, 1),
  },
  {
    name: 'help.up',
    scopes: ['help'],
    keys: ['k', 'up'],
    help: 'previous row',
    danger: 'safe',
    run: (context) => scrollHelp(context, -1),
  },
  {
    name: 'help.pageDown',
    scopes: ['help'],
    keys: ['ctrl+d', 'pagedown', 'space'],
    help: 'ten rows down',
    danger: 'safe',
    run: (context) => scrollHelp(context, PAGE),
  },
  {
    name: 'help.pageUp',
    scopes: ['help'],
    keys: ['ctrl+u', 'pageup'],
    help: 'ten rows up',
    danger: 'safe',
    run: (context) => scrollHelp(context, -PAGE),
  },
];
