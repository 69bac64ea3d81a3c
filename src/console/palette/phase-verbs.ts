/** Verbs on phases: their plan, what is typed about them, why they are not green. */
import type { PhaseResult } from '../../phases/types.ts';
import { noSkip, noUnskip } from '../actions/phases.ts';
import { prompt } from '../actions/view.ts';
import { chainDialog } from '../dialogs.ts';
import { select } from '../lists.ts';
import { phasesOf } from '../selectors.ts';
import type { ConsoleState, PhaseWords } from '../store.ts';
import { atMostOne, goTo, phaseIds, type Verb } from './verb.ts';

const phaseCalled = (state: ConsoleState, id: string | undefined): PhaseResult | undefined =>
  phasesOf(state).find(({ phase }) => phase === id?.toUpperCase());

/** A verb that opens the line for words on a phase, with those that were typed already. */
function onPhase(
  name: string,
  help: string,
  purpose: PhaseWords,
  refusal: (phase: PhaseResult) => string | null,
): Verb {
  return {
    name,
    words: phaseIds,
    help,
    safe: false,
    run({ state, store, toast }, [id, ...words]) {
      const phase = phaseCalled(state, id);
      const reason = phase ? refusal(phase) : `which phase? ${phaseIds(state).join(', ')}`;
      if (!phase || reason !== null) return toast(reason ?? '', 'warn');
      const text = words.filter((word) => word !== '--text').join(' ');
      store.setState({ overlay: prompt(purpose, text, phase.phase) });
    },
  };
}

export const PHASE_VERBS: readonly Verb[] = [
  {
    name: 'phases run',
    words: phaseIds,
    help: "a phase's whole plan as one chain; --override why, where it is blocked",
    safe: false,
    run({ state, store, host, toast }, [id, flag, ...why]) {
      const phase = phaseCalled(state, id);
      if (!phase) return toast(`which phase? ${phaseIds(state).join(', ')}`, 'warn');
      if (flag !== undefined && flag !== '--override') return toast(`phases run has no '${flag}' here`, 'warn');
      const override = why.join(' ');
      if (flag !== undefined && override === '')
        return toast('--override: say why it is run though it is blocked', 'warn');
      store.setState({ overlay: chainDialog(state, phase, host.newId(), override || undefined) });
    },
  },
  onPhase('phases skip', 'leave an optional phase out: phases skip P3 [--text WHY]', 'skip', noSkip),
  onPhase('phases unskip', 'take a skipped phase in again: phases unskip P3 [--text WHY]', 'unskip', noUnskip),
  onPhase('note', 'a note on a phase: note P3 [TEXT]', 'note', () => null),
  {
    name: 'why',
    words: (state) => phasesOf(state).flatMap(({ phase, checks }) => [phase, ...checks.map(({ id }) => id)]),
    safe: true,
    fits: atMostOne,
    run(context, [id]) {
      const { state, store, toast } = context;
      const wanted = id?.toUpperCase();
      const phases = phasesOf(state);
      const check = phases.flatMap(({ checks }) => checks).find((one) => one.id.toUpperCase() === wanted);
      const phase = phases.find((one) => one.phase === wanted || (check && one.checks.includes(check)));
      if (!phase) {
        const near = phases.find((one) => wanted?.startsWith(`${one.phase}.`));
        const names = near ? near.checks.map((one) => one.id) : phases.map((one) => one.phase);
        return toast(`which ${near ? 'check' : 'phase'}? ${names.join(', ')}`, 'warn');
      }
      goTo(context, 'phases', check ? 'checks' : 'phases', { list: 'phases', id: phase.phase });
      if (check)
        store.setState((now) => ({
          ...select(now, 'checks', check.id),
          filters: { ...now.filters, checks: undefined },
        }));
    },
  },
];
