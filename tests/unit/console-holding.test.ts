import { beforeEach, describe, expect, test } from 'vitest';
import { needKey, RUNS } from '../../src/console/answers.ts';
import { type Controller, createController } from '../../src/console/controller.ts';
import { dialogWords } from '../../src/console/dialogs.ts';
import { coverageCursor, isList, selectedIndex, selectedRow, visibleIds } from '../../src/console/lists.ts';
import { panesOf, SCREENS } from '../../src/console/screens.ts';
import { selectedJob, selectedPhase } from '../../src/console/selectors.ts';
import { type ConsoleStore, createConsoleStore } from '../../src/console/store.ts';
import type { RunRow } from '../../src/report/types.ts';
import type { JobView } from '../../src/supervisor/protocol.ts';
import { quietHost } from '../helpers/console-host.ts';
import { SNAPSHOT, scriptedSupervisor } from '../helpers/scripted-supervisor.ts';

let store: ConsoleStore;
let controller: Controller;

beforeEach(() => {
  const supervisor = scriptedSupervisor(SNAPSHOT);
  store = createConsoleStore(SNAPSHOT, { columns: 120, rows: 40 }, { connected: true, mouse: true });
  controller = createController(
    store,
    quietHost({
      supervisor: () => supervisor,
    }),
  );
});

const press = (...keys: string[]) => {
  for (const id of keys) controller.key({ type: 'key', id });
};
const state = () => store.getState();
const job = () => selectedJob(state())?.id;
const RUNNING = SNAPSHOT.jobs[0];

/** The running job ends and another one starts, as when a colleague launches it. */
const another = () => {
  const { snapshot } = state();
  const started: JobView = { ...RUNNING, id: `${9000 + snapshot.jobs.length}-sweep`, program: 'sweep' };
  const ended = snapshot.jobs.map(
    (one): JobView => (one.endedAt ? one : { ...one, state: 'DONE', endedAt: snapshot.at }),
  );
  store.setState({ snapshot: { ...snapshot, jobs: [started, ...ended] } });
  return started.id;
};

describe('a job that is being read stays when it ends and another one starts', () => {
  const ways: [string, () => void][] = [
    ['its log on the Jobs screen', () => press('3', 'l', 'k', 'k')],
    ['its log on the Overview', () => store.setState({ focus: 'log' })],
    ['its figures, by Tab', () => press('3', 'tab', 'tab')],
    ['its list was left and come back to', () => press('3', 'tab', 'shift+tab')],
    ['g on the first row', () => press('3', 'g')],
    ['k on the first row', () => press('3', 'k')],
    ['the question whether to stop it', () => press('3', 'x', 'escape')],
    [
      'a click into its log',
      () => {
        press('3');
        const rect = { left: 0, top: 10, width: 80, height: 10 };
        controller.limits.spots.output = { rect, bodyTop: 11, bodyRows: 8, first: 0, lines: 8 };
        controller.key({ type: 'mouse', what: 'click', column: 5, row: 12 });
        expect(state().focus).toBe('output');
      },
    ],
  ];
  test.each(ways)('%s', (_, read) => {
    read();
    another();
    expect(job()).toBe(RUNNING.id);
    another();
    expect(job()).toBe(RUNNING.id);
  });

  test('x names the job that was read', () => {
    press('3', 'l');
    another();
    press('D');
    expect(state().overlay).toMatchObject({ title: expect.stringContaining(RUNNING.id) });
  });

  test('a list that has the focus follows what runs while nothing was chosen', () => {
    press('3');
    const started = another();
    expect(job()).toBe(started);
  });

  test('the first job that comes under a log that has the focus is held too', () => {
    store.setState({ snapshot: { ...SNAPSHOT, jobs: [] }, focus: 'log' });
    store.setState({ snapshot: SNAPSHOT });
    another();
    expect(job()).toBe(RUNNING.id);
  });

  test('what takes the place of a job that is gone is held from the next key on', () => {
    press('3', 'l');
    const started = another();
    const { snapshot } = state();
    store.setState({ snapshot: { ...snapshot, jobs: snapshot.jobs.filter(({ id }) => id !== RUNNING.id) } });
    expect(job()).toBe(started);
    press('k');
    another();
    expect(job()).toBe(started);
  });

  test('where it stood in its log is kept', () => {
    controller.limits.panes.log = 12;
    store.setState({ focus: 'log' });
    press('k', 'k');
    another();
    press('k');
    expect(state().scroll.log).toBe(3);
  });
});

test('every list of every screen: what was left by Tab stays, whatever comes first now', () => {
  for (const { id: screen, key } of SCREENS) {
    for (const pane of panesOf(screen).filter(isList)) {
      press(key);
      store.setState({ focus: pane, selected: {} });
      const shown = visibleIds(state(), pane)[selectedIndex(state(), pane)];
      press('tab');
      expect(state().selected[pane], `${screen} ${pane}`).toBe(shown);
    }
  }
});

test('a run of a backtest that is read stays when another one is recorded', async () => {
  const rows = await scriptedSupervisor(SNAPSHOT).read('runs', RUNS);
  const known = (value: readonly RunRow[]) =>
    store.setState({ answers: { [needKey({ name: 'runs', args: RUNS })]: { value, at: 0, problem: null } } });
  known(rows);
  for (const keys of [['tab'], ['tab', 'tab', 'tab'], ['M'], ['g']]) {
    store.setState({ screen: 'backtests', focus: 'backtests', selected: {} });
    known(rows);
    press(...keys);
    known([{ ...rows[0], runId: 'a-new-one' }, ...rows]);
    expect(selectedRow(state(), 'backtests')?.runId, keys.join()).toBe(rows[0].runId);
  }
});

test('the phase that is read stays when it turns green, and the year when it is filled', () => {
  press('2', 'tab');
  const phase = selectedPhase(state())!;
  press('5', '+');
  const cursor = coverageCursor(state())!;
  const { snapshot } = state();
  const { board } = snapshot;
  const filled = board!.coverage.rows.map((row) => ({
    ...row,
    byYear: Object.fromEntries(Object.keys(row.byYear).map((year) => [year, 1])),
  }));
  store.setState({
    snapshot: {
      ...snapshot,
      board: {
        ...board!,
        phases: board!.phases.map((one) => ({ ...one, state: 'OK' as const })),
        coverage: { ...board!.coverage, rows: filled },
      },
    },
  });
  expect(selectedPhase(state())?.phase).toBe(phase.phase);
  expect(coverageCursor(state())).toMatchObject({ year: cursor.year, row: { name: cursor.row.name } });
});

test('the question names the job that the key was pressed for', () => {
  press('3', 'l');
  another();
  press('r');
  const { overlay } = state();
  if (overlay?.kind !== 'dialog') throw new Error('no dialog is open');
  expect(dialogWords(state(), overlay).join(' ') + overlay.title).toContain(RUNNING.id);
});

test('the Overview is a glance at what runs: a job that was read and has ended is let go of when it is opened', () => {
  press('3', 'l', 'k');
  const started = another();
  expect(job()).toBe(RUNNING.id);
  press('1');
  expect(job()).toBe(started);
  // One that still runs stays, and so does one that has ended while nothing runs.
  press('3', 'l', 'k');
  store.setState(({ snapshot }) => ({
    snapshot: { ...snapshot, jobs: snapshot.jobs.map((one): JobView => ({ ...one, state: 'DONE', endedAt: 1 })) },
  }));
  press('1');
  expect(job()).toBe(started);
});
