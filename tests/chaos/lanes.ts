/** The workload: lanes of jobs, one after the other in each, started as an operator's shell would start them. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../src/platform/random.ts';
import { readJobView } from '../../src/supervisor/job-list.ts';
import { hasEnded } from '../../src/supervisor/job-state.ts';
import { listJobIds, readJob } from '../../src/supervisor/job-store.ts';
import type { JobState, JobView } from '../../src/supervisor/protocol.ts';
import type { World } from './world.ts';

const POLL_MS = 100;
const RETRY_MS = 500;

/** A job that was asked for. */
export interface Asked {
  readonly key: string;
  readonly lane: string;
  /** For the script: its ledger. */
  readonly ledger: string | null;
}

export class Workload {
  readonly #world: World;
  readonly #random: Random;
  readonly asked: Asked[] = [];
  #ending = false;
  #lanes: Promise<void>[] = [];
  #count = 0;

  constructor(world: World, random: Random) {
    this.#world = world;
    this.#random = random;
  }

  start(): void {
    this.#lanes = [this.#campaigns(), this.#scripts(), this.#backfills(), this.#imports()];
  }

  /** Lets each lane come to a good end: its last job is one that nobody disturbs. */
  async finish(): Promise<void> {
    this.#ending = true;
    await Promise.all(this.#lanes);
  }

  /** The jobs that have a living process just now. */
  running(): JobView[] {
    return listJobIds(this.#world.home)
      .map((id) => viewOf(this.#world, id))
      .filter((one) => one.state === 'RUN');
  }

  async #campaigns(): Promise<void> {
    let state: JobState;
    do state = await this.#run('campaign', this.#world.campaign, null);
    while (!this.#ending || state !== 'DONE');
  }

  async #backfills(): Promise<void> {
    let state: JobState = 'DONE';
    do {
      // One that was broken off is taken up; one that is done begins anew, over the same rows.
      state = await this.#run('backfill', [...this.#world.backfill, ...(state === 'DONE' ? [] : ['--resume'])], null);
    } while (!this.#ending || state !== 'DONE');
  }

  /** One version of the second market after the other; the first one is the last. */
  async #imports(): Promise<void> {
    const [first, second] = this.#world.imports;
    let state: JobState;
    do {
      await this.#run('import', second, null);
      state = await this.#run('import', first, null);
    } while (!this.#ending || state !== 'DONE');
  }

  async #scripts(): Promise<void> {
    do {
      const ledger = this.#world.at(`ledger-${++this.#count}`);
      const code = this.#random.below(2) * 7;
      const lines = 500 + this.#random.below(3000);
      const words = ['chaos', 'script', '--ledger', ledger, '--lines', String(lines), '--exit', String(code)];
      await this.#run('script', words, ledger);
    } while (!this.#ending);
  }

  /** Asks for a job until it is there, with one key, whoever dies meanwhile; resolves with its end. */
  async #run(lane: string, [family, name, ...args]: readonly string[], ledger: string | null): Promise<JobState> {
    const key = `${lane} ${this.asked.length + 1}`;
    this.asked.push({ key, lane, ledger });
    let id: string | null = null;
    for (let tries = 0; id === null; tries++) {
      const { code, out, err } = await this.#world.prometheus(
        'job',
        'start',
        family,
        name,
        '--key',
        key,
        '--',
        ...args,
      );
      if (code === 0) id = out.trim();
      else if (tries > 200) throw new Error(`${key} cannot be started: ${err}`);
      else await sleep(RETRY_MS);
    }
    for (;;) {
      const { state } = viewOf(this.#world, id);
      if (hasEnded(state)) return state;
      if (state === 'QUEUE') await this.#world.prometheus('supervisor', 'start');
      await sleep(POLL_MS);
    }
  }
}

export const viewOf = (world: World, id: string): JobView =>
  readJobView(world.home, id, { now: Date.now(), stopDeadlineMs: 30_000 });

/** The idempotency key that a job's folder names. */
export const keyOf = (world: World, id: string): string | null => readJob(world.home, id).spec?.idempotencyKey ?? null;
