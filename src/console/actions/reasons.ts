/** Why an action cannot be done now: the reasons that several share. */
import type { ConsoleState } from '../store.ts';

export const notThere = (state: ConsoleState): string | null =>
  state.connected ? null : (state.bootProblem ?? `not yet: ${state.boot ?? 'the supervisor is not there'}`);

/** The supervisor is missing, or has not answered the last request. */
export const notReady = (state: ConsoleState): string | null =>
  notThere(state) ?? (state.sending ? 'the last request is still on its way' : null);
