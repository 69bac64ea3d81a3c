import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LockedError, lockHolder, processStartTime, withLock } from '../../src/platform/locks.ts';

const LOCKS = path.resolve(import.meta.dirname, '../../src/platform/locks.ts');
let folder: string;
let file: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'prometheus-locks-'));
  file = path.join(folder, 'lock');
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** A node process that runs `body` with `withLock` and `file` in scope; `say` writes a line to us. */
function run(body: string): ChildProcess & { line(): Promise<string>; lines: string[] } {
  const code = `import { withLock, lockHolder } from ${JSON.stringify(LOCKS)};
    import fs from 'node:fs';
    const file = ${JSON.stringify(file)};
    const say = (text) => fs.writeSync(1, text + '\\n');
    ${body}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  const lines: string[] = [];
  const waiting: ((line: string) => void)[] = [];
  createInterface({ input: child.stdout! }).on('line', (line) => {
    const next = waiting.shift();
    if (next) next(line);
    else lines.push(line);
  });
  const line = () => new Promise<string>((resolve) => (lines.length ? resolve(lines.shift()!) : waiting.push(resolve)));
  return Object.assign(child, { line, lines });
}

/** Starts a holder, waits until it holds, and kills it with -9: leaves a dead holder's lock behind. */
async function leaveDeadLock(): Promise<string> {
  const child = run(
    "await withLock(file, async () => { say('held'); await new Promise(() => setInterval(() => {}, 1e6)); });",
  );
  expect(await child.line()).toBe('held');
  const text = readlinkSync(file);
  child.kill('SIGKILL');
  await once(child, 'exit');
  return text;
}

describe('withLock', () => {
  test('returns what the work returns and leaves nothing behind', async () => {
    const result = await withLock(file, () => {
      expect(lockHolder(file)).toBe(process.pid);
      return 42;
    });
    expect(result).toBe(42);
    expect(lockHolder(file)).toBeNull();
    expect(readdirSync(folder)).toEqual([]);
  });

  test('is released when the work fails', async () => {
    await expect(
      withLock(file, () => {
        throw new Error('boom');
      }),
    ).rejects.toThrow('boom');
    expect(readdirSync(folder)).toEqual([]);
  });

  test('a held lock is refused at once, in one line that names the holder', async () => {
    await withLock(file, async () => {
      const error = await withLock(file, () => 'in', { what: 'the box' }).catch((e) => e);
      expect(error).toBeInstanceOf(LockedError);
      expect(error.message).toBe(`the box is in use by process ${process.pid} (lock ${file})`);
      expect(error.pid).toBe(process.pid);
    });
  });

  test('a waiter of the same process gets it after the holder', async () => {
    const order: string[] = [];
    let leave = () => {};
    const first = withLock(file, () =>
      new Promise<void>((resolve) => (leave = resolve)).then(() => order.push('first')),
    );
    const second = withLock(file, () => order.push('second'), { waitMs: 10_000 });
    leave();
    await Promise.all([first, second]);
    expect(order).toEqual(['first', 'second']);
  });

  test('waiting ends when the operator says so', async () => {
    const stop = new AbortController();
    await withLock(file, async () => {
      const waiting = withLock(file, () => 'in', { waitMs: 60_000, signal: stop.signal, what: 'the box' });
      stop.abort();
      await expect(waiting).rejects.toThrow('waiting for the box was interrupted');
    });
    expect(await withLock(file, () => 'in')).toBe('in');
  });

  test('survives kill -9 of its holder', async () => {
    await leaveDeadLock();
    expect(lockHolder(file)).toBeNull();
    expect(await withLock(file, () => 'mine')).toBe('mine');
    expect(readdirSync(folder)).toEqual([]);
  });

  test('a recycled pid does not keep a dead lock alive', async () => {
    const start = processStartTime(process.pid)!;
    // Our own pid, which lives, but with the start time of somebody before us.
    symlinkSync(`${process.pid}.${start - 1}..0123456789abcdef`, file);
    expect(lockHolder(file)).toBeNull();
    expect(await withLock(file, () => 'mine')).toBe('mine');
  });

  test('the same pid and start time of an earlier boot is dead', async () => {
    const start = processStartTime(process.pid)!;
    symlinkSync(`${process.pid}.${start}.00000000-0000-0000-0000-000000000000.0123456789abcdef`, file);
    expect(lockHolder(file)).toBe(process.platform === 'linux' ? null : process.pid);
  });

  test('a thief killed while it removed a dead lock does not block the next, and its guard is swept', async () => {
    const dead = await leaveDeadLock();
    // The guard of that lock, itself left by a dead process.
    symlinkSync(dead.replace(/[0-9a-f]{16}$/, 'fedcba9876543210'), `${file}.${dead.slice(-16)}`);
    // A guard of some older lock that nobody looks at any more.
    symlinkSync(dead.replace(/[0-9a-f]{16}$/, 'aaaaaaaaaaaaaaaa'), `${file}.bbbbbbbbbbbbbbbb`);
    expect(await withLock(file, () => 'mine')).toBe('mine');
    expect(readdirSync(folder)).toEqual([]);
  });

  test('a waiter keeps its hands off while another process removes the dead lock', async () => {
    const dead = await leaveDeadLock();
    let waiter: Promise<string> | undefined;
    // The guard of the dead lock is held by a living process (us).
    await withLock(`${file}.${dead.slice(-16)}`, () => {
      waiter = withLock(file, () => 'mine', { waitMs: 30_000 });
      expect(readlinkSync(file)).toBe(dead);
    });
    expect(await waiter).toBe('mine');
  });

  test('many processes over a dead lock: never two inside, none lost', async () => {
    await leaveDeadLock();
    const counter = path.join(folder, 'counter');
    writeFileSync(counter, '0');
    const workers = Array.from({ length: 6 }, () =>
      run(`for (let i = 0; i < 20; i++) await withLock(file, async () => {
        fs.mkdirSync(file + '-inside'); // fails when somebody else is inside
        const n = Number(fs.readFileSync(${JSON.stringify(counter)}, 'utf8'));
        await new Promise(setImmediate);
        fs.writeFileSync(${JSON.stringify(counter)}, String(n + 1));
        fs.rmdirSync(file + '-inside');
      }, { waitMs: 60_000 });`),
    );
    const codes = await Promise.all(workers.map(async (worker) => (await once(worker, 'exit'))[0]));
    expect(codes).toEqual([0, 0, 0, 0, 0, 0]);
    expect(readFileSync(counter, 'utf8')).toBe('120');
    expect(readdirSync(folder)).toEqual(['counter']);
  });

  test('a stranger in the place of the lock is named, not removed', async () => {
    writeFileSync(file, 'precious');
    await expect(withLock(file, () => 1)).rejects.toThrow(`${file} is where a lock belongs, but it is something else`);
    expect(readFileSync(file, 'utf8')).toBe('precious');
    rmSync(file);
    symlinkSync('/etc/hostname', file);
    await expect(withLock(file, () => 1)).rejects.toThrow('something else');
    expect(lstatSync(file).isSymbolicLink()).toBe(true);
  });

  test('a missing folder is one line', async () => {
    const error = await withLock(path.join(folder, 'no/lock'), () => 1).catch((e) => e);
    expect(error.message).toMatch(/^the lock .* cannot be made: ENOENT/);
    expect(error.fix).toBe('See that its folder exists and that you may write in it.');
  });
});

describe('processStartTime', () => {
  test('is stable for a living process and null for none', () => {
    const start = processStartTime(process.pid);
    expect(start).toBeGreaterThan(0);
    expect(processStartTime(process.pid)).toBe(start);
    expect(processStartTime(0)).toBeNull();
    expect(processStartTime(-1)).toBeNull();
    expect(processStartTime(2 ** 30)).toBeNull();
  });

  test('is null for a process that ended', async () => {
    const child = run("say('up'); setInterval(() => {}, 1e6);");
    await child.line();
    expect(processStartTime(child.pid!)).toBeGreaterThan(0);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(processStartTime(child.pid!)).toBeNull();
  });

  test.runIf(process.platform === 'linux')('is null for a zombie', async () => {
    // `exec` leaves the shell's child to a program that never waits for it.
    const parent = spawn('sh', ['-c', 'cat <&3 & echo $!; exec sleep 1000'], {
      stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
    });
    children.push(parent);
    const [pid] = await once(createInterface({ input: parent.stdout! }), 'line');
    await expect.poll(() => readFileSync(`/proc/${parent.pid}/comm`, 'utf8')).toBe('sleep\n');
    expect(processStartTime(Number(pid))).toBeGreaterThan(0);
    (parent.stdio[3] as import('node:net').Socket).end();
    await expect.poll(() => readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[2]).toBe('Z');
    expect(processStartTime(Number(pid))).toBeNull();
  });
});
