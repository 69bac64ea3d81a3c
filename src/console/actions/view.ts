/** What is shown and how: filter, order, pause, copy, help, palette, detach. */
import { commandLine, fixLine, jobCommandLine } from '../../format/command.ts';
import type { Action, ActionContext } from '../action.ts';
import { shutdownDialog } from '../dialogs.ts';
import { EMPTY_LINE, lineOf } from '../line-editor.ts';
import { isList, orderCount, orderName } from '../lists.ts';
import { launchCommand, selectedJob, selectedPhase } from '../selectors.ts';
import { type ConsoleState, type Menu, noticeDialog, type Prompt } from '../store.ts';
import { notThere } from './reasons.ts';

const GLOBAL = ['global'] as const;

export const prompt = (purpose: Prompt['purpose'], text: string, phase: string | null = null) =>
  ({ kind: 'prompt', purpose, phase, line: text ? lineOf(text) : EMPTY_LINE, recalled: null }) as const;

async function recheck({ host, store }: ActionContext): Promise<void> {
  try {
    await host.supervisor()?.recheck();
  } catch (error) {
    store.setState({ overlay: noticeDialog('The evidence could not be read', error) });
  }
}

/** What can be copied now, each under a letter of its own. */
function copyMenu(state: ConsoleState): Menu {
  const job = selectedJob(state);
  const phase = selectedPhase(state);
  const launch = launchCommand(state);
  const failing = phase?.checks.find((check) => check.state !== 'OK' && check.fix !== null);
  const items = [
    job && { key: 'j', label: 'id of the job', text: job.id },
    job && { key: 'c', label: 'command of the job', text: jobCommandLine(job) },
    launch && { key: 'n', label: 'command of the phase', text: commandLine(launch.argv) },
    phase && {
      key: 'w',
      label: `why ${phase.phase} is not green`,
      text: phase.why.join('\n') || `${phase.phase} is green`,
    },
    failing?.fix && { key: 'f', label: 'what mends the first failing check', text: fixLine(failing.fix) },
  ];
  return { kind: 'menu', title: 'Copy', items: items.filter((item) => item !== null && typeof item === 'object') };
}

export const VIEW: readonly Action[] = [
  {
    name: 'help',
    scopes: GLOBAL,
    keys: ['?'],
    help: 'this help',
    footer: { label: 'help', rank: 1 },
    danger: 'safe',
    run: ({ store }) => store.setState({ overlay: { kind: 'help', top: 0, query: '' } }),
  },
  {
    name: 'palette',
    scopes: GLOBAL,
    keys: [':'],
    help: 'type a command: the same verbs as in the shell; Tab completes',
    footer: { label: 'command', rank: 9 },
    danger: 'safe',
    run: ({ store }) => store.setState({ overlay: prompt('command', '') }),
  },
  {
    name: 'filter',
    scopes: GLOBAL,
    keys: ['/'],
    help: 'filter the list with the focus, or search in the log: a regular expression, ! inverts, ~ takes letters in order',
    footer: { label: 'filter', rank: 10 },
    danger: 'safe',
    disabled: ({ focus }) => (isList(focus) || focus === 'output' ? null : 'this pane is neither a list nor a log'),
    run: ({ state, store }) =>
      store.setState({
        overlay: state.focus === 'output' ? prompt('search', '') : prompt('filter', state.filters[state.focus] ?? ''),
      }),
  },
  {
    name: 'sort',
    scopes: GLOBAL,
    keys: ['s'],
    help: 'the next order of the list with the focus',
    danger: 'safe',
    disabled: ({ focus }) => (isList(focus) && orderCount(focus) > 1 ? null : 'this pane has one order only'),
    run: ({ state, store, toast }) => {
      const { focus } = state;
      if (!isList(focus)) return;
      store.setState({ order: { ...state.order, [focus]: ((state.order[focus] ?? 0) + 1) % orderCount(focus) } });
      const order = orderName(store.getState(), focus);
      toast(`order: ${order || 'its own'}`, 'info', (now) => now.focus === focus && orderName(now, focus) === order);
    },
  },
  {
    name: 'copy',
    scopes: GLOBAL,
    keys: ['y'],
    help: 'copy an id, a command or a reason to the clipboard, through the terminal (OSC 52)',
    danger: 'safe',
    disabled: (state) => (copyMenu(state).items.length > 0 ? null : 'there is nothing to copy yet'),
    run: ({ state, store }) => store.setState({ overlay: copyMenu(state) }),
  },
  {
    name: 'pause',
    scopes: GLOBAL,
    keys: ['p'],
    help: 'pause: hold the screen still, and go on; nothing is lost meanwhile',
    danger: 'safe',
    run: ({ state, store }) => store.setState({ paused: !state.paused }),
  },
  {
    name: 'follow',
    scopes: ['overview', 'jobs'],
    keys: ['f'],
    help: 'back to the end of the log, and follow it',
    footer: { label: 'follow log', rank: 11 },
    danger: 'safe',
    disabled: (state) => {
      const following = state.screen === 'jobs' ? (state.log?.frame.following ?? true) : !state.scroll.log;
      return following ? 'the log is being followed' : null;
    },
    run: ({ state, store }) =>
      state.screen === 'jobs' ? state.log?.view.follow() : store.setState({ scroll: { ...state.scroll, log: 0 } }),
  },
  {
    name: 'recheck',
    scopes: GLOBAL,
    keys: ['ctrl+r'],
    help: 'read all evidence again now',
    footer: { label: 'recheck', rank: 9 },
    danger: 'safe',
    // Also while it is being read, then once more after that: keys do not come and go whenever it is read by itself.
    disabled: notThere,
    run: (context) => void recheck(context),
  },
  {
    name: 'redraw',
    scopes: ['always'],
    keys: ['ctrl+l'],
    help: 'draw the whole screen again',
    danger: 'safe',
    run: ({ host }) => host.redraw(),
  },
  {
    name: 'supervisor.stop',
    scopes: GLOBAL,
    keys: ['Q'],
    help: 'stop the supervisor; running jobs go on (stop all must be typed)',
    danger: 'destructive',
    disabled: notThere,
    run: ({ state, store }) => store.setState({ overlay: shutdownDialog(state) }),
  },
  {
    name: 'detach',
    scopes: GLOBAL,
    keys: ['q'],
    help: 'detach: the console closes, jobs and databases keep running',
    footer: { label: 'detach', rank: 2 },
    danger: 'safe',
    run: ({ host }) => host.detach(),
  },
  {
    name: 'suspend',
    scopes: ['always'],
    keys: ['ctrl+z'],
    help: 'back to the shell for a while (fg returns)',
    danger: 'safe',
    run: ({ host }) => host.suspend(),
  },
];
