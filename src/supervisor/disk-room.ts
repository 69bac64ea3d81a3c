/** Whether the disk that a job's files lie on was full while it ran: then its log may lack lines, whatever it says itself. */
import { statfsSync } from 'node:fs';
import { errorCode } from '../platform/errors.ts';

export class DiskRoom {
  readonly #folder: string;
  #wasFull = false;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** True once it was found full, or a note of ours found no room. */
  get wasFull(): boolean {
    return this.#wasFull;
  }

  /** Looks whether there is room now: what a writer of this user may still take. */
  look(): void {
    if (this.#wasFull) return;
    try {
      const { bavail, bfree } = statfsSync(this.#folder);
      this.#wasFull = (process.getuid?.() === 0 ? bfree : bavail) === 0;
    } catch {
      // The folder is gone: nobody asks any more.
    }
  }

  /** Takes in why a note could not be written. */
  readonly failed = (error: unknown): void => {
    if (errorCode(error) === 'ENOSPC' || errorCode(error) === 'EDQUOT') this.#wasFull = true;
  };
}
