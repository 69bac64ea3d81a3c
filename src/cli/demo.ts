/** `prometheus demo`: the whole product over a synthetic market, in a home of its own. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { stringify } from 'yaml';
import { z } from 'zod';
import { generateMarket, type MarketOptions } from '../../engines/data/generate/market.ts';
import { syntheticMarketArgs } from '../../engines/data/generate/spec.ts';
import { storeMarket } from '../../engines/data/generate/storage.ts';
import { campaignArgv, proofArgv } from '../phases/campaign.ts';
import { loadPhaseConfig, requirementsOf } from '../phases/config.ts';
import type { Board } from '../phases/types.ts';
import { parseDay } from '../platform/dates.ts';
import { serverStatus, stopServer } from '../platform/db/embedded.ts';
import { Exit, type ExitCode, errorMessage, UsageError, UserError } from '../platform/errors.ts';
import type { Events } from '../platform/events.ts';
import { createHome, type Home, homeAt, resolveHomeRoot } from '../platform/home.ts';
import { lockHolder, withLock } from '../platform/locks.ts';
import { supervisorLock } from '../supervisor/daemon.ts';
import { parseArguments } from './arguments.ts';
import { backtestCampaign } from './backtest.ts';
import { readBoard } from './board.ts';
import { defineCommand } from './command.ts';
import { type Cli, DEMO_MARK } from './context.ts';
import { demoThresholds } from './demo-thresholds.ts';
import { phasesReport } from './phases.ts';
import { terminalEvents } from './terminal-events.ts';
import { verifyPointInTime } from './verify.ts';

const LOCK = 'demo.lock';
const THRESHOLDS = 'phases.yaml';
const THRESHOLDS_TITLE = '# Thresholds of this demo: its market has a span of its own,';
const LOCK_WAIT_MS = 3_600_000;

/** The check that asks for a test run; a demo machine need not have made one. */
const TEST_CHECK = 'P0.tests';

export const demo = defineCommand({
  name: 'demo',
  summary: 'the console over a synthetic market, in a home of its own',
  description: `
Makes a home (PROMETHEUS_HOME when set, else the default home + "-demo"), starts the embedded databases, fills them with a
deterministic synthetic US equity market and opens the console with Phase 1 one key away. Never touches databases of your
own. A second call comes back to the same demo.

--headless (implied without a terminal) runs Phases 0 and 1 instead: the board on stderr, the campaign's CSV alone on
stdout; it stops what it started and exits 0 when both phases hold (P0.tests apart: a demo needs no test run of its own).`,
  args: z.object({
    ...syntheticMarketArgs,
    headless: z.boolean().default(false).describe('no console: run Phases 0 and 1 and print the result'),
  }),
  run: async ({ headless, ...options }, outer) => {
    if (parseDay(options.end) <= parseDay(options.start)) {
      throw new UsageError(`--end ${options.end} is not after --start ${options.start}`, 'Swap them or mend one.');
    }
    const cli = outer.withHome(await prepareHome(outer));
    if (!headless && cli.interactive) {
      const { openConsole } = await import('./console.ts');
      return openConsole(cli, {
        prepare: (say) => fillDatabases(cli, options, spoken(say)),
        phase: 'P1',
        comeBack: 'prometheus demo',
      });
    }
    return runHeadless(cli, options);
  },
});

/** Makes or recognises the demo's home. @throws UserError when the folder holds anything else. */
async function prepareHome(cli: Cli): Promise<Home> {
  const root = cli.env.PROMETHEUS_HOME
    ? path.resolve(cli.env.PROMETHEUS_HOME)
    : `${await resolveHomeRoot(cli.env)}-demo`;
  const home = homeAt(root, { demo: true });
  let fresh: boolean;
  try {
    fresh = !existsSync(path.join(root, DEMO_MARK));
    if (fresh && existsSync(root) && holdsAnything(home)) {
      throw new UserError(
        `${root} holds something that is not a demo`,
        'Set PROMETHEUS_HOME to a new or empty folder.',
      );
    }
    createHome(home);
    if (fresh)
      writeFileSync(path.join(root, DEMO_MARK), 'This home holds a synthetic market, made by prometheus demo.\n');
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(
      `the demo's home ${root} cannot be used: ${errorMessage(error)}`,
      'Set PROMETHEUS_HOME to a folder that you may write.',
    );
  }
  return home;
}

