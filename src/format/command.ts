/** Commands as a person would type them. */

const SAFE_WORD = /^[\w@%+=:,./-]+$/;

/** One word for a POSIX shell, quoted when it has to be. */
export const shellWord = (word: string): string => (SAFE_WORD.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

/** The exact command line: `prometheus backtest campaign --market-id US_EQ …`. */
export const commandLine = (argv: readonly string[]): string => ['prometheus', ...argv].map(shellWord).join(' ');

/** The words of the program's name (everything before the first flag), and its arguments. */
export function splitCommand(argv: readonly string[]): { program: string; args: string[] } {
  const flag = argv.findIndex((word) => word.startsWith('-'));
  const words = flag < 0 ? argv.length : flag;
  return { program: argv.slice(0, words).join(' '), args: argv.slice(words) };
}

/** A fix as it is typed: commands of the product come without `prometheus`, programs beside it (`bin/test`) as they are. */
export const fixLine = (fix: string): string => (/^(prometheus|bin\/|\.\/)/.test(fix) ? fix : `prometheus ${fix}`);

/** Words that stand for something only a person can fill in. */
const BLANK = /^(FILE|PATH|DIR|URL)$/;

/** True when a command can be run as it stands. */
export const isComplete = (argv: readonly string[]): boolean => !argv.some((word) => BLANK.test(word));
