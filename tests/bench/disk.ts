/** Benchmarks that fill gigabytes ask for the room first. */
import { statfsSync } from 'node:fs';

/** @throws Error when the disk of `folder` has less than `gib` free. */
export function requireFree(folder: string, gib: number, what: string): void {
  const { bavail, bsize } = statfsSync(folder);
  const free = (bavail * bsize) / 2 ** 30;
  if (free < gib) {
    throw new Error(
      `${what} needs ${gib} GiB free in ${folder}, which has ${free.toFixed(1)}; set TMPDIR to a larger disk`,
    );
  }
}
