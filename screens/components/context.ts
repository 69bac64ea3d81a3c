/** What every component may ask for: the store, the controller's limits, and on what and how it draws. */
import { createContext, useContext } from 'react';
import { useStore } from 'zustand';
import type { Limits } from '../../src/console/action.ts';
import type { Canvas } from '../../src/console/canvas.ts';
import type { ConsoleState, ConsoleStore } from '../../src/console/store.ts';
import type { Style } from '../../src/format/lines.ts';

export interface ConsoleContextValue {
  readonly store: ConsoleStore;
  readonly limits: Limits;
  readonly canvas: Canvas;
  readonly style: Style;
}

export const ConsoleContext = createContext<ConsoleContextValue | null>(null);

/** The surroundings of a component. */
export function useConsole(): ConsoleContextValue {
  const value = useContext(ConsoleContext);
  if (!value) throw new Error('a screen was rendered outside of the console');
  return value;
}

/** The whole state: a frame is laid out as one anyway, so components need no narrower subscription. */
export const useConsoleState = (): ConsoleState => useStore(useConsole().store);
