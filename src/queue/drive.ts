/** Works a backfill off: takes shards from the queue until every one is marked, whoever did it. */
import { loadavg } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { UserError } from '../platform/errors.ts';
import { log } from '../platform/events.ts';
import type { ProgramContext } from '../platform/program.ts';
import { type Backfill, endBackfill, isOpen, whileAlive } from './backfills.ts';
import { type MarkTotals, markedShards, markTotals, shardId } from './shard-marks.ts';
import { openShardQueue, type ShardQueue } from './shard-queue.ts';
import type { OnOpened, Thread, Threads } from './threads.ts';
import { restAfter, restReason, type Throttle } from './throttle.ts';
import { type Standing, standingOf } from './throttle-store.ts';

/** How often the marks of all machines are counted, and how long an idle thread waits for a shard to come free. */
const LOOK_MS = 1_000;

/** A piece of a plan. */
interface PlannedShard {
  readonly number: number;
  /** Position of the model in the backfill's spec. */
  readonly model: number;
}

export interface DriveOptions<Shard extends PlannedShard> {
  readonly backfill: Backfill;
  /** The whole plan; a shard's number is its position. */
  readonly shards: readonly Shard[];
  /** What its rows are called; vectors when left out. */
  readonly unit?: string;
  /** Starts this process's threads, none where it only waits for others; `onOpened` is told what runs each model. */
  readonly start: (onOpened: OnOpened) => Promise<Threads<Shard>>;
  /** Puts the shards that are not marked into the queue: who begins or resumes a backfill does. */
  readonly fill: boolean;
}

/** What this process did of it. */
export interface Share {
  readonly shards: number;
  readonly rows: number;
  readonly skipped: number;
  readonly failed: number;
}

/**
 * Returns when all shards are marked, here or elsewhere, or when the backfill was replaced.
 * @throws UserError as soon as one shard fails for a reason of its own; everything committed stays.
 */
export async function drive<Shard extends PlannedShard>(
  options: DriveOptions<Shard>,
  context: ProgramContext,
): Promise<Share> {
  const { historical } = context.databases;
  const { id } = options.backfill;
  return whileAlive(historical, id, async () => {
    if (!(await isOpen(historical, id))) return { shards: 0, rows: 0, skipped: 0, failed: 0 };
    return new Drive(options, context).run();
  });
}

class Drive<Shard extends PlannedShard> {
  readonly #options: DriveOptions<Shard>;
  readonly #context: ProgramContext;
  readonly #share = { shards: 0, rows: 0, skipped: 0, failed: 0 };
  readonly #allMarked = Promise.withResolvers<void>();
  #ended = false;
  #lastLook: number;
  #lastTotals: MarkTotals | null = null;
  #looking: Promise<void> | null = null;
  #refilling: Promise<void> | null = null;
  #standing: { readonly at: number; readonly read: Promise<Standing> } | null = null;
  #rests: string | null = null;

  constructor(options: DriveOptions<Shard>, context: ProgramContext) {
    this.#options = options;
    this.#context = context;
    this.#lastLook = context.now();
  }

