/** Phases: their whole plan as one chain, notes, the evidence of a check. */
import type { PhaseResult } from '../../phases/types.ts';
import type { Action } from '../action.ts';
import { chainDialog } from '../dialogs.ts';
import { selectedRow } from '../lists.ts';
import { selectedPhase } from '../selectors.ts';
import { notReady } from './reasons.ts';
import { prompt } from './view.ts';

const UNREAD = 'the phases have not been read yet';

/** Why a phase cannot be left out. */
export function noSkip(phase: PhaseResult | null): string | null {
  if (!phase) return UNREAD;
  if (!phase.optional) return `${phase.phase} is not optional: evidence alone decides on it`;
  return phase.skip ? `${phase.phase} is skipped already` : null;
}

/** Why a phase cannot be taken in again. */
export function noUnskip(phase: PhaseResult | null): string | null {
  if (!phase) return UNREAD;
  return phase.skip ? null : `${phase.phase} is not skipped`;
}

export const PHASE_ACTIONS: readonly Action[] = [
  {
    name: 'phase.run',
    scopes: ['overview', 'phases'],
    keys: ['N'],
    help: 'run the whole plan of the selected phase as a chain that goes on where it failed (asks first)',
    footer: { label: (state) => `run all of ${selectedPhase(state)?.phase ?? 'it'}`, rank: 6 },
    danger: 'cost',
    on: 'phases',
    disabled: (state) => {
      const missing = notReady(state);
      if (missing) return missing;
      const phase = selectedPhase(state);
      if (!phase) return UNREAD;
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
    on: 'phases',
    disabled: (state) => notReady(state) ?? (selectedPhase(state) ? null : UNREAD),
    run: ({ state, store }) => store.setState({ overlay: prompt('note', '', selectedPhase(state)?.phase) }),
  },
  {
    name: 'phase.skip',
    scopes: ['overview', 'phases'],
    keys: ['S'],
    help: 'leave the selected phase out, with the reason; optional phases only, and a skip is never green',
    footer: { label: (state) => `skip ${selectedPhase(state)?.phase ?? 'it'}`, rank: 12 },
    danger: 'cost',
    on: 'phases',
    disabled: (state) => notReady(state) ?? noSkip(selectedPhase(state)),
    run: ({ state, store }) => store.setState({ overlay: prompt('skip', '', selectedPhase(state)?.phase) }),
  },
  {
    name: 'phase.unskip',
    scopes: ['overview', 'phases'],
    keys: ['u'],
    help: 'take the selected phase in again, with the reason',
    footer: { label: (state) => `take ${selectedPhase(state)?.phase ?? 'it'} in again`, rank: 12 },
    danger: 'cost',
    on: 'phases',
    disabled: (state) => notReady(state) ?? noUnskip(selectedPhase(state)),
    run: ({ state, store }) => store.setState({ overlay: prompt('unskip', '', selectedPhase(state)?.phase) }),
  },
  {
    name: 'check.evidence',
    scopes: ['phases'],
    keys: ['e'],
    help: 'the selected check with its evidence over the whole screen: what was seen, where, what is asked for',
    danger: 'safe',
    on: 'checks',
    disabled: (state) => (selectedRow(state, 'checks') ? null : 'no check is selected'),
    run: ({ store }) => store.setState({ focus: 'check', zoomed: true }),
  },
];
