/**
 * Chaos: random kills of console, supervisor, shim, job and PostgreSQL over a workload of campaigns, a long script and a
 * numeric backfill; afterwards nothing may be lost, invented, left over or doubled. The seed gives the order of victims and
 * pauses; where in its work a victim is hit depends on the machine.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '../../src/platform/random.ts';
import { openTui, type Tui } from '../helpers/tui.ts';
import { type Kill, killOne, VICTIMS, type Victim } from './kills.ts';
import { Workload } from './lanes.ts';
import { endings, noExitCodeInvented, noJobLost, noLogByteLost, noOrphan, type Proof, rowsAreWhole } from './proofs.ts';
import { createWorld, PROMETHEUS, type World } from './world.ts';

const MAX_PAUSE_MS = 1200;

export interface Chaos {
  readonly kills: readonly Kill[];
  readonly endings: ReadonlyMap<string, number>;
  readonly proofs: readonly Proof[];
}

/** Runs it; `say` is told how far it is. A failed proof keeps the home for who wants to look. */
export async function chaos(count: number, seed: number, say: (text: string) => void): Promise<Chaos> {
  const random = new Random(seed);
  const world = await createWorld();
  let console = openConsole(world);
  let ok = false;
  try {
    say('what an undisturbed run leaves');
    for (const words of [world.campaign, world.backfill]) {
      const { code, err } = await world.prometheus(...words);
      if (code !== 0) throw new Error(`undisturbed: ${err}`);
    }
    const expected = await world.content();
    await world.clear();

    const workload = new Workload(world, random);
    workload.start();
    const kills: Kill[] = [];
    /** Every kind once before one of them again. */
    let deck: Victim[] = [];
    while (kills.length < count) {
      await sleep(random.below(MAX_PAUSE_MS));
      if (deck.length === 0) deck = [...VICTIMS];
      const at = random.below(deck.length);
      const done = await killOne(deck[at], { world, workload, console, random });
      // One of a kind that does not live just now is for later.
      if (!done) continue;
      deck.splice(at, 1);
      kills.push(done);
      say(`${kills.length} of ${count}: ${done.victim}${done.job ? ` of ${done.job}` : ''}`);
      if (done.victim !== 'console') continue;
      await console.exited;
      await console.close();
      console = openConsole(world);
    }
    say('letting everything come to its end');
    await workload.finish();
    await console.waitFor('✓ live');
    console.press('q');
    await console.exited;

    const { asked } = workload;
    const proofs = [
      noJobLost(world, asked),
      noLogByteLost(world, asked),
      noExitCodeInvented(world, asked, kills),
      await rowsAreWhole(world, expected),
    ];
    const ends = endings(world);
    proofs.push(await noOrphan(world));
    ok = proofs.every(({ wrong }) => wrong.length === 0);
    return { kills, endings: ends, proofs };
  } finally {
    await console.close();
    await world.end();
    if (ok) world.remove();
    else say(`the home is kept: ${world.home.root}`);
  }
}

const openConsole = (world: World): Tui => openTui(PROMETHEUS, [], { cols: 120, rows: 40, env: world.env });

/** The outcome as text. */
export function report({ kills, endings: ends, proofs }: Chaos): string {
  const counts = VICTIMS.map((victim) => `${victim} ${kills.filter((one) => one.victim === victim).length}`);
  return [
    `${kills.length} kills: ${counts.join(', ')}`,
    `jobs: ${[...ends].map(([what, n]) => `${what} ${n}`).join(', ')}`,
    ...proofs.map(({ name, looked, wrong }) =>
      [`${wrong.length === 0 ? '✓' : '✗'} ${name} (${looked})`, ...wrong.map((one) => `    ${one}`)].join('\n'),
    ),
    '',
  ].join('\n');
}
