/** Arguments of an earlier job with changes: from the command line, or by hand in an editor. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { shellWord, splitWords } from '../format/command.ts';
import { UsageError, UserError } from '../platform/errors.ts';
import type { JobSpec } from '../supervisor/job-files.ts';
import type { Cli } from './context.ts';

/** The arguments to run a job again with, or null when they are just those that it had. */
export function editedArguments(spec: JobSpec, changes: readonly string[], edit: boolean, cli: Cli): string[] | null {
  if (changes.length === 0 && !edit) return null;
  const changed = mergeArguments(spec.programArgs, changes);
  return edit ? editByHand(spec.program, changed, cli) : changed;
}

/** Lays flags over flags: all values of a flag that is given again are replaced; new flags come last. */
export function mergeArguments(before: readonly string[], changes: readonly string[]): string[] {
  const flags = (words: readonly string[]) => {
    const groups: { name: string; words: string[] }[] = [];
    for (const word of words) {
      const name = /^(--[^=\s]+)/.exec(word)?.[1];
      if (name !== undefined) groups.push({ name: name.replace(/^--no-/, '--'), words: [word] });
      else if (groups.length > 0) groups[groups.length - 1].words.push(word);
      else throw new UsageError(`'${word}' is no flag`, 'Write what to change as flags: --end 2014-06-30.');
    }
    return groups;
  };
  const given = flags(changes);
  const names = new Set(given.map((group) => group.name));
  return [...flags(before).filter((group) => !names.has(group.name)), ...given].flatMap((group) => group.words);
}

/** One flag a line, in the operator's own editor. @throws UserError when it is left with a failure. */
function editByHand(program: string, args: readonly string[], cli: Cli): string[] {
  const editor = cli.env.VISUAL || cli.env.EDITOR || 'vi';
  if (!cli.interactive) throw new UsageError('--edit needs a terminal', 'Give the changes after -- instead.');
  const folder = mkdtempSync(path.join(tmpdir(), 'prometheus-edit-'));
  const file = path.join(folder, 'arguments');
  try {
    const lines = args.map((word) => (word.startsWith('--') ? `\n${shellWord(word)}` : ` ${shellWord(word)}`)).join('');
    writeFileSync(file, `# Arguments of: prometheus ${program}. Lines that begin with # do not count.${lines}\n`, {
      mode: 0o600,
    });
    const [command, ...rest] = splitWords(editor);
    const { status, error } = spawnSync(command, [...rest, file], { stdio: 'inherit', env: cli.env });
    if (error || status !== 0) {
      throw new UserError(
        `the editor ${editor} failed: ${error?.message ?? `exit code ${status}`}`,
        'Set EDITOR to another one.',
      );
    }
    const text = readFileSync(file, 'utf8').replace(/^#.*$/gm, '');
    return splitWords(text);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
