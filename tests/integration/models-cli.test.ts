/** `prometheus models …` as a person and a script see it. */
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
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
  expect(await models('show', 'num-nothing-core-v1')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/there is no model/),
  });
});
