/**
 * Limits and stops of jobs whose shim was killed: the supervisor keeps them in its place, though no exit code can be had. A
 * shim that was only stopped is let go on, for it alone can record how its program ends.
 */
import type { Home } from '../platform/home.ts';
import { TIMEOUT_KILL_MS } from './job-files.ts';
import { killJob } from './job-processes.ts';
import { readJob } from './job-store.ts';
import { isAlive, signalGroup, wakeShim } from './process-identity.ts';
import type { JobView } from './protocol.ts';

export class OrphanLimits {
  readonly #home: Home;
  readonly #now: () => number;
  /** When TERM was sent to a job that ran out of its time. */
  readonly #timedOut = new Map<string, number>();

  constructor(home: Home, now: () => number) {
    this.#home = home;
    this.#now = now;
  }

  /** Sends what is due: TERM at the time limit; KILL when the time after that, or after a stop, is over. */
  look(jobs: readonly JobView[]): void {
    for (const { id, state } of jobs) {
      if (state === 'RUN') this.#lookAt(id);
      else this.#timedOut.delete(id);
    }
  }

  #lookAt(id: string): void {
    const { spec, status, stop } = readJob(this.#home, id);
    const leader = status?.child;
    if (!spec || !leader || !status.shim) return;
    if (isAlive(status.shim)) {
      wakeShim(status.shim);
      return;
    }
    if (!isAlive(leader)) return;
    const { timeoutMs, killAfterMs } = spec.limits;
    const now = this.#now();
    if (
      timeoutMs !== null &&
      status.startedAt !== null &&
      now - status.startedAt >= timeoutMs &&
      !this.#timedOut.has(id)
    ) {
      this.#timedOut.set(id, now);
      signalGroup(leader, 'SIGTERM');
    }
    const timedOut = this.#timedOut.get(id);
    const afterStop = stop?.killAfterMs ?? killAfterMs;
    const due = [
      timedOut === undefined ? Number.POSITIVE_INFINITY : timedOut + (killAfterMs ?? TIMEOUT_KILL_MS),
      stop && afterStop !== null ? stop.at + afterStop : Number.POSITIVE_INFINITY,
    ];
    if (now >= Math.min(...due)) killJob(this.#home.root, id, leader);
  }
}
