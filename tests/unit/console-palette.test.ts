import { beforeEach, describe, expect, test } from 'vitest';
import { NAMED_COMMANDS } from '../../src/cli/commands.ts';
import { needKey } from '../../src/console/answers.ts';
import { startAsking } from '../../src/console/asking.ts';
import { type Controller, createController } from '../../src/console/controller.ts';
import { dialogWords } from '../../src/console/dialogs.ts';
import { completions, isBeingRead, verbHelp } from '../../src/console/palette/palette.ts';
import { type ConsoleStore, createConsoleStore } from '../../src/console/store.ts';
import { quietHost } from '../helpers/console-host.ts';
import { type ScriptedSupervisor, SNAPSHOT, scriptedSupervisor } from '../helpers/scripted-supervisor.ts';

let store: ConsoleStore;
let supervisor: ScriptedSupervisor;
let controller: Controller;
let said: string[];

beforeEach(async () => {
  said = [];
  supervisor = scriptedSupervisor(SNAPSHOT);
  store = createConsoleStore(
    SNAPSHOT,
    { columns: 120, rows: 40 },
    {
      connected: true,
      commands: NAMED_COMMANDS,
      answers: {
        [needKey({ name: 'programs', args: {} })]: {
          value: await supervisor.read('programs', {}),
          at: 0,
          problem: null,
        },
      },
    },
  );
  controller = createController(
    store,
    quietHost({
      supervisor: () => supervisor,
      redraw: () => said.push('redraw'),
      detach: () => said.push('detach'),
      copy: (text) => {
        said.push(`copy ${text}`);
        return 'sent';
      },
      run: async (words) => void said.push(`run ${words.join(' ')}`),
    }),
  );
});

const press = (...keys: string[]) => {
  for (const id of keys) controller.key({ type: 'key', id });
};
const type = (text: string) => press(...[...text].map((c) => (c === ' ' ? 'space' : c)));
const command = (line: string) => {
  press(':');
  type(line);
  press('enter');
};
const arrived = () => new Promise((resolve) => setImmediate(resolve));
const overlay = () => store.getState().overlay;

