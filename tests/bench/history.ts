/**
 * `docs/bench-history.tsv`: every figure that was recorded by `npm run bench -- --record`, the newest last. A figure says
 * which commit it was measured on; a tree with changes of its own is marked, for its figures nobody can measure again.
 */
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { Bar } from './harness.ts';

export const HISTORY = new URL('../../docs/bench-history.tsv', import.meta.url);
const COLUMNS = ['date', 'commit', 'cores', 'name', 'what', 'figure', 'unit', 'bar', 'ratio'] as const;

export type Recorded = Readonly<Record<(typeof COLUMNS)[number], string>>;

/** How many times better than its bar a figure is; below 1 it misses it. */
export const ratioOf = ({ figure, bar, higherIsBetter }: Bar): number => {
  // A bar of nothing at all is met by nothing.
  if (figure === bar) return 1;
  return higherIsBetter ? figure / bar : bar / figure;
};

/** What is on record, oldest first. @throws Error for a file with other columns. */
export function readHistory(file: URL = HISTORY): Recorded[] {
  if (!existsSync(file)) return [];
  const [head, ...lines] = readFileSync(file, 'utf8').trimEnd().split('\n');
  if (head !== COLUMNS.join('\t')) throw new Error(`${file.pathname}: the first line is not ${COLUMNS.join(' ')}`);
  return lines.map((line) => {
    const values = line.split('\t');
    return Object.fromEntries(COLUMNS.map((column, i) => [column, values[i]])) as Recorded;
  });
}

/** The newest figure on record for the same thing; null when there is none. */
export const lastOf = (history: readonly Recorded[], { name, what }: Bar): Recorded | null =>
  history.findLast((one) => one.name === name && one.what === what) ?? null;

/** Adds a figure to the file. `commit` as `currentCommit` gives it. */
export function record(bar: Bar, commit: string, file: URL = HISTORY): void {
  if (!existsSync(file)) writeFileSync(file, `${COLUMNS.join('\t')}\n`);
  const { name, what, figure, unit } = bar;
  const values: Recorded = {
    date: new Date().toISOString().slice(0, 10),
    commit,
    cores: String(availableParallelism()),
    name,
    what,
    figure: String(Number(figure.toPrecision(6))),
    unit,
    bar: String(bar.bar),
    ratio: ratioOf(bar).toFixed(2),
  };
  appendFileSync(file, `${COLUMNS.map((column) => values[column].replaceAll(/\s+/g, ' ')).join('\t')}\n`);
}

/** The commit of this checkout, with `+` behind it when files of the product differ from it. */
export function currentCommit(): string {
  const git = (...argv: string[]) =>
    execFileSync('git', argv, { encoding: 'utf8', cwd: new URL('.', import.meta.url) }).trim();
  const changed = git('status', '--porcelain', '--', ':/', ':!/docs', ':!/*.md');
  return `${git('rev-parse', '--short=10', 'HEAD')}${changed ? '+' : ''}`;
}
