/** A phase's whole plan as jobs, one after the other, each begun when the one before it has ended well. */
import { isDeepStrictEqual } from 'node:util';
import type { PhaseCommand, PhaseResult } from '../phases/types.ts';
import { UsageError, UserError } from '../platform/errors.ts';
import { newId } from '../platform/ids.ts';
import { hasEnded } from './job-state.ts';
import { findProgram, type JobRuntime, splitProgram } from './launch.ts';
import type { JobView } from './protocol.ts';

/** A step that is still to be done. */
interface ChainStepPlan {
  readonly step: number;
  readonly label: string;
  readonly program: string;
  readonly args: readonly string[];
}

export interface ChainPlan {
  readonly id: string;
  readonly of: number;
  /** In order; the first may begin at once. */
  readonly steps: readonly ChainStepPlan[];
  /** A job of the chain that still lives: nothing is to be made. */
  readonly living: readonly JobView[];
}

/**
 * What is left to do of a phase's plan. A chain that stopped on the way is taken up at the first step that has not been
 * done with the same arguments; one that is through, or `fresh`, begins anew.
 * @throws UsageError for a phase that has no commands to run.
 */
export function planChain(
  phase: PhaseResult,
  jobs: readonly JobView[],
  { fresh, allowPartial }: { fresh: boolean; allowPartial: boolean },
  runtime: Pick<JobRuntime, 'catalog' | 'parse'>,
): ChainPlan {
  const catalog = runtime.catalog();
  const commands = phase.commands.map((command, i) => stepOf(command, i + 1, catalog, runtime.parse));
  if (commands.length === 0) {
    throw new UsageError(
      `${phase.phase} has no commands that can be run by themselves`,
      `See: prometheus why ${phase.phase}`,
    );
  }
  const earlier = jobs.filter((job) => job.chain?.name === phase.phase);
  const living = earlier.filter((job) => !hasEnded(job.state));
  const last = earlier[0]?.chain ?? null;
  if (living.length > 0) return { id: last!.id, of: commands.length, steps: [], living };
  /** The newest job of a step, when it was to do the same. */
  const sameBefore = ({ step, program, args }: ChainStepPlan) => {
    const newest = earlier.find((job) => job.chain!.id === last!.id && job.chain!.step === step);
    const same = newest?.program === program && isDeepStrictEqual(newest.args.filter(isNoResume), args);
    return same ? newest : undefined;
  };
  const isDone = (step: ChainStepPlan) => {
    const state = sameBefore(step)?.state;
    return state === 'DONE' || (allowPartial && state === 'PART');
  };
  const open = fresh || last === null ? 0 : commands.findIndex((command) => !isDone(command));
  // Through to the end: the operator wants all of it once more.
  const resumed = last !== null && open > 0;
  return {
    id: resumed ? last.id : newId(),
    of: commands.length,
    steps: commands.slice(Math.max(0, open)).map((step, k) => {
      const before = k === 0 && !fresh && last !== null ? sameBefore(step) : undefined;
      return before && goesOn(before, catalog) ? { ...step, args: [...step.args, RESUME] } : step;
    }),
    living: [],
  };
}

const RESUME = '--resume';
const isNoResume = (word: string) => word !== RESUME;

/** Whether a step goes on where its job broke off. Where going on was itself refused (other data, say), it begins anew. */
const goesOn = ({ program, state, args }: JobView, catalog: ReturnType<JobRuntime['catalog']>): boolean =>
  hasEnded(state) &&
  state !== 'DONE' &&
  !(state === 'FAIL' && args.includes(RESUME)) &&
  findProgram(catalog, program).resumes === true;

/**
 * A phase begins when those that it needs and what it reads are there, or when somebody says why it is to begin all the same.
 * @returns that reason, null where none was needed. @throws UserError that names what is missing.
 */
export function requireOpen({ phase, blockedBy }: PhaseResult, override: string | null): string | null {
  if (blockedBy.length === 0) return null;
  if (override !== null) return override;
  throw new UserError(
    `${phase} may not begin: ${blockedBy.join(' ').replace(/\.$/, '')}`,
    `See: prometheus why ${phase}. To run it all the same, give the reason: prometheus phases run ${phase} --override "…"`,
  );
}

function stepOf(
  command: PhaseCommand,
  step: number,
  catalog: ReturnType<JobRuntime['catalog']>,
  parse: JobRuntime['parse'],
): ChainStepPlan {
  const { program, args } = splitProgram(command.argv, catalog);
  // As its job will have them, defaults included: so the two can be compared.
  const parsed = parse(findProgram(catalog, program), args);
  return { step, label: command.label, program, args: parsed.argv };
}
