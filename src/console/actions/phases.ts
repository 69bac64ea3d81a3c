/** Phases: their whole plan as one chain. */
import type { Action } from '../action.ts';
import { chainDialog } from '../dialogs.ts';
import { selectedPhase } from '../selectors.ts';
import { notReady } from './reasons.ts';

export const PHASE_ACTIONS: readonly Action[] = [
  {
    name: 'phase.run',
    scopes: ['overview', 'phases'],
    keys: ['N'],
    help: 'run the whole plan of the selected phase as a chain that goes on where it failed (asks first)',
    footer: { label: (state) => `run all of ${selectedPhase(state)?.phase ?? 'it'}`, rank: 6 },
    danger: 'cost',
    disabled: (state) => {
      const missing = notReady(state);
      if (missing) return missing;
      const phase = selectedPhase(state);
      if (!phase) return 'the phases have not been read yet';
      return phase.commands.length > 0 ? null : `${phase.phase} has no commands`;
    },
    run: ({ state, store, host }) =>
      store.setState({ overlay: chainDialog(state, selectedPhase(state), host.newId()) }),
  },
];
