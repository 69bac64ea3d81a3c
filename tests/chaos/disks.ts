/** Small disks of a world's own, which can be filled to the last byte: root on Linux only, and only where one may be mounted. */
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, renameSync, rmdirSync, rmSync, statfsSync, writeSync } from 'node:fs';
import path from 'node:path';
import { errorCode } from '../../src/platform/errors.ts';

const MIB = 1024 * 1024;

export interface Disk {
  readonly folder: string;
  /** Takes the last byte. */
  fill(): void;
  /** Gives back what `fill` has taken. */
  free(): void;
  /** Takes the disk away, with all that is on it. */
  remove(): void;
}

/** Whether this process may mount a file system. */
export const canMount = (): boolean =>
  spawnSync('sh', [
    '-c',
    'd=$(mktemp -d) && mount -t tmpfs -o size=1m tmpfs "$d" && umount "$d"; s=$?; rmdir "$d"; exit $s',
  ]).status === 0;

/** Puts a disk of `size` MiB under an empty or missing folder. */
export function mountDisk(folder: string, size: number): Disk {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}m,mode=700`, 'tmpfs', folder]);
  const ballast = path.join(folder, 'ballast');
  return {
    folder,
    fill: () => fill(ballast, statfsSync(folder)),
    free: () => rmSync(ballast, { force: true }),
    remove: () => {
      // Whoever still has it open keeps it until then.
      execFileSync('umount', ['--lazy', folder]);
      rmdirSync(folder);
    },
  };
}

/** The same under a folder that has content, which goes along, with its owners. */
export function moveToDisk(folder: string, size: number): Disk {
  const aside = `${folder}.aside`;
  renameSync(folder, aside);
  const disk = mountDisk(folder, size);
  execFileSync('cp', ['-a', `${aside}/.`, folder]);
  rmSync(aside, { recursive: true });
  return disk;
}

function fill(ballast: string, { bavail, bsize }: { readonly bavail: number; readonly bsize: number }): void {
  // Fast where the file system can; what others write meanwhile, and the rest, is taken byte by byte.
  spawnSync('fallocate', ['--length', String(bavail * bsize), ballast]);
  const file = openSync(ballast, 'a');
  try {
    for (const size of [MIB, 4096, 1]) {
      const block = Buffer.alloc(size);
      try {
        for (;;) writeSync(file, block);
      } catch (error) {
        if (errorCode(error) !== 'ENOSPC') throw error;
      }
    }
  } finally {
    closeSync(file);
  }
}
