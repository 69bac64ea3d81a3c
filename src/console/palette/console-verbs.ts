/** Verbs of the console itself: screens, what they look like, read-only mode, leaving. */
import { THEMES } from '../../platform/themes.ts';
import type { ActionContext } from '../action.ts';
import { openScreen } from '../actions/navigation.ts';
import { SCREENS } from '../screens.ts';
import { none, type Verb } from './verb.ts';

async function setMode({ host, store, toast }: ActionContext, readOnly: boolean): Promise<void> {
  try {
    await host.supervisor()?.setReadOnly(readOnly);
    store.setState({ readOnly });
    toast(readOnly ? 'read-only: nothing can be started or stopped from here' : 'read and write again', 'info');
  } catch (error) {
    toast(`the mode could not be changed: ${(error as Error).message}`, 'bad');
  }
}

export const CONSOLE_VERBS: readonly Verb[] = [
  {
    name: 'recheck',
    help: 'read all evidence again',
    safe: true,
    run: ({ host }) => void host.supervisor()?.recheck(),
  },
  { name: 'ro', help: 'read-only from now on', safe: true, run: (context) => void setMode(context, true) },
  { name: 'rw', help: 'read and write again', safe: true, run: (context) => void setMode(context, false) },
  {
    name: 'mouse',
    words: () => ['on', 'off'],
    help: 'on: clicks choose screens, panes and rows, the wheel moves; off: the terminal selects text',
    safe: true,
    run({ state, store, toast }, [word]) {
      if (word !== undefined && word !== 'on' && word !== 'off') return toast('mouse on, or mouse off?', 'warn');
      const mouse = word === undefined ? !state.mouse : word === 'on';
      store.setState({ mouse });
      toast(
        mouse ? 'the mouse is used here; Shift selects text in most terminals' : 'the mouse is the terminal’s',
        'info',
      );
    },
  },
  {
    name: 'theme',
    words: () => THEMES,
    help: 'colours: dark, light, high-contrast, mono; auto: the palette of the terminal',
    safe: true,
    run({ store, toast }, [name]) {
      const theme = THEMES.find((one) => one === name);
      if (!theme) return toast(`which theme? ${THEMES.join(', ')}`, 'warn');
      store.setState({ theme: theme === 'auto' ? null : theme });
      toast(`colours: ${theme}`, 'info');
    },
  },
  {
    name: 'pause',
    help: 'hold the screen still, and go on',
    safe: true,
    run: ({ store }) => store.setState((state) => ({ paused: !state.paused })),
  },
  { name: 'redraw', help: 'draw the whole screen again', safe: true, run: ({ host }) => host.redraw() },
  {
    name: 'help',
    help: 'all keys',
    safe: true,
    fits: none,
    run: ({ store }) => store.setState({ overlay: { kind: 'help', top: 0, query: '' } }),
  },
  { name: 'quit', help: 'detach; jobs keep running', safe: true, run: ({ host }) => host.detach() },
  ...SCREENS.map(
    ({ id, title }): Verb => ({
      name: id,
      help: `the screen ${title}`,
      safe: true,
      fits: none,
      run: ({ store }) => openScreen({ store }, id),
    }),
  ),
];
