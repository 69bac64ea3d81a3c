import type { Cli } from './context.ts';

/** Before a report as text: a demo says so. */
export function printDemo(cli: Cli): void {
  if (cli.home.demo) cli.out('DEMO: synthetic market, not real prices\n');
}

/** Prints one line of a stream of JSON objects. */
export function printJsonLine(cli: Cli, value: object): void {
  cli.out(`${JSON.stringify({ ...(cli.home.demo ? { demo: true } : {}), ...value })}\n`);
}

/** Prints a report as JSON: `schema` counts changes of its shape; a demo says so. */
export function printJson(cli: Cli, value: object): void {
  cli.out(`${JSON.stringify({ schema: 1, ...(cli.home.demo ? { demo: true } : {}), ...value })}\n`);
}
