import { beforeEach, describe, expect, test } from 'vitest';
import { needKey } from '../../src/console/answers.ts';
import { type Controller, createController } from '../../src/console/controller.ts';
import { dialogWords, shutdownDialog } from '../../src/console/dialogs.ts';
import { startFeed } from '../../src/console/feed.ts';
import { visibleIds } from '../../src/console/lists.ts';
import { needsOf } from '../../src/console/needs.ts';
import { panesOf } from '../../src/console/screens.ts';
import { selectedJob, selectedPhase } from '../../src/console/selectors.ts';
import { type ConsoleStore, createConsoleStore } from '../../src/console/store.ts';

import type { ReadArgs } from '../../src/supervisor/reads.ts';
import { quietHost } from '../helpers/console-host.ts';
import { CAMPAIGN, type ScriptedSupervisor, SNAPSHOT, scriptedSupervisor } from '../helpers/scripted-supervisor.ts';

const PROGRAM_LIST = { programs: [{ name: 'backtest campaign', phase: 'P1' }], policy: [] };

let store: ConsoleStore;
let supervisor: ScriptedSupervisor;
let controller: Controller;
let clock: number;
let said: string[];

beforeEach(() => {
  clock = 0;
  said = [];
  let ids = 0;
  supervisor = scriptedSupervisor(SNAPSHOT);
  store = createConsoleStore(SNAPSHOT, { columns: 120, rows: 40 }, { selected: { phases: 'P1' } });
  controller = createController(
    store,
    quietHost({
      supervisor: () => supervisor,
      redraw: () => said.push('redraw'),
      detach: () => said.push('detach'),
      suspend: () => said.push('suspend'),
      copy: (text) => {
        said.push(`copy ${text}`);
        return 'sent';
      },
      now: () => clock,
      newId: () => `key-${++ids}`,
    }),
  );
  startFeed(store, supervisor, () => clock).stop();
});

const press = (...keys: string[]) => {
  for (const id of keys) controller.key({ type: 'key', id });
};
/** Lets requests on their way arrive. */
const arrived = () => new Promise((resolve) => setImmediate(resolve));
const overlay = () => store.getState().overlay;
const dialog = () => {
  const shown = overlay();
  if (shown?.kind !== 'dialog') throw new Error('no dialog is open');
  return shown;
};

