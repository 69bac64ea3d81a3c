/** What stands in the way of a supervisor, as a person meets it on the command line: one line that says what and what to do. */
import { spawn } from 'node:child_process';
import { chmodSync, chownSync, lstatSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import path from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockHolder, processStartTime } from '../../src/platform/locks.ts';
import { supervisorLock } from '../../src/supervisor/daemon.ts';
import { listJobIds } from '../../src/supervisor/job-store.ts';
import { PROTOCOL_VERSION } from '../../src/supervisor/protocol.ts';
import { socketPath } from '../../src/supervisor/wire/socket-path.ts';
import { createTestHome, type TestHome } from '../helpers/jobs.ts';
import { MAIN } from '../helpers/processes.ts';
import { openTui } from '../helpers/tui.ts';
import { until } from '../helpers/until.ts';

/** Nothing listens there: a job begins, and fails with one line. */
const NOWHERE = 'postgresql://user@127.0.0.1:1/nothing';
const PROGRAM = ['backtest', 'campaign-and-meta', '--', '--strategy-id', 'S', '--market-id', 'US_EQ'];
const START = ['job', 'start', ...PROGRAM, '--start', '2014-01-02', '--end', '2014-03-31'];
const isRoot = process.getuid?.() === 0;

let test: TestHome;
let socket: string;
let server: Server | null = null;
beforeEach(() => {
  test = createTestHome();
  mkdirSync(test.at('run'), { mode: 0o700 });
  socket = socketPath(test.home, { XDG_RUNTIME_DIR: test.at('run') });
});
afterEach(async () => {
  server?.close();
  server = null;
  await test.remove();
});

/** Runs it, `through` another command; what it says goes through pipes, which are never full. */
async function prometheus(args: readonly string[], { through = [] as readonly string[], home = test.home.root } = {}) {
  const [file, ...rest] = [...through, process.execPath, MAIN, ...args];
  const ran = await execa(file, rest, {
    env: {
      PROMETHEUS_HOME: home,
      XDG_RUNTIME_DIR: test.at('run'),
      HISTORICAL_DB_URL: NOWHERE,
      RUNTIME_DB_URL: NOWHERE,
    },
    reject: false,
    stdin: 'ignore',
  });
  return { code: ran.exitCode, out: ran.stdout, err: ran.stderr };
}

function expectOneLine({ code, out, err }: { code?: number; out: string; err: string }, what: RegExp): void {
  expect(err).toMatch(what);
  expect(err).toMatch(/^prometheus: .*\. [A-Z][^\n]*$/);
  expect([code, out]).toEqual([1, '']);
}

describe('a full disk', () => {
  it('refuses a job and ends nobody; with room again the same supervisor takes it', async () => {
    const full = await prometheus(START, { through: ['prlimit', '--fsize=0:unlimited'] });
    expectOneLine(full, /no job folder can be made in .*: EFBIG/);
    const pid = lockHolder(supervisorLock(test.home))!;
    expectOneLine(await prometheus(START), /no job folder can be made/);
    expect(listJobIds(test.home)).toEqual([]);
    await execa('prlimit', ['--pid', String(pid), '--fsize=unlimited:unlimited']);
    expect(await prometheus(START)).toMatchObject({ code: 0, out: '0001-backtest-campaign-and-meta' });
    expect(lockHolder(supervisorLock(test.home))).toBe(pid);
  });
});

describe('a home', () => {
  it('where a file stands in its place', async () => {
    writeFileSync(test.at('file'), '');
    expectOneLine(await prometheus(START, { home: test.at('file/home') }), /the home .*file\/home cannot be created/);
  });

  it('that cannot be made: the console opens no screen, says why in a line and ends', async () => {
    writeFileSync(test.at('file'), '');
    const env = { PROMETHEUS_HOME: test.at('file/home'), XDG_RUNTIME_DIR: test.at('run') };
    const tui = openTui(process.execPath, [MAIN], { cols: 300, env });
    expect((await tui.exited).exitCode).toBe(1);
    await tui.settled();
    expect(tui.screen().trim()).toMatch(/^prometheus: the home .*file\/home cannot be created: .*\. [A-Z].*$/);
    expect(tui.alternate()).toBe(false);
  });

  it.skipIf(isRoot)('that may not be written (root may write anywhere)', async () => {
    mkdirSync(test.home.root, { recursive: true });
    chmodSync(test.home.root, 0o500);
    expectOneLine(await prometheus(START), /the home .* cannot be created: EACCES/);
    chmodSync(test.home.root, 0o700);
  });
});

describe('a socket', () => {
  it('left by a dead process is no trouble: the next supervisor takes its place', async () => {
    mkdirSync(path.dirname(socket), { recursive: true, mode: 0o700 });
    const script = `require('node:net').createServer().listen(${JSON.stringify(socket)}, () => console.log('listens'))`;
    const dead = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => dead.stdout.once('data', resolve));
    dead.kill('SIGKILL');
    await until(() => processStartTime(dead.pid!) === null, 'its death');
    const left = lstatSync(socket);
    expect(left.isSocket()).toBe(true);
    expect(await prometheus(['job', 'ls'])).toMatchObject({ code: 0, err: 'no jobs' });
    expect(await prometheus(['supervisor', 'start'])).toMatchObject({ code: 0, err: '' });
    expect(lstatSync(socket).ctimeMs).toBeGreaterThan(left.ctimeMs);
  });

  it.runIf(isRoot)('of another user (only root can make one)', async () => {
    await listen(() => '');
    chownSync(socket, 65_534, 65_534);
    expectOneLine(await prometheus(START), /socket folder .* holds a socket of user 65534; it is not used/);
    expectOneLine(await prometheus(['supervisor', 'status']), /socket of user 65534/);
  });

  it('in a folder that is a link, or open to others', async () => {
    mkdirSync(test.at('elsewhere'), { mode: 0o700 });
    symlinkSync(test.at('elsewhere'), path.dirname(socket));
    expectOneLine(await prometheus(START), /socket folder .* is a symbolic link; it is not used/);
  });

  it('that something else listens on', async () => {
    await listen(() => 'HTTP/1.1 400 Bad Request\r\n\r\n');
    expectOneLine(await prometheus(START), /what listens on .* is no supervisor/);
    expectOneLine(await prometheus(['supervisor', 'stop']), /what listens on .* is no supervisor/);
  });
});

describe('a supervisor of another version', () => {
  it.each([
    [PROTOCOL_VERSION - 1, /The supervisor is older than this program: prometheus supervisor stop/],
    [PROTOCOL_VERSION + 1, /This program is older than the supervisor: start it from the newer installation/],
  ])('%i of the protocol is told plainly', async (protocol, advice) => {
    const reason = `the supervisor speaks version ${protocol} of the protocol, the client version ${PROTOCOL_VERSION}`;
    await listen(() => `${JSON.stringify({ type: 'refused', protocol, reason })}\n`);
    const said = await prometheus(START);
    expectOneLine(said, advice);
    expect(said.err).toContain(reason);
    expectOneLine(await prometheus(['supervisor', 'status']), advice);
  });
});

/** Something on the socket that answers whatever it is told. */
async function listen(answer: () => string): Promise<void> {
  mkdirSync(path.dirname(socket), { recursive: true, mode: 0o700 });
  server = createServer((client) => client.on('error', () => {}).once('data', () => client.end(answer())));
  await new Promise<void>((resolve) => server!.listen(socket, resolve));
}
