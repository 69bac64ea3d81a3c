import type { Cli } from './context.ts';

/** Prints a report as JSON: `schema` counts changes of its shape; a demo says so. */
export function printJson(cli: Cli, value: object): void {
  cli.out(`${JSON.stringify({ schema: 1, ...(cli.home.demo ? { demo: true } : {}), ...value })}\n`);
}
