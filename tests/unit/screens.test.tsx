import { Writable } from 'node:stream';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { type MountedScreens, mountScreens } from '../../screens/root.tsx';
import { glanceOf, LAMBDA, needKey } from '../../src/console/answers.ts';
import { createController } from '../../src/console/controller.ts';
import { lineOf } from '../../src/console/line-editor.ts';
import { needsOf } from '../../src/console/needs.ts';
import { panesOf, SCREENS } from '../../src/console/screens.ts';
import { type ConsoleState, type ConsoleStore, createConsoleStore, emptySnapshot } from '../../src/console/store.ts';
import { makeStyle } from '../../src/console/theme.ts';
import { cellWidth } from '../../src/format/width.ts';
import { comparisonSections } from '../../src/report/comparison-page.ts';
import type { ComparedRun, Comparison, RunComparison } from '../../src/report/types.ts';
import type { Snapshot } from '../../src/supervisor/protocol.ts';
import type { JobSeries } from '../../src/supervisor/reads.ts';
import { MACHINE } from '../helpers/machine-sample.ts';
import { FRESH, NOW, SNAPSHOT, scriptedSupervisor } from '../helpers/scripted-supervisor.ts';

let mounted: MountedScreens | null = null;
afterEach(() => {
  mounted?.unmount();
  mounted = null;
});

/** Every pane of every screen. */
const PLACES = SCREENS.flatMap(({ id }) => panesOf(id).map((focus) => ({ screen: id, focus })));

/** Takes whole frames, as the frame writer does. */
class Sink extends Writable {
  isTTY = true;
  frame = '';
  readonly #store: ConsoleStore;
  constructor(store: ConsoleStore) {
    super({ decodeStrings: false });
    this.#store = store;
  }
  get columns() {
    return this.#store.getState().size.columns;
  }
  get rows() {
    return this.#store.getState().size.rows;
  }
  override _write(chunk: string, _: string, done: () => void) {
    // Weight and colour are left out: what is meant must be there without them.
    if (chunk !== '') this.frame = String(chunk).replace(/\x1b\[[\d;]*m/g, '');
    done();
  }
}

function open(snapshot: Snapshot, initial: Partial<ConsoleState> = {}, { colour = true, ascii = false } = {}) {
  const store = createConsoleStore(snapshot, initial.size ?? { columns: 120, rows: 40 }, {
    connected: true,
    ...initial,
  });
  const supervisor = scriptedSupervisor(snapshot);
  const controller = createController(store, {
    supervisor: () => supervisor,
    redraw: () => {},
    detach: () => {},
    suspend: () => {},
    copy: () => 'copied',
    now: () => NOW,
    page: async () => {},
    run: async () => {},
    edit: async (text) => text,
    save: async () => 'saved',
    newId: () => 'key',
  });
  const sink = new Sink(store);
  mounted = mountScreens({ store, limits: controller.limits, style: makeStyle({ colour, ascii }) }, sink);
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  const screens = mounted;
  return {
    store,
    spots: controller.limits.spots,
    close: () => screens.unmount(),
    press: (...keys: string[]) => {
      for (const id of keys) controller.key({ type: 'key', id });
    },
    /** Answers what the open screen asks, and what follows from the answers. */
    answer: async () => {
      for (let round = 0; round < 3; round++) {
        for (const need of needsOf(store.getState())) {
          const answer = { value: await supervisor.read(need.name, need.args), at: NOW, problem: null };
          store.setState((state) => ({ answers: { ...state.answers, [needKey(need)]: answer } }));
        }
      }
    },
    rows: async () => {
      await settled();
      return sink.frame.split('\n');
    },
    resize: async (columns: number, rows: number) => {
      store.setState({ size: { columns, rows } });
      await settled();
      return sink.frame.split('\n');
    },
  };
}

const nothing = emptySnapshot('/home/user/.local/share/prometheus-demo', true, NOW);
const scenes: Readonly<Record<string, Snapshot>> = {
  world: SNAPSHOT,
  fresh: FRESH,
  nothing,
  'database down': {
    ...SNAPSHOT,
    board: null,
    boardProblem: 'the historical database does not answer',
    databases: { ...SNAPSHOT.databases, historical: { label: 'x', up: false, problem: 'no server answers' } },
  },
  'names from hell': {
    ...SNAPSHOT,
    home: '/home/日本/🙂/é',
    detail: {
      ...SNAPSHOT.detail!,
      log: [
        { stream: 'out', text: `${'日本語 '.repeat(40)}\u0301e` },
        { stream: 'err', text: '' },
      ],
    },
  },
};

const sizes = [
  [20, 5],
  [21, 6],
  [30, 8],
  [39, 11],
  [79, 24],
  [80, 23],
  [80, 24],
  [100, 30],
  [119, 60],
  [120, 34],
  [120, 35],
  [179, 50],
  [180, 45],
  [200, 50],
  [300, 100],
] as const;

/** Every row fits the terminal, and DEMO is on the frame. */
function expectFits(rows: readonly string[], columns: number, height: number) {
  expect(rows.length).toBe(height);
  for (const row of rows) expect(cellWidth(row), row).toBeLessThanOrEqual(columns);
  expect(rows[0]).toContain('DEMO');
}

describe('frames', () => {
  test.each(Object.entries(scenes))(
    'of %s are never taller or wider than the terminal, and say DEMO',
    async (_, snapshot) => {
      const ui = open(snapshot, { selected: { phases: 'P1' } });
      for (const [columns, rows] of sizes) expectFits(await ui.resize(columns, rows), columns, rows);
    },
  );

  test('nor at any size, pane, overlay and zoom', async () => {
    const ui = open(SNAPSHOT, { selected: { phases: 'P1' } });
    await ui.answer();
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 20, max: 300 }),
        fc.integer({ min: 5, max: 100 }),
        fc.constantFrom(...PLACES),
        fc.boolean(),
        fc.constantFrom('', '?', 'n', 'r', 'R', 'F', 'x', 'X', 'N', ':', '/', 'y'),
        async (columns, rows, place, zoomed, key) => {
          ui.store.setState({ ...place, zoomed, overlay: null });
          if (key) ui.press(key);
          expectFits(await ui.resize(columns, rows), columns, rows);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('no pane title loses a word of what it says without a mark', async () => {
    const ui = open(SNAPSHOT, { filters: { jobs: 'campaign' } });
    /** What the open screen's panes say behind their titles, by pane. */
    const titles = (rows: readonly string[]) =>
      Object.entries(ui.spots).map(([id, { rect }]) => {
        const row = [...rows[rect.top].replaceAll('\u0302', '')].slice(rect.left, rect.left + rect.width).join('');
        return { id, row, words: new Set(row.match(/[^\s─═┌┐╔╗▸▾▴]+/g)) };
      });
    const silent: string[] = [];
    for (const { id: screen } of SCREENS) {
      ui.store.setState({ screen, size: { columns: 300, rows: 100 } });
      await ui.rows();
      await ui.answer();
      const whole = new Map(titles(await ui.rows()).map(({ id, words }) => [id, words]));
      for (const [columns, rows] of sizes.filter(([columns]) => columns >= 80)) {
        for (const { id, row, words } of titles(await ui.resize(columns, rows))) {
          // The range of the time left and what kind of rate it is stand with the figures as well.
          const lost = [...(whole.get(id) ?? [])].filter(
            (word) => !words.has(word) && !/^(median|\(?\d+|–|s\)?)$/.test(word),
          );
          if (lost.length > 0 && !row.includes('…'))
            silent.push(`${columns}×${rows} ${screen} ${id}: ${lost.join(' ')}`);
        }
      }
    }
    expect(silent).toEqual([]);
  });

  test('a walk of sizes ends in the frame that a fresh start draws', async () => {
    const ui = open(SNAPSHOT, { selected: { phases: 'P1' } });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...sizes), { minLength: 1, maxLength: 8 }), async (walk) => {
        for (const [columns, rows] of walk) await ui.resize(columns, rows);
        const [columns, rows] = walk.at(-1)!;
        const walked = await ui.rows();
        const fresh = open(SNAPSHOT, { selected: { phases: 'P1' }, size: { columns, rows } });
        expect(walked).toEqual(await fresh.rows());
        fresh.close();
      }),
      { numRuns: 12 },
    );
  });

  test('ASCII mode sends nothing but ASCII', async () => {
    for (const snapshot of Object.values(scenes)) {
      const ui = open(snapshot, { selected: { phases: 'P1' } }, { ascii: true });
      for (const key of ['', '?', 'escape', 'n']) {
        if (key) ui.press(key);
        for (const [columns, rows] of [
          [200, 50],
          [80, 24],
          [30, 8],
        ]) {
          const frame = await ui.resize(columns, rows);
          expect(frame.join('\n')).toMatch(/^[\x20-\x7e\n]*$/);
          expectFits(frame, columns, rows);
        }
      }
      ui.close();
    }
  });
});

