/** What the kept shapes of `--json` documents tell apart. */
import { expect, test } from 'vitest';
import { formatShape, parseShape, renewed, shapeOf } from '../helpers/json-shape.ts';

const JOB = { id: '1', exitCode: null, progress: { done: 1 } };
const documents = [{ schema: 1, jobs: [JOB, { ...JOB, exitCode: 2, note: 'x' }], byYear: { 2013: 1, 2014: null } }];
const KEPT = `byYear: object
byYear.*: null | number
jobs: array
jobs[]: object
jobs[].exitCode: null | number
jobs[].id: string
jobs[].note?: string
jobs[].progress: object
jobs[].progress.done: number
schema: number
`;

/** How the kept shape differs when these are the documents: lines that go with −, lines that come with +. */
function change(...others: object[]): string[] {
  const kept = KEPT.split('\n');
  const now = formatShape(renewed(parseShape(KEPT), shapeOf(others))).split('\n');
  return [
    ...kept.filter((line) => !now.includes(line)).map((line) => `-${line}`),
    ...now.filter((line) => !kept.includes(line)).map((line) => `+${line}`),
  ];
}
const withJob = (job: object) => ({ ...documents[0], jobs: [job] });

test('names, kinds, what may be missing; names that are data are one', () => {
  expect(formatShape(shapeOf(documents))).toBe(KEPT);
  expect(formatShape(parseShape(KEPT))).toBe(KEPT);
  expect(formatShape(shapeOf([{ rows: { prices: 1, news: 2 } }], ['rows']))).toBe('rows: object\nrows.*: number\n');
});

test('a renamed, retyped, new or missing field is a change, at any depth', () => {
  const { exitCode: _, ...renamed } = JOB;
  expect(change(withJob({ ...renamed, code: 3 }))).toEqual(['-jobs[].exitCode: null | number', '+jobs[].code: number']);
  expect(change(withJob({ ...JOB, id: 1 }))).toEqual(['-jobs[].id: string', '+jobs[].id: number']);
  expect(change(withJob({ ...JOB, id: null }))).toEqual(['-jobs[].id: string', '+jobs[].id: null | string']);
  expect(change(withJob({ ...JOB, exitCode: '3' }))).toEqual([
    '-jobs[].exitCode: null | number',
    '+jobs[].exitCode: null | string',
  ]);
  expect(change(withJob({ ...JOB, progress: { done: 1, total: 2 } }))).toEqual(['+jobs[].progress.total: number']);
  expect(change(withJob({ ...JOB, progress: 1 }))).toEqual([
    '-jobs[].progress: object',
    '-jobs[].progress.done: number',
    '+jobs[].progress: number',
  ]);
  const { id: __, ...nameless } = JOB;
  expect(change({ ...documents[0], jobs: [JOB, nameless] })).toEqual(['-jobs[].id: string', '+jobs[].id?: string']);
  expect(change({ schema: 1, byYear: {} })).toEqual(KEPT.match(/^jobs.*/gm)!.map((line) => `-${line}`));
});

test('what documents happen not to show is no change', () => {
  expect(change(...documents)).toEqual([]);
  expect(change({ schema: 1, jobs: [], byYear: {} })).toEqual([]);
  expect(change(withJob(JOB))).toEqual([]);
  expect(change(withJob({ ...JOB, exitCode: 7 }))).toEqual([]);
});
