/**
 * The model registry: a folder a model id under `<home>/models/`. It fails closed: a model is used only when every file of
 * its folder has the hash that `model.json` names, and nothing else lies there.
 */
import { hash, randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { errorCode, errorMessage, UsageError, UserError } from '../../src/platform/errors.ts';
import { readRegular } from '../../src/platform/regular-file.ts';
import { remake, waysTo } from './makers.model.ts';
import {
  formatManifest,
  MANIFEST_FILE,
  type Manifest,
  manifestHash,
  manifestSchema,
  modelId,
  parseManifest,
  type Unhashed,
} from './manifest.model.ts';

/** A model whose files were all found to be what they should be. */
export interface VerifiedModel {
  readonly manifest: Manifest;
  /** Hash of `model.json`, which names the hashes of all other files: it stands for the whole folder. */
  readonly fingerprint: string;
  /** The graph, read once: what was verified is what a session is made of. */
  readonly graph: Uint8Array;
  /** The other files, by name, read once too. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** A model on disk as `models ls` shows it. */
export interface ModelEntry {
  readonly id: string;
  readonly manifest: Manifest | null;
  /** Why the manifest cannot be read; empty when it can. Files are not hashed here. */
  readonly problem: string;
}

/** Files of a model to be written, by path inside its folder; `model.json` is made from the manifest. */
export interface NewModel {
  readonly manifest: Unhashed<Manifest>;
  readonly files: Readonly<Record<string, Uint8Array>>;
}

/** Models of a folder, by id. A folder that does not exist holds none. */
export async function listModels(folder: string): Promise<ModelEntry[]> {
  const names = await readdir(folder, { withFileTypes: true }).catch(ifMissing([]));
  const ids = names.filter((one) => one.isDirectory() && modelId.safeParse(one.name).success).map((one) => one.name);
  return Promise.all(
    ids.sort().map(async (id): Promise<ModelEntry> => {
      try {
        return { id, manifest: (await readManifest(folder, id)).manifest, problem: '' };
      } catch (error) {
        return { id, manifest: null, problem: errorMessage(error) };
      }
    }),
  );
}

/**
 * The model `id`, verified: the manifest is its own and has its hash, so has every file, no other file lies there.
 * @throws UserError that names the first thing amiss.
 */
export async function loadModel(folder: string, id: string): Promise<VerifiedModel> {
  const refuse = (what: string) =>
    new UserError(
      `model ${id} is not used: ${what} (${path.join(folder, id)})`,
      `Remove that folder and ${remake(id)}.`,
    );
  if (!modelId.safeParse(id).success) throw new UsageError(`'${id}' is not a model id`, 'See: prometheus models ls');
  let read: Pick<VerifiedModel, 'manifest' | 'fingerprint'>;
  try {
    read = await readManifest(folder, id);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') {
      throw new UserError(`there is no model ${id} in ${folder}`, `See: prometheus models ls. ${waysTo(id)}`);
    }
    throw refuse(errorMessage(error));
  }
  const { manifest, fingerprint } = read;
  const root = path.join(folder, id);
  const found = (await readdir(root, { recursive: true, withFileTypes: true }))
    .filter((one) => !one.isDirectory())
    .map((one) => path.relative(root, path.join(one.parentPath, one.name)).split(path.sep).join('/'))
    .filter((name) => name !== MANIFEST_FILE);
  const stray = found.find((name) => !Object.hasOwn(manifest.sha256, name));
  if (stray) throw refuse(`${stray} is not named in ${MANIFEST_FILE}`);
  const files = new Map<string, Uint8Array>();
  for (const [name, expected] of Object.entries(manifest.sha256)) {
    if (!found.includes(name)) throw refuse(`${name} is missing`);
    const content = await readRegular(path.join(root, name)).catch((error: unknown) => {
      throw refuse(`${name}: ${errorMessage(error)}`);
    });
    if (hash('sha256', content, 'hex') !== expected) {
      throw refuse(`${name} has another content than when the model was made`);
    }
    files.set(name, content);
  }
  const bytes = [...files.values()].reduce((sum, { length }) => sum + length, 0);
  if (bytes !== manifest.bytes) {
    throw refuse(`its files have ${bytes} bytes, ${MANIFEST_FILE} says ${manifest.bytes}`);
  }
  const graph = files.get(manifest.file)!;
  files.delete(manifest.file);
  return { manifest, fingerprint, graph, files };
}

/** The manifest of a model with the hashes of its files and its own. @throws Error naming a key that cannot be accepted. */
export function hashedManifest({ manifest, files }: NewModel): Manifest {
  const sha256: Record<string, string> = {};
  let bytes = 0;
  for (const [name, content] of Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1))) {
    sha256[name] = hash('sha256', content, 'hex');
    bytes += content.length;
  }
  const hashed = manifestSchema.parse({ ...manifest, sha256, bytes, manifest_sha256: '0'.repeat(64) });
  return { ...hashed, manifest_sha256: manifestHash(hashed) };
}

/**
 * Writes a model's folder, whole or not at all; a folder that is there stays as it is unless `replace` is set.
 * Equal models give equal bytes. Returns the manifest with its hashes.
 */
export async function writeModel(folder: string, model: NewModel, replace = false): Promise<Manifest> {
  const manifest = hashedManifest(model);
  const target = path.join(folder, manifest.model_id);
  // Names that no model id has: neither a half-written folder nor one on its way out is taken for a model.
  const draft = path.join(folder, `.${manifest.model_id}.${randomBytes(6).toString('hex')}`);
  const old = `${draft}.old`;
  try {
    for (const [name, content] of Object.entries(model.files)) {
      await mkdir(path.dirname(path.join(draft, name)), { recursive: true, mode: 0o700 });
      await writeFile(path.join(draft, name), content);
    }
    await writeFile(path.join(draft, MANIFEST_FILE), formatManifest(manifest));
    if (replace) await rename(target, old).catch(ifMissing(undefined));
    await rename(draft, target);
  } catch (error) {
    // Another process wrote the same model first: its folder counts.
    if (!['ENOTEMPTY', 'EEXIST'].includes(errorCode(error) ?? '')) throw error;
  } finally {
    await rm(draft, { recursive: true, force: true });
    await rm(old, { recursive: true, force: true });
  }
  return manifest;
}

/** The manifest of `id` and its hash; other files are not looked at. @throws Error when it is not there or not its own. */
export async function readManifest(
  folder: string,
  id: string,
): Promise<Pick<VerifiedModel, 'manifest' | 'fingerprint'>> {
  const text = (await readRegular(path.join(folder, id, MANIFEST_FILE))).toString('utf8');
  const manifest = parseManifest(text);
  if (manifest.model_id !== id) throw new Error(`${MANIFEST_FILE} is that of ${manifest.model_id}`);
  if (manifest.manifest_sha256 !== undefined && manifest.manifest_sha256 !== manifestHash(manifest)) {
    throw new Error(`${MANIFEST_FILE} has another content than when the model was made`);
  }
  return { manifest, fingerprint: hash('sha256', text, 'hex') };
}

/** For a promise's catch: `value` when the file or folder does not exist. */
function ifMissing<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (errorCode(error) === 'ENOENT') return value;
    throw error;
  };
}
