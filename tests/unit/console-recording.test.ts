import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { startRecording } from '../../src/cli/recording.ts';
import { createController } from '../../src/console/controller.ts';
import { openForm } from '../../src/console/form/model.ts';
import type { KeyEvent } from '../../src/console/key-parser.ts';
import { EMPTY_LINE, lineOf } from '../../src/console/line-editor.ts';
import { headerLine, parseRecording, type RecordingEntry } from '../../src/console/recording/format.ts';
import { createReplay } from '../../src/console/recording/replay.ts';
import { recordedKeys } from '../../src/console/recording/typed-keys.ts';
import { type ConsoleState, createConsoleStore } from '../../src/console/store.ts';
import type { ArgumentField, ProgramSummary, ReadResult } from '../../src/supervisor/reads.ts';
import { StateBook } from '../../src/supervisor/wire/state-book.ts';
import { NOW, SNAPSHOT } from '../helpers/scripted-supervisor.ts';

const { sequence, jobs, detail: _detail, handover: _handover, ...shared } = SNAPSHOT;
const HEADER = headerLine({ home: '/home/user/demo', demo: true, size: { columns: 120, rows: 35 }, at: NOW });
const ENTRIES = [
  {
    t: 0,
    from: 'supervisor',
    message: { type: 'state', base: null, sequence, change: shared, jobs: { changed: jobs, removed: [] } },
  },
  {
    t: 100,
    from: 'client',
    message: { type: 'command', id: 1, name: 'read', request: { what: 'events', args: { audit: false, last: 5 } } },
  },
  { t: 120, from: 'supervisor', message: { type: 'reply', id: 1, result: { value: [] } } },
  { t: 150, from: 'keys', event: { type: 'key', id: 'j' } },
  {
    t: 200,
    from: 'supervisor',
    message: {
      type: 'state',
      base: sequence,
      sequence: sequence + 1,
      change: {},
      jobs: { changed: [], removed: [jobs[0].id] },
    },
  },
];
const FILE = HEADER + ENTRIES.map((entry) => `${JSON.stringify(entry)}\n`).join('');

function recorded(text: string) {
  const recording = parseRecording(text);
  if ('problem' in recording) throw new Error(recording.problem);
  return recording;
}
const replayOf = (entries: readonly RecordingEntry[]) => createReplay(entries, new StateBook());

test('a recording is told again in its order, with the keys of each stretch', async () => {
  const replay = replayOf(recorded(FILE).entries);
  expect([replay.length, replay.begun]).toEqual([200, false]);
  const seen: number[] = [];
  replay.subscribe((snapshot) => seen.push(snapshot.jobs.length));
  expect(replay.advance(110)).toEqual([]);
  expect(replay.snapshot().jobs.map((job) => job.id)).toEqual(jobs.map((job) => job.id));
  expect(replay.advance(199)).toMatchObject([{ from: 'keys', event: { id: 'j' } }]);
  replay.advance(1e9);
  expect(seen).toEqual([jobs.length, jobs.length, jobs.length - 1]);
});

test('a question is answered as it was then; one that was not asked then, and every command, are refused in words', async () => {
  const replay = replayOf(recorded(FILE).entries);
  const early = replay.read('events', { audit: false, last: 5 });
  const never = replay.read('events', { audit: true, last: 5 });
  replay.advance(130);
  expect(await early).toEqual([]);
  expect(await replay.read('events', { audit: false, last: 5 })).toEqual([]);
  replay.advance(1e9);
  await expect(never).rejects.toThrow('does not hold this');
  await expect(replay.launch({ program: 'x', args: [], idempotencyKey: '1' })).rejects.toThrow('this is a recording');
});

test('a cut-off or damaged recording is read as far as it goes', () => {
  const { entries, damaged } = recorded(`${FILE.slice(0, -20)}`);
  expect([entries.length, damaged]).toEqual([ENTRIES.length - 1, 1]);
});

test('a recording holds neither passwords nor the environment of what was launched', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'recording-'));
  const file = path.join(folder, 'recording');
  const take = startRecording(file, { home: '/h', demo: false, size: { columns: 80, rows: 24 }, at: 0 });
  const args = ['--secret', 'canary', '--url', 'a://u:canary@h', '--n', '1'];
  const request = { program: 'own', args, idempotencyKey: 'k', environment: { PGPASSWORD: 'canary' } };
  take({ from: 'client', message: { type: 'command', id: 1, name: 'launch', request } });
  const changed = [{ ...jobs[0], args }];
  take({
    from: 'supervisor',
    message: { type: 'state', base: null, sequence, change: shared, jobs: { changed, removed: [] } },
  });
  const text = readFileSync(file, 'utf8');
  rmSync(folder, { recursive: true });
  expect(text).not.toContain('canary');
  const { entries, damaged } = recorded(text);
  expect([entries.length, damaged]).toEqual([2, 0]);
  const replay = replayOf(entries);
  replay.advance(1e15);
  expect(replay.snapshot().jobs[0].args).toEqual(['--secret', '…', '--url', 'a://u:…@h', '--n', '1']);
});

