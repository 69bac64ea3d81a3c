/** Which CUDA and cuDNN programs of this machine load; no GPU is touched. */
import { readdirSync, realpathSync } from 'node:fs';
import path from 'node:path';
import type { Cli } from './context.ts';
import { ask } from './doctor-ask.ts';

/**
 * Versions of CUDA's runtime library, those first that a program finds first, each once; without any the toolkit's, which
 * nvcc tells. Empty: there is none.
 */
export async function readCuda(cli: Cli): Promise<readonly string[]> {
  const runtimes = await readVersions(cli, 'libcudart.so');
  if (runtimes.length > 0) return runtimes;
  const nvcc = await ask(cli, 'nvcc', ['--version']);
  const release = nvcc?.failed === false && /\brelease (\d+(?:\.\d+)*)/.exec(nvcc.text)?.[1];
  return release ? [release] : [];
}

/** The same of cuDNN. */
export const readCudnn = (cli: Cli): Promise<readonly string[]> => readVersions(cli, 'libcudnn.so');

/** Versions of a shared library: its links end in a file that bears the whole of it, `libcudnn.so.9.10.2`. */
async function readVersions(cli: Cli, library: string): Promise<readonly string[]> {
  // The loader's own order: the folders of LD_LIBRARY_PATH, then its cache. Users often have no /sbin on their PATH.
  const cache = (await ask(cli, 'ldconfig', ['-p'])) ?? (await ask(cli, '/sbin/ldconfig', ['-p']));
  const files = [
    ...(cli.env.LD_LIBRARY_PATH ?? '')
      .split(':')
      .filter(Boolean)
      .flatMap((folder) => namesIn(folder, library)),
    ...(cache?.text ?? '')
      .split('\n')
      .map((line) => /^\s*(\S+) .*=> (\/.*)$/.exec(line))
      .flatMap((found) => (found?.[1].startsWith(`${library}.`) ? [found[2]] : [])),
  ];
  return [...new Set(files.flatMap((file) => versionOfFile(file, library)))];
}

function namesIn(folder: string, library: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.startsWith(`${library}.`))
      .map((name) => path.join(folder, name));
  } catch {
    return [];
  }
}

function versionOfFile(file: string, library: string): string[] {
  try {
    const name = path.basename(realpathSync(file));
    return /^\.\d+(\.\d+)*$/.test(name.slice(library.length)) ? [name.slice(library.length + 1)] : [];
  } catch {
    // The cache names a library that is gone.
    return [];
  }
}
