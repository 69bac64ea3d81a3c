/** Commands as a person would type them. */
import { maskWords } from '../platform/secrets.ts';

/** `…` stands for a password. */
const SAFE_WORD = /^[\w@%+=:,./…-]+$/;

/** One word for a POSIX shell, quoted when it has to be. */
export const shellWord = (word: string): string => (SAFE_WORD.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

/** Words as one line for a shell, to be looked at: without passwords. */
export const shellLine = (words: readonly string[]): string => maskWords(words).map(shellWord).join(' ');

/** The exact command line: `prometheus backtest campaign --market-id US_EQ …`. */
export const commandLine = (argv: readonly string[]): string => shellLine(['prometheus', ...argv]);

/** What a person types to have a job's program run again: the engine itself, a command of the user's own as a job. */
export function jobCommandLine(job: { program: string; script: boolean; args: readonly string[] }): string {
  const words = job.program.split(' ');
  return job.script ? commandLine(['job', 'start', ...words, '--', ...job.args]) : commandLine([...words, ...job.args]);
}

/** Words as a POSIX shell splits them: blanks part, quotes and backslashes hold together; nothing is expanded. */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  for (const [word] of text.matchAll(/(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\])+/gs)) {
    words.push(
      word.replace(/'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)/gs, (_all, plain, double, single) =>
        plain !== undefined ? plain : double !== undefined ? double.replace(/\\(["\\$`])/g, '$1') : single,
      ),
    );
  }
  return words;
}

/** The words of the program's name (everything before the first flag), and its arguments. */
export function splitCommand(argv: readonly string[]): { program: string; args: string[] } {
  const flag = argv.findIndex((word) => word.startsWith('-'));
  const words = flag < 0 ? argv.length : flag;
  return { program: argv.slice(0, words).join(' '), args: argv.slice(words) };
}

/** A fix as it is typed: commands of the product come without `prometheus`, programs beside it (`bin/test`) as they are. */
export const fixLine = (fix: string): string => (/^(prometheus|bin\/|\.\/)/.test(fix) ? fix : `prometheus ${fix}`);

/** A word that stands for something only a person can fill in. */
export const isBlank = (word: string): boolean => /^(FILE|PATH|DIR|URL)$/.test(word);

/** True when a command can be run as it stands. */
export const isComplete = (argv: readonly string[]): boolean => !argv.some(isBlank);