describe('dialogs', () => {
  const openers: [string, string | null, () => void][] = [
    ['launch', 'n', () => {}],
    ['rerun', 'r', () => store.setState({ selected: { phases: 'P1', jobs: '0005-backtest-campaign' } })],
    ['stop', 'x', () => {}],
    ['kill', 'X', () => {}],
    ['delete', 'D', () => store.setState({ selected: { phases: 'P1', jobs: '0005-backtest-campaign' } })],
    ['chain', 'N', () => {}],
    ['shutdown', null, () => store.setState({ overlay: shutdownDialog(store.getState()) })],
  ];

  test.each(openers)(
    '%s: Cancel comes first and has the focus; Enter on a fresh dialog changes nothing',
    async (_, key, prepare) => {
      prepare();
      if (key) press(key);
      expect(dialog().focus).toBe(0);
      expect(dialog().buttons[0]).toEqual({ label: 'Cancel', request: null });
      expect(
        dialog()
          .buttons.slice(1)
          .every((button) => button.request !== null),
      ).toBe(true);
      press('enter');
      await arrived();
      expect(overlay()).toBeNull();
      expect(supervisor.asked).toEqual([]);
    },
  );

  test.each(['escape', 'q'])('%s closes a dialog and nothing else', async (key) => {
    press('n', 'right', key);
    await arrived();
    expect([overlay(), supervisor.asked, said]).toEqual([null, [], []]);
  });

  test.each(['right', 'tab', 'left', 'down', 'shift+tab'])(
    '%s moves to Launch, Enter then launches the exact command',
    async (key) => {
      press('n');
      expect(dialog().command).toBe(`prometheus ${CAMPAIGN.join(' ')}`);
      press(key, 'enter');
      await arrived();
      expect(supervisor.asked).toEqual(['launch backtest campaign key-1']);
      expect(supervisor.snapshot().jobs[0].args).toEqual(CAMPAIGN.slice(2));
      expect(store.getState().selected.jobs).toBe(supervisor.snapshot().jobs[0].id);
    },
  );

  test('L launches at once; a second L finds no dialog any more', async () => {
    press('n', 'L', 'L');
    await arrived();
    expect(supervisor.asked).toEqual(['launch backtest campaign key-1']);
  });

  test('L does not stop a job', async () => {
    press('x', 'L');
    await arrived();
    expect(supervisor.asked).toEqual([]);
    expect(store.getState().toast?.text).toContain('launches nothing');
  });

  test('rerun repeats the selected job, stop stops it', async () => {
    store.setState({ selected: { phases: 'P1', jobs: '0005-backtest-campaign' } });
    press('r', 'tab', 'enter');
    await arrived();
    expect(supervisor.asked).toEqual(['rerun 0005-backtest-campaign key-1']);
    press('x', 'tab', 'enter');
    await arrived();
    expect(supervisor.asked[1]).toBe(`stop ${supervisor.snapshot().jobs[0].id}`);
  });

  test('rerun says what changed since the job ran, or that it is not known', () => {
    const jobId = '0005-backtest-campaign';
    store.setState({ connected: true, selected: { phases: 'P1', jobs: jobId } });
    press('r');
    expect(needsOf(store.getState())).toContainEqual({ name: 'rerun', args: { jobId }, everyMs: expect.any(Number) });
    const words = () => dialogWords(store.getState(), dialog());
    const answer = (value: readonly string[] | null, problem: string | null) =>
      store.setState({ answers: { [needKey({ name: 'rerun', args: { jobId } })]: { value, at: clock, problem } } });
    expect(words()[0]).toContain('is being looked up');
    answer(['the code has changed since 0005-backtest-campaign: a → b', 'programs.yaml has changed'], null);
    expect(words().slice(0, 2)).toEqual([
      'Beware: the code has changed since 0005-backtest-campaign: a → b.',
      'Beware: programs.yaml has changed.',
    ]);
    answer([], null);
    expect(words()[0]).toContain('those of then');
    answer(null, "there is no program 'x'");
    expect(words()[0]).toBe("Beware: there is no program 'x'");
    // Other dialogs have their own words alone.
    press('escape', 'n');
    expect(words()).toEqual(dialog().body);
  });

  test('a launch says beforehand that its words will be refused, by the same parser', async () => {
    press('n');
    const need = needsOf(store.getState()).find(({ name }) => name === 'validate')!;
    const words = () => dialogWords(store.getState(), dialog());
    const ask = async (args: readonly string[]) => {
      const value = await supervisor.read('validate', { ...(need.args as ReadArgs<'validate'>), args });
      store.setState({ answers: { [needKey(need)]: { value, at: clock, problem: null } } });
    };
    await ask((need.args as ReadArgs<'validate'>).args);
    expect(words()).toEqual(dialog().body);
    await ask(['--frob']);
    expect(words()[0]).toMatch(/^It will be refused: .*--frob/);
  });

  test('pasted text never acts, not even on a dialog', async () => {
    press('n', 'tab');
    controller.key({ type: 'paste', text: '\rL\r' });
    await arrived();
    expect(supervisor.asked).toEqual([]);
    expect(overlay()).not.toBeNull();
  });

  test('the estimate is a measured one, or unknown', () => {
    press('n');
    expect(dialog().body[0]).toBe('Estimate: about 16 s, as 0005-backtest-campaign took.');
    press('escape');
    store.setState((s) => ({ snapshot: { ...s.snapshot, jobs: [] } }));
    press('n');
    expect(dialog().body[0]).toContain('unknown');
  });

  test('a refusal is shown in full, with what to do', async () => {
    supervisor.stop = () =>
      Promise.reject(Object.assign(new Error('job 0007 cannot be stopped: gone'), { fix: 'See: prometheus job ls' }));
    press('x', 'tab', 'enter');
    await arrived();
    expect(dialog().body).toEqual(['job 0007 cannot be stopped: gone', 'See: prometheus job ls']);
    expect(dialog().buttons).toEqual([{ label: 'Close', request: null }]);
    expect(store.getState().sending).toBe(false);
  });
});

