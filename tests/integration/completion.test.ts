/** Completion scripts in the shells themselves; a shell that is not on this machine is skipped. */
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { placesOf } from '../../src/cli/completion-model.ts';
import { completionScript } from '../../src/cli/completion-scripts.ts';
import { MAIN } from '../helpers/processes.ts';

const has = (shell: string) => spawnSync(shell, ['--version']).status === 0;

let folder: string;
let env: NodeJS.ProcessEnv;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'completion-'));
  for (const dir of ['bin', 'home/jobs/0001-backfill-stability', 'home/jobs/0002-data-import']) {
    mkdirSync(path.join(folder, dir), { recursive: true });
  }
  writeFileSync(
    path.join(folder, 'home/programs.yaml'),
    'programs: { due: { summary: "it\'s mine", phase: P1, command: [echo, "{arguments}"], arguments:' +
      ' { colour: { type: choice, choices: [red, green] }, data-file: { help: a file } } } }',
  );
  // The program under its own name, as users have it.
  const program = path.join(folder, 'bin', 'prometheus');
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`);
  chmodSync(program, 0o755);
  env = {
    PATH: `${path.join(folder, 'bin')}:${process.env.PATH}`,
    HOME: folder,
    PROMETHEUS_HOME: path.join(folder, 'home'),
  };
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { stdout } = await promisify(execFile)(program, ['completion', shell], { env });
    writeFileSync(path.join(folder, shell), stdout);
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What bash offers for a command line whose last word is being typed. */
function bash(...words: string[]): string[] {
  const script = `
    source "$1"; shift
    COMP_WORDS=(prometheus "$@"); COMP_CWORD=$#
    _prometheus
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const out = execFileSync('bash', ['-c', script, 'bash', path.join(folder, 'bash'), ...words], {
    env,
    encoding: 'utf8',
  });
  return out.split('\n').filter(Boolean).sort();
}

describe.skipIf(!has('bash'))('completion in bash', () => {
  test.each<[string[], string[]]>([
    [
      ['db', ''],
      ['adopt', 'down', 'drop', 'migrate', 'status', 'up', 'url'],
    ],
    [['st'], ['status']],
    [
      ['db', 'url', ''],
      ['historical', 'runtime'],
    ],
    [['--mo'], ['--mouse']],
    [['db', 'up', '--tcp'], ['--tcp-port']],
    [['job', 'ls', '--state', 'D'], ['DONE']],
    [['job', 'ls', '--state', '=', 'L'], ['LOST']],
    [
      ['job', 'ls', '--state', '='],
      ['DONE', 'FAIL', 'LOST', 'PART', 'QUEUE', 'RUN', 'STOP'],
    ],
    [['job', 'ls', '--last', ''], []],
    [['job', 'ls', '--state', 'DONE', '--j'], ['--json']],
    [['job', 'ls', '--state=DONE', '--j'], ['--json']],
    [
      ['job', 'show', ''],
      ['0001-backfill-stability', '0002-data-import', 'last'],
    ],
    [['job', 'show', '0002-data-import', '--j'], ['--json']],
    [['job', 'start', 'backtest', 'campaign-'], ['campaign-and-meta']],
    [['job', 'start', 'backtest', 'campaign', '--ke'], ['--key']],
    [['job', 'start', 'backfill', 'stability', '--', '--market'], ['--market-id']],
    [['why', 'P1'], expect.arrayContaining(['P1', 'P1.trades'])],
    [
      ['completion', ''],
      ['bash', 'fish', 'jobs', 'zsh'],
    ],
    [['nothing', ''], []],
    [['job', 'start', 'du'], ['due']],
    [
      ['job', 'start', 'due', '--', '--'],
      ['--colour', '--data-file'],
    ],
    [['job', 'start', 'due', '--at'], ['--attempts']],
    [['job', 'start', 'due', '--', '--colour', 'r'], ['red']],
    [['job', 'start', 'unheard', '--', '--'], []],
    [
      ['phases', 'run', ''],
      ['P0', 'P1', 'P2', 'P3', 'P4', 'P5'],
    ],
  ])('%j', (words, offered) => expect(bash(...words)).toEqual(offered));

  test('begins with every command, and every command has its flags', () => {
    expect(bash('')).toEqual(expect.arrayContaining(['backfill', 'data', 'db', 'doctor', 'job', 'top', 'why']));
    expect(bash('backtest', 'campaign', '--')).toEqual(expect.arrayContaining(['--help', '--market-id', '--start']));
  });
});

describe.skipIf(!has('zsh'))('completion in zsh', () => {
  test('is a script that zsh reads, and finds what bash finds', () => {
    const script = `
      compdef() { : }; source $1
      place='' expects='' position=0
      _prometheus_walk job ls --state
      _prometheus_found ''`;
    const out = execFileSync('zsh', ['-fc', script, 'zsh', path.join(folder, 'zsh')], { env, encoding: 'utf8' });
    expect(out.trim()).toBe('QUEUE RUN DONE PART FAIL STOP LOST');
  });
});

describe.skipIf(!has('fish'))('completion in fish', () => {
  test.each([
    ['prometheus db u', ['up', 'url']],
    ['prometheus job ls --state D', ['DONE']],
    ['prometheus job show 0002', ['0002-data-import']],
    ['prometheus job start du', ['due']],
    ['prometheus job start due -- --co', ['--colour']],
    ['prometheus job start due -- --colour r', ['red']],
    ['prometheus job start backfill stability -- --market', ['--market-id']],
    ['prometheus phases run P', ['P0', 'P1', 'P2', 'P3', 'P4', 'P5']],
  ])('%s', (line, offered) => {
    const script = `source ${path.join(folder, 'fish')}; complete -C ${JSON.stringify(line)}`;
    const out = execFileSync('fish', ['--no-config', '-c', script], { env, encoding: 'utf8' });
    expect(
      out
        .trim()
        .split('\n')
        .map((one) => one.split('\t')[0]),
    ).toEqual(offered);
  });
});

test('no word that a shell would expand is offered', async () => {
  const odd = "it's $(touch x) `y`";
  const command = {
    name: 'a',
    summary: odd,
    args: z.object({ flag: z.enum(['good', '$(touch x)']).describe(odd) }),
  };
  const places = placesOf([command], { programs: [], phases: [] });
  expect(places.find((place) => place.words === 'a')?.flags[0].values).toEqual(['good']);
  expect(completionScript('fish', places)).toContain("-d 'it\\'s $(touch x) `y`'");
  mkdirSync(path.join(folder, 'home/jobs/$(touch x)'));
  const { stdout } = await promisify(execFile)('prometheus', ['completion', 'jobs'], { env });
  expect(stdout).toBe('0002-data-import\n0001-backfill-stability\nlast\n');
});
