/** What the console's palette gets of a command of the command line. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { commandOutput } from '../../src/cli/command-output.ts';
import { makeCli } from '../../src/cli/context.ts';

const home = mkdtempSync(path.join(tmpdir(), 'prometheus-command-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const urls = { historical: 'postgresql://me:hush@127.0.0.1:1/h', runtime: 'postgresql://me:hush@127.0.0.1:1/r' };
const env = { ...process.env, LANG: 'C.UTF-8', LC_ALL: undefined, PROMETHEUS_HOME: '/nowhere' };
const signal = new AbortController().signal;
const cli = makeCli(env, { ...urls, debug: false, help: false }, process, signal, () => {}, home);

async function output(words: readonly string[], on = cli): Promise<string> {
  let text = '';
  for await (const piece of commandOutput(on, words, new AbortController().signal)) text += piece;
  return text;
}

test('the command, both outputs, and how it failed: of the home and the databases of the console', async () => {
  expect(await output(['job', 'ls'])).toBe('$ prometheus job ls\n\nno jobs\n');
  const refused = await output(['coverage', '--frob']);
  expect(refused).toMatch(/^\$ prometheus coverage --frob\n\nprometheus: .*--frob/);
  expect(refused).toMatch(/\nexit code 2\n$/);
  const unreachable = await output(['backtests', 'ls']);
  expect(unreachable).toContain('127.0.0.1:1');
  expect(unreachable).not.toContain('hush');
});

test('words are arguments, never a shell’s; what they hold does not drive the terminal', async () => {
  const before = readdirSync(home);
  const shown = await output(['why', '$(touch here); touch there', '\x1b[31mred', 'λ']);
  expect(shown).not.toContain('\x1b');
  expect(shown).toContain('λ');
  expect(readdirSync(home)).toEqual(before);
  const plain = makeCli({ ...env, LANG: 'C' }, { ...urls, debug: false, help: false }, process, signal, () => {}, home);
  expect(await output(['why', 'λ'], plain)).toMatch(/^[\x00-\x7f]+$/);
});

test('whoever reads no further ends the command', async () => {
  const left = new AbortController();
  const lines = commandOutput(cli, ['events', '--follow'], left.signal);
  expect((await lines.next()).value).toContain('$ prometheus events --follow');
  const more = lines.next();
  left.abort();
  expect((await more).value).toContain('ended by a signal');
  expect((await lines.next()).done).toBe(true);
}, 60_000);
