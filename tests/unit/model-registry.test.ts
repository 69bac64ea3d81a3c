/** The model registry: equal bytes for equal models, and a model with a changed, missing or stray file is never used. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { manifestSchema, type NumericManifest } from '../../engines/models/manifest.model.ts';
import { requireRuns } from '../../engines/models/run.storage.ts';
import { listModels, loadModel, type NewModel, writeModel } from '../../engines/models/storage.ts';
import { loadNumericModel } from '../../engines/numeric/models.storage.ts';
import { v1Model } from '../../engines/numeric/v1.model.ts';
import { V1_MODELS } from '../../engines/numeric/v1-ids.model.ts';

const root = mkdtempSync(path.join(tmpdir(), 'prometheus-models-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(root, 'home-'));
});

const ID = 'num-test-core-v2';
const model: NewModel = {
  manifest: {
    schema: 1,
    model_id: ID,
    kind: 'numeric',
    encoder: 'test',
    entities: ['MARKET', 'SECTOR'],
    window_days: 63,
    inputs: [{ name: 'window', type: 'float32', dims: ['N', 6, 63] }],
    dim: 384,
    fit: { fit_start: '2010-01-04', fit_end: '2014-12-31', universe_hash: 'abc', seed: 7, probes: { vol_r2: 0.3 } },
    file: 'model.onnx',
  },
  files: { 'model.onnx': Uint8Array.of(1, 2, 3), 'fit/facts.json': Buffer.from('{}') },
};
const file = (...names: string[]) => path.join(folder, ID, ...names);

describe('a model that was written', () => {
  it('is read back with its hashes', async () => {
    const manifest = await writeModel(folder, model);
    expect(manifestSchema.parse(manifest)).toEqual(manifest);
    expect(manifest.bytes).toBe(5);
    const read = await loadModel(folder, ID);
    expect(read.manifest).toEqual(manifest);
    expect([...read.graph]).toEqual([1, 2, 3]);
    expect((await listModels(folder)).map(({ id, problem }) => ({ id, problem }))).toEqual([{ id: ID, problem: '' }]);
  });

  it('stays as it is when it is written again, unless that is asked for', async () => {
    await writeModel(folder, model);
    const other = { ...model, files: { ...model.files, 'model.onnx': Uint8Array.of(9) } };
    await writeModel(folder, other);
    expect([...(await loadModel(folder, ID)).graph]).toEqual([1, 2, 3]);
    await writeModel(folder, other, true);
    expect([...(await loadModel(folder, ID)).graph]).toEqual([9]);
  });

  it.each<[string, () => void, RegExp]>([
    ['a changed graph', () => appendFileSync(file('model.onnx'), 'x'), /model.onnx has another content/],
    ['a changed side file', () => writeFileSync(file('fit/facts.json'), '[]'), /fit\/facts.json has another content/],
    ['a missing file', () => rmSync(file('fit/facts.json')), /fit\/facts.json is missing/],
    ['a stray file', () => writeFileSync(file('weights.bin'), ''), /weights.bin is not named/],
    ['no manifest', () => rmSync(file('model.json')), /there is no model/],
    ['a broken manifest', () => writeFileSync(file('model.json'), '{'), /is no JSON/],
    ["another model's manifest", () => edit({ model_id: 'num-other-core-v2' }), /is that of num-other-core-v2/],
    ['a newer schema', () => edit({ schema: 2 }), /schema/],
    ['a way out of the folder', () => edit({ file: '../model.onnx' }), /not a path inside the folder/],
    ['another size', () => edit({ bytes: 6 }), /model.json has another content/],
    ['another length', () => edit({ dim: 192 }), /model.json has another content/],
    ['other entities', () => edit({ entities: ['SECTOR'] }), /model.json has another content/],
    [
      'an earlier end of its fit',
      () => edit({ fit: { ...model.manifest.fit, fit_end: '2012-12-31' } }),
      /another content/,
    ],
    ['no hash of its own', () => edit({ manifest_sha256: undefined }), /manifest_sha256/],
    [
      'a file named like what every object has',
      () => writeFileSync(file('constructor'), ''),
      /constructor is not named/,
    ],
  ])('is refused with %s', async (_, spoil, message) => {
    await writeModel(folder, model);
    spoil();
    await expect(loadModel(folder, ID)).rejects.toThrow(message);
  });
});

describe('a text model made elsewhere', () => {
  it('needs no hash of its manifest; what its manifest says of its files holds all the same', async () => {
    const { encoder: _, entities: __, window_days: ___, inputs: ____, ...common } = model.manifest as NumericManifest;
    const textModel: NewModel = {
      ...model,
      manifest: {
        ...common,
        kind: 'text',
        source: { repo: 'somebody/model', revision: '1', licence: 'MIT' },
        dtype: 'float32',
        max_length: 128,
        pooling: 'mean',
        normalize: true,
        output: 'last_hidden_state',
        prefix: { query: '', document: '' },
        batch_invariant: true,
        golden: [{ text: 'oil', first8: Array(8).fill(0), tolerance: 1e-4 }],
      },
    };
    await writeModel(folder, textModel);
    edit({ manifest_sha256: undefined });
    expect((await loadModel(folder, ID)).manifest.bytes).toBe(5);
    edit({ manifest_sha256: undefined, bytes: 6 });
    await expect(loadModel(folder, ID)).rejects.toThrow(/its files have 5 bytes, model.json says 6/);
    edit({ manifest_sha256: '0'.repeat(64), bytes: 5 });
    await expect(loadModel(folder, ID)).rejects.toThrow(/model.json has another content/);
    for (const [changes, message] of [
      [{ golden: [] }, /golden: names no text/],
      [{ golden: [{ text: 'oil', first8: Array(8).fill(0), tolerance: 1e9 }] }, /golden.0.tolerance/],
      [{ prefix: { query: '', document: 'passage: ' } }, /prefix.document: is not empty, and this build puts nothing/],
      [{ max_length: 1e9 }, /max_length/],
    ] as const) {
      await writeModel(folder, textModel, true);
      edit({ manifest_sha256: undefined, ...changes });
      await expect(loadModel(folder, ID)).rejects.toThrow(message);
    }
  });

  it.each(['model.json', 'model.onnx', 'fit/facts.json'])('is refused when %s is a pipe', async (name) => {
    await writeModel(folder, model);
    rmSync(file(name));
    execFileSync('mkfifo', [file(name)]);
    await expect(loadModel(folder, ID)).rejects.toThrow(/is no regular file/);
  });
});

function edit(changes: object): void {
  writeFileSync(
    file('model.json'),
    JSON.stringify({ ...JSON.parse(readFileSync(file('model.json'), 'utf8')), ...changes }),
  );
}

describe('the v1 models', () => {
  it('come into being when they are asked for, with the same bytes in every home', async () => {
    for (const id of V1_MODELS) {
      const other = mkdtempSync(path.join(root, 'other-'));
      const [first, second] = [await loadNumericModel(folder, id), await loadNumericModel(other, id)];
      expect(first.fingerprint).toBe(second.fingerprint);
      expect(first.manifest).toMatchObject({ entities: ['INSTRUMENT'], dim: 384, window_days: 63, fit: null });
    }
    expect((await listModels(folder)).map(({ id }) => id)).toEqual([...V1_MODELS].sort());
  });

  it('are refused when the folder holds another function, even a whole one', async () => {
    const id = V1_MODELS[0];
    const own = v1Model(id);
    for (const other of [
      { ...own, files: { 'model.onnx': Uint8Array.of(1) } },
      { ...own, manifest: { ...own.manifest, window_days: 21 } },
      { ...own, manifest: { ...own.manifest, dim: 192 } },
    ] as NewModel[]) {
      await writeModel(folder, other, true);
      await expect(loadNumericModel(folder, id)).rejects.toThrow(/not the function that this id stands for/);
    }
  });

  it('run, and a graph that does not or that gives other vectors is refused by name', async () => {
    const own = v1Model(V1_MODELS[0]);
    const as = async (other: object, files = own.files) => {
      const made = { manifest: { ...own.manifest, model_id: ID, ...other }, files } as NewModel;
      await writeModel(folder, made, true);
      return requireRuns(await loadNumericModel(folder, ID));
    };
    await as({});
    await expect(as({ dim: 512 })).rejects.toThrow(
      `model ${ID} is not used: its graph gave float32 [1, 384], not float32 [1, 512]`,
    );
    await expect(as({}, { 'model.onnx': Uint8Array.of(1, 2, 3) })).rejects.toThrow(
      new RegExp(`model ${ID} is not used: its graph does not run \\(.*protobuf`),
    );
  });

  it('are written once by several processes at a time', async () => {
    const loaded = await Promise.all(Array.from({ length: 5 }, () => loadNumericModel(folder, V1_MODELS[1])));
    expect(new Set(loaded.map(({ fingerprint }) => fingerprint)).size).toBe(1);
    expect((await listModels(folder)).length).toBe(1);
  });

  it('leave other folders of the registry alone', async () => {
    mkdirSync(path.join(folder, 'Not A Model'));
    expect(await listModels(folder)).toEqual([]);
    await expect(loadModel(folder, '../etc')).rejects.toThrow(/is not a model id/);
  });
});