  async run(): Promise<Share> {
    const { backfill, start, fill } = this.#options;
    const { databases, events, signal } = this.#context;
    const { historical } = databases;
    const queue = await openShardQueue(historical, backfill.id, (message) => {
      if (!this.#ended) log(events, 'debug', `queue: ${message}`);
    });
    const told = new Set<string>();
    const threads = await start((model, provider, fallback) => {
      if (told.has(model)) return;
      told.add(model);
      log(events, 'info', `${model} runs on ${provider}${fallback ? ` (${fallback})` : ''}`);
    });
    try {
      if (fill) await this.#fill(queue);
      events.emit({ type: 'artifact', kind: 'backfill', id: backfill.id });
      await this.#look();
      await Promise.all(threads.list.map((thread) => this.#work(thread, queue)));
      if (threads.list.length === 0) await this.#wait(queue);
      signal.throwIfAborted();
      await this.#look();
      if (fill) {
        await endBackfill(historical, backfill.id);
        await queue.remove();
      }
      return this.#share;
    } finally {
      this.#ended = true;
      if (this.#rests !== null) events.emit({ type: 'paused', reason: null });
      await threads.stop();
      await queue.close();
    }
  }

  /** Puts the shards that are not marked into the queue. */
  async #fill(queue: ShardQueue): Promise<void> {
    const { backfill, shards } = this.#options;
    const marked = await markedShards(this.#context.databases.historical, backfill.id);
    await queue.fill(
      shards.filter(({ number }) => !marked.has(shardId(backfill.id, number))).map(({ number }) => number),
    );
  }

  /** Shards that are neither marked nor in the queue: whoever began the backfill died before it had put them there. */
  #refill(queue: ShardQueue): Promise<void> {
    const { databases } = this.#context;
    this.#refilling ??= databases.historical
      .transaction(async (client) => {
        await client.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [
          `prometheus backfill ${this.#options.backfill.id} fill`,
        ]);
        // A mark is committed before its shard leaves the queue: an empty queue and then no mark is a lost shard.
        if (await queue.isEmpty()) await this.#fill(queue);
      })
      .finally(() => {
        this.#refilling = null;
      });
    return this.#refilling;
  }

  /** One thread: shard after shard, until there is none left anywhere. */
  async #work(thread: Thread<Shard>, queue: ShardQueue): Promise<void> {
    const { shards, backfill } = this.#options;
    const { signal, now, events } = this.#context;
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    aborted.catch(() => {}); // told by whoever waits for it
    try {
      while (!this.#ended) {
        signal.throwIfAborted();
        // A worker that rests holds no shard and no transaction.
        const throttle = await this.#throttle();
        const claim = throttle && (await queue.take());
        if (!claim) {
          await this.#look();
          if (this.#lastTotals!.shards >= backfill.shards) {
            this.#allMarked.resolve();
            return;
          }
          if (throttle) await this.#refill(queue);
          await this.#rest(LOOK_MS);
          continue;
        }
        const started = now();
        // A shard may take minutes: whoever stops the backfill does not wait for it.
        const outcome = await Promise.race([thread.run(shards[claim.shard]), aborted]);
        await queue.complete(claim);
        if (outcome.written) {
          this.#share.shards++;
          for (const key of ['rows', 'skipped', 'failed'] as const) this.#share[key] += outcome[key];
          const model = backfill.spec.models[shards[claim.shard].model];
          events.emit({
            type: 'metric',
            name: 'batch time',
            value: (now() - started) / 1000,
            unit: 's',
            series: model,
          });
        }
        const rest = restAfter(now() - started, throttle.cpuShare ?? 1);
        if (now() - this.#lastLook >= LOOK_MS) await this.#look();
        if (rest > 0) await this.#rest(rest);
      }
    } catch (error) {
      // Whoever began it may have ended it and removed the queue while we were asking for more.
      const totals = await markTotals(this.#context.databases.historical, backfill.id).catch(() => null);
      if (totals && totals.shards >= backfill.shards) {
        this.#allMarked.resolve();
        return;
      }
      // The other threads must not go on for hours before this is told.
      this.#ended = true;
      throw this.#explain(error);
    }
  }

  /** Until others have done all of it. */
  async #wait(queue: ShardQueue): Promise<void> {
    for (;;) {
      this.#context.signal.throwIfAborted();
      await this.#look();
      if (this.#lastTotals!.shards >= this.#options.backfill.shards) return;
      await this.#refill(queue);
      await this.#rest(LOOK_MS);
    }
  }

  /** Waits between two shards; not beyond the end of the backfill. */
  async #rest(ms: number): Promise<void> {
    await Promise.race([pause(ms, undefined, { signal: this.#context.signal, ref: false }), this.#allMarked.promise]);
  }

  /** How to go, or null while no shard may be begun; a change of that is told. Threads that ask within a second share one answer. */
  async #throttle(): Promise<Throttle | null> {
    const { backfill } = this.#options;
    const { databases, events, now } = this.#context;
    if (!this.#standing || now() - this.#standing.at >= LOOK_MS) {
      this.#standing = { at: now(), read: standingOf(databases.historical, backfill.id) };
    }
    const { throttle, paused } = await this.#standing.read;
    const reason = restReason(throttle, paused, { now: now(), load: loadavg()[0] });
    if (reason !== this.#rests) {
      this.#rests = reason;
      events.emit({ type: 'paused', reason });
    }
    return reason === null ? throttle : null;
  }

  /** Counts the marks of all machines and reports; threads that ask at the same time share one look. */
  #look(): Promise<void> {
    this.#looking ??= this.#count().finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  async #count(): Promise<void> {
    const { backfill, unit = 'vectors' } = this.#options;
    const { databases, events, now } = this.#context;
    const totals = await markTotals(databases.historical, backfill.id);
    if (totals.shards < backfill.shards && !(await isOpen(databases.historical, backfill.id))) {
      throw new UserError(`backfill ${backfill.id} was replaced by a newer one`, 'Nothing is to be done.');
    }
    const at = now();
    const before = this.#lastTotals;
    const done = (one: MarkTotals) => one.rows + one.skipped + one.failed;
    const still = this.#rests !== null && before?.shards === totals.shards;
    if (!still) events.emit({ type: 'progress', done: done(totals), total: backfill.due, unit });
    if (!still && before && at > this.#lastLook) {
      const seconds = (at - this.#lastLook) / 1000;
      events.emit({ type: 'metric', name: 'rate', value: (totals.rows - before.rows) / seconds, unit: 'rows/s' });
      events.emit({ type: 'metric', name: 'errors', value: totals.failed, unit });
      events.emit({ type: 'metric', name: 'batches', value: totals.shards, unit: 'batches' });
    }
    this.#lastTotals = totals;
    this.#lastLook = at;
  }

  #explain(error: unknown): unknown {
    if (this.#context.signal.aborted || !(error instanceof UserError)) return error;
    return new UserError(error.message, `${error.fix} The same command with --resume goes on where it broke off.`, {
      cause: error,
    });
  }
}
