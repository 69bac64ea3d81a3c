import { describe, expect, test } from 'vitest';
import { helpLines } from '../../screens/help/help.tsx';
import { jobRecord } from '../../screens/jobs/record.ts';
import { ACTIONS, activeScopes, findAction, footerItems, keyLabel, refusal } from '../../src/console/keys.ts';
import { type ConsoleState, createConsoleStore, type Dialog } from '../../src/console/store.ts';
import { lineText } from '../../src/format/lines.ts';
import { FRESH, SNAPSHOT } from '../helpers/scripted-supervisor.ts';

const SIZE = { columns: 120, rows: 40 };
const dialog: Dialog = {
  kind: 'dialog',
  title: 'Launch',
  body: [],
  command: null,
  tone: 'accent',
  buttons: [{ label: 'Cancel', request: null }],
  focus: 0,
  typed: null,
};
const stateWith = (change: Partial<ConsoleState>): ConsoleState => ({
  ...createConsoleStore(SNAPSHOT, SIZE, { connected: true, selected: { phases: 'P1' } }).getState(),
  ...change,
});
const situations = [
  stateWith({}),
  stateWith({ overlay: dialog }),
  stateWith({ overlay: { kind: 'help', top: 0, query: '' } }),
];

describe('the key table', () => {
  test('binds no key twice where both would be alive', () => {
    for (const state of situations) {
      const scopes = activeScopes(state);
      const keys = ACTIONS.filter((action) => action.scopes.some((one) => scopes.includes(one))).flatMap(
        (action) => action.keys,
      );
      expect(keys.filter((key, i) => keys.indexOf(key) !== i)).toEqual([]);
    }
  });

  test('names each action once', () => {
    const names = ACTIONS.map((action) => action.name);
    expect(new Set(names).size).toBe(names.length);
  });

  test('gives each letter one danger level everywhere', () => {
    for (const action of ACTIONS) {
      for (const key of action.keys.filter((one) => /^[a-zA-Z]$/.test(one))) {
        const levels = ACTIONS.filter((other) => other.keys.includes(key)).map((other) => other.danger);
        expect(new Set(levels).size, key).toBe(1);
      }
    }
    // L only ever launches, x only ever stops, g and G are first and last.
    expect(ACTIONS.filter((action) => action.keys.includes('L')).map((a) => a.name)).toEqual([
      'dialog.launch',
      'form.launch',
    ]);
    expect(ACTIONS.filter((action) => action.keys.includes('x')).map((a) => a.name)).toEqual(['job.stop']);
  });

  test('keeps away from the prefixes of tmux and screen, from flow control and from function keys', () => {
    const keys = ACTIONS.flatMap((action) => action.keys);
    for (const taken of ['ctrl+b', 'ctrl+a', 'ctrl+s', 'ctrl+q', 'f1']) expect(keys).not.toContain(taken);
  });

  test('q, ? and Esc do something in every situation', () => {
    for (const state of situations) {
      for (const key of ['q', 'escape']) expect(findAction(state, key), key).not.toBeNull();
    }
    expect(findAction(situations[0], '?')?.name).toBe('help');
    expect(findAction(situations[0], 'escape')?.name).toBe('back');
  });

  test('an overlay takes the keys of what lies under it', () => {
    for (const key of ['n', 'r', 'x', 'j']) expect(findAction(situations[1], key)).toBeNull();
    expect(findAction(situations[1], 'ctrl+c')?.name).toBe('interrupt');
  });
});

describe('footer and help', () => {
  test('come from the table: each key shown is one that works', () => {
    for (const state of situations) {
      for (const item of footerItems(state)) {
        const scopes = activeScopes(state);
        const action = ACTIONS.find(
          (one) =>
            one.scopes.some((scope) => scopes.includes(scope)) && keyLabel(one.keys[0]) === item.key.split(' ')[0],
        );
        expect(action).toBeDefined();
        expect(action && refusal(action, state)).toBeNull();
      }
    }
  });

  test('offer to kill a job that lives on after the time that a stop gives it, in place of stopping it, and first of all say so', () => {
    const running = SNAPSHOT.jobs.find(({ state }) => state === 'RUN')!;
    const stoppedFor = (left: number) => {
      const survivors = [{ pid: 4711, command: 'sleep 900', escaped: true }];
      const stopping = { since: SNAPSHOT.at - 30_000, deadline: SNAPSHOT.at + left, survivors };
      const jobs = SNAPSHOT.jobs.map((job) => (job === running ? { ...job, stopping } : job));
      return stateWith({ screen: 'jobs', selected: { jobs: running.id }, snapshot: { ...SNAPSHOT, jobs } });
    };
    const keys = (state: ConsoleState) => footerItems(state).map(({ key, label }) => `${key} ${label}`);
    expect(keys(stoppedFor(1))).not.toContain('X kill');
    const late = stoppedFor(-1);
    expect(keys(late)).toContain('X kill');
    expect(keys(late)).not.toContain('x stop');
    const { lines } = jobRecord(late, 80, { ascii: false }, false);
    expect(lines.slice(0, 2).map(lineText)).toEqual([
      expect.stringMatching(/^stopping +TERM sent 0:30 ago; X kills what is left$/),
      expect.stringMatching(/^left +4711 sleep 900 \(left its group\)$/),
    ]);
  });

  test('help lists every action', () => {
    const text = helpLines(situations[2], 200, { ascii: false }).map(lineText).join('\n');
    for (const action of ACTIONS) expect(text).toContain(action.help);
    expect(text).toContain('LOST');
    expect(text).toContain('UNKN');
  });

  test('help shows only what is searched for', () => {
    const lines = helpLines(situations[2], 200, { ascii: false }, { query: 'sparkline|leave the selected' }).map(
      lineText,
    );
    expect(lines.join()).not.toContain('next row');
    expect(lines.join()).toContain('leave the selected phase out');
    expect(lineText(helpLines(situations[2], 200, { ascii: false }, { query: 'zzz' })[0])).toContain('zzz');
  });

  test('a key that cannot act now says why, in help too', () => {
    const empty = { ...stateWith({ snapshot: FRESH }) };
    const reasons = Object.fromEntries(ACTIONS.map((action) => [action.name, action.disabled?.(empty) ?? null]));
    expect(reasons['job.rerun']).toBe('there is no job yet');
    expect(reasons['job.stop']).toBe('there is no job');
    expect(reasons['log.focus']).toBe('there is no job yet');
    expect(reasons['run.curve']).toBe('no run is selected');
    expect(reasons.follow).toBe('the log is being followed');
    const help = helpLines({ ...empty, overlay: { kind: 'help', top: 0, query: '' } }, 200, { ascii: false })
      .map(lineText)
      .join('\n');
    expect(help).toContain('not now: there is no job yet');
  });

  test('nothing can be launched before the supervisor is there', () => {
    const early = stateWith({ connected: false, boot: 'starting PostgreSQL …' });
    for (const name of ['launch', 'job.rerun', 'job.stop', 'recheck']) {
      expect(ACTIONS.find((action) => action.name === name)?.disabled?.(early)).toBe('not yet: starting PostgreSQL …');
    }
  });

  test('a command with blanks is not launched', () => {
    const importing = stateWith({ selected: { phases: 'P0' } });
    expect(ACTIONS.find((action) => action.name === 'launch')?.disabled?.(importing)).toBe(
      'P0 has no command that runs as it stands',
    );
  });
});