/** Whether a folder holds anything but the empty rooms of a home and thresholds of ours. */
function holdsAnything(home: Home): boolean {
  const rooms = [home.jobs, home.postgres, home.models, home.cache, home.logs].map((dir) => path.basename(dir));
  return readdirSync(home.root).some(
    (name) =>
      name !== THRESHOLDS &&
      name !== LOCK &&
      (!rooms.includes(name) || readdirSync(path.join(home.root, name)).length > 0),
  );
}

/**
 * A market of another span is judged by its own span: thresholds of this home, open to read and edit. Those of a market
 * that was to be made here before, by a call that was broken off, give way.
 */
function writeThresholds(home: Home, options: MarketOptions): void {
  const file = path.join(home.root, THRESHOLDS);
  const { start, end, newsStart } = options;
  const title = `${THRESHOLDS_TITLE} from ${start} to ${end}, with news from ${newsStart}.\n`;
  const found = existsSync(file) ? readFileSync(file, 'utf8') : '';
  if (found.startsWith(title) || (found && !found.startsWith(THRESHOLDS_TITLE))) return;
  rmSync(file, { force: true });
  const overrides = demoThresholds(requirementsOf(loadPhaseConfig(home, {}), true), options);
  if (Object.keys(overrides).length > 0) writeFileSync(file, `${title}${stringify(overrides)}`);
}

/** Databases up, migrated and filled, thresholds as its market's; does nothing when they already hold this market. */
async function fillDatabases(cli: Cli, options: MarketOptions, events: Events): Promise<void> {
  const databases = await cli.databases({ application: 'demo' });
  await storeMarket(generateMarket(options), databases, events, cli.signal);
  // Only now is it known that this is the market which the home holds.
  writeThresholds(cli.home, options);
}

/** Events as the few words that the console shows while it starts. */
function spoken(say: (what: string) => void): Events {
  let stageName = 'starting the databases';
  return {
    emit: (event) => {
      if (event.type === 'stage') say(`${(stageName = event.name)} …`);
      else if (event.type === 'progress' && event.total)
        say(`${stageName} ${Math.floor((100 * event.done) / event.total)} %`);
    },
  };
}

/** Phases 0 and 1 without a screen. */
async function runHeadless(cli: Cli, options: MarketOptions): Promise<ExitCode> {
  // Two at once would write the same rows and stop each other's server: the second waits, and finds everything there.
  return withLock(path.join(cli.home.root, LOCK), () => runLocked(cli, options), {
    waitMs: LOCK_WAIT_MS,
    what: `the demo in ${cli.home.root}`,
    signal: cli.signal,
  });
}

async function runLocked(cli: Cli, options: MarketOptions): Promise<ExitCode> {
  const wasRunning = (await serverStatus(cli.home)).running;
  try {
    const { events, finish } = terminalEvents(process.stderr, Date.now, { demo: true });
    await fillDatabases(cli, options, events);
    finish(null);
    const need = requirementsOf(loadPhaseConfig(cli.home, cli.env), true);
    const argv = campaignArgv(need).slice(2);
    const { args } = parseArguments(backtestCampaign.name, backtestCampaign.args, argv);
    const ran = await backtestCampaign.run(args!, cli);
    if (ran !== Exit.done) return ran;
    const proof = parseArguments(verifyPointInTime.name, verifyPointInTime.args, proofArgv(need).slice(2));
    await verifyPointInTime.run(proof.args!, cli);
    const board = await readBoard(cli);
    cli.err(`\n${phasesReport(board, cli)}\n`);
    return holds(board) ? Exit.done : Exit.failed;
  } finally {
    // A console that came meanwhile has a supervisor, and needs the server.
    if (!wasRunning && lockHolder(supervisorLock(cli.home)) === null) {
      await cli.closeDatabases();
      await stopServer(cli.home);
    }
  }
}

/** Whether every required check of Phases 0 and 1 but the test record is OK. */
function holds(board: Board): boolean {
  return board.phases
    .filter((phase) => phase.phase === 'P0' || phase.phase === 'P1')
    .flatMap((phase) => phase.checks)
    .every((check) => check.advisory || check.id === TEST_CHECK || check.state === 'OK');
}
