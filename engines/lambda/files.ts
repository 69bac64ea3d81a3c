/**
 * Files that appear whole or not at all, beside rows of a table. One process at a time writes a file (a lock beside it, held
 * from the reading of what is there until the table's rows are committed), and drafts have names of their own.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { errorMessage, UserError } from '../../src/platform/errors.ts';
import { makeFolders } from '../../src/platform/folders.ts';
import { withLock } from '../../src/platform/locks.ts';

/** How long a writer waits for another one of the same file: merging takes seconds. */
const LOCK_WAIT_MS = 120_000;

interface Draft {
  readonly target: string;
  readonly partial: string;
  /** A second name of the file that stood there, once the draft is in its place; null when none stood there. */
  earlier: string | null;
  published: boolean;
}

/** The files that a program writes in one go, held by it alone. */
export class OutputFiles {
  readonly #drafts: Draft[] = [];

  /**
   * Writes `lines` under a name of its own beside `target`, on disk.
   * @throws UserError when it cannot be written.
   */
  write(target: string, lines: Iterable<string>): void {
    const partial = `${target}.${randomBytes(6).toString('hex')}.part`;
    this.#drafts.push({ target, partial, earlier: null, published: false });
    try {
      const file = openSync(partial, 'wx');
      try {
        for (const chunk of chunks(lines)) writeSync(file, chunk);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
    } catch (error) {
      throw notWritten(target, error);
    }
  }

  /**
   * Puts every draft in the place of the earlier file. To be called last inside the transaction that writes the same rows:
   * a rename that fails rolls the table back, and a commit that fails puts the earlier files back.
   * @throws UserError when a file cannot be put there.
   */
  publish(): void {
    for (const draft of this.#drafts) {
      try {
        if (existsSync(draft.target)) {
          const earlier = `${draft.partial}.earlier`;
          draft.earlier = earlier;
          keepAs(draft.target, earlier);
        }
        renameSync(draft.partial, draft.target);
        draft.published = true;
      } catch (error) {
        throw notWritten(draft.target, error);
      }
    }
  }

  /** Leaves every place as it was before. */
  restore(): void {
    for (const { target, partial, earlier, published } of this.#drafts) {
      // What stopped the writing is what the user must hear of, not what cannot be taken back.
      if (published) attempt(() => (earlier === null ? rmSync(target, { force: true }) : renameSync(earlier, target)));
      for (const name of [earlier, partial]) if (name !== null) attempt(() => rmSync(name, { force: true }));
    }
  }

  /** Lets go of the earlier files. */
  forget(): void {
    // What stays is only litter, which the next writer sweeps: the rows are where they belong.
    for (const { earlier } of this.#drafts) if (earlier !== null) attempt(() => rmSync(earlier, { force: true }));
  }
}

/**
 * Runs `work` while this process alone writes the files `targets` (absent ones are left out); waits up to two minutes for
 * another writer. When `work` throws, the files are as they were before.
 * @throws UserError when a folder cannot be made, a target is no file, two targets are one file, or another process still
 * writes it; InterruptedError when `signal` ends the waiting.
 */
export async function withOutputFiles<T>(
  targets: readonly (string | undefined)[],
  signal: AbortSignal,
  work: (files: OutputFiles) => Promise<T>,
): Promise<T> {
  const paths = targets.filter((target) => target !== undefined).map((target) => path.resolve(target));
  for (const target of paths) requireFile(target);
  // All writers take locks in one order, so that no two wait for each other.
  const ordered = [...new Set(paths)].sort();
  if (ordered.length < paths.length) {
    throw new UserError(`${ordered.join(', ')}: two outputs cannot be one file`, 'Give each a name of its own.');
  }
  const files = new OutputFiles();
  const locked = async (at: number): Promise<T> => {
    if (at < ordered.length) {
      const options = { waitMs: LOCK_WAIT_MS, what: ordered[at], signal };
      return withLock(`${ordered[at]}.lock`, () => locked(at + 1), options);
    }
    for (const target of ordered) attempt(() => sweepDrafts(target));
    let result: T;
    try {
      result = await work(files);
    } catch (error) {
      files.restore();
      throw error;
    }
    files.forget();
    return result;
  };
  return locked(0);
}

/** @throws UserError when no file can stand there; makes its folder. */
function requireFile(target: string): void {
  try {
    makeFolders(path.dirname(target));
  } catch (error) {
    throw notWritten(target, error);
  }
  // A rename would put a file in the place of a device, and reading a pipe would never end.
  const entry = statSync(target, { throwIfNoEntry: false });
  if (entry && !entry.isFile()) throw notWritten(target, new Error('it is no file'));
}

/** A second name for a file; a copy where the file system or its owner allows none. */
function keepAs(file: string, name: string): void {
  try {
    linkSync(file, name);
  } catch {
    copyFileSync(file, name);
  }
}

/** Removes drafts of writers that were killed: whoever holds the file is the only living one. */
function sweepDrafts(target: string): void {
  const [folder, prefix] = [path.dirname(target), `${path.basename(target)}.`];
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(prefix) || !/^[0-9a-f]{12}\.part(\.earlier)?$/.test(name.slice(prefix.length))) continue;
    rmSync(path.join(folder, name), { force: true });
  }
}

function attempt(work: () => void): void {
  try {
    work();
  } catch {
    // The callers say why it does not matter.
  }
}

const notWritten = (target: string, cause: unknown) =>
  new UserError(`${target} cannot be written: ${errorMessage(cause)}`, 'Choose another path.', { cause });

/** Joins lines to pieces worth a system call. */
function* chunks(lines: Iterable<string>): Generator<string> {
  let text = '';
  for (const line of lines) {
    text += line;
    if (text.length >= 1 << 18) {
      yield text;
      text = '';
    }
  }
  if (text) yield text;
}
