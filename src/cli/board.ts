/** The board as commands and the console read it, bound to a home and its databases. */
import { evaluateBoard } from '../phases/board.ts';
import { loadPhaseConfig, requirementsOf } from '../phases/config.ts';
import type { CoverageOptions } from '../phases/coverage-days.ts';
import type { Suite } from '../phases/evidence.ts';
import { withRunning } from '../phases/running.ts';
import { latestRuns } from '../phases/runs.ts';
import type { Board } from '../phases/types.ts';
import type { ConnectOptions, Databases } from '../platform/db/databases.ts';
import { readGit } from '../platform/provenance.ts';
import { loadSettings } from '../platform/settings.ts';
import { JobList } from '../supervisor/job-list.ts';
import { pythonSuite } from '../supervisor/programs.ts';
import type { RunSummary } from '../supervisor/protocol.ts';
import type { Cli } from './context.ts';

/** How the board's own pools are opened: it never writes and never needs more than one connection a database. */
export const BOARD_POOLS: ConnectOptions = { application: 'phases', readOnly: true, maxConnections: 1 };

export interface BoardReader {
  evaluateBoard(signal: AbortSignal): Promise<Board>;
  latestRuns(): Promise<RunSummary[]>;
}

/**
 * Evaluation over these databases (open them with `BOARD_POOLS`; an abort breaks off whatever runs on them).
 * The thresholds are read anew each time, so that an edited phases.yaml counts at the next look.
 */
export function boardReader(cli: Cli, databases: Databases): BoardReader {
  return {
    evaluateBoard: async (signal) =>
      evaluateBoard({
        databases,
        home: cli.home,
        config: loadPhaseConfig(cli.home, cli.env),
        now: Date.now,
        signal,
        checkout: cli.env.PROMETHEUS_CHECKOUT ?? null,
        suite: suiteOf(cli),
        build: cli.provenance.build,
      }),
    latestRuns: () => latestRuns(databases),
  };
}

/** The user's own tests with the commit that is checked out there now. */
function suiteOf(cli: Cli): Suite | null {
  const suite = pythonSuite(cli.home, cli.env);
  return suite && { root: suite.root, sha: readGit(suite.root).sha };
}

/** What coverage asks for in this home, day by day. The thresholds are read anew each time, as for the board. */
export function coverageOptions(cli: Cli): CoverageOptions {
  const config = loadPhaseConfig(cli.home, cli.env);
  return {
    need: requirementsOf(config, cli.home.demo),
    now: Date.now,
    signal: cli.signal,
    timeoutMs: config.evidence.probeTimeoutMs,
  };
}

/**
 * Reads the board once; starts the embedded server when it is the one meant. A server that does not start, or whose tables
 * cannot be brought up to this build, is an answer: UNKN with the cause.
 */
export async function readBoard(cli: Cli): Promise<Board> {
  const board = await boardReader(cli, await cli.databases(BOARD_POOLS, { lazy: true })).evaluateBoard(cli.signal);
  // What runs is told by its folder: no supervisor is needed for that.
  const jobs = new JobList(cli.home, Date.now, loadSettings(cli.home, cli.env).jobs.stopDeadlineSeconds * 1000);
  await jobs.poll();
  return withRunning(board, jobs.views);
}
