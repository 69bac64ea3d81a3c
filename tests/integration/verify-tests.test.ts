/** `verify tests` with a suite of the user's own: a pytest that is a script, and a real one where there is one. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { MAIN } from '../helpers/processes.ts';

const hasPytest = spawnSync('python3', ['-m', 'pytest', '--version']).status === 0;

let db: TestDatabases;
let folder: string;
let suite: string;
beforeEach(async () => {
  db = await createTestDatabases();
  folder = mkdtempSync(path.join(tmpdir(), 'prometheus-suite-'));
  suite = path.join(folder, 'suite');
  mkdirSync(path.join(suite, 'tests', 'integration'), { recursive: true });
  mkdirSync(path.join(folder, 'bin'));
  mkdirSync(path.join(folder, 'home'));
});
afterEach(() => db?.drop());

const put = (file: string, text: string) => writeFileSync(path.join(folder, file), text);
const git = (...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@localhost', ...args], { cwd: suite, encoding: 'utf8' });

/** Commits the suite as it is and names it in the home's settings; gives the commit. */
function configure(interpreter?: string): string {
  git('init', '-q');
  git('add', '-A');
  git('commit', '-q', '--allow-empty', '-m', 'suite');
  const more = interpreter ? `  python.interpreter: ${interpreter}\n` : '';
  put('home/programs.yaml', `settings:\n  python.root: ${suite}\n${more}`);
  return git('rev-parse', 'HEAD').trim();
}

/** `$report` is where it is to leave its report. */
function fakePytest(script: string): void {
  put(
    'bin/pytest',
    `#!/bin/sh\nfor word in "$@"; do case $word in --junitxml=*) report=\${word#*=} ;; esac; done\n${script}\n`,
  );
  chmodSync(path.join(folder, 'bin', 'pytest'), 0o755);
}

async function prometheus(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const home = path.join(folder, 'home');
  const child = spawn(
    process.execPath,
    [MAIN, ...args, '--historical', db.urls.historical, '--runtime', db.urls.runtime],
    {
      env: {
        PATH: `${path.join(folder, 'bin')}:${process.env.PATH}`,
        HOME: process.env.HOME,
        PROMETHEUS_HOME: home,
        XDG_CONFIG_HOME: home,
      },
    },
  );
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stderr.on('data', (chunk) => (err += chunk));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out, err })));
}

const recorded = async () =>
  (
    await db.databases.runtime.client((client) =>
      client.query(
        `SELECT state, git_sha, observed FROM console.evidence WHERE check_id = 'P0.tests' ORDER BY evidence_id`,
      ),
    )
  ).rows;

/** `P0.tests` as the board has it. */
async function onBoard(): Promise<Record<string, unknown>> {
  const { out } = await prometheus('phases', '--json');
  const { phases } = JSON.parse(out) as { phases: { checks: { id: string }[] }[] };
  return phases.flatMap(({ checks }) => checks).find(({ id }) => id === 'P0.tests')!;
}

test('runs both suites of the plan, records counts by commit, and the board says so until the commit changes', async () => {
  fakePytest(
    'case "$*" in\n  *integration*) counts=\'skipped="0" tests="2"\' ;;\n  *) counts=\'skipped="1" tests="6"\' ;;\nesac\n' +
      'echo "<testsuites><testsuite name=\\"pytest\\" errors=\\"0\\" failures=\\"0\\" $counts time=\\"0.1\\" /></testsuites>" >"$report"',
  );
  const sha = configure();
  expect(await onBoard()).toMatchObject({ state: 'WAIT', fix: 'verify tests' });
  const { code, out } = await prometheus('verify', 'tests');
  expect([code, out]).toEqual([0, `7 passed, 0 failed, 1 skipped (your suite, commit ${sha})\n`]);
  expect(await recorded()).toMatchObject([
    { state: 'OK', git_sha: sha, observed: { passed: 7, failed: 0, skipped: 1, root: suite, sha, dirty: false } },
  ]);
  expect(await onBoard()).toMatchObject({ state: 'OK', observed: 'pytest: 7 passed, 0 failed, 1 skipped' });
  git('commit', '-q', '--allow-empty', '-m', 'another');
  expect(await onBoard()).toMatchObject({ state: 'WAIT', reason: expect.stringContaining('is of another commit') });
});

test('a crash without counts is a failure, and a pytest that is not there is told in one line', async () => {
  fakePytest('echo "INTERNALERROR"; exit 3');
  configure();
  expect(await prometheus('verify', 'tests')).toMatchObject({
    code: 1,
    out: expect.stringMatching(/^0 passed, 2 failed/),
  });
  expect(await recorded()).toMatchObject([{ state: 'FAIL' }]);
  configure('/nowhere/python');
  const { code, out, err } = await prometheus('verify', 'tests');
  expect([code, out]).toEqual([1, '']);
  expect(err).toMatch(/^prometheus: \/nowhere\/python does not start: .* Set settings\.python\.interpreter .*\n$/);
});

test.runIf(hasPytest)('counts what a real pytest says', async () => {
  put(
    'suite/tests/test_fast.py',
    'import pytest\n\ndef test_good():\n    pass\n\n@pytest.mark.skip\ndef test_later():\n    pass\n\ndef test_bad():\n    assert False\n',
  );
  put('suite/tests/test_broken.py', 'import no_such_module\n');
  // Neither a quiet suite nor one that speaks last hides the counts.
  put('suite/pytest.ini', '[pytest]\naddopts = -q -q\nmarkers = integration\n');
  put('suite/conftest.py', 'def pytest_unconfigure():\n    print("bye")\n');
  const sha = configure('python3');
  const { code, out } = await prometheus('verify', 'tests', '--json');
  expect(code).toBe(1);
  // pytest stops at what it cannot collect: that file alone has failed, and no other test ran.
  expect(JSON.parse(out)).toMatchObject({ passed: 0, failed: 1, skipped: 0, of: `your suite, commit ${sha}` });
  expect(await onBoard()).toMatchObject({ state: 'FAIL' });
  execFileSync('rm', [path.join(suite, 'tests', 'test_broken.py')]);
  expect(JSON.parse((await prometheus('verify', 'tests', '--json')).out)).toMatchObject({
    passed: 1,
    failed: 1,
    skipped: 1,
  });
});
