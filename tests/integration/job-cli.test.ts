/** `prometheus job` and `prometheus top` as a person calls them. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectSupervisor } from '../../src/supervisor/wire/client.ts';
import { socketPath } from '../../src/supervisor/wire/socket-path.ts';
import { createTestHome, type TestHome } from '../helpers/jobs.ts';
import { MAIN } from '../helpers/processes.ts';

/** Nothing listens there: the job begins, and fails with one line. */
const NO_SERVER = 'postgresql://user:canary@127.0.0.1:1/nothing';

let test: TestHome;
beforeEach(() => {
  test = createTestHome();
});
afterEach(() => test.remove());

interface Result {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

const prometheus = (...args: string[]) => prometheusWith({}, ...args);

function prometheusWith(shell: NodeJS.ProcessEnv, ...args: string[]): Promise<Result> {
  const env = { ...process.env, ...shell, PROMETHEUS_HOME: test.home.root };
  const child = spawn(process.execPath, [MAIN, ...args], { env });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stderr.on('data', (chunk) => (err += chunk));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out, err })));
}

/** What the console is told of a job before it is run again, as lines. */
async function outlook(jobId: string): Promise<string> {
  const supervisor = await connectSupervisor({
    socket: socketPath(test.home, process.env),
    client: { name: 'me@here', kind: 'console', pid: process.pid, readOnly: false },
    origin: { cwd: '/', environment: process.env as Record<string, string> },
  });
  try {
    return (await supervisor.read('rerun', { jobId })).map((line) => `${line}\n`).join('');
  } finally {
    await supervisor.close();
  }
}