describe('the palette', () => {
  test('opens screens and phases by their names', () => {
    command('machine');
    expect(store.getState().screen).toBe('machine');
    command('why P2');
    expect(store.getState()).toMatchObject({ screen: 'phases', selected: { phases: 'P2' } });
  });

  test('job rerun --edit opens the form of the job, as job edit does; without it the job itself is asked for', () => {
    const { id, program } = SNAPSHOT.jobs.find((job) => job.endedAt !== null && job.program === 'backtest campaign')!;
    for (const line of [`job rerun ${id} --edit`, `job rerun --edit ${id}`, `job edit ${id}`]) {
      command(line);
      expect(overlay(), line).toMatchObject({ kind: 'form', rerunOf: id, program: { name: program } });
      store.setState({ overlay: null });
    }
    command(`job rerun ${id}`);
    expect(overlay()).toMatchObject({ kind: 'dialog' });
    expect(said).toEqual([]);
  });

  test('asks before anything that costs, and launches what was typed', async () => {
    command('backtest campaign --market-id US_EQ --start 2014-01-02');
    expect(overlay()).toMatchObject({
      kind: 'dialog',
      focus: 0,
      command: 'prometheus backtest campaign --market-id US_EQ --start 2014-01-02',
    });
    press('L');
    await arrived();
    expect(supervisor.asked).toEqual(['launch backtest campaign key']);
  });

  test("runs a blocked phase's plan only with a reason", async () => {
    command('phases run P2');
    expect(overlay()).toMatchObject({ title: 'P2 Numeric embeddings may not begin', buttons: [{ label: 'Close' }] });
    press('enter');
    command('phases run P2 --override');
    expect(store.getState().toast?.text).toBe('--override: say why it is run though it is blocked');
    command('phases run P2 --override the vendor is late');
    expect(overlay()).toMatchObject({
      command: "prometheus phases run P2 --override 'the vendor is late'",
      body: expect.arrayContaining([expect.stringContaining('Needs P1: P1.equity is FAIL.')]),
    });
    press('right', 'enter');
    await arrived();
    expect(supervisor.asked).toEqual(['chain P2 though blocked: the vendor is late']);
  });

  test('names a job by its number', () => {
    command('job stop 7');
    expect(overlay()).toMatchObject({ title: 'Stop 0007-backtest-campaign' });
  });

  test('asks for similar vectors with the flags of the command line', () => {
    command('similar --model num-stab-core-v1 --instrument AAPL.US --as-of 2014-01-02 --top-k 5');
    expect(store.getState()).toMatchObject({
      screen: 'research',
      focus: 'similar',
      similar: { model: 'num-stab-core-v1', instrument: 'AAPL.US', asOf: '2014-01-02', topK: 5 },
    });
    command(
      "similar --model=num-stab-core-v1 --instrument 'US_EQ|Energy' --entity-type SECTOR --as-of 2014-01-02 --start-date 2013-01-02 --end-date 2013-12-31",
    );
    const asked = {
      ...{ model: 'num-stab-core-v1', instrument: 'US_EQ|Energy', entityType: 'SECTOR', asOf: '2014-01-02', topK: 10 },
      ...{ startDate: '2013-01-02', endDate: '2013-12-31' },
    };
    expect(store.getState().similar).toEqual(asked);
    for (const [line, refusal] of [
      ['--as-of yesterday --model M --instrument I', /^--as-of /],
      ['--model M --as-of 2014-01-02', /^--instrument is missing/],
      ['--model M --instrument I --as-of 2014-01-02 --start-dat 2013-01-02', /^similar has no --start-dat here/],
      ['--model M --instrument I --as-of 2014-01-02 --json', /^similar has no --json here/],
      ['--model M --instrument I --as-of 2014-01-02 --entity-type FUND', /^--entity-type /],
      ['--model M --instrument I --as-of', /^--as-of needs a value/],
    ] as const) {
      command(`similar ${line}`);
      expect(store.getState().toast?.text).toMatch(refusal);
      expect(store.getState().similar).toEqual(asked);
    }
  });

  test('words on a phase are typed with the verbs of the command line', async () => {
    command('phases skip P2');
    expect(store.getState().toast?.text).toContain('P2 is not optional');
    command('phases unskip p3 --text texts are there');
    expect(overlay()).toMatchObject({
      kind: 'prompt',
      purpose: 'unskip',
      phase: 'P3',
      line: { text: 'texts are there' },
    });
    press('enter');
    await new Promise((resolve) => setImmediate(resolve));
    command('note P4 slow');
    press('enter');
    await new Promise((resolve) => setImmediate(resolve));
    expect(supervisor.asked).toEqual(['unskip P3 texts are there', 'note P4 slow']);
  });

  test.each([
    ['data digest prices_daily', 'data digest', ['prices_daily']],
    ['compare RUN-A RUN-B --draws 40', 'compare', ['RUN-A', 'RUN-B', '--draws', '40']],
    // The screen has the shorter name.
    ['coverage recount', 'coverage recount', []],
    ['job start models fit all-v2', 'models fit', ['all-v2']],
    // As it is written in a shell.
    ['job start models fit -- all-v2', 'models fit', ['all-v2']],
  ])('knows every program by its name, whatever follows it: %s', (line, program, args) => {
    command(line);
    expect(overlay()).toMatchObject({ buttons: [{}, { request: { kind: 'launch', request: { program, args } } }] });
  });

  test('a running job of the same program is named, whatever its arguments', () => {
    const [job] = SNAPSHOT.jobs.filter(({ state }) => state === 'RUN');
    const running = { ...job, id: '0099-compare', program: 'compare' };
    store.setState({ snapshot: { ...SNAPSHOT, jobs: [running, ...SNAPSHOT.jobs] } });
    command('compare RUN-A RUN-B --draws 40');
    expect(overlay()).toMatchObject({
      body: expect.arrayContaining(['Beware: 0099-compare is running the same program.']),
    });
  });

  test('opens the place of what is named', async () => {
    for (const [line, place] of [
      ['why p1.equity', { screen: 'phases', focus: 'checks', selected: { phases: 'P1', checks: 'P1.equity' } }],
      ['job logs 7', { screen: 'jobs', focus: 'output', selected: { jobs: '0007-backtest-campaign' } }],
      ['job metrics last', { screen: 'jobs', focus: 'metrics', selected: { jobs: SNAPSHOT.jobs[0].id } }],
      ['job show 7', { screen: 'jobs', focus: 'job', selected: { jobs: '0007-backtest-campaign' } }],
      ['backtests ls', { screen: 'backtests', focus: 'backtests' }],
      ['lambda show', { screen: 'research', focus: 'lambda' }],
      ['models ls', { screen: 'research', focus: 'models' }],
      ['top', { screen: 'machine' }],
      ['status', { screen: 'overview' }],
    ] as const) {
      store.setState({ filters: { jobs: 'zzz' } });
      command(line);
      expect(store.getState(), line).toMatchObject(place);
    }
    command('why P1.nothing');
    expect(store.getState().toast?.text).toMatch(/^which check\? P1\./);
    const row = SNAPSHOT.board!.coverage.rows.at(-1)!;
    const year = Number(Object.keys(row.byYear)[0]);
    command(`coverage --row ${row.name} --year=${year}`);
    expect(store.getState()).toMatchObject({
      ...{ screen: 'coverage', focus: 'heat', selected: { heat: row.name }, cursors: { heat: year } },
    });
    expect(said).toEqual([]);
  });

  test('opens the run, the comparison and the model that are named', async () => {
    const [a, b] = (await supervisor.read('runs', { limit: 200 })).map(({ runId }) => runId);
    command(`backtests show ${b}`);
    await arrived();
    expect(store.getState()).toMatchObject({ screen: 'backtests', selected: { backtests: b } });
    // The beginning of an id is enough, as on the command line.
    command(`compare ${a.slice(0, 4)} ${b.slice(0, 4)}`);
    await arrived();
    expect(store.getState()).toMatchObject({ focus: 'compare', zoomed: true, marked: { backtests: [a, b] } });
    command('compare RUN-A RUN-B');
    await arrived();
    expect(store.getState().toast?.text).toBe('no run, or more than one of the list, begins with RUN-A');
    command('backtests show RUN-A');
    await arrived();
    expect(said).toEqual(['run backtests show RUN-A']);
    const [model] = await supervisor.read('models', {});
    command(`models show ${model.id}`);
    await arrived();
    expect(store.getState()).toMatchObject({ screen: 'research', selected: { models: model.id } });
    command('models show none');
    await arrived();
    expect(store.getState().toast?.text).toContain('there is no model none');
  });

  test('marks and pauses jobs as their keys do', async () => {
    command('job keep 7');
    await arrived();
    command('job keep 7 --archive --off');
    await arrived();
    expect(supervisor.asked).toEqual([
      'keep 0007-backtest-campaign {"kept":true}',
      'keep 0007-backtest-campaign {"archived":false}',
    ]);
    command('job pause 7');
    expect(store.getState().toast?.text).toBe('backtest campaign has no shards to pause between');
  });

  test('a command without a place here is run as in the shell, after asking where it changes something', async () => {
    command('doctor --profile');
    command('job ls --state RUN');
    command('db adopt --help');
    expect(said).toEqual(['run doctor --profile', 'run job ls --state RUN', 'run db adopt --help']);
    command('decide P5 --runs RUN-A --text "all is there"');
    expect(overlay()).toMatchObject({
      focus: 0,
      command: "prometheus decide P5 --runs RUN-A --text 'all is there'",
      buttons: [{ label: 'Cancel' }, { label: 'Run it' }],
    });
    press('right', 'enter');
    await arrived();
    expect(said.at(-1)).toBe('run decide P5 --runs RUN-A --text all is there');
    command('db drop');
    expect(store.getState().toast?.text).toBe('db drop needs a shell of its own: prometheus db drop');
    command('ro');
    await arrived();
    command('decide P5 --runs RUN-A --text now');
    expect([overlay(), store.getState().toast?.text]).toEqual([null, expect.stringContaining('read-only')]);
  });

  test.each(NAMED_COMMANDS)('$name means here what it means in the shell', async (entry) => {
    const before = store.getState();
    expect(completions(before, entry.name)).toContain(entry.name);
    expect(verbHelp(before, entry.name)).toBeTruthy();
    command(entry.name);
    await arrived();
    const { toast, ...after } = store.getState();
    expect(toast?.text ?? '').not.toContain('no such command');
    // Nothing that costs or destroys is done unasked.
    expect(supervisor.asked).toEqual([]);
    if (entry.effect !== 'reads') expect(said).toEqual([]);
    // One of: a screen, a question, a command that ran, or words on what is missing.
    const went = after.screen !== before.screen || after.focus !== before.focus || after.overlay !== null;
    expect(went || said.length > 0 || toast !== null || entry.name === 'status').toBe(true);
  });

  test('before the programs were read it says so', () => {
    store.setState({ answers: {} });
    command('backtest campaign');
    expect(store.getState().toast?.text).toContain('the programs have not been read yet');
  });

  test('says what it does not know', () => {
    command('frobnicate');
    expect(store.getState().toast?.text).toContain('no such command: frobnicate');
    command('job start backtest-campaign --market-id US_EQ');
    expect(store.getState().toast?.text).toContain("there is no program 'backtest-campaign --market-id US_EQ'");
    const ended = SNAPSHOT.jobs.find(({ state }) => state === 'DONE')!;
    for (const verb of ['job stop', 'job kill']) {
      command(`${verb} ${ended.id}`);
      expect(store.getState().toast?.text).toBe(`${ended.id} has ended: DONE`);
    }
    command('job rm 7');
    expect(store.getState().toast?.text).toBe('0007-backtest-campaign has not ended');
    expect(overlay()).toBeNull();
    command('job stop 99');
    expect(store.getState().toast?.text).toBe('there is no job 99');
    command('phases run P9');
    expect(store.getState().toast?.text).toContain('which phase?');
  });

  test('letters typed there are text, never keys; pasted text is text', () => {
    press(':');
    type('qx');
    controller.key({ type: 'paste', text: 'L\r' });
    expect(overlay()).toMatchObject({ kind: 'prompt', line: { text: 'qxL ' } });
    press('escape');
    expect([overlay(), supervisor.asked, said]).toEqual([null, [], []]);
  });

  test('completes verbs, then their objects', () => {
    const state = store.getState();
    expect(completions(state, 'phases r')).toEqual(['phases run']);
    expect(completions(state, 'why P')).toContain('why P4');
    press(':');
    type('phases r');
    press('tab');
    expect(overlay()).toMatchObject({ line: { text: 'phases run ' } });
  });

  test('Tab knows runs and models that no screen has read: they are asked for as their verb is typed', async () => {
    const asking = startAsking(store, supervisor, () => 0);
    store.subscribe(() => asking.look());
    const [a, b] = (await supervisor.read('runs', { limit: 200 })).map(({ runId }) => runId);
    press(':');
    type('compare ');
    expect(isBeingRead(store.getState(), 'compare ')).toBe(true);
    await arrived();
    expect(isBeingRead(store.getState(), 'compare ')).toBe(false);
    type(a.slice(0, 4));
    press('tab');
    expect(overlay()).toMatchObject({ line: { text: `compare ${a} ` } });
    // The other side too, but not the same run again, nor a third one.
    expect(completions(store.getState(), `compare ${a} `)).toContain(`compare ${a} ${b}`);
    expect(completions(store.getState(), `compare ${a} `)).not.toContain(`compare ${a} ${a}`);
    expect(completions(store.getState(), `compare ${a} ${b} `)).toEqual([]);
    expect(completions(store.getState(), `backtests show ${a} `)).toEqual([]);
    press('escape', ':');
    type('models show ');
    await arrived();
    const [model] = await supervisor.read('models', {});
    expect(completions(store.getState(), 'models show ')).toContain(`models show ${model.id}`);
    asking.stop();
  });

  test('recalls what was typed before', () => {
    command('machine');
    command('events');
    press(':', 'up');
    expect(overlay()).toMatchObject({ line: { text: 'events' } });
    press('up', 'up');
    expect(overlay()).toMatchObject({ line: { text: 'machine' } });
    press('down', 'down');
    expect(overlay()).toMatchObject({ line: { text: '' } });
  });
});

