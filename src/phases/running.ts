/** A phase that is under way: a job that feeds it runs. Evidence comes when the job has ended; until then this is what is known. */
import type { Board, CheckState, PhaseResult } from './types.ts';

/** What is asked of a job here. */
export interface FeedingJob {
  readonly id: string;
  /** Words of its command without arguments: `backtest campaign`. */
  readonly program: string;
  /** `RUN` while it has a living process. */
  readonly state: string;
}

/** States of a phase that is open and that a job can mend. What failed, is blocked or unknown stays that. */
const OPEN: readonly CheckState[] = ['WAIT', 'PART', 'STALE'];

/** The board with each open phase RUN of whose commands one runs; the job is named before all other reasons. */
export function withRunning(board: Board, jobs: readonly FeedingJob[]): Board {
  const running = jobs.filter(({ state }) => state === 'RUN');
  if (running.length === 0) return board;
  return { ...board, phases: board.phases.map((phase) => phaseWithRunning(phase, running)) };
}

function phaseWithRunning(phase: PhaseResult, jobs: readonly FeedingJob[]): PhaseResult {
  if (!OPEN.includes(phase.state)) return phase;
  const feeding = jobs.filter(({ program }) => phase.commands.some(({ argv }) => begins(argv, program.split(' '))));
  if (feeding.length === 0) return phase;
  const ids = feeding.map(({ id }) => id).join(', ');
  return {
    ...phase,
    state: 'RUN',
    headline: `job ${ids} runs; ${phase.headline}`,
    why: [`RUN: job ${ids} feeds it just now; what is there of it counts when it has ended.`, ...phase.why],
  };
}

const begins = (argv: readonly string[], words: readonly string[]) => words.every((word, i) => argv[i] === word);
