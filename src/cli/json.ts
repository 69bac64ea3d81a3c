import { maskJson } from '../platform/secrets.ts';
import type { Cli } from './context.ts';

/** Before a report as text: a demo says so. */
export function printDemo(cli: Cli): void {
  if (cli.home.demo) cli.out('DEMO: synthetic market, not real prices\n');
}

/**
 * Prints what an engine computed as JSON. Its keys are snake_case, as the columns and metrics of the tables are; the
 * product's own objects (phases, jobs, the machine) have the names of the protocol and go through `printJson`.
 */
export function printFigures(cli: Cli, value: object): void {
  printJson(cli, snakeCased(value) as object);
}

/** `costMs` → `cost_ms` in every key. Keys that are data (ids, tables, flags) are not camelCase and stay. */
export function snakeCased(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snakeCased);
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [snakeKey(key), snakeCased(one)]));
}

const snakeKey = (key: string): string =>
  /^[a-z][a-z0-9]*([A-Z][a-z0-9]*)+$/.test(key) ? key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) : key;

/**
 * Prints a report, or one object of a stream, as JSON on a line: `schema` counts changes of its shape; a demo says so; passwords
 * are left out.
 */
export function printJson(cli: Cli, value: object): void {
  cli.out(`${JSON.stringify({ schema: 1, ...(cli.home.demo ? { demo: true } : {}), ...value }, maskJson)}\n`);
}
