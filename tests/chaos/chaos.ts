/**
 * Chaos: blows of every kind, at random, over a workload of campaigns, a long script, numeric backfills, imports and three
 * consoles; afterwards nothing may be lost, invented, left over, half-written or doubled. The seed gives the order of blows
 * and pauses; what exactly they hit depends on the machine.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '../../src/platform/random.ts';
import { openTui, type Tui } from '../helpers/tui.ts';
import { type Blow, type BlowKind, blowKinds, strike } from './blows.ts';
import { Workload } from './lanes.ts';
import {
  endings,
  footprint,
  noExitCodeInvented,
  noJobLost,
  noLeak,
  noLogByteLost,
  noOrphan,
  nothingLeftOpen,
  type Proof,
  rowsAreWhole,
} from './proofs.ts';
import { createWorld, PROMETHEUS } from './world.ts';

const MAX_PAUSE_MS = 1200;
/** A console's memory is first looked at when this share of the run is over: it has then loaded what it needs. */
const WARM = 1 / 6;

/** A row that was replaced keeps its room until then: an hour of it would fill the small disk. */
const VACUUM_MS = 60_000;

/** How long it goes on: a number of blows, or minutes. */
export type Length = { readonly blows: number } | { readonly minutes: number };

export interface Chaos {
  readonly kinds: readonly BlowKind[];
  readonly blows: readonly Blow[];
  readonly minutes: number;
  readonly endings: ReadonlyMap<string, number>;
  readonly proofs: readonly Proof[];
}

/** Runs it; `say` is told how far it is. A failed proof keeps the home for who wants to look. */
export async function chaos(length: Length, seed: number, say: (text: string) => void): Promise<Chaos> {
  const random = new Random(seed);
  const world = await createWorld({ disks: true });
  const open = () => openTui(PROMETHEUS, [], { cols: 120, rows: 40, env: world.env });
  const kinds = blowKinds(world);
  let struck = open();
  const [slow, calm] = [open(), open()];
  let ok = false;
  try {
    say('what an undisturbed run leaves');
    for (const words of [world.campaign, world.backfill, ...world.imports.toReversed()]) {
      const { code, err } = await world.prometheus(...words);
      if (code !== 0) throw new Error(`undisturbed: ${err}`);
    }
    const expected = await world.content();
    await world.clear();

    const workload = new Workload(world, random);
    workload.start();
    const began = Date.now();
    const blows: Blow[] = [];
    const share = () =>
      'blows' in length ? blows.length / length.blows : (Date.now() - began) / (60_000 * length.minutes);
    let vacuumedAt = began;
    let before = footprint(calm.pid);
    let warm = false;
    /** Every kind once before one of them again. */
    let deck: BlowKind[] = [];
    while (share() < 1) {
      await sleep(random.below(MAX_PAUSE_MS));
      if (!warm && share() >= WARM) {
        warm = true;
        before = footprint(calm.pid);
      }
      if (Date.now() - vacuumedAt > VACUUM_MS) {
        vacuumedAt = Date.now();
        // A server that is down just now is vacuumed the next time.
        await world.vacuum().catch(() => {});
      }
      if (deck.length === 0) deck = [...kinds];
      const at = random.below(deck.length);
      const blow = await strike(deck[at], { world, workload, console: struck, slow, random });
      // One of a kind that there is not just now is for later.
      if (!blow) continue;
      deck.splice(at, 1);
      blows.push(blow);
      say(`${blows.length} (${Math.floor(100 * share())} %): ${blow.kind}${blow.job ? ` of ${blow.job}` : ''}`);
      if (blow.kind !== 'console') continue;
      await struck.exited;
      await struck.close();
      struck = open();
    }
    const minutes = (Date.now() - began) / 60_000;
    say('letting everything come to its end');
    await workload.finish();
    const consoles = [struck, slow, calm];
    for (const one of consoles) await one.waitFor('✓ live');
    const leak = noLeak(before, footprint(calm.pid));
    for (const one of consoles) await quit(one);

    const { asked } = workload;
    const proofs = [
      noJobLost(world, asked),
      noLogByteLost(world, asked),
      noExitCodeInvented(world, asked, blows),
      await rowsAreWhole(world, expected),
      await nothingLeftOpen(world),
      leak,
    ];
    const ends = endings(world);
    proofs.push(await noOrphan(world));
    ok = proofs.every(({ wrong }) => wrong.length === 0);
    return { kinds, blows, minutes, endings: ends, proofs };
  } finally {
    await Promise.all([struck, slow, calm].map((one) => one.close()));
    await world.end();
    if (ok) world.remove();
    else say(`the home is kept: ${world.home.root}`);
  }
}

async function quit(console: Tui): Promise<void> {
  console.press('q');
  await console.exited;
}

/** The outcome as text. */
export function report({ kinds, blows, minutes, endings: ends, proofs }: Chaos): string {
  const counts = kinds.map((kind) => `${kind} ${blows.filter((one) => one.kind === kind).length}`);
  return [
    `${blows.length} blows in ${minutes.toFixed(1)} minutes: ${counts.join(', ')}`,
    `jobs: ${[...ends].map(([what, n]) => `${what} ${n}`).join(', ')}`,
    ...proofs.map(({ name, looked, wrong }) =>
      [`${wrong.length === 0 ? '✓' : '✗'} ${name} (${looked})`, ...wrong.map((one) => `    ${one}`)].join('\n'),
    ),
    '',
  ].join('\n');
}