describe('prometheus job', () => {
  it('starts, follows, waits and tells', async () => {
    const flags = ['--strategy-id', 'S', '--market-id', 'US_EQ', '--start', '2014-01-02', '--end', '2014-03-31'];
    const databases = ['--historical', NO_SERVER, '--runtime', NO_SERVER];
    const started = await prometheus('job', 'start', 'backtest', 'campaign-and-meta', ...databases, '--', ...flags);
    const id = '0001-backtest-campaign-and-meta';
    expect(started).toEqual({ code: 0, out: `${id}\n`, err: '' });

    const logs = await prometheus('job', 'logs', '1', '-f');
    expect(logs).toMatchObject({ code: 0, out: '' });
    expect(logs.err).toMatch(/^prometheus: .*no server answers.*\n$/);

    const waited = await prometheus('job', 'wait', 'last', '--json');
    expect(waited.code).toBe(1);
    expect(JSON.parse(waited.out)).toMatchObject({ job: { id, state: 'FAIL', exitCode: 1 } });

    const list = await prometheus('job', 'ls', '--json');
    expect(JSON.parse(list.out).jobs).toMatchObject([{ id, program: 'backtest campaign-and-meta' }]);
    expect((await prometheus('job', 'ls')).out).toMatch(
      /^ID .*\n0001-backtest-campaign-and-meta +✗ FAIL .* 1 +exit code 1 · /,
    );

    const metrics = await prometheus('job', 'metrics', '1', '--json', '--points', '1');
    const memory = { source: 'process', name: 'memory', unit: 'bytes', last: expect.any(Number) };
    expect(JSON.parse(metrics.out)).toMatchObject({ job: id, dropped: 0 });
    expect(JSON.parse(metrics.out).series).toContainEqual(expect.objectContaining(memory));
    expect((await prometheus('job', 'metrics', '1')).out).toMatch(/^NAME +LAST +LOWEST +HIGHEST +UNIT\n(.*\n)*memory /);

    const shown = await prometheus('job', 'show', '1', '--json');
    expect(JSON.parse(shown.out).series).toContainEqual(expect.objectContaining(memory));
    expect(JSON.parse(shown.out).spec.programArgs.slice(0, 8)).toEqual(flags);
    expect(shown.out).not.toContain('canary');
    expect((await prometheus('job', 'show', '1')).out).toContain(
      'command        prometheus backtest campaign-and-meta --strategy-id S --market-id US_EQ --start 2014-01-02',
    );

    expect(await prometheus('job', 'rerun', '1')).toMatchObject({
      code: 1,
      err: expect.stringMatching(/ran with HISTORICAL_DB_URL, RUNTIME_DB_URL, not set now/),
    });
    expect(await prometheus('job', 'stop', '1')).toMatchObject({
      code: 1,
      err: expect.stringContaining('does not run: FAIL'),
    });
  });

  it.each([
    [['start', 'nothing'], "there is no program 'nothing'. Programs: "],
    [
      ['start', 'backtest campaign', '--', '--start', 'x'],
      "--start 'x': is not a date; write it as YYYY-MM-DD. See: prometheus backtest campaign --help",
    ],
    [['show', '5'], "there is no job '5'. See: prometheus job ls"],
    [['wait', 'last'], 'there is no job yet'],
  ])('job %j is a usage error of one line', async (args, message) => {
    const { code, out, err } = await prometheus('job', ...args);
    expect([code, out, err.split('\n').length]).toEqual([2, '', 2]);
    expect(err).toContain(message);
  });

  it('waits aloud where no supervisor runs, and tells a job that never began from one that failed', async () => {
    mkdirSync(test.home.root, { recursive: true });
    writeFileSync(
      path.join(test.home.root, 'programs.yaml'),
      `programs:\n  own wait:\n    summary: waits\n    phase: P1\n    command: [sh, -c, 'while [ ! -e "{go}" ]; do sleep 0.1; done; exit 4']\n` +
        '    arguments: { go: { required: true, help: a file } }\n',
    );
    const start = (...more: string[]) =>
      prometheus('job', 'start', 'own', 'wait', ...more, '--', '--go', test.at('go'));
    await start();
    await start('--after', '1');
    await prometheus('supervisor', 'stop');
    const waiting = prometheus('job', 'wait', '2');
    const first = prometheus('job', 'wait', '1');
    writeFileSync(test.at('go'), '');
    expect((await first).code).toBe(4);
    await prometheus('supervisor', 'start');
    const { code, err } = await waiting;
    expect(code).toBe(130);
    expect(err).toMatch(
      /^0002-own-wait waits for a supervisor, and none runs: prometheus supervisor start\n0002-own-wait STOP: not begun: 0001-own-wait ended FAIL\n$/,
    );
  });

  it('gives a command of the user’s own the variables that it names, and no others', async () => {
    mkdirSync(test.home.root, { recursive: true });
    writeFileSync(
      path.join(test.home.root, 'programs.yaml'),
      `programs:\n  own key:\n    summary: says its key\n    phase: P1\n    environment: [OWN_KEY]\n` +
        `    command: [sh, -c, 'echo "[$OWN_KEY] [$OTHER_KEY]"']\n`,
    );
    const shell = { OWN_KEY: 'k1', OTHER_KEY: 'k2' };
    expect(await prometheusWith(shell, 'job', 'start', 'own', 'key')).toMatchObject({ code: 0 });
    await prometheus('job', 'wait', 'last');
    expect((await prometheus('job', 'logs', 'last')).out).toBe('[k1] []\n');
    const removed = await prometheus('job', 'rm', 'last', '--json');
    expect(JSON.parse(removed.out)).toEqual({ schema: 1, removed: ['0001-own-key'] });
    expect((await prometheus('job', 'ls', '--json')).out).toContain('"jobs":[]');
  });

  it('runs a command of the user’s own as programs.yaml says it now, without a new supervisor', async () => {
    const write = (command: string, more = '') =>
      writeFileSync(
        path.join(test.home.root, 'programs.yaml'),
        `programs:\n  own words:\n    summary: says so\n    phase: P1\n    command: [sh, -c, '${command}', "{text}"]\n` +
          `    arguments: { text: { required: true, help: what it says } }\n${more}`,
      );
    const run = async () => {
      const started = await prometheus('job', 'start', 'own', 'words', '--', '--text', 'x');
      const waited = await prometheus('job', 'wait', 'last');
      return `${started.err}${waited.err}${(await prometheus('job', 'logs', 'last')).out}`;
    };
    mkdirSync(test.home.root, { recursive: true });
    write('echo first; exit 3');
    expect(await run()).toBe('0001-own-words PART: exit code 3: some items failed\nfirst\n');
    write('echo second; exit 3', '    reading: { partialCode: null }\n');
    expect(await run()).toBe('0002-own-words FAIL: exit code 3\nsecond\n');
    write('echo third; exit 2');
    expect(await run()).toBe('0003-own-words FAIL: exit code 2\nthird\n');
    write('exit 0', '    rowsDue: true\n');
    expect(await run()).toMatch(/^0004-own-words FAIL: exit code 0, but no row was written/);
    expect((await prometheus('job', 'wait', 'last')).code).toBe(1);
    const status = await prometheus('supervisor', 'status', '--json');
    expect(JSON.parse(status.out).running).toBe(true);
    write('echo fourth', '    nothing: 1\n');
    const refused = await prometheus('job', 'start', 'own', 'words', '--', '--text', 'x');
    expect(refused).toMatchObject({
      code: 2,
      err: expect.stringMatching(/programs\.yaml:7: .*nothing: is not a setting/),
    });
    write('echo fifth');
    const help = await prometheus('job', 'programs', 'own', 'words');
    expect(help.out).toMatch(
      /^Usage: prometheus job start own words -- --text TEXT\n(.*\n)* +--text TEXT +what it says \(required\)\n$/,
    );
  });

  it('gives a password to the program as it is, and shows it to nobody', async () => {
    mkdirSync(test.home.root, { recursive: true });
    writeFileSync(
      path.join(test.home.root, 'programs.yaml'),
      'programs: { own: { summary: s, phase: P1, command: [sh, -c, \'test "$1$2" = --urlpostgresql://u:canary@h/d\', sh,' +
        ' "{arguments}"], arguments: { url: {}, db-password: {} } } }',
    );
    const words = ['--url', 'postgresql://u:canary@h/d', '--db-password', 'can ary'];
    await prometheus('job', 'start', 'own', '--', ...words);
    expect(await prometheus('job', 'wait', '1')).toMatchObject({ code: 0 });
    const folder = path.join(test.home.jobs, '0001-own');
    expect(readFileSync(path.join(folder, 'spec.json'), 'utf8')).toContain('canary');
    expect([folder, path.join(folder, 'spec.json')].map((file) => statSync(file).mode & 0o777)).toEqual([0o700, 0o600]);
    const shown = await prometheus('job', 'show', '1');
    expect(shown.out).toContain('--url postgresql://u:…@h/d --db-password …\n');
    expect(shown.out).toContain('DONE');
    const said = [shown, await prometheus('job', 'show', '1', '--json'), await prometheus('job', 'ls', '--json')];
    said.push(await prometheus('events', '--audit', '--json'), await prometheus('events'));
    for (const { code, out } of said) expect([code, /can ?ary/.test(out)]).toEqual([0, false]);
    // Run again it has what it had.
    await prometheus('job', 'rerun', '1');
    expect(await prometheus('job', 'wait', '2')).toMatchObject({ code: 0 });
  });

  it('runs a command of the user’s own again as it was recorded, and says what is otherwise by now', async () => {
    mkdirSync(test.home.root, { recursive: true });
    const write = (command: string, more = '') =>
      writeFileSync(
        path.join(test.home.root, 'programs.yaml'),
        `programs: { own: { summary: s, phase: P1, command: [sh, -c, "${command}; pwd", sh, "{arguments}"], arguments: { n: {} }${more} } }`,
      );
    const repository = test.at('code');
    const git = (...args: string[]) =>
      execFileSync('git', ['-C', repository, '-c', 'user.name=t', '-c', 'user.email=t@t', ...args], {
        encoding: 'utf8',
      });
    mkdirSync(repository);
    git('init', '-q');
    writeFileSync(path.join(repository, 'f'), 'one');
    git('add', '.');
    git('commit', '-qm', 'first');
    const sha = git('rev-parse', 'HEAD').trim();
    const spec = (n: number) => JSON.parse(readFileSync(path.join(test.home.jobs, `000${n}-own`, 'spec.json'), 'utf8'));
    const ended = async (n: number) => {
      await prometheus('job', 'wait', String(n));
      return (await prometheus('job', 'logs', String(n))).out;
    };
    write('echo first', `, cwd: "${repository}"`);
    await prometheus('job', 'start', 'own', '--', '--n', '1');
    expect(await ended(1)).toBe(`first\n${repository}\n`);
    expect(spec(1)).toMatchObject({ gitSha: sha, gitDirty: false, changes: null, build: null });
    const shown = (await prometheus('job', 'show', '1')).out;
    expect(shown).toContain(`runs           sh -c 'echo first; pwd' sh --n 1\nran in         ${repository}\n`);

    expect(await prometheus('job', 'rerun', '1')).toEqual({ code: 0, out: '0002-own\n', err: '' });
    expect(spec(2).configHash).toBe(spec(1).configHash);

    expect(await outlook('0001-own')).toBe('');

    write('echo second', `, cwd: "${test.at('.')}"`);
    writeFileSync(path.join(repository, 'f'), 'two');
    const expected = await outlook('0001-own');
    const again = await prometheus('job', 'rerun', '1');
    // What the console says before it asks for the job is what is said here after.
    expect(expected).toBe(again.err);
    expect(again.err).toContain(`the code in ${repository} has changed since 0001-own: ${sha} → ${sha} with changes `);
    expect(again.err).toContain('programs.yaml has changed since 0001-own; it runs as recorded. It was: sh -c ');
    expect(await ended(3)).toBe(`first\n${repository}\n`);
    expect(spec(3)).toMatchObject({ argv: spec(1).argv, cwd: repository, gitDirty: true });
    expect(spec(3).configHash).not.toBe(spec(1).configHash);

    writeFileSync(path.join(repository, 'f'), 'three');
    const dirty = await prometheus('job', 'rerun', '3', '--', '--n', '2');
    expect(dirty.err).toContain('it runs as programs.yaml says now');
    expect(await ended(4)).toBe(`second\n${path.resolve(test.at('.'))}\n`);
    expect(spec(4)).toMatchObject({ gitSha: null, gitDirty: null });

    rmSync(path.join(test.home.root, 'programs.yaml'));
    const before = await outlook('0001-own');
    const gone = await prometheus('job', 'rerun', '1');
    expect(before).toBe(gone.err);
    expect(gone.err).toContain("programs.yaml has no usable 'own' any more: it runs as recorded in 0001-own\n");
    expect(await ended(5)).toBe(`first\n${repository}\n`);
    expect(spec(5).changes).not.toBe(spec(3).changes);
  });

  it('waits for the attempts of a job that is tried again', async () => {
    mkdirSync(test.home.root, { recursive: true });
    const script = `test -e '${test.at('two')}' && exit 0; test -e '${test.at('one')}' && touch '${test.at('two')}'; touch '${test.at('one')}'; exit 4`;
    writeFileSync(
      path.join(test.home.root, 'programs.yaml'),
      `programs: { own: { summary: s, phase: P1, command: [sh, -c, "${script}"] } }`,
    );
    await prometheus('job', 'start', 'own', '--attempts', '3', '--backoff', '0.01');
    const { code, err } = await prometheus('job', 'wait', '1');
    expect([code, err.split('\n')]).toEqual([
      0,
      [
        '0001-own FAIL: exit code 4; attempt 2 of 3: 0002-own',
        '0002-own FAIL: exit code 4; attempt 3 of 3: 0003-own',
        '0003-own DONE',
        '',
      ],
    ]);
    expect((await prometheus('events', '--audit')).out).toContain(' (as told by the client): launch own');
  });

  it('starts nothing for a key that another command has', async () => {
    mkdirSync(test.home.root, { recursive: true });
    writeFileSync(
      path.join(test.home.root, 'programs.yaml'),
      'programs: { own: { summary: s, phase: P1, command: [echo, "{n}"], arguments: { n: { type: integer, default: 1 } } } }',
    );
    const start = (...words: string[]) => prometheus('job', 'start', 'own', '--key', 'k', ...words);
    const first = { code: 0, out: '0001-own\n', err: '' };
    expect([await start(), await start('--', '--n', '1')]).toEqual([first, first]);
    expect(await start('--', '--n', '2')).toEqual({
      code: 2,
      out: '',
      err: "prometheus: the key 'k' is that of 0001-own, which is another command: prometheus job start own -- --n 1. Nothing was started; give another key.\n",
    });
  });

  it.each([[['job', 'ls']], [['job', 'show', 'last']], [['events']], [['events', '--audit']]])(
    '%j: a file in the place of the home is told in one line',
    async (args) => {
      writeFileSync(test.home.root, '');
      const said = await prometheus(...args);
      rmSync(test.home.root);
      expect(said).toEqual({
        code: 2,
        out: '',
        err: `prometheus: ${test.home.root} is no home: it is a file. Set PROMETHEUS_HOME to a folder that you may write.\n`,
      });
    },
  );

  it('knows no jobs in a new home', async () => {
    expect(await prometheus('job', 'ls')).toEqual({ code: 0, out: '', err: 'no jobs\n' });
  });
});

describe('prometheus top', () => {
  it('tells one sample', async () => {
    const { code, out } = await prometheus('top', '--json');
    expect(code).toBe(0);
    const sample = JSON.parse(out);
    expect(sample.cpu.busy).toBeGreaterThanOrEqual(0);
    expect(sample.cpu.perCore).toHaveLength(sample.cpu.cores);
    expect(sample).toMatchObject({ disk: { path: test.home.root }, problems: [] });
    const page = await prometheus('top');
    expect(page.out).toMatch(/^CPU {3}\d+ % of \d+ cores, load [\d.]+\nRAM .*\ndisk .*\nGPU /);
  });
});
