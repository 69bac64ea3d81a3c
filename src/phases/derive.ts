/**
 * A phase's state from its checks and its prerequisites. State, headline and the why-list come from the same objects in
 * one place, so that a phase is OK exactly when nothing is left to say about it.
 */

import { dayOfInstant, formatDay } from '../platform/dates.ts';
import type { Phase } from '../platform/program.ts';
import type { Judged } from './check.ts';
import { sentence } from './check.ts';
import type { CheckState, PhaseCommand, PhaseNote, PhaseResult, PhaseSkip } from './types.ts';

/** One way to begin a phase: every listed phase must let it. Several ways are alternatives. */
export type Prerequisite = readonly Phase[];

export interface PhaseFacts {
  readonly phase: Phase;
  readonly title: string;
  readonly goal: string;
  readonly optional: boolean;
  /** Id of the check whose figure stands for a phase that is OK. */
  readonly mainCheck: string;
  /** All of these must be met; each is a list of alternatives of which one is enough. */
  readonly needs: readonly Prerequisite[];
  readonly checks: readonly Judged[];
  readonly commands: readonly PhaseCommand[];
  readonly notes?: readonly PhaseNote[];
  readonly skip?: PhaseSkip | null;
}

/** Worst first. */
const WORST_FIRST: readonly CheckState[] = ['FAIL', 'UNKN', 'BLKD', 'PART', 'WAIT', 'RUN', 'STALE', 'SKIP', 'OK'];
const severity = (state: CheckState) => WORST_FIRST.indexOf(state);

/** A reason why a phase is not OK. */
interface Why {
  readonly state: CheckState;
  readonly text: string;
  readonly brief: string;
}

/** Derives the phases in order; a phase looks back on those before it. */
export function derivePhases(phases: readonly PhaseFacts[]): PhaseResult[] {
  const judged = new Map(phases.map((facts) => [facts.phase, facts]));
  return phases.map((facts) => derivePhase(facts, judged));
}

function derivePhase(facts: PhaseFacts, all: ReadonlyMap<Phase, PhaseFacts>): PhaseResult {
  const required = facts.checks.filter((check) => !check.spec.advisory);
  const open = required.filter((check) => check.result.state !== 'OK');
  const blocks = [
    ...facts.needs.flatMap((alternatives) => gate(facts.phase, alternatives, all)),
    ...open.filter((check) => check.spec.input).map(lacking),
  ];
  const why: Why[] = [
    ...(facts.skip ? [skipped(facts.skip)] : []),
    ...blocks,
    ...open
      .filter((check) => !check.spec.input)
      .map(opened)
      .sort((a, b) => severity(a.state) - severity(b.state)),
  ];
  return {
    phase: facts.phase,
    title: facts.title,
    goal: facts.goal,
    optional: facts.optional,
    state: facts.skip ? 'SKIP' : phaseState(blocks, required),
    passed: required.length - open.length,
    required: required.length,
    headline: why.length ? why[0].brief : (required.find((check) => check.result.id === facts.mainCheck)?.brief ?? ''),
    why: why.map((reason) => reason.text),
    blockedBy: blocks.map((reason) => reason.text),
    checks: facts.checks.map((check) => check.result),
    commands: facts.commands,
    next: nextCommand(facts.commands, open),
    notes: facts.notes ?? [],
    skip: facts.skip ?? null,
  };
}

const opened = ({ result, brief }: Judged): Why => ({
  state: result.state,
  text: `${result.id} ${result.state}: ${result.reason}`,
  brief,
});

/** Of what the phase reads: said with what mends it, where a chain is refused too. */
const lacking = (check: Judged): Why => {
  const why = opened(check);
  return check.result.fix === null ? why : { ...why, text: `${why.text} Use: prometheus ${check.result.fix}.` };
};

