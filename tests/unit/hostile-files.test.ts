/**
 * Files that people and programs leave in a home, broken in every way: read, or refused in one line that names the file.
 * `tests/fixtures/corpus` keeps what is worth trying each time; fast-check breaks sound files anew.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { parseManifest } from '../../engines/models/manifest.model.ts';
import { universeSettings } from '../../engines/universe/settings.storage.ts';
import { parseRecording } from '../../src/console/recording/format.ts';
import { loadPhaseConfig } from '../../src/phases/config.ts';
import { UserError } from '../../src/platform/errors.ts';
import { homeAt } from '../../src/platform/home.ts';
import { loadSettings } from '../../src/platform/settings.ts';
import { parseEvent } from '../../src/supervisor/job-events.ts';
import { readRecord, statusSchema } from '../../src/supervisor/job-records.ts';
import { parseJournalLine } from '../../src/supervisor/journal.ts';
import { loadPrograms } from '../../src/supervisor/programs.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const CORPUS = path.join(ROOT, 'tests/fixtures/corpus');
const root = mkdtempSync(path.join(tmpdir(), 'prometheus-hostile-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

mkdirSync(path.join(root, 'universe'));
const home = homeAt(root);
const env = { XDG_CONFIG_HOME: path.join(root, 'config') };
const kept = (extension: string) =>
  readdirSync(CORPUS)
    .filter((name) => name.endsWith(extension))
    .map((name): [string, Buffer] => [name, readFileSync(path.join(CORPUS, name))]);

/** Bytes of a sound file with a few stretches cut, doubled, or replaced. */
const broken = (sound: Buffer): fc.Arbitrary<Buffer> =>
  fc
    .array(
      fc.record({
        at: fc.nat(sound.length),
        cut: fc.nat(40),
        put: fc.oneof(
          fc.uint8Array({ maxLength: 8 }),
          fc.constantFrom(
            ...['{', '[', ': ', '\n', '\t', '- ', '"', '&a ', '*a', '!!x ', '|', '\0'].map((sign) => Buffer.from(sign)),
          ),
        ),
      }),
      { minLength: 1, maxLength: 4 },
    )
    .map((edits) => {
      let bytes = sound;
      for (const { at, cut, put } of edits)
        bytes = Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + cut)]);
      return bytes;
    });

const YAML: readonly [name: string, load: () => unknown][] = [
  ['console.yaml', () => loadSettings(home, env)],
  ['phases.yaml', () => loadPhaseConfig(home, env)],
  ['programs.yaml', () => loadPrograms(home, env)],
  ['universe/core_long_eq_daily.yaml', () => universeSettings(home, 'US_CORE_LONG_EQ', env)],
];

/** Loads it, or is refused as a user should be. */
function accepts(name: string, bytes: Buffer, load: () => unknown): boolean {
  writeFileSync(path.join(root, name), bytes);
  try {
    load();
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    const { message, fix } = error as UserError;
    expect(message).toContain(name);
    expect(`${message}. ${fix}`.split('\n')).toHaveLength(1);
    return false;
  } finally {
    rmSync(path.join(root, name), { force: true });
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  }
}

describe.each(YAML)('%s', (name, load) => {
  test.each(kept('.yaml'))('as %s', (_kept, bytes) => void accepts(name, bytes, load));

  test('broken anywhere', () => {
    const sound = readFileSync(path.join(ROOT, 'configs', name));
    expect(accepts(name, sound, load)).toBe(true);
    fc.assert(
      fc.property(broken(sound), (bytes) => void accepts(name, bytes, load)),
      { numRuns: 60 },
    );
  });
});

/** A sound file of each kind that programs leave, and what reads it: a value, null, or an Error of one line. */
const LEFT: readonly [what: string, sound: string, read: (text: string) => unknown][] = [
  [
    'the manifest of a model',
    JSON.stringify({
      schema: 1,
      kind: 'head',
      model_id: 'assessment-context-v2',
      file: 'model.onnx',
      sha256: { 'model.onnx': 'a'.repeat(64) },
      bytes: 10,
      dim: 1,
      inputs: [{ name: 'x', type: 'float32', dims: ['N', 4] }],
      fit: { fit_start: '2014-01-02', fit_end: '2015-12-31', universe_hash: 'u', seed: 1 },
    }),
    (text) => {
      try {
        return parseManifest(text);
      } catch (error) {
        expect((error as Error).message).toMatch(/^model\.json/);
        return null;
      }
    },
  ],
  [
    'an event of a job',
    JSON.stringify({ type: 'result', t: 1, status: 'done', summary: 'x', rows: { trades: 3 }, due: 3 }),
    (text) => {
      const event = parseEvent(text);
      expect(JSON.stringify(event)).not.toMatch(/\\u00[01]/);
      return event;
    },
  ],
  [
    'a line of the journal',
    JSON.stringify({ at: 1, kind: 'job', subject: '0001-x', what: 'DONE', detail: '', who: null }),
    parseJournalLine,
  ],
  [
    'the status of a job',
    JSON.stringify({ version: 1, state: 'RUN', starter: null, shim: null, child: null }),
    (text) => {
      writeFileSync(path.join(root, 'status.json'), text);
      return readRecord(root, 'status.json', statusSchema).value;
    },
  ],
  ['a recording', '{"recording":1}\n{"t":0}', parseRecording],
];

describe.each(LEFT)('%s', (_what, sound, read) => {
  const tried = (text: string) => {
    const value = read(text);
    expect(() => JSON.stringify(value)).not.toThrow();
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  };

  test.each(kept('.json'))('as %s', (_kept, bytes) => tried(bytes.toString()));

  test('broken anywhere', () => {
    fc.assert(
      fc.property(broken(Buffer.from(sound)), (bytes) => tried(bytes.toString())),
      { numRuns: 300 },
    );
  });
});
