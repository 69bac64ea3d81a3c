import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { startRecording } from '../../src/cli/recording.ts';
import { headerLine, parseRecording, type RecordingEntry } from '../../src/console/recording/format.ts';
import { createReplay } from '../../src/console/recording/replay.ts';
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

test('what is no recording, or one of another version, says so', () => {
  expect(parseRecording('hello')).toEqual({ problem: 'it is no recording of a console' });
  expect(parseRecording('')).toEqual({ problem: 'it is no recording of a console' });
  const other = parseRecording(HEADER.replace('"recording":1', '"recording":9'));
  expect('problem' in other && other.problem).toContain('another version (format 9');
});
