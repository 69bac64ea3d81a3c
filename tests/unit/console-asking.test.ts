import { expect, test } from 'vitest';
import { answerTo, JOURNAL, needKey } from '../../src/console/answers.ts';
import { startAsking } from '../../src/console/asking.ts';
import { EMPTY_LINE } from '../../src/console/line-editor.ts';
import { type ConsoleState, createConsoleStore } from '../../src/console/store.ts';
import { SNAPSHOT, scriptedSupervisor } from '../helpers/scripted-supervisor.ts';

const arrived = () => new Promise((resolve) => setImmediate(resolve));

const PROGRAMS_KNOWN = {
  [needKey({ name: 'programs', args: {} })]: { value: { programs: [], policy: [] }, at: 0, problem: null },
};

function world(answers: ConsoleState['answers'] = PROGRAMS_KNOWN) {
  const scripted = scriptedSupervisor(SNAPSHOT);
  const asked: string[] = [];
  let failure: Error | null = null;
  const supervisor = {
    ...scripted,
    read: ((name, args) => {
      asked.push(name);
      return failure ? Promise.reject(failure) : scripted.read(name, args);
    }) as typeof scripted.read,
  };
  const store = createConsoleStore(
    SNAPSHOT,
    { columns: 120, rows: 40 },
    { connected: true, screen: 'events', answers },
  );
  const clock = { now: 0 };
  const asking = startAsking(store, supervisor, () => clock.now);
  return { store, asked, asking, clock, fail: (error: Error | null) => (failure = error) };
}

test('asks what the open screen needs once, and again when it has become old', async () => {
  const { store, asked, asking, clock } = world();
  asking.look();
  asking.look();
  expect(asked).toEqual(['events']);
  await arrived();
  expect(answerTo(store.getState(), 'events', JOURNAL).value).toHaveLength(4);
  clock.now = 1000;
  asking.look();
  expect(asked).toHaveLength(1);
  clock.now = 2000;
  asking.look();
  expect(asked).toHaveLength(2);
});

test('the programs are asked for once whatever screen is open, and again where one may be launched, but not under a choice', async () => {
  const { store, asked, asking, clock } = world({});
  const asks = async (at: number, change: Partial<ConsoleState>) => {
    clock.now = at;
    store.setState(change);
    const before = asked.length;
    asking.look();
    await arrived();
    return asked.slice(before).includes('programs');
  };
  const chooser = (at: number) => ({ overlay: { kind: 'programs', line: EMPTY_LINE, at } as const });
  expect(await asks(0, { screen: 'overview' })).toBe(true);
  // A console at rest takes next to nothing.
  expect(await asks(60_000, {})).toBe(false);
  expect(await asks(60_000, chooser(0))).toBe(true);
  expect(await asks(90_000, chooser(1))).toBe(false);
  expect(await asks(90_000, { overlay: null })).toBe(false);
  expect(await asks(90_000, { screen: 'jobs' })).toBe(true);
  expect(await asks(104_999, {})).toBe(false);
  expect(await asks(105_000, {})).toBe(true);
});

test('a screen that needs nothing, a pause and the end ask nothing', () => {
  const { store, asked, asking } = world();
  store.setState({ screen: 'overview' });
  asking.look();
  store.setState({ screen: 'events', paused: true });
  asking.look();
  store.setState({ paused: false });
  asking.stop();
  asking.look();
  expect(asked).toEqual([]);
});

test('a failure keeps the older value with its time, says why, and is asked again later', async () => {
  const { store, asked, asking, clock, fail } = world();
  asking.look();
  await arrived();
  clock.now = 2000;
  fail(Object.assign(new Error('the historical database does not answer'), { fix: 'prometheus db up' }));
  asking.look();
  await arrived();
  const answer = answerTo(store.getState(), 'events', JOURNAL);
  expect(answer).toMatchObject({ at: 0, problem: 'the historical database does not answer. prometheus db up' });
  expect(answer.value).toHaveLength(4);
  asking.look();
  expect(asked).toHaveLength(2);
  fail(null);
  clock.now = 4000;
  asking.look();
  await arrived();
  expect(answerTo(store.getState(), 'events', JOURNAL)).toMatchObject({ at: 4000, problem: null });
});

test('what is asked for seldom is asked again soon after it failed', async () => {
  const { store, asked, asking, clock, fail } = world();
  store.setState({ screen: 'research' });
  fail(new Error('the runtime database does not answer'));
  asking.look();
  await arrived();
  const times = () => asked.filter((name) => name === 'lambda').length;
  expect(times()).toBe(1);
  for (const [now, expected] of [
    [4999, 1],
    [5000, 2],
  ]) {
    clock.now = now;
    asking.look();
    await arrived();
    expect(times()).toBe(expected);
  }
});