/** Said before all else of a phase that is left out: whatever its checks have seen, it is no success. */
const skipped = ({ reason, who, at }: PhaseSkip): Why => ({
  state: 'SKIP',
  text: sentence(`Skipped by ${who} on ${formatDay(dayOfInstant(at))}: ${reason}`),
  brief: `skipped by ${who}: ${reason}`,
});

/** Position of the command that mends the first open check of those that a command mends. */
function nextCommand(commands: readonly PhaseCommand[], open: readonly Judged[]): number {
  const mending = open.map(({ result }) => commands.findIndex(({ argv }) => argv.join(' ') === result.fix));
  return mending.find((at) => at >= 0) ?? 0;
}

/** `blocks`: what keeps it from beginning. */
function phaseState(blocks: readonly Why[], required: readonly Judged[]): CheckState {
  const states = required.map((check) => check.result.state);
  const has = (state: CheckState) => states.includes(state);
  if (blocks.length) return blocks.every((reason) => reason.state === 'UNKN') ? 'UNKN' : 'BLKD';
  if (states.every((state) => state === 'OK')) return 'OK';
  if (has('FAIL')) return 'FAIL';
  if (has('UNKN')) return 'UNKN';
  const begun = required.some(
    (check) => check.spec.progress !== false && ['OK', 'PART', 'STALE', 'RUN'].includes(check.result.state),
  );
  // A check that waits on another one of its own phase is not blocked from outside: the phase has not begun.
  if (!begun) return 'WAIT';
  if (has('PART') || has('WAIT') || has('BLKD') || has('SKIP')) return 'PART';
  return has('RUN') ? 'RUN' : 'STALE';
}

/** What keeps `waiting` from beginning; empty when one of the alternatives lets it. */
function gate(waiting: Phase, alternatives: Prerequisite, all: ReadonlyMap<Phase, PhaseFacts>): Why[] {
  const closed = alternatives.map((phase) => closedBy(waiting, phase, all));
  if (closed.some((why) => why === null)) return [];
  const reasons = closed as Why[];
  if (reasons.length === 1) return reasons;
  return [
    {
      state: reasons.every((why) => why.state === 'UNKN') ? 'UNKN' : 'BLKD',
      text: `Needs ${alternatives.join(' or ')}: ${reasons.map((why) => why.brief).join('; ')}.`,
      brief: `needs ${alternatives.join(' or ')}`,
    },
  ];
}

/** The worst thing in `phase`, or in what it needs itself, that holds `waiting` back; null when nothing does. */
function closedBy(waiting: Phase, phase: Phase, all: ReadonlyMap<Phase, PhaseFacts>): Why | null {
  const facts = all.get(phase);
  if (!facts) return { state: 'BLKD', text: `Needs ${phase}.`, brief: `needs ${phase}` };
  if (facts.skip) {
    const text = `Needs ${phase}, which is skipped: ${facts.skip.reason}`;
    return { state: 'BLKD', text: sentence(text), brief: `needs ${phase}, which is skipped` };
  }
  const inherited = facts.needs.flatMap((alternatives) => gate(waiting, alternatives, all));
  if (inherited.length) {
    const state = inherited.every((why) => why.state === 'UNKN') ? 'UNKN' : 'BLKD';
    return {
      state,
      text: sentence(`Needs ${phase}, which is itself blocked: ${inherited[0].brief}`),
      brief: `needs ${phase}`,
    };
  }
  const holding = facts.checks
    .filter((check) => !check.spec.advisory && (check.spec.holdsBack?.includes(waiting) ?? true))
    .filter((check) => !(check.spec.opensWhen ?? ['OK', 'STALE']).includes(check.result.state))
    .sort((a, b) => severity(a.result.state) - severity(b.result.state));
  if (!holding.length) return null;
  const [worst] = holding;
  return {
    state: worst.result.state === 'UNKN' ? 'UNKN' : 'BLKD',
    text: `Needs ${phase}: ${worst.result.id} is ${worst.result.state}. ${worst.result.reason}`,
    brief: `needs ${phase}: ${worst.brief}`,
  };
}
