/** Counts a log's lines and matches in the background, at half of a core at most, while nothing else is to be done. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Counts } from './counts.ts';

const ASK_REST_MS = 150;
/** Counting tells how far it is no more often than this, and rests no longer than this after each block. */
const TELL_MS = 250;
const MAX_PAUSE_MS = 20;

interface Surroundings {
  /** Resolves when nothing else is to be done. */
  readonly quiet: () => Promise<void>;
  /** Whether anybody wants it counted. */
  readonly wanted: () => boolean;
  /** It has come further. */
  readonly told: () => void;
  /** It is through, or as far as it is wanted. */
  readonly ended: () => void;
  readonly closed: AbortSignal;
  /** How long a question must stand before everything is counted for it: one that is being typed does not. */
  readonly restMs?: number;
}

export class BackgroundCount {
  readonly #counts: Counts;
  readonly #around: Surroundings;
  #counting = false;
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(counts: Counts, around: Surroundings) {
    this.#counts = counts;
    this.#around = around;
  }

  /** What is to be counted has just changed, and may change again. */
  asked(): void {
    this.#askedAt = performance.now();
  }

  /** Counts until all is counted; does nothing when that is being done. */
  async run(): Promise<void> {
    if (this.#counting) return;
    this.#counting = true;
    const { closed, quiet, wanted, told, ended, restMs = ASK_REST_MS } = this.#around;
    let toldAt = performance.now();
    let any = false;
    try {
      while (!closed.aborted) {
        await quiet();
        if (!wanted()) break;
        // Not while a search is being typed.
        const wait = this.#askedAt + restMs - performance.now();
        if (wait > 0) {
          await sleep(wait, undefined, { signal: closed });
          continue;
        }
        const began = performance.now();
        if (!(await this.#counts.step(closed))) break;
        any = true;
        const now = performance.now();
        if (now - toldAt > TELL_MS) {
          toldAt = now;
          told();
        }
        await sleep(Math.min(now - began, MAX_PAUSE_MS), undefined, { signal: closed });
      }
    } catch {
      // The supervisor is away, or the view is closed. The next look at the files goes on.
      any = false;
    } finally {
      this.#counting = false;
    }
    if (any && !closed.aborted) ended();
  }
}