describe('marks of a job, notes, the supervisor', () => {
  const OLD = '0005-backtest-campaign';
  beforeEach(() => store.setState({ selected: { phases: 'P1', jobs: OLD } }));

  test('K keeps a record and lets it go again', async () => {
    press('K');
    await arrived();
    expect(store.getState().toast?.text).toBe(`${OLD} is kept for good`);
    store.setState({ snapshot: supervisor.snapshot() });
    press('K');
    await arrived();
    expect(supervisor.asked).toEqual([`keep ${OLD} {"kept":true}`, `keep ${OLD} {"kept":false}`]);
  });

  test('P pauses a running backfill and has it go on; no other job can pause', async () => {
    press('P');
    expect(store.getState().toast?.text).toContain(`${OLD} does not run: DONE`);
    const running = { ...supervisor.snapshot().jobs[0], id: '0009-backfill', program: 'backfill numeric-embeddings' };
    supervisor.change({ jobs: [running, ...supervisor.snapshot().jobs] });
    const look = () =>
      store.setState({ snapshot: supervisor.snapshot(), selected: { phases: 'P1', jobs: running.id } });
    look();
    press('P');
    await arrived();
    expect(store.getState().toast?.text).toBe('0009-backfill pauses after its present shards');
    look();
    press('P');
    await arrived();
    expect(supervisor.asked).toEqual(['pause 0009-backfill', 'go on 0009-backfill']);
  });

  test('A hides a job that has ended, and says how it comes back; one that runs cannot be hidden', async () => {
    press('A');
    await arrived();
    expect(store.getState().toast?.text).toContain(`prometheus job keep ${OLD} --archive --off`);
    store.setState({ snapshot: supervisor.snapshot() });
    expect(visibleIds(store.getState(), 'jobs')).not.toContain(OLD);
    store.setState({ selected: { jobs: '0007-backtest-campaign' } });
    press('A');
    expect(store.getState().toast?.text).toContain('has not ended');
  });

  test('b goes to the run that a job told of, else to the phase of its program', () => {
    const { snapshot } = store.getState();
    press('b');
    expect(store.getState().toast?.text).toContain('it is not known what it belongs to');
    const run = { t: 1, type: 'artifact', kind: 'backtest_run', id: '9c20b1ff' } as const;
    store.setState({ snapshot: { ...snapshot, detail: { ...snapshot.detail!, id: OLD, events: [run] } } });
    press('b');
    expect(store.getState()).toMatchObject({ screen: 'backtests', selected: { backtests: '9c20b1ff' } });
    press('1');
    const answers = { [needKey({ name: 'programs', args: {} })]: { value: PROGRAM_LIST, at: 0, problem: null } };
    store.setState({ snapshot, answers });
    press('b');
    expect(store.getState()).toMatchObject({ screen: 'phases', selected: { phases: 'P1' } });
  });

  test('i writes a note on the selected phase; an empty one is none; a read-only console writes none', async () => {
    press('i');
    controller.key({ type: 'paste', text: ' utilities look off ' });
    press('enter');
    await arrived();
    press('i', 'enter');
    await arrived();
    expect(supervisor.asked).toEqual(['note P1 utilities look off']);
    store.setState({ readOnly: true });
    press('i');
    expect(store.getState().toast?.text).toContain('read-only');
  });

  test('S leaves an optional phase out with a reason, u takes it in again; neither acts where it must not', async () => {
    press('S');
    expect(store.getState().toast?.text).toContain('P1 is not optional');
    store.setState({ selected: { phases: 'P3' } });
    press('S');
    expect(store.getState().toast?.text).toContain('P3 is skipped already');
    press('u', 'enter');
    await arrived();
    expect([overlay(), supervisor.asked]).toEqual([null, []]);
    press('u');
    controller.key({ type: 'paste', text: 'texts are there' });
    // What is selected meanwhile does not matter.
    store.setState({ selected: { phases: 'P1' } });
    press('enter');
    await arrived();
    const { board } = SNAPSHOT;
    const phases = board!.phases.map((phase) => ({ ...phase, skip: null }));
    store.setState({ snapshot: { ...SNAPSHOT, board: { ...board!, phases } }, selected: { phases: 'P3' } });
    press('u');
    expect(store.getState().toast?.text).toContain('P3 is not skipped');
    press('S', 'x', 'enter');
    await arrived();
    expect(supervisor.asked).toEqual(['unskip P3 texts are there', 'skip P3 x']);
    store.setState({ readOnly: true });
    press('S');
    expect(store.getState().toast?.text).toContain('read-only');
  });

  test('Q stops the supervisor once stop all was typed', async () => {
    press('Q', 'tab', 'enter');
    expect(supervisor.asked).toEqual([]);
    press(...'stop all'.split('').map((key) => (key === ' ' ? 'space' : key)), 'enter');
    await arrived();
    expect(supervisor.asked).toEqual(['shutdown']);
  });
});