describe('the launch form', () => {
  const SIZES = [
    [200, 50],
    [80, 24],
    [30, 8],
  ] as const;
  const opened = async ([columns, rows]: readonly [number, number], ...keys: string[]) => {
    const ui = open(SNAPSHOT, {
      selected: { phases: 'P1', jobs: '0005-backtest-campaign' },
      size: { columns, rows },
    });
    await ui.answer();
    ui.press('R', ...keys);
    await ui.answer();
    const frame = await ui.rows();
    expectFits(frame, columns, rows);
    return frame.join('\n');
  };

  test.each(SIZES)('shows its fields and its buttons at %i×%i', async (...size) => {
    const frame = await opened(size);
    expect(frame).toContain('backt');
    expect(frame).toContain('▸ market-id');
    expect(frame).toMatch(/ \[ Cancel ] +\[/);
    expect(await opened(size, 'ctrl+g')).toContain('▸[ Cancel ]');
  });

  test('tells of the fields that there is no room for, at 40×12 too', async () => {
    expect(await opened([40, 12])).toMatch(/▾\d+/);
  });

  test('shows command, estimate and checks, at 80×24 too', async () => {
    for (const size of SIZES.slice(0, 2)) {
      const frame = await opened(size);
      expect(frame).toContain('prometheus backtest campaign --market-id US_EQ');
      expect(frame).toContain('the tree has changes on top of 9f3c2e1');
    }
    expect(await opened(SIZES[1])).toContain('ESTIMATE  time ≈ 16 s (15 s – 19 s) · rows ≈ 21,000');
    const whole = await opened(SIZES[0]);
    expect(whole).toContain('as 0005 took, by the days of their range');
    expect(whole).toMatch(/time +≈ 16 s +\(15 s – 19 s\)/);
    expect(whole).toMatch(/disk +\? UNKN/);
    // What the job is run with stands below the program's own fields: one scrolls to it.
    const fields = Array.from({ length: 36 }, () => 'tab');
    expect(await opened(SIZES[0], ...fields)).toContain('begin when this job has ended well');
  });

  test.each(SIZES)('says what is wrong with a field and why it cannot be launched at %i×%i', async (...size) => {
    const frame = await opened(size, 'tab', 'backspace');
    expect(frame).toContain("✗ --start '2014-01-0'");
    if (size[0] > 30) expect(frame).toContain('off: ');
  });

  test.each(SIZES)('lists the programs at %i×%i', async (columns, rows) => {
    const ui = open(SNAPSHOT, {
      size: { columns, rows },
      overlay: { kind: 'programs', line: lineOf('backfill text'), at: 0 },
    });
    await ui.answer();
    const frame = await ui.rows();
    expectFits(frame, columns, rows);
    expect(frame.join('\n')).toMatch(/▸ backfill text/);
  });
});

test('a job that has printed nothing is heard by its events on the overview, as in its log', async () => {
  const detail = {
    ...SNAPSHOT.detail!,
    log: [],
    events: [{ t: NOW, type: 'stage', name: 'load prices', index: 1, of: 2 } as const],
  };
  const ui = open({ ...SNAPSHOT, detail }, { screen: 'overview', focus: 'log', size: { columns: 200, rows: 50 } });
  const frame = (await ui.rows()).join('\n');
  expect(frame).toContain('evt ── load prices (1/2) ──');
  expect(frame).not.toContain('nothing so far');
  expect(frame).toContain('median 2.9 days/s');
});

describe('the figures of a job', () => {
  const SIZES = [
    [200, 50],
    [120, 35],
    [80, 24],
  ] as const;
  const BRAILLE = /[\u2801-\u28ff]{3}/;
  const jobs = async ([columns, rows]: readonly [number, number], snapshot = SNAPSHOT) => {
    const ui = open(snapshot, { screen: 'jobs', focus: 'jobs', size: { columns, rows } });
    await ui.answer();
    return ui;
  };

  test.each(SIZES)(
    'stand in rows with their age, one of them drawn where there is room, pace and time left beside them at %i×%i',
    async (...size) => {
      const ui = await jobs(size);
      const frame = (await ui.rows()).join('\n');
      expectFits(await ui.rows(), ...size);
      expect(frame).toMatch(/▸ equity +…H5 +1,012,000 +USD +[▁-█]+ +now/);
      expect(frame).toMatch(/2\.9 days\/s +≈ 25 s \(23 s – 28 s\) left/);
      // Where there is no room for the chart, its legend alone says nothing that the row does not.
      expect(frame.includes('last 1,012,000 USD')).toBe(size[0] >= 120);
      if (size[0] < 120) return;
      expect(frame).toContain('equity · US_CORE_LONG_EQ_H5');
      expect(frame).toMatch(BRAILLE);
      expect(frame).toMatch(/└14:21:30.*14:22:06/);
    },
  );

  test.each(SIZES)(
    'of a paused backfill: the list says who holds it, not how long it would take, at %i×%i',
    async (...size) => {
      const eta = { seconds: 700, low: 500, high: 5000 };
      const progress = { done: 1, total: 9, unit: 'vectors', rate: 24_473, eta };
      const paused = SNAPSHOT.jobs.map((job, i) => (i === 0 ? { ...job, progress, paused: 'by hand' } : job));
      const ui = await jobs(size, { ...SNAPSHOT, jobs: paused });
      const row = (await ui.rows()).find((one) => /RUN .*0007-/.test(one))!;
      expect(row).toMatch(/paused by (hand|ha…)/);
      expect(row).not.toContain('left');
    },
  );

  test.each(SIZES)('have their units, and the pace stands beside a long time left, at %i×%i', async (...size) => {
    const eta = { seconds: 700, low: 500, high: 5000 };
    const progress = { done: 1, total: 9, unit: 'vectors', rate: 24_473, eta };
    const told = SNAPSHOT.jobs.map((job, i) => (i === 0 ? { ...job, progress } : job));
    const ui = await jobs(size, { ...SNAPSHOT, jobs: told });
    const frame = (await ui.rows()).join('\n');
    expect(frame).toMatch(/24,473 vectors\/s +≈ .* left/);
    expect(frame).toMatch(/▸ equity +…H5 +1,012,000 +USD/);
    // As many figures and as long names as a backfill of five models tells.
    const models = ['regime', 'stab', 'profile', 'scenario', 'portfolio'].map((name) => `num-${name}-core-v1`);
    const { store } = ui;
    const state = store.getState();
    const key = needKey({ name: 'jobSeries', args: glanceOf(state.snapshot.jobs[0]) });
    const value = state.answers[key].value as JobSeries;
    const series = [
      { ...value.series[0], name: 'rate', series: '', unit: 'rows/s', last: 4588 },
      ...models.map((series) => ({ ...value.series[0], name: 'batch time', series, unit: 's', last: 0.3 })),
      ...value.series.filter(({ source }) => source === 'process'),
    ];
    store.setState({ answers: { ...state.answers, [key]: { ...state.answers[key], value: { ...value, series } } } });
    const full = (await ui.rows()).join('\n');
    expect(full).toMatch(/batch time +\S+ +0\.30 +s /);
    expect(full).toMatch(/rate +4,588 +rows\/s/);
  });

  test('the list says of each job for how long, and what became of it, at 120×35', async () => {
    const ui = await jobs([120, 35]);
    expect((await ui.rows()).join('\n')).toMatch(/✗ FAIL +0006-\S+ +1:40 +exit code 1/);
  });

  test('at 80×24 the chart has room when it has the focus', async () => {
    const ui = await jobs([80, 24]);
    ui.press('tab', 'tab', 'tab');
    expect((await ui.rows()).join('\n')).toMatch(BRAILLE);
  });

  test('M draws the next one, around the end, and what its processes used is among them', async () => {
    const ui = await jobs([200, 50]);
    ui.press('M');
    await ui.answer();
    expect((await ui.rows()).join('\n')).toMatch(/▸ drawdown +…H5 +-1\.23 %/);
    for (let i = 0; i < 12; i++) ui.press('M');
    await ui.answer();
    const memory = (await ui.rows()).join('\n');
    expect(memory).toMatch(/▸ memory +processes +1\.1 GiB/);
    expect(memory).toContain('memory of its processes');
    expect(memory).toContain('of its processes not known: ? read, gpu memory');
    ui.press('M', 'M');
    expect((await ui.rows()).join('\n')).toMatch(/▸ equity +…H5/);
  });

  test('what is not known is said: no pace yet, no figures, an answer that failed', async () => {
    const [running, ...others] = SNAPSHOT.jobs;
    const early = { ...running, progress: { ...running.progress!, rate: null, eta: null } };
    const ui = await jobs([200, 50], { ...SNAPSHOT, jobs: [early, ...others] });
    expect((await ui.rows()).join('\n')).toMatch(/\? days\/s +\? time left/);
    const [key] = Object.keys(ui.store.getState().answers).filter(
      (one) => one.startsWith('jobSeries') && one.includes('points'),
    );
    const answers = ui.store.getState().answers;
    ui.store.setState({ answers: { ...answers, [key]: { ...answers[key], problem: 'no supervisor' } } });
    expect((await ui.rows()).join('\n')).toContain('~ STALE read just now');
    ui.store.setState({ answers: { [key]: { value: { series: [], dropped: 0 }, at: NOW, problem: null } } });
    expect((await ui.rows()).join('\n')).toContain('It has told no figures, and none were measured.');
  });
});

describe('two runs compared', () => {
  const BRAILLE = /[\u2801-\u28ff]{3}/;
  const marked = async (columns: number, rows: number, ...keys: string[]) => {
    const ui = open(SNAPSHOT, { screen: 'backtests', focus: 'backtests', size: { columns, rows } });
    await ui.answer();
    ui.press('space', 'j', ...keys);
    await ui.answer();
    expectFits(await ui.rows(), columns, rows);
    return { ui, frame: (await ui.rows()).join('\n') };
  };

  test('say first what differs and what that allows, then figures and trades, beside the curves', async () => {
    const { frame } = await marked(200, 50, 'space');
    const order = [
      'git_sha',
      'data_fingerprint',
      'isolates  no single cause',
      'Not attributable: code and data differ.',
    ];
    const places = [...order, 'verdict', 'cumulative return'].map((text) => frame.indexOf(text));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places[0]).toBeGreaterThan(0);
    expect(frame).toContain('61 shared, 2014-01-02 → 2014-03-31; only B 2');
    expect(frame).toContain('equity, first common day = 100');
    expect(frame).toMatch(BRAILLE);
  });

  test('d marks the selected run beside the marked one and shows the whole comparison, at 80×24 too', async () => {
    for (const [columns, rows] of [
      [200, 50],
      [80, 24],
    ]) {
      const { ui, frame } = await marked(columns, rows, 'd');
      expect(frame).toContain('WHAT DIFFERS');
      for (let i = 0; i < 3; i++) ui.press('ctrl+d');
      const rest = (await ui.rows()).join('\n');
      expect(frame + rest).toContain('only in B (33)');
      expect(frame + rest).toContain('2014-02-06 BUY GM.US 310.00 @ 35.11');
      expect(frame + rest).toContain('first divergence 2014-02-06');
      expect(rest).toMatch(/read just now/);
    }
  });

  test('a narrow pane shows both figures and their difference whole, and says where the intervals are', async () => {
    const { frame } = await marked(120, 60, 'space');
    expect(frame).toMatch(/cumulat.* 2\.91 % +2\.60 % +-0\.31 %/);
    expect(frame).toMatch(/z: with intervals .*\n.* A +B +B − A +…/);
  });

  test('with one run only there is nothing to compare, and d says why', async () => {
    const ui = open(SNAPSHOT, { screen: 'backtests', focus: 'backtests', size: { columns: 160, rows: 45 } });
    await ui.answer();
    expect((await ui.rows()).join('\n')).toContain('Mark two runs (Space): what differs between them');
    ui.press('d');
    expect((await ui.rows()).join('\n')).toContain('mark a run (Space) and select another');
  });

  test('M lays drawdown and exposures over each other too; the cursor reads a day of both', async () => {
    const { ui } = await marked(160, 45, 'space', 'M');
    expect((await ui.rows()).join('\n')).toContain(' drawdown ');
    ui.press('M');
    expect((await ui.rows()).join('\n')).toContain(' stab risk score mean ');
    ui.press('M', 'right', 'right');
    const frame = (await ui.rows()).join('\n');
    expect(frame).toContain(' universe size ');
    expect(frame).toMatch(/2014-01-03 +41 +41/);
    ui.press('M', '=');
    const whole = (await ui.rows()).join('\n');
    expect(whole).toContain('equity, first common day = 100');
    expect(whole).not.toContain('WHAT DIFFERS');
  });
});

