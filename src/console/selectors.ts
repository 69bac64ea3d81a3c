/** Questions to the state, each answered in one place for screens, keys and tests alike. */
import { isComplete } from '../format/command.ts';
import type { PhaseCommand, PhaseResult } from '../phases/types.ts';
import type { JobView } from '../supervisor/protocol.ts';
import { isRunning, selectedRow } from './lists.ts';
import { sameAs } from './same-command.ts';
import type { ConsoleState } from './store.ts';

/** The phases on the board; none while the evidence has not been read. */
export const phasesOf = (state: ConsoleState): readonly PhaseResult[] => state.snapshot.board?.phases ?? [];

/** The phase chosen by hand, else the first one that is not green. */
export const selectedPhase = (state: ConsoleState): PhaseResult | null => selectedRow(state, 'phases');

/** The job chosen by hand, else the newest running one, else the newest. */
export const selectedJob = (state: ConsoleState): JobView | null => selectedRow(state, 'jobs');

/**
 * The command that the launch key starts for the selected phase: the one chosen in the list of commands while that has the
 * focus, else the one that mends the first open check, else the first that needs nothing filled in. null when there is none.
 */
export function launchCommand(state: ConsoleState): PhaseCommand | null {
  if (state.focus === 'commands') {
    const chosen = selectedRow(state, 'commands');
    return chosen && isComplete(chosen.argv) ? chosen : null;
  }
  const phase = selectedPhase(state);
  if (!phase) return null;
  const { commands, next } = phase;
  return [...commands.slice(next, next + 1), ...commands].find((command) => isComplete(command.argv)) ?? null;
}

/** What would mend the worst failing check of the selected phase; null when nothing can be said. */
export function firstFix(state: ConsoleState): string | null {
  const failing = selectedPhase(state)?.checks.filter((check) => check.state !== 'OK' && check.fix !== null) ?? [];
  return (failing.find((check) => !check.advisory) ?? failing[0])?.fix ?? null;
}

export const runningJobs = (state: ConsoleState): readonly JobView[] => state.snapshot.jobs.filter(isRunning);

/** A running job of the same program, which a launch would join. */
export function runningSibling(state: ConsoleState, program: string): JobView | null {
  return runningJobs(state).find((job) => job.program === program) ?? null;
}

/** How long the newest finished run with the arguments of a command took; null when there is none. */
export function measuredDuration(
  state: ConsoleState,
  command: Parameters<typeof sameAs>[1],
): { ms: number; jobId: string } | null {
  const same = sameAs(state, command);
  const job = state.snapshot.jobs.find((j) => j.state === 'DONE' && j.startedAt && j.endedAt && same(j));
  return job ? { ms: job.endedAt! - job.startedAt!, jobId: job.id } : null;
}

export type Progress = NonNullable<JobView['progress']> & {
  /** 0…1; null while the total is unknown. */
  readonly share: number | null;
};

/** The progress of a job with its share; rate and time left are the supervisor's, from the job's own reports. */
export function jobProgress({ progress }: JobView): Progress | null {
  if (!progress) return null;
  const { done, total } = progress;
  return { ...progress, share: total ? Math.max(0, Math.min(1, done / total)) : null };
}

/** The most pressing trouble, in one sentence; null when there is none. */
export function trouble(state: ConsoleState): string | null {
  if (state.bootProblem) return state.bootProblem;
  const { databases, boardProblem } = state.snapshot;
  for (const name of ['historical', 'runtime'] as const) {
    const { up, problem } = databases[name];
    // The reason names the database itself as a rule.
    if (up === false)
      return problem?.includes(`${name} database`) ? problem : `${name} database down: ${problem ?? 'no reason given'}`;
  }
  return boardProblem;
}

/** Orders names as people count: `H5` before `H21`. Sleeves keep their places whichever of them ended first. */
export function byName(a: string, b: string): number {
  const key = (name: string) => name.replace(/\d+/g, (digits) => digits.padStart(9, '0'));
  const [left, right] = [key(a), key(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Whether a person holds it, not the hour or the load. */
export const isPausedByHand = ({ paused }: JobView): boolean => paused?.startsWith('by hand') ?? false;
