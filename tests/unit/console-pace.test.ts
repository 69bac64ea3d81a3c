/** When the state is drawn: at once for the operator, a few times a second for news. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Pace, paceOf } from '../../src/console/pace.ts';
import { type ConsoleStore, createConsoleStore } from '../../src/console/store.ts';
import { SNAPSHOT } from '../helpers/scripted-supervisor.ts';

let store: ConsoleStore;
let pace: Pace;
/** What was drawn, as the numbers of its snapshots. */
let drawn: number[];
/** What a frame takes. */
let frameMs: number;

beforeEach(() => {
  vi.useFakeTimers();
  store = createConsoleStore({ ...SNAPSHOT, sequence: 0 }, { columns: 120, rows: 40 });
  pace = paceOf(store);
  drawn = [];
  frameMs = 0;
  pace.drawn.subscribe(({ snapshot }) => {
    drawn.push(snapshot.sequence);
    vi.setSystemTime(Date.now() + frameMs);
    vi.advanceTimersByTime(frameMs);
  });
});

afterEach(() => {
  pace.stop();
  vi.useRealTimers();
});

const news = (sequence: number) => store.setState({ snapshot: { ...SNAPSHOT, sequence } });

/** News every ten milliseconds. */
function stream(from: number, to: number): void {
  for (let i = from; i < to; i++) {
    news(i);
    vi.advanceTimersByTime(10);
  }
}

test('news is drawn at once after a rest, then four times a second, the newest last', () => {
  stream(1, 90);
  expect(drawn).toEqual([1, 25, 50, 75]);
  vi.advanceTimersByTime(1000);
  expect(drawn).toEqual([1, 25, 50, 75, 89]);
  expect(pace.drawn.getState()).toBe(store.getState());
});

test('what the operator does is drawn at once, with the news so far', () => {
  stream(1, 11);
  store.setState({ overlay: { kind: 'help', top: 0, query: '' } });
  expect(drawn).toEqual([1, 10]);
  stream(11, 21);
  expect(drawn).toEqual([1, 10]);
});

test('what a key asked for is drawn at once, what comes later ten times a second for a while', () => {
  stream(1, 6);
  pace.key();
  news(6);
  expect(drawn).toEqual([1, 6]);
  vi.advanceTimersByTime(50);
  news(7);
  expect(drawn).toEqual([1, 6, 7]);
  vi.advanceTimersByTime(50);
  stream(8, 30);
  expect(drawn).toEqual([1, 6, 7, 12, 22]);
});

test('frames of news take a fifth of the time at most, and none waits longer than a second', () => {
  frameMs = 100;
  stream(1, 200);
  // Two seconds of news, and as long again as its frames take.
  expect(drawn.length).toBeLessThanOrEqual(6);
  frameMs = 10_000;
  news(200);
  vi.advanceTimersByTime(20_000);
  drawn = [];
  frameMs = 0;
  news(201);
  vi.advanceTimersByTime(1000);
  expect(drawn).toEqual([201]);
});

test('nothing is drawn after the end', () => {
  stream(1, 6);
  pace.stop();
  vi.advanceTimersByTime(1000);
  store.setState({ mouse: true });
  expect(drawn).toEqual([1]);
});