describe('what is on them', () => {
  const at = async (columns: number, rows: number, snapshot = SNAPSHOT, initial: Partial<ConsoleState> = {}) => {
    const ui = open(snapshot, { selected: { phases: 'P1' }, size: { columns, rows }, ...initial });
    return (await ui.rows()).join('\n');
  };

  test('an operator sees what is wrong, why, and what mends it, also at 80×24', async () => {
    for (const [columns, rows] of [
      [200, 50],
      [120, 35],
      [80, 24],
    ]) {
      const frame = await at(columns, rows);
      expect(frame).toContain('✗ FAIL');
      expect(frame).toContain('P1.equity');
      expect(frame).toContain('fix');
      expect(frame).toContain('prometheus why P0.gaps');
      expect(frame).toContain('same-close, no costs: not tradable');
      expect(frame).toContain('GPU');
      expect(frame).toContain('? unknown');
      expect(frame).toMatch(/≈ 25 s .*left/);
      mounted?.unmount();
    }
  });

  test('runs that could not be read again are told as such, with the cause', async () => {
    const why = 'the runtime database does not answer';
    const { databases } = SNAPSHOT;
    for (const trouble of [
      { boardProblem: why },
      { databases: { ...databases, runtime: { label: 'x', up: false, problem: why } } },
    ]) {
      const frame = await at(80, 24, { ...SNAPSHOT, ...trouble });
      expect(frame).toMatch(/Last backtests ─.* ~ STALE/);
      expect(frame).toContain(`as last read; ${why}`);
      mounted?.unmount();
    }
    expect(await at(80, 24)).not.toContain('as last read');
  });

  test('every failing check is told with observed, required, age, reason and fix', async () => {
    const frame = await at(200, 50, SNAPSHOT, { focus: 'why', zoomed: true });
    for (const part of [
      'observed',
      'required',
      'why',
      'fix',
      'just now',
      '1 h ago',
      'P1.runs',
      'P1.point-in-time',
      'verify point-in-time',
    ]) {
      expect(frame).toContain(part);
    }
  });

  test('no age is broken or cut on the overview, whatever the width', async () => {
    const whole = /\((\d+ [mhd] ago|just now)\)/g;
    const begun = /\((\d+( |$|…)|just)/g;
    let ages = 0;
    for (const phase of ['P0', 'P1', 'P2']) {
      const ui = open(SNAPSHOT, { focus: 'why', selected: { phases: phase } });
      for (let columns = 72; columns < 130; columns++) {
        const frame = (await ui.resize(columns, 24)).slice(1, -2).map((row) => row.replace(/[│║|]/g, '').trimEnd());
        const count = (what: RegExp) => frame.reduce((sum, row) => sum + [...row.matchAll(what)].length, 0);
        expect(count(whole), `${columns}\n${frame.join('\n')}`).toBe(count(begun));
        ages += count(whole);
      }
      ui.close();
    }
    expect(ages).toBeGreaterThan(100);
  });

  test('every pane of figures says how old they are', async () => {
    // What is left out tells times of its own (logs, events, records), or cannot age: commands, and runs that have ended.
    const timeless = ['jobs', 'log', 'output', 'commands', 'event', 'origin', 'job', 'similar', 'model'];
    const AGE =
      /(read|sampled|evidence read) (just now|\d+ \w+ ago)|\bage\b|\d+ (m|h|d) ago|\(just now\)|\? unknown|No job runs/;
    const ageless: string[] = [];
    for (const { screen, focus } of PLACES) {
      if (timeless.includes(focus)) continue;
      const ui = open(SNAPSHOT, { screen, focus, zoomed: true, size: { columns: 200, rows: 50 } });
      if (focus === 'compare')
        ui.store.setState({ marked: { backtests: SNAPSHOT.runs.slice(0, 2).map((run) => run.runId) } });
      await ui.answer();
      const frame = (await ui.rows()).slice(1, -2).join('\n');
      if (!AGE.test(frame)) ageless.push(`${screen} ${focus}`);
      ui.close();
    }
    expect(ageless).toEqual([]);
  });

  test('the columns of the Machine screen are named at 80×24 too, whichever pane has the focus', async () => {
    for (const focus of panesOf('machine')) {
      const frame = await at(80, 24, { ...SNAPSHOT, machine: MACHINE }, { screen: 'machine', focus });
      for (const titles of [/^ *database +state +sessions/m, /^ *for +free +of/m, /^ *job +cores +memory/m])
        expect(frame, focus).toMatch(titles);
    }
  });

  test('a coverage of two years labels both, on both screens, at any size', async () => {
    const board = SNAPSHOT.board!;
    const only = (years: Record<string, unknown>) =>
      Object.fromEntries(Object.entries(years).filter(([year]) => Number(year) >= 2023));
    const rows = board.coverage.rows.map((row) => ({ ...row, byYear: only(row.byYear) as typeof row.byYear }));
    const ui = open({ ...SNAPSHOT, board: { ...board, coverage: { ...board.coverage, rows } } });
    for (const [columns, height] of sizes.filter(([columns]) => columns >= 80)) {
      for (const screen of ['coverage', 'overview'] as const) {
        // In a stack the overview has no titles but in the pane that has the focus.
        ui.store.setState({
          screen,
          focus: screen === 'coverage' ? 'heat' : 'coverage',
          zoomed: screen === 'overview',
        });
        const frame = await ui.resize(columns, height);
        expect(
          frame.some((row) => /2023 2024/.test(row)),
          `${screen} ${columns}×${height}`,
        ).toBe(true);
      }
    }
  });

  test('the years of coverage say percents or counts, as many years around the cursor as fit, at 80×24 too', async () => {
    for (const [columns, rows] of [
      [80, 24],
      [120, 35],
    ]) {
      const look = async (cellUnit: ConsoleState['cellUnit']) =>
        (await at(columns, rows, SNAPSHOT, { screen: 'coverage', focus: 'heat', cellUnit, cursors: { heat: 2014 } }))
          .split('\n')
          .filter((row) => /num-regime-core-v1 |table or model/.test(row))
          .join('\n');
      const percent = await look('percent');
      expect(percent).toMatch(/2013 +2014 +2015/);
      // Years out of view are marked on either side.
      if (columns === 80) expect(percent).toMatch(/…2011 .* 2017… +share/);
      else expect(percent).toMatch(/ 2010 .* 2024 +share/);
      expect(percent).toMatch(/100% +88% +0%/);
      expect(await look('count')).toMatch(/18\.8k +8\.9k +0 /);
    }
  });

  test('a comparison says what the context backend had to go by, on the console and in the report', async () => {
    const ui = open(SNAPSHOT, {
      screen: 'backtests',
      focus: 'compare',
      zoomed: true,
      size: { columns: 120, rows: 50 },
    });
    ui.store.setState({ marked: { backtests: SNAPSHOT.runs.slice(0, 2).map((run) => run.runId) } });
    await ui.answer();
    const { answers } = ui.store.getState();
    const [key, answer] = Object.entries(answers).find(([name]) => name.startsWith('compare'))!;
    const value = answer.value as Comparison;
    const said = {
      contextCoverage: 0.976,
      contextBranches: { profile: 0.97, text: 0.412 },
      contextIc: 0,
      contextNotJudged: null,
    };
    const words = 'context for 97.6 % of days and instruments with 63 days of prices (profile 97.0 %, text 41.2 %)';
    const look = async (of: Partial<ComparedRun>, more: Partial<RunComparison> = {}) => {
      const [pair] = value.pairs;
      const compared = { ...value, pairs: [{ ...pair, b: { ...pair.b, ...of }, ...more }] };
      ui.store.setState({ answers: { ...answers, [key]: { ...answer, value: compared } } });
      const frame = (await ui.rows()).map((row) => row.replace(/^\W+|\W+$/g, '')).join(' ');
      return [frame.replace(/\s+/g, ' '), comparisonSections(compared).text];
    };
    for (const shown of await look({})) expect(shown).not.toContain('context for');
    for (const shown of await look({ ...said, contextIc: 0.0312 })) {
      expect(shown.replace(/[^\w.,]+/g, ' ')).toContain(`${words}, IC 0.031`.replace(/[^\w.,]+/g, ' '));
    }
    for (const shown of await look(said)) expect(shown).toContain('its head says 0 of every name');
    for (const shown of await look({ ...said, contextNotJudged: '9 days, fewer than the 44 that are asked for' })) {
      expect(shown.replace(/[^\w.,]+/g, ' ')).toContain(
        'its head was not judged 9 days, fewer than the 44 that are asked for and says 0 of every name',
      );
    }
    for (const shown of await look({}, { caution: 'intervals over 50 shared days are too narrow' })) {
      expect(shown).toMatch(/caution:? +intervals over 50 shared days are too narrow/);
    }
    // A head without fitting has no coefficient, and older runs no branches.
    for (const shown of await look({ ...said, contextBranches: null, contextIc: null })) {
      expect(shown).toMatch(/context for 97\.6\s?% of days and instruments with 63 days of prices/);
      expect(shown).not.toMatch(/with a price \(|, IC|its head/);
    }
  });

  test('every check that is not green, of every phase, says why and what mends it', async () => {
    for (const phase of SNAPSHOT.board!.phases) {
      for (const check of phase.checks.filter(({ state }) => state !== 'OK')) {
        const frame = await at(200, 50, SNAPSHOT, {
          ...{ screen: 'phases', focus: 'check', zoomed: true },
          selected: { phases: phase.phase, checks: check.id },
        });
        expect(frame).toContain(`Why ${check.id} is not green`);
        expect(frame).toContain(check.reason.slice(0, 40));
        expect(check.reason, check.id).not.toBe('');
        if (check.fix) expect(frame).toContain('fix');
        mounted?.unmount();
      }
    }
  });

  test('the list of the Phases screen names each phase, whole, with why it is not green', async () => {
    for (const [columns, rows] of [
      [200, 50],
      [120, 35],
      [80, 24],
    ]) {
      const frame = await at(columns, rows, SNAPSHOT, { screen: 'phases' });
      for (const { phase, title, headline } of SNAPSHOT.board!.phases) {
        expect(frame).toMatch(new RegExp(`${phase} . [A-Z]+ .*${title}`));
        expect(frame).toContain(headline.slice(0, 20));
      }
      mounted?.unmount();
    }
  });

  test('a phase that is left out is SKIP with reason, name and age, at 80×24 too', async () => {
    for (const size of [
      { columns: 120, rows: 40 },
      { columns: 80, rows: 24 },
    ])
      for (const screen of ['overview', 'phases'] as const) {
        const { rows } = open(SNAPSHOT, { screen, size, selected: { phases: 'P3' } });
        const text = (await rows()).join('\n').replace(/\s+/g, ' ');
        expect(text).toMatch(/P3 . SKIP/);
        expect(text).toContain('after Phase 4 · ada@desk · 12 d ago');
        mounted?.unmount();
        mounted = null;
      }
  });

  test('a figure that a run does not have is a dash, never 0', async () => {
    for (const [columns, rows] of [
      [200, 50],
      [80, 24],
    ]) {
      const frame = await at(columns, rows, SNAPSHOT, { screen: 'overview', focus: 'runs', zoomed: true });
      const row = frame.split('\n').find((line) => line.includes('-8.33 %'))!;
      expect(row).toMatch(/H63.* – +-8\.33 %/);
      mounted?.unmount();
    }
  });

  test('unknown is shown as unknown, with the reason', async () => {
    const frame = await at(200, 50);
    expect(frame).toContain('? unknown: no nvidia-smi on this machine');
    expect(frame).toContain('? unknown: permission denied for table text_embeddings');
    mounted?.unmount();
    const early = await at(200, 50, nothing, { connected: false, boot: 'starting PostgreSQL …' });
    expect(early).toContain('? unknown');
    expect(early).toContain('starting PostgreSQL …');
    expect(early).toContain('jobs ? unknown');
    expect(early).not.toMatch(/no job runs|0 running/);
    expect(early).not.toMatch(/\d %/);
  });

  test('a database that is down is told in the header and in a sentence', async () => {
    const frame = await at(200, 50, scenes['database down']);
    expect(frame).toContain('historical ✗ DOWN');
    expect(frame).toContain('historical database down: no server answers');
  });

  test('at 80×24 too the sentence about it, and a table that cannot be read, end in what to do', async () => {
    const { databases, board } = SNAPSHOT;
    const problem =
      'historical database: the embedded server in the home does not answer. Start it with: prometheus db up';
    const down = { ...databases, historical: { ...databases.historical, up: false, problem } };
    const rows = board!.coverage.rows.map((row, i) => (i === 0 ? { ...row, problem } : row));
    const ui = open(
      { ...SNAPSHOT, databases: down, board: { ...board!, coverage: { ...board!.coverage, rows } } },
      { screen: 'coverage', size: { columns: 80, rows: 24 } },
    );
    const frame = await ui.rows();
    expectFits(frame, 80, 24);
    expect(frame.at(-2)).toMatch(/✗ historical database: the embedded.*… Start it with: prometheus db up$/);
    expect(frame.find((row) => row.includes(rows[0].name))).toMatch(/\? unknown: .*… Start it with: prometheus db up/);
  });

  test('the Jobs screen at 80×24 has lines of the log whatever has the focus, and no chart but its whole', async () => {
    const jobs = Array.from({ length: 60 }, (_, i) => ({
      ...SNAPSHOT.jobs[i % 5],
      id: `${2000 - i}-backtest-campaign`,
    }));
    for (const focus of panesOf('jobs')) {
      const size = { columns: 80, rows: 24 };
      const ui = open({ ...SNAPSHOT, jobs }, { screen: 'jobs', size, focus, selected: { jobs: jobs[0].id } });
      await ui.answer();
      const frame = await ui.rows();
      expectFits(frame, 80, 24);
      expect(ui.spots.output!.rect.height, focus).toBeGreaterThanOrEqual(4);
      expect(ui.spots.jobs!.rect.height, focus).toBeLessThanOrEqual(12);
      expect(ui.spots[focus]!.bodyRows, focus).toBeGreaterThanOrEqual(3);
      expect(ui.spots.chart !== undefined, focus).toBe(focus === 'chart');
      ui.close();
    }
    mounted = null;
    const tall = open(SNAPSHOT, { screen: 'jobs', size: { columns: 80, rows: 50 } });
    await tall.answer();
    await tall.rows();
    expect(tall.spots.chart!.bodyRows).toBeGreaterThanOrEqual(5);
  });

  test('a job that tells no stage is never said to be starting', async () => {
    const [job, ...others] = SNAPSHOT.jobs;
    const said = async (change: Partial<typeof job>) => {
      const ui = open(
        { ...SNAPSHOT, jobs: [{ ...job, stage: null, reason: '', ...change }, ...others] },
        { screen: 'jobs' },
      );
      const frame = (await ui.rows()).join('\n');
      ui.close();
      mounted = null;
      expect(frame).not.toContain('starting');
      return frame;
    };
    const progress = { done: 37, total: null, unit: 'files', rate: null, eta: null };
    expect(await said({ progress })).toMatch(/▶ RUN .*37 files/);
    expect(await said({ progress: null })).toMatch(/▶ RUN .*no progress/);
    expect(await said({ progress: { ...progress, total: 74 } })).toMatch(/▶ RUN .*█···· 50 /);
  });

  test('at 80×24 no database that is down hides behind the other', async () => {
    const header = async (historical: boolean | null, runtime: boolean | null) => {
      const databases = {
        historical: { ...SNAPSHOT.databases.historical, up: historical },
        runtime: { ...SNAPSHOT.databases.runtime, up: runtime },
      };
      const frame = await at(80, 24, { ...SNAPSHOT, databases });
      mounted?.unmount();
      return frame.split('\n')[0];
    };
    expect(await header(false, false)).toContain('dbs ✗ DOWN');
    expect(await header(null, null)).toContain('dbs ? unknown');
    expect(await header(true, true)).toContain('dbs ✓ up');
    expect(await header(false, true)).toContain('hist ✗ DOWN');
    expect(await header(true, false)).toContain('rt ✗ DOWN');
  });

  test('a first day without jobs says what to do next', async () => {
    const frame = await at(200, 50, FRESH);
    expect(frame).toContain('n launches it, after asking');
    expect(frame).toContain('prometheus backtest campaign --market-id US_EQ');
    expect(frame).toContain('No job has run in this home yet');
  });

  test('λ̂ and what came of it stand below each other; empty rooms of λ say which phase fills them', async () => {
    const ui = open(SNAPSHOT, { screen: 'research', focus: 'forecasts', size: { columns: 200, rows: 50 } });
    await ui.answer();
    const frame = (await ui.rows()).join('\n');
    expect(frame).toContain('har-ridge-h5-2013, means by time, 2014-01-02 → 2015-12-23');
    expect(frame).toMatch(/came +▁▂▃▄▅▆▇█/);
    expect(frame).toContain('by logs');
    const lambda = { heat: null, forecasts: [], buckets: [], weights: [], trials: { recorded: 0, distinct: 0 } };
    const answer = { value: lambda, at: NOW, problem: null };
    ui.store.setState(({ answers }) => ({
      answers: { ...answers, [needKey({ name: 'lambda', args: LAMBDA })]: answer },
    }));
    const empty = (await ui.rows()).join('\n');
    for (const words of ['No λ yet: Phase 3', 'No λ̂ yet: Phase 3', 'No run has used λ̂ yet: Phase 3']) {
      expect(empty).toContain(words);
    }
    ui.store.setState(({ answers }) => ({
      answers: {
        ...answers,
        [needKey({ name: 'lambda', args: LAMBDA })]: { value: null, at: null, problem: 'the runtime database is away' },
      },
    }));
    const unread = (await ui.rows()).join('\n');
    expect(unread.match(/\? unknown: the runtime database is away/g)).toHaveLength(3);
  });

  test('metrics of parallel sleeves stand in one row each', async () => {
    const frame = await at(200, 50);
    expect(frame).toMatch(/US_CORE_LONG_EQ_H21 +1,012,911 USD +[▁-█]+ +-2\.46 % +[▁-█]+ +39 names/);
  });

  test('each pane can be had at the smallest size', async () => {
    for (const place of PLACES) {
      const frame = await at(30, 8, SNAPSHOT, place);
      expect(frame.split('\n')[1]).toMatch(/^▸\S/);
      mounted?.unmount();
    }
  });

  test('whoever comes back is told what became of everything, bad news first, until it is put away', async () => {
    const entry = (kind: 'job' | 'evidence', subject: string, what: string, at: number) => ({
      ...{ at: NOW - at, kind, subject, what, detail: '', who: null },
    });
    const entries = [
      entry('job', '0141-backtest-campaign', 'RUN', 9000),
      entry('evidence', 'P1', 'OK', 5000),
      entry('job', '0141-backtest-campaign', 'DONE', 4000),
      entry('job', '0140-backfill-text', 'FAIL', 3000),
    ];
    const { rows, press } = open({ ...SNAPSHOT, handover: { since: NOW - 3 * 3_600_000, entries } });
    const told = '✓ live · since you left 3 h ago: 0140-backfill-text ✗ FAIL · 0141-backtest-campaign ✓ DONE · P1 ✓ OK';
    expect((await rows()).at(-2)).toContain(told);
    press('j');
    expect((await rows()).at(-2)).toContain(told);
    press('escape');
    expect((await rows()).at(-2)).toContain('closing this console stops nothing');
  });

  test('old figures are called old', async () => {
    const frame = await at(120, 35, SNAPSHOT, { silentMs: 20_000 });
    expect(frame).toContain('~ STALE');
    expect(frame).toContain('no news for 20 s');
  });
});
