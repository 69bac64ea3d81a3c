/** The whole screen: one of the screens or the help, and what lies over it. */
import { Box, render } from 'ink';
import { type ReactNode, useMemo } from 'react';
import { useStore } from 'zustand';
import type { Limits } from '../src/console/action.ts';
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

function Root({ store, limits, style }: RootProps) {
  const theme = useStore(store, (state) => state.theme);
  const context = useMemo(
    () => ({ store, limits, style: theme === null ? style : themedStyle(theme, style) }),
    [store, limits, style, theme],
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
  const { size, overlay, screen } = useConsoleState();
  const Current = VIEWS[screen];
  const help = helpShown(overlay);
  return (
    <Box width={size.columns} height={size.rows}>
      {help ? <Help {...help} /> : <Current />}
      {overlay?.kind === 'dialog' && <DialogBox dialog={overlay} />}
      {overlay?.kind === 'menu' && <MenuBox menu={overlay} />}
      {overlay?.kind === 'programs' && <ProgramsBox chooser={overlay} />}
      {overlay?.kind === 'form' && <FormBox form={overlay} />}
    </Box>
  );
}

export interface MountedScreens {
  unmount(): void;
  /** Rejects when a screen throws. Never resolves before `unmount`. */
  readonly ended: Promise<unknown>;
}

/** Draws the screens into `stdout` until `unmount`. */
export function mountScreens(props: RootProps, stdout: NodeJS.WritableStream): MountedScreens {
  const instance = render(<Root {...props} />, {
    stdout,
    // "debug" is Ink's name for handing over each frame whole and at once, without erasing the one before: just what the
    // frame writer compares rows of. The pace is set by the feed, and Ink keeps no frame of its own.
    debug: true,
    // A terminal is there, whatever CI variables say; main has made sure.
    interactive: true,
    exitOnCtrlC: false,
    patchConsole: false,
  });
  return { unmount: instance.unmount, ended: instance.waitUntilExit() };
}
