import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDatabases } from '../../src/platform/db/databases.ts';
import {
  databaseUrl,
  dropServer,
  embeddedServer,
  embeddedTargets,
  serverStatus,
  startServer,
  stopServer,
} from '../../src/platform/db/embedded.ts';
import { targetFromUrl } from '../../src/platform/db/targets.ts';
import { type Home, homeAt } from '../../src/platform/home.ts';
import { shortHash } from '../../src/platform/ids.ts';
import { processStartTime } from '../../src/platform/locks.ts';
import { until } from '../helpers/until.ts';

const ROOT = process.getuid?.() === 0;
const LINUX = process.platform === 'linux';
const SOURCES = path.resolve(import.meta.dirname, '../../src');
const hasPsql = spawnSync('psql', ['--version']).status === 0;

const folders: string[] = [];
const children: ChildProcess[] = [];

/** A folder of the test's own; under root the server's user may pass it, unless the test says otherwise. */
function temporaryFolder(mode = 0o711): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'prometheus-pg-'));
  chmodSync(folder, mode);
  folders.push(folder);
  return folder;
}

/** Runs a module of ours in another process: `server` is embedded.ts, `home` the home. */
function run(home: Home, body: string, options: { uid?: number } = {}) {
  const code = `import * as server from ${JSON.stringify(path.join(SOURCES, 'platform/db/embedded.ts'))};
    import { homeAt } from ${JSON.stringify(path.join(SOURCES, 'platform/home.ts'))};
    const home = homeAt(${JSON.stringify(home.root)});
    ${body}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    cwd: '/',
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  });
  children.push(child);
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  return {
    child,
    output: () => output,
    /** Waits for the end of the process and of everything that holds its output. */
    done: async () => {
      const [code] = await once(child, 'close');
      return { code, output };
    },
  };
}

const query = async (home: Home, sql: string): Promise<unknown[][]> => {
  const databases = openDatabases(embeddedTargets(embeddedServer(home)), { application: 'test' });
  try {
    const result = await databases.runtime.client((client) => client.query({ text: sql, rowMode: 'array' }));
    return result.rows;
  } finally {
    await databases.close();
  }
};

/** The child of a server whose title has a word. */
const childOf = (pid: number, word: string): number | undefined =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean)
    .map(Number)
    .find(
      (child) => existsSync(`/proc/${child}/cmdline`) && readFileSync(`/proc/${child}/cmdline`, 'utf8').includes(word),
    );

const failure = async (work: Promise<unknown>) => {
  const error = await work.then(
    () => null,
    (e) => e,
  );
  expect(error?.name).toMatch(/^(User|Usage)Error$/);
  expect(error.message).not.toContain('\n');
  expect(error.fix).toBeTruthy();
  return error as { message: string; fix: string };
};

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  for (const folder of folders) {
    for (const root of [folder, path.join(folder, 'home')]) await dropServer(homeAt(root));
    rmSync(folder, { recursive: true, force: true });
  }
});

describe('a home of its own', () => {
  let home: Home;

  beforeAll(() => {
    home = homeAt(path.join(temporaryFolder(), 'home'));
  });

  test('nothing is there before the first start', async () => {
    expect(await serverStatus(home)).toMatchObject({ running: false, pid: null, startedAt: null });
    expect(await stopServer(home)).toBe(false);
    expect(await dropServer(home)).toEqual([]);
    expect(existsSync(home.root)).toBe(false);
  });

  test('several processes at once: one cluster, one server, all served', async () => {
    const starts = Array.from({ length: 3 }, () =>
      run(
        home,
        `await server.startServer(home, { onProgress: (text) => console.log(text) });
         console.log('pid', (await server.serverStatus(home)).pid);`,
      ),
    );
    const ends = await Promise.all(starts.map((start) => start.done()));
    expect(ends.map((end) => end.code)).toEqual([0, 0, 0]);
    const all = ends.map((end) => end.output).join('');
    expect(all.match(/making a database cluster/g)).toHaveLength(1);
    expect(all.match(/starting PostgreSQL/g)).toHaveLength(1);
    const { running, pid, startedAt } = await serverStatus(home);
    expect(running).toBe(true);
    expect(new Set(all.match(/pid \d+/g))).toEqual(new Set([`pid ${pid}`]));
    expect(Math.abs(Date.now() - startedAt!)).toBeLessThan(300_000);
    expect(await query(home, 'SELECT current_user, current_database()')).toEqual([
      ['prometheus', 'prometheus_runtime'],
    ]);
  });

  test('files belong to the right users and nobody else may look', () => {
    const { base, dataFolder, socketFolder, passfile, logFile } = embeddedServer(home);
    const uid = ROOT ? 65534 : process.getuid!();
    const look = (file: string) => {
      const { uid, mode } = lstatSync(file);
      return { uid, mode: (mode & 0o777).toString(8) };
    };
    expect(base).toBe(path.join(home.root, 'postgres'));
    expect(look(dataFolder)).toEqual({ uid, mode: '700' });
    expect(look(socketFolder)).toEqual({ uid, mode: '700' });
    expect(look(path.dirname(logFile))).toEqual({ uid, mode: '700' });
    expect(look(passfile)).toEqual({ uid: process.getuid!(), mode: '600' });
    expect(readdirSync(base).sort()).toEqual(['18.4', 'cluster-18', 'log', 'passfile', 'socket']);
    expect(readlinkSync(path.join(base, '18.4/lib/libpq.so.5'))).toBe('libpq.so.5.18');
  });

  test('the cluster is what was meant: UTF8, sorted by code point, scram, socket only', async () => {
    const [settings] = await query(
      home,
      `SELECT current_setting('server_version'), pg_encoding_to_char(encoding), datlocprovider::text, datlocale,
        current_setting('password_encryption'), current_setting('listen_addresses'), current_setting('wal_level'),
        current_setting('max_connections')::int, current_setting('data_checksums'), upper('é'), 'a' < 'B'
        FROM pg_database WHERE datname = current_database()`,
    );
    expect(settings).toEqual(['18.4', 'UTF8', 'b', 'C.UTF-8', 'scram-sha-256', '', 'minimal', 100, 'on', 'É', false]);
    const { passfile } = embeddedServer(home);
    const password = readFileSync(passfile, 'utf8').trim().split(':')[4];
    expect(password).toMatch(/^[0-9a-f]{48}$/);
    const target = embeddedTargets(embeddedServer(home)).runtime;
    expect(JSON.stringify(target)).not.toContain(password);
    const wrong = { ...target, config: { ...target.config, password: 'x' } };
    const databases = openDatabases({ historical: wrong, runtime: wrong }, { application: 'test' });
    const error = await failure(databases.runtime.client((client) => client.query('SELECT 1')));
    expect(error.message).toContain('the server refused the login');
    await databases.close();
  });

  test.runIf(LINUX)('the server holds nothing of the process that started it', async () => {
    const { pid, server } = await serverStatus(home);
    const descriptor = (fd: number) => readlinkSync(`/proc/${pid}/fd/${fd}`);
    expect([descriptor(0), descriptor(1), descriptor(2)]).toEqual(['/dev/null', server.logFile, server.logFile]);
    expect(readlinkSync(`/proc/${pid}/cwd`)).toBe(server.dataFolder);
    const session = (of: number | string) => readFileSync(`/proc/${of}/stat`, 'utf8').split(') ')[1].split(' ')[3];
    expect(session(pid!)).not.toBe(session('self'));
    expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).not.toContain('HOME=');
  });

  test('a URL for psql, without a password, that we read ourselves too', async () => {
    const server = embeddedServer(home);
    const url = databaseUrl(embeddedTargets(server).historical, server);
    const password = readFileSync(server.passfile, 'utf8').trim().split(':')[4];
    expect(url).toContain(`host=${encodeURIComponent(server.socketFolder)}`);
    expect(url).toContain(`passfile=${encodeURIComponent(server.passfile)}`);
    expect(url).not.toContain(password);
    const target = targetFromUrl('historical', url, 'the test');
    const databases = openDatabases({ historical: target, runtime: target }, { application: 'test' });
    const result = await databases.historical.client((client) => client.query('SELECT current_database() AS name'));
    expect(result.rows).toEqual([{ name: 'prometheus_historical' }]);
    await databases.close();
  });

  test.skipIf(!hasPsql)(`psql accepts the URL${hasPsql ? '' : ' (psql is not installed)'}`, () => {
    const server = embeddedServer(home);
    const url = databaseUrl(embeddedTargets(server).runtime, server);
    const out = execFileSync('psql', [url, '-XAtc', 'SELECT current_database(), current_user'], { encoding: 'utf8' });
    expect(out).toBe('prometheus_runtime|prometheus\n');
  });

  test('a second start changes nothing; a missing database is made again', async () => {
    const before = await serverStatus(home);
    expect(await startServer(home)).toEqual(embeddedServer(home));
    await query(home, 'DROP DATABASE prometheus_historical');
    await startServer(home);
    expect(await query(home, "SELECT count(*) FROM pg_database WHERE datname LIKE 'prometheus_%'")).toEqual([[2]]);
    expect(await serverStatus(home)).toEqual(before);
  });

  test('kill -9 of the server: committed rows are there after the next start', async () => {
    await query(home, 'CREATE TABLE kept (x int)');
    await query(home, 'INSERT INTO kept VALUES (42)');
    const { pid } = await serverStatus(home);
    process.kill(pid!, 'SIGKILL');
    await expect.poll(() => processStartTime(pid!)).toBeNull();
    expect((await serverStatus(home)).running).toBe(false);
    expect((await failure(query(home, 'SELECT 1'))).fix).toContain('prometheus db up');
    await startServer(home);
    expect(await query(home, 'SELECT * FROM kept')).toEqual([[42]]);
    expect((await serverStatus(home)).pid).not.toBe(pid);
  });

  test('kill -9 of the server while a query keeps one of its children busy', async () => {
    const databases = openDatabases(embeddedTargets(embeddedServer(home)), { application: 'busy' });
    const busy = databases.runtime.client((client) => client.query('DO $$ BEGIN LOOP END LOOP; END $$'));
    busy.catch(() => {});
    await expect
      .poll(() => query(home, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'DO %' AND state = 'active'"))
      .toEqual([[1]]);
    const { pid } = await serverStatus(home);
    process.kill(pid!, 'SIGKILL');
    await expect.poll(() => processStartTime(pid!)).toBeNull();
    await startServer(home);
    await expect(busy).rejects.toThrow();
    await databases.close();
    expect(await query(home, 'SELECT * FROM kept')).toEqual([[42]]);
  });

  test.skipIf(!LINUX)(
    'a server that lost its startup process while it recovered, and hangs, is begun again',
    async () => {
      await query(home, 'CREATE TABLE recovered AS SELECT x FROM generate_series(1, 1500000) AS x');
      const { pid } = await serverStatus(home);
      process.kill(pid!, 'SIGKILL');
      await expect.poll(() => processStartTime(pid!)).toBeNull();
      const starting = run(home, 'await server.startServer(home)');
      const postmaster = await until(async () => (await serverStatus(home)).pid, 'the new server');
      const startup = await until(() => childOf(postmaster, 'startup'), 'its startup process');
      // Stopped, it does not see that its child is gone: as a server that waits for ever, whatever made it so.
      process.kill(postmaster, 'SIGSTOP');
      process.kill(startup, 'SIGKILL');
      expect(await starting.done()).toMatchObject({ code: 0 });
      expect((await serverStatus(home)).pid).not.toBe(postmaster);
      expect(await query(home, 'SELECT count(*)::int FROM recovered')).toEqual([[1500000]]);
    },
  );

  test.skipIf(!LINUX)('a server that was told to stop and hangs is ended, and begun again', async () => {
    const { pid } = await serverStatus(home);
    // Its checkpointer never answers: what it says is "stopping", for ever.
    process.kill(await until(() => childOf(pid!, 'checkpointer'), 'its checkpointer'), 'SIGSTOP');
    process.kill(pid!, 'SIGINT');
    const pidFile = path.join(embeddedServer(home).dataFolder, 'postmaster.pid');
    await until(() => /^stopping/m.test(readFileSync(pidFile, 'utf8')), 'the stop');
    await startServer(home);
    expect((await serverStatus(home)).pid).not.toBe(pid);
    expect(await query(home, 'SELECT * FROM kept')).toEqual([[42]]);
  });

  test('a pid file whose pid now belongs to another program', async () => {
    const { dataFolder } = embeddedServer(home);
    const pidFile = path.join(dataFolder, 'postmaster.pid');
    const lines = readFileSync(pidFile, 'utf8').split('\n');
    expect(await stopServer(home)).toBe(true);
    expect(await stopServer(home)).toBe(false);
    const stranger = spawn('sleep', ['1000'], { stdio: 'ignore', ...(ROOT ? { uid: 65534, gid: 65534 } : {}) });
    children.push(stranger);
    await once(stranger, 'spawn');
    writeFileSync(pidFile, [stranger.pid, ...lines.slice(1)].join('\n'), { mode: 0o600 });
    if (ROOT) chownSync(pidFile, 65534, 65534);
    expect((await serverStatus(home)).running).toBe(false);
    await startServer(home);
    expect(await query(home, 'SELECT * FROM kept')).toEqual([[42]]);
    expect(processStartTime(stranger.pid!)).not.toBeNull();
  });

  test('a lost password file: the running server cannot be reached, the next start makes a new one', async () => {
    const { passfile } = embeddedServer(home);
    const before = readFileSync(passfile, 'utf8');
    rmSync(passfile);
    const error = await failure(startServer(home));
    expect(error.message).toBe(`the password file ${passfile} of the running server is gone`);
    expect(await stopServer(home)).toBe(true);
    await startServer(home);
    expect(readFileSync(passfile, 'utf8')).not.toBe(before);
    expect(await query(home, 'SELECT * FROM kept')).toEqual([[42]]);
  });

  test('TCP when asked for; clients still find the socket', async () => {
    const port = 55_000 + (process.pid % 1000);
    const running = await failure(startServer(home, { tcpPort: port }));
    expect(running.message).toBe('the embedded PostgreSQL already runs without TCP');
    expect((await failure(startServer(home, { tcpPort: 80 }))).message).toContain('80 is no TCP port');
    await stopServer(home);
    const occupant = createServer().listen(port, '127.0.0.1');
    await once(occupant, 'listening');
    const taken = await failure(startServer(home, { tcpPort: port }));
    expect(taken.message).toBe(`TCP port ${port} is taken by another program`);
    occupant.close();
    await once(occupant, 'close');
    await startServer(home, { tcpPort: port });
    const [row] = await query(home, "SELECT current_setting('listen_addresses'), current_setting('port')");
    expect(row).toEqual(['127.0.0.1', String(port)]);
    const { config } = embeddedTargets(embeddedServer(home)).runtime;
    const tcp = { ...embeddedTargets(embeddedServer(home)).runtime, config: { ...config, host: '127.0.0.1', port } };
    const databases = openDatabases({ historical: tcp, runtime: tcp }, { application: 'test' });
    await databases.runtime.client((client) => client.query('SELECT 1'));
    await databases.close();
    await stopServer(home);
    await startServer(home);
    expect(await query(home, "SELECT current_setting('listen_addresses')")).toEqual([['']]);
  });

  test('drop removes everything and says what', async () => {
    const { dataFolder, socketFolder, logFile, base } = embeddedServer(home);
    const { pid } = await serverStatus(home);
    const removed = await dropServer(home);
    expect(removed[0]).toBe(dataFolder);
    expect(removed.toSorted()).toEqual([path.join(base, '18.4'), dataFolder, path.dirname(logFile), socketFolder]);
    expect(processStartTime(pid!)).toBeNull();
    expect(readdirSync(base)).toEqual([]);
    expect(await dropServer(home)).toEqual([]);
  });
});

describe('homes that are not simple', () => {
  test('an initdb killed in the middle is done again from scratch', async () => {
    const home = homeAt(path.join(temporaryFolder(ROOT ? 0o700 : 0o711), 'home'));
    const { base, dataFolder } = embeddedServer(home);
    const first = run(home, "await server.startServer(home); console.log('not killed');");
    const halfMade = () =>
      existsSync(base) ? readdirSync(base).find((name) => name.startsWith('cluster-18.new-')) : undefined;
    // A file that initdb writes: by then it is at work.
    await expect
      .poll(() => halfMade() && existsSync(path.join(base, halfMade()!, 'PG_VERSION')), { timeout: 60_000 })
      .toBe(true);
    first.child.kill('SIGKILL');
    await first.done();
    expect(first.output()).not.toContain('not killed');
    for (const pid of initdbOf(path.join(base, halfMade()!))) process.kill(pid, 'SIGKILL');
    expect(existsSync(dataFolder)).toBe(false);

    await startServer(home);
    expect(await query(home, 'SELECT 1')).toEqual([[1]]);
    expect(readdirSync(base).filter((name) => /\.(new|drop)-/.test(name))).toEqual([]);

    // Under root the same home is also one that user 65534 cannot reach: its parent is 0700 and stays so.
    if (ROOT) {
      expect(base).toBe(path.join('/var/lib/prometheus', shortHash(home.root)));
      expect(statSync(path.dirname(home.root)).mode & 0o777).toBe(0o700);
      expect(embeddedServer(home).passfile).toBe(path.join(home.postgres, 'passfile'));
    }
    const removed = await dropServer(home);
    expect(removed).toContain(dataFolder);
    expect(existsSync(dataFolder)).toBe(false);
    if (ROOT) expect(existsSync(base)).toBe(false);
  });

  test('an ordinary user with a path too long for a socket', async () => {
    const uid = ROOT ? anOrdinaryUser() : undefined;
    const folder = temporaryFolder();
    if (uid !== undefined) chownSync(folder, uid, uid);
    const home = homeAt(path.join(folder, 'a'.repeat(60), `space and 'quote', comma`, 'b'.repeat(60)));
    const started = await run(
      home,
      `const { socketFolder } = await server.startServer(home);
       const { openDatabases } = await import(${JSON.stringify(path.join(SOURCES, 'platform/db/databases.ts'))});
       const databases = openDatabases(server.embeddedTargets(server.embeddedServer(home)), { application: 'test' });
       const { rows } = await databases.historical.client((c) => c.query('SELECT current_database() AS name'));
       await databases.close();
       console.log(JSON.stringify({ socketFolder, ...rows[0], running: (await server.serverStatus(home)).running }));`,
      { uid },
    ).done();
    expect(started).toMatchObject({ code: 0 });
    const { socketFolder, name, running } = JSON.parse(started.output);
    expect({ name, running }).toEqual({ name: 'prometheus_historical', running: true });
    const socket = path.join(socketFolder, '.s.PGSQL.5432');
    expect(Buffer.byteLength(socket)).toBeLessThanOrEqual(107);
    expect(lstatSync(socketFolder).mode & 0o777).toBe(0o700);
    expect(lstatSync(socketFolder).uid).toBe(uid ?? process.getuid!());

    if (ROOT) {
      // Root may use and stop what belongs to an ordinary user; another ordinary user may not.
      expect(await query(home, 'SELECT 1')).toEqual([[1]]);
      const other = await run(home, 'await server.stopServer(home).catch((e) => console.log(e.message));', {
        uid: 65534,
      }).done();
      expect(other.output).toMatch(/belongs to user|permission denied/);
    }
    const dropped = await run(home, 'console.log(JSON.stringify(await server.dropServer(home)));', { uid }).done();
    expect(JSON.parse(dropped.output)).toContain(socketFolder);
    expect(existsSync(socketFolder)).toBe(false);
  });

  test('a link or a stranger in the place of the socket folder is refused, not followed', async () => {
    const folder = temporaryFolder();
    const home = homeAt(path.join(folder, 'c'.repeat(110), 'home'));
    const { socketFolder } = embeddedServer(home);
    expect(path.dirname(socketFolder)).toBe('/tmp');
    symlinkSync(folder, socketFolder);
    try {
      expect((await failure(startServer(home))).message).toBe(
        `${socketFolder} is in the way: it is no folder, not ours`,
      );
    } finally {
      rmSync(socketFolder);
    }
    if (!ROOT) return;
    mkdirSync(socketFolder, { mode: 0o700 });
    chownSync(socketFolder, 4242, 4242);
    try {
      expect((await failure(startServer(home))).message).toContain('a folder of user 4242, not ours');
    } finally {
      rmSync(socketFolder, { recursive: true });
    }
  });

  test('a home that cannot be written, and a path that PostgreSQL cannot take, are one line each', async () => {
    const folder = temporaryFolder();
    writeFileSync(path.join(folder, 'file'), '');
    const unwritable = await failure(startServer(homeAt(path.join(folder, 'file', 'home'))));
    expect(unwritable.message).toContain('cannot be created');
    expect(unwritable.fix).toContain('PROMETHEUS_HOME');
    const odd = await failure(startServer(homeAt(path.join(folder, 'a$b'))));
    expect(odd.message).toContain('the path holds one of');
  });

  const canMount = ROOT && LINUX && mountWorks();
  test.skipIf(!canMount)(`a full disk is one line${canMount ? '' : ' (needs root and mount)'}`, async () => {
    const folder = temporaryFolder();
    mount(folder, '30m');
    try {
      const home = homeAt(path.join(folder, 'home'));
      expect((await failure(startServer(home))).message).toContain(`the disk that holds ${home.postgres} is full`);
      expect(readdirSync(home.postgres).filter((name) => name.includes('.new-'))).toEqual([]);
    } finally {
      execFileSync('umount', [folder]);
    }
  });
});

/** initdb and its children, found by the folder they work on. */
function initdbOf(folder: string): number[] {
  const ps = execFileSync('ps', ['-ww', '-A', '-o', 'pid=,command='], { encoding: 'utf8' });
  return ps
    .split('\n')
    .filter((line) => line.includes(folder))
    .map((line) => Number(line.trim().split(/\s+/)[0]));
}

/** initdb wants a name for the user it runs as: any but root and the one that root's servers run as. */
function anOrdinaryUser(): number {
  const uids = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => Number(line.split(':')[2]));
  return uids.find((uid) => uid > 0 && uid !== 65534)!;
}

function mount(folder: string, size: string): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=711`, 'tmpfs', folder], { stdio: 'ignore' });
}

function mountWorks(): boolean {
  const folder = temporaryFolder();
  try {
    mount(folder, '1m');
  } catch {
    return false;
  }
  execFileSync('umount', [folder]);
  return true;
}
