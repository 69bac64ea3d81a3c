/** `prometheus models …` as a person and a script see it. */
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { writeModel } from '../../engines/models/storage.ts';
import { loadNumericModel } from '../../engines/numeric/models.storage.ts';
import { startPrometheus } from '../helpers/processes.ts';

const home = mkdtempSync(path.join(tmpdir(), 'prometheus-models-cli-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));
const models = (...args: string[]) => startPrometheus(['models', ...args], home).ended;

it('lists, shows and verifies the models of a new home, and refuses a changed one', async () => {
  const listed = await models('ls');
  expect([listed.code, listed.stderr]).toEqual([0, '']);
  expect(listed.stdout).toMatch(/^MODEL +KIND +ENTITIES +DIM +SIZE +FITTED$/m);
  for (const name of ['regime', 'stab', 'profile', 'scenario', 'portfolio']) {
    expect(listed.stdout).toMatch(new RegExp(`^num-${name}-core-v1 +numeric +INSTRUMENT +384 `, 'm'));
  }
  expect(await models('verify')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^(\S+ OK {2}num-\S+\n){5}$/),
  });
  const shown = JSON.parse((await models('show', 'num-stab-core-v1', '--json')).stdout);
  expect(shown).toMatchObject({
    schema: 1,
    manifest: { model_id: 'num-stab-core-v1', encoder: 'price-window-v1', fit: null },
  });

  appendFileSync(path.join(home, 'models', 'num-stab-core-v1', 'model.onnx'), 'x');
  const verified = await models('verify', '--json');
  expect(verified.code).toBe(1);
  const found = JSON.parse(verified.stdout).models as { id: string; ok: boolean; problem: string }[];
  expect(found.filter((one) => !one.ok)).toEqual([
    { id: 'num-stab-core-v1', ok: false, problem: expect.stringMatching(/model.onnx has another content/) },
  ]);
  // A graph that is none, with hashes that fit it.
  rmSync(path.join(home, 'models', 'num-stab-core-v1'), { recursive: true });
  const { manifest } = await loadNumericModel(path.join(home, 'models'), 'num-stab-core-v1');
  const { sha256: _, bytes: __, manifest_sha256: ___, ...bare } = manifest;
  const junk = { manifest: { ...bare, model_id: 'num-junk-core-v2' }, files: { 'model.onnx': Uint8Array.of(1, 2, 3) } };
  await writeModel(path.join(home, 'models'), junk);
  expect(await models('verify', 'num-stab-core-v1', 'num-junk-core-v2')).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/OK {2}num-stab-core-v1\n.*FAIL {2}num-junk-core-v2 .*its graph does not run/),
  });
  expect(await models('show', 'num-nothing-core-v1')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/there is no model/),
  });
});