describe('moving', () => {
  test('jjj is three moves; the ends hold', () => {
    store.setState({ selected: { phases: 'P0' } });
    press('j', 'j', 'j');
    expect(selectedPhase(store.getState())?.phase).toBe('P3');
    press('G', 'j');
    expect(selectedPhase(store.getState())?.phase).toBe('P5');
    press('g', 'k', 'up');
    expect(selectedPhase(store.getState())?.phase).toBe('P0');
  });

  test('Tab goes round all panes, both ways', () => {
    const seen = panesOf('overview').map(() => {
      press('tab');
      return store.getState().focus;
    });
    expect(new Set(seen)).toEqual(new Set(panesOf('overview')));
    expect(seen.at(-1)).toBe('phases');
    press('shift+tab');
    expect(store.getState().focus).toBe('runs');
  });

  test('scrolling stops at the ends, so that the way back is not longer', () => {
    controller.limits.panes.log = 12;
    store.setState({ focus: 'log' });
    press('k', 'k', 'pageup', 'pageup', 'pageup');
    expect(store.getState().scroll.log).toBe(12);
    press('j');
    expect(store.getState().scroll.log).toBe(11);
    press('f');
    expect(store.getState().scroll.log ?? 0).toBe(0);
    press('g');
    expect(store.getState().scroll.log).toBe(12);
    press('G');
    expect(store.getState().scroll.log ?? 0).toBe(0);
  });

  test('another job begins at the end of its log', () => {
    controller.limits.panes.log = 12;
    store.setState({ focus: 'log' });
    press('k');
    store.setState({ focus: 'jobs' });
    press('j');
    expect(selectedJob(store.getState())?.id).toBe('0006-verify-point-in-time');
    expect(store.getState().scroll.log ?? 0).toBe(0);
  });

  test('Esc goes one step back and never quits', () => {
    press('z');
    press('escape', 'escape', 'escape');
    expect(store.getState().zoomed).toBe(false);
    expect(said).toEqual([]);
  });
});

describe('leaving', () => {
  const ended = (id: string) =>
    store.setState(({ snapshot }) => ({
      snapshot: {
        ...snapshot,
        jobs: snapshot.jobs.map((job) => (job.id === id ? { ...job, state: 'DONE' as const, endedAt: 1 } : job)),
      },
    }));

  test('q detaches', () => {
    press('q');
    expect(said).toEqual(['detach']);
  });

  test('^c twice detaches, once only says so', () => {
    press('ctrl+c');
    expect(said).toEqual([]);
    expect(store.getState().toast?.text).toContain('^c again');
    clock += 3000;
    press('ctrl+c');
    expect(said).toEqual([]);
    clock += 100;
    press('ctrl+c');
    expect(said).toEqual(['detach']);
  });

  test('words on the screen leave when they are no longer so', async () => {
    const { id } = selectedJob(store.getState())!;
    // It has ended since: it can be run again.
    press('r');
    expect(store.getState().toast?.text).toContain('has not ended');
    ended(id);
    expect(store.getState().toast).toBeNull();
    // Another row, another screen: it is not spoken of any more.
    press('x');
    expect(store.getState().toast?.text).toContain('has ended');
    press('3');
    expect(store.getState().toast?.text).toContain('has ended');
    press('6');
    expect(store.getState().toast).toBeNull();
    // Twice within two seconds, and not a moment longer.
    press('ctrl+c');
    clock += 2100;
    controller.tick();
    expect(store.getState().toast).toBeNull();
    // What stays so stays on the screen.
    press('4', 's');
    expect(store.getState().toast?.text).toContain('order: ');
    press('j');
    expect(store.getState().toast?.text).toContain('order: ');
    press('tab');
    expect(store.getState().toast).toBeNull();
  });

  test('what was done is told for its time, also of a job that ended by it at once', async () => {
    const { id } = selectedJob(store.getState())!;
    press('3', 'x', 'right', 'enter');
    await arrived();
    ended(id);
    expect(store.getState().toast?.text).toBe(`TERM sent to ${id}`);
  });

  test('words on the screen have their time', () => {
    press('r');
    expect(store.getState().toast?.text).toContain('has not ended');
    clock += 5900;
    controller.tick();
    expect(store.getState().toast).not.toBeNull();
    clock += 200;
    controller.tick();
    expect(store.getState().toast).toBeNull();
  });
});
