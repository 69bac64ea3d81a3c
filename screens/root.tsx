/** The whole screen: one of the screens or the help, and what lies over it. */
import { Writable } from 'node:stream';
import { render } from 'ink';
import { type ReactNode, useMemo } from 'react';
import { useStore } from 'zustand';
import type { Limits } from '../src/console/action.ts';
import { Canvas } from '../src/console/canvas.ts';
import type { ScreenId } from '../src/console/screens.ts';
import type { ConsoleState, ConsoleStore } from '../src/console/store.ts';
import { themedStyle } from '../src/console/theme.ts';
import type { Style } from '../src/format/lines.ts';
import { Backtests } from './backtests/backtests.tsx';
import { ConsoleContext, useConsoleState } from './components/context.ts';
import { Coverage } from './coverage/coverage.tsx';
import { DialogBox } from './dialog/dialog.tsx';
import { MenuBox } from './dialog/menu.tsx';
import { Events } from './events/events.tsx';
import { FormBox } from './form/form.tsx';
import { ProgramsBox } from './form/programs.tsx';
import { Help } from './help/help.tsx';
import { Jobs } from './jobs/jobs.tsx';
import { Machine } from './machine/machine.tsx';
import { Overview } from './overview/overview.tsx';
import { Phases } from './phases/phases.tsx';
import { Research } from './research/research.tsx';

const VIEWS: Readonly<Record<ScreenId, () => ReactNode>> = {
  overview: Overview,
  phases: Phases,
  jobs: Jobs,
  backtests: Backtests,
  coverage: Coverage,
  machine: Machine,
  events: Events,
  research: Research,
};

export interface RootProps {
  readonly store: ConsoleStore;
  readonly limits: Limits;
  /** As the terminal allows; the colours are those of the state's theme where it has one. */
  readonly style: Style;
}

function Root({ store, limits, style, canvas }: RootProps & { readonly canvas: Canvas }) {
  const theme = useStore(store, (state) => state.theme);
  const context = useMemo(
    () => ({ store, limits, canvas, style: theme === null ? style : themedStyle(theme, style) }),
    [store, limits, canvas, style, theme],
  );
  return (
    <ConsoleContext value={context}>
      <Screen />
    </ConsoleContext>
  );
}

/** The help, also while words for it are being typed. */
function helpShown(overlay: ConsoleState['overlay']): { readonly top: number; readonly query: string } | null {
  if (overlay?.kind === 'help') return overlay;
  return overlay?.kind === 'prompt' && overlay.purpose === 'help' ? { top: 0, query: overlay.line.text } : null;
}

function Screen() {
  const { overlay, screen } = useConsoleState();
  const Current = VIEWS[screen];
  const help = helpShown(overlay);
  return (
    <>
      {help ? <Help {...help} /> : <Current />}
      {overlay?.kind === 'dialog' && <DialogBox dialog={overlay} />}
      {overlay?.kind === 'menu' && <MenuBox menu={overlay} />}
      {overlay?.kind === 'programs' && <ProgramsBox chooser={overlay} />}
      {overlay?.kind === 'form' && <FormBox form={overlay} />}
    </>
  );
}

export interface MountedScreens {
  unmount(): void;
  /** Rejects when a screen throws. Never resolves before `unmount`. */
  readonly ended: Promise<unknown>;
}

/** Draws the screens until `unmount`; `stdout` is given each frame whole, its rows with line breaks between them. */
export function mountScreens(props: RootProps, stdout: NodeJS.WritableStream): MountedScreens {
  let mounted = true;
  const canvas = new Canvas(() => {
    const { columns, rows } = props.store.getState().size;
    if (mounted) stdout.write(canvas.frame(columns, rows).join('\n'));
  });
  const instance = render(<Root {...props} canvas={canvas} />, {
    stdout: nowhere(),
    // "debug" is Ink's name for drawing at once whatever changes. The pace is set by the feed.
    debug: true,
    // A terminal is there, whatever CI variables say; main has made sure.
    interactive: true,
    exitOnCtrlC: false,
    patchConsole: false,
  });
  return {
    unmount() {
      mounted = false;
      instance.unmount();
    },
    ended: instance.waitUntilExit(),
  };
}

/** Ink's stdout: nothing is left for it to draw. With a size, for which it would ask other programs else. */
const nowhere = (): NodeJS.WritableStream =>
  Object.assign(new Writable({ write: (_chunk, _encoding, done) => done() }), { isTTY: true, columns: 80, rows: 24 });