describe('read-only', () => {
  test('refuses every action that costs or destroys, by key and by name, until :rw', async () => {
    command('ro');
    await arrived();
    expect(supervisor.asked).toEqual(['ro']);
    for (const key of ['n', 'N', 'x', 'X', 'r', 'D']) {
      press(key);
      expect(overlay(), key).toBeNull();
      expect(store.getState().toast?.text, key).toContain('read-only');
    }
    command('job stop 7');
    expect(store.getState().toast?.text).toContain('read-only');
    command('rw');
    await arrived();
    press('x');
    expect(overlay()).toMatchObject({ kind: 'dialog' });
  });
});

describe('what destroys', () => {
  test('wants the id typed before any button but Cancel does anything', async () => {
    press('X', 'tab', 'enter');
    await arrived();
    expect(overlay()).toMatchObject({ title: 'Kill 0007-backtest-campaign' });
    expect(store.getState().toast?.text).toContain('type 0007-backtest-campaign first');
    type('0007-backtest-campaign');
    press('enter');
    await arrived();
    expect(overlay()).toBeNull();
    expect(supervisor.asked).toEqual(['kill 0007-backtest-campaign']);
  });

  test('stays when the job ends meanwhile, so that what is typed falls on no key, and says so', () => {
    press('X');
    const words = () => {
      const dialog = overlay();
      return dialog?.kind === 'dialog' ? dialogWords(store.getState(), dialog).join('\n') : '';
    };
    expect(words()).not.toContain('ended');
    store.setState(({ snapshot }) => ({
      snapshot: { ...snapshot, jobs: snapshot.jobs.map((job) => ({ ...job, state: 'DONE' as const })) },
    }));
    expect(words()).toMatch(/^It has ended meanwhile: DONE\. There is nothing left to kill\./);
  });

  test('q and L are text in such a dialog; Esc and Enter on a fresh one close it', async () => {
    press('X');
    type('qL');
    expect(overlay()).toMatchObject({ typed: { line: { text: 'qL' } } });
    press('escape');
    expect(overlay()).toBeNull();
    press('X', 'enter');
    await arrived();
    expect([overlay(), supervisor.asked]).toEqual([null, []]);
  });
});

describe('lists', () => {
  test('a filter is at work from its first letter; Esc while typing, or later, clears it', () => {
    store.setState({ focus: 'jobs' });
    press('/');
    type('campaign');
    press('enter');
    expect(store.getState().filters.jobs).toBe('campaign');
    press('escape');
    expect(store.getState().filters.jobs).toBeUndefined();
    press('/');
    type('zzz');
    press('escape');
    expect(store.getState().filters.jobs).toBeUndefined();
  });

  test('the copy menu copies by one letter', () => {
    press('y', 'j');
    expect(said).toEqual(['copy 0007-backtest-campaign']);
    expect(overlay()).toBeNull();
  });
});