describe('what is typed where a password may stand', () => {
  const field = (name: string): ArgumentField => ({
    ...{ name, kind: 'string', repeatable: false, required: false, choices: null, defaultValue: undefined, help: '' },
  });
  const PROGRAM: ProgramSummary = {
    ...{ name: 'own feed', phase: 'P0', summary: '', resource: 'io', reads: [], writes: [], own: false },
    arguments: [field('--user'), field('--api-token'), field('--url')],
  };
  /** A console with an open form, or a line after `:`. */
  function opened(overlay: ConsoleState['overlay']) {
    const store = createConsoleStore(SNAPSHOT, { columns: 120, rows: 40 }, { overlay, connected: true });
    const nothing = () => {};
    const controller = createController(store, {
      ...{ supervisor: () => null, redraw: nothing, detach: nothing, suspend: nothing, copy: () => '', now: () => NOW },
      ...{
        page: async () => {},
        run: async () => {},
        edit: async (text) => text,
        save: async () => '',
        newId: () => 'key',
      },
    });
    return { store, controller };
  }
  const FORM = openForm(PROGRAM, [], { values: {}, rest: [] }, { rerunOf: null, idempotencyKey: 'key' });
  const PROMPT: ConsoleState['overlay'] = {
    ...{ kind: 'prompt', purpose: 'command', phase: null, line: EMPTY_LINE, recalled: null },
  };
  const keysOf = (text: string): KeyEvent[] =>
    [...text].map((letter) => ({ type: 'key', id: letter === ' ' ? 'space' : letter }));
  const key = (id: string): KeyEvent => ({ type: 'key', id });

  /** Does something in one console, and what was recorded of it in another. */
  function recordedTwice(overlay: ConsoleState['overlay'], events: readonly KeyEvent[]) {
    const [live, shown] = [opened(overlay), opened(overlay)];
    const taken = events.flatMap((event) => {
      const kept = recordedKeys(live.store.getState(), event);
      live.controller.key(event);
      for (const one of kept) shown.controller.key(one);
      return kept;
    });
    return { live: live.store.getState().overlay, shown: shown.store.getState().overlay, taken };
  }
  const lengths = (overlay: ConsoleState['overlay']) =>
    overlay?.kind === 'form' ? Object.values(overlay.values).map(({ text, at }) => [lineOf(text).at, at]) : null;
  const textOf = (overlay: ConsoleState['overlay'], id: string) =>
    overlay?.kind === 'form' ? overlay.values[id]?.text : undefined;

  test('is recorded as so many marks: a field of a password, whatever is done in it', () => {
    const events: KeyEvent[] = [
      ...keysOf('me'),
      key('tab'),
      ...keysOf('canary can ary'),
      ...[key('ctrl+w'), key('left'), ...keysOf('nary'), key('backspace'), key('home')],
      ...[{ type: 'paste', text: 'canary\n' } as const, key('delete'), key('end'), ...keysOf('e\u0301ü')],
      key('tab'),
    ];
    const { live, shown, taken } = recordedTwice(FORM, events);
    expect(textOf(live, '--api-token')).toContain('canary');
    expect(textOf(shown, '--api-token')).toMatch(/^•+$/);
    expect(lengths(shown)).toEqual(lengths(live));
    expect(textOf(shown, '--user')).toBe('me');
    expect(JSON.stringify(taken)).not.toMatch(/canary|"[cnry]"/);
  });

  test('is recorded so in an address and in a command too, and all else as it is', () => {
    const address = recordedTwice(FORM, [key('tab'), key('tab'), ...keysOf('postgresql://u:canary@h/d')]);
    expect(textOf(address.live, '--url')).toBe('postgresql://u:canary@h/d');
    expect(textOf(address.shown, '--url')).toMatch(/^postgresql:\/\/u:•{10}$/);
    const pasted = recordedTwice(FORM, [{ type: 'paste', text: 'run --password canary' }]);
    expect(pasted.taken).toEqual([{ type: 'paste', text: '•'.repeat(21) }]);
    const command = recordedTwice(PROMPT, keysOf('own feed --api-token canary --user me'));
    expect(command.shown).toMatchObject({ line: { text: 'own feed --api-token •••••• --user me' } });
    const plain = keysOf('own feed --end 5 http://host/');
    expect(recordedTwice(PROMPT, plain).taken).toEqual(plain);
  });

  test('is left out of the questions about it and of their replies, and a replay finds those', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'recording-'));
    const file = path.join(folder, 'recording');
    const take = startRecording(file, { home: '/h', demo: false, size: { columns: 80, rows: 24 }, at: 0 });
    const ask = (url: string) => ({ program: 'own feed', args: ['--url', url, '--api-token', url], policy: [] });
    const half = 'postgresql://u:canary';
    const request = { what: 'validate', args: ask(half) };
    take({ from: 'client', message: { type: 'command', id: 7, name: 'read', request } });
    const value: ReadResult<'validate'> = {
      problems: [{ flag: '--url', message: `--url '${half}' is no address`, of: 'program' }],
      ...{ args: [], command: ['own', '--url', half], policy: {} },
    };
    take({ from: 'supervisor', message: { type: 'reply', id: 7, result: { value } } });
    const text = readFileSync(file, 'utf8');
    rmSync(folder, { recursive: true });
    expect(text).not.toContain('canary');
    const replay = replayOf(recorded(text).entries);
    replay.advance(1e15);
    expect(await replay.read('validate', ask('postgresql://u:••••••'))).toMatchObject({
      command: ['own', '--url', 'postgresql://u:…'],
    });
  });
});

test('what is no recording, or one of another version, says so', () => {
  expect(parseRecording('hello')).toEqual({ problem: 'it is no recording of a console' });
  expect(parseRecording('')).toEqual({ problem: 'it is no recording of a console' });
  const other = parseRecording(HEADER.replace('"recording":1', '"recording":9'));
  expect('problem' in other && other.problem).toContain('another version (format 9');
});
