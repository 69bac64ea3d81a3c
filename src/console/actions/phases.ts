/** Phases: their whole plan as one chain, notes, the evidence of a check. */
import type { Action } from '../action.ts';
import { chainDialog } from '../dialogs.ts';
import { selectedRow } from '../lists.ts';
import { selectedPhase } from '../selectors.ts';
import { notReady } from './reasons.ts';
import { prompt } from './view.ts';

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
  {
    name: 'phase.note',
    scopes: ['overview', 'phases'],
    keys: ['i'],
    help: 'write a note on the selected phase; notes are only ever added',
    danger: 'cost',
    disabled: (state) => notReady(state) ?? (selectedPhase(state) ? null : 'the phases have not been read yet'),
    run: ({ store }) => store.setState({ overlay: prompt('note', '') }),
  },
  {
    name: 'check.evidence',
    scopes: ['phases'],
    keys: ['e'],
    help: 'the selected check with its evidence over the whole screen: what was seen, where, what is asked for',
    danger: 'safe',
    disabled: (state) => (selectedRow(state, 'checks') ? null : 'no check is selected'),
    run: ({ store }) => store.setState({ focus: 'check', zoomed: true }),
  },
];
