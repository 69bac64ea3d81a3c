/** What a command of ours prints, for the console's palette: it is run as a shell would, in the console's home and databases. */
import { isAsciiTerminal, toAscii } from '../format/ascii.ts';
import { commandLine } from '../format/command.ts';
import { withoutJob } from '../supervisor/environment.ts';
import type { Cli } from './context.ts';
import { databaseEnvironment, entryScripts } from './job-runtime.ts';
import { harmlessLines } from './output.ts';

/**
 * The command itself, then both its outputs line by line as they come, then its exit code where it failed. Whoever reads no
 * further tells by the signal, which ends the command.
 */
export async function* commandOutput(cli: Cli, words: readonly string[], left: AbortSignal): AsyncGenerator<string> {
  const { execa } = await import('execa');
  const toTerminal = (text: string) => {
    const harmless = harmlessLines(text);
    return isAsciiTerminal(cli.env) ? toAscii(harmless) : harmless;
  };
  const child = execa(process.execPath, [entryScripts().main, ...words], {
    env: { ...withoutJob(cli.env), ...databaseEnvironment(cli.globals), PROMETHEUS_HOME: cli.home.root },
    extendEnv: false,
    stdin: 'ignore',
    all: true,
    buffer: false,
    reject: false,
    cancelSignal: left,
  });
  yield toTerminal(`$ ${commandLine(words)}\n\n`);
  for await (const line of child.iterable({ from: 'all' })) yield toTerminal(`${line}\n`);
  const { exitCode } = await child;
  if (exitCode !== 0) yield `\nexit code ${exitCode ?? 'unknown: it was ended by a signal'}\n`;
}
