/** The wire between supervisor and clients: lines, differences of states, and the folder of the socket. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { homeAt } from '../../src/platform/home.ts';
import { LineSplitter, parseLine } from '../../src/supervisor/wire/lines.ts';
import {
  assertSocketFolder,
  makeSocketFolder,
  removeDeadSockets,
  socketPath,
} from '../../src/supervisor/wire/socket-path.ts';

describe('LineSplitter', () => {
  it('gives the same lines however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !text.includes('\n'))),
        fc.array(fc.nat(20), { minLength: 1 }),
        (texts, cuts) => {
          const bytes = Buffer.from(texts.map((text) => `${text}\n`).join(''));
          const lines: string[] = [];
          const splitter = new LineSplitter((line) => void lines.push(line));
          for (let at = 0, i = 0; at < bytes.length; i++) {
            const end = at + 1 + cuts[i % cuts.length];
            expect(splitter.push(bytes.subarray(at, end))).toBe(true);
            at = end;
          }
          expect(lines).toEqual(texts.map((text) => Buffer.from(text).toString()));
        },
      ),
    );
  });

  it('ends a line without an end', () => {
    const splitter = new LineSplitter(() => {}, 100);
    expect(splitter.push(Buffer.alloc(90, 'a'))).toBe(true);
    expect(splitter.push(Buffer.alloc(20, 'a'))).toBe(false);
  });

  it('does not mind what is no JSON', () => {
    expect(parseLine('{"half')).toBeUndefined();
  });
});

describe('the socket folder', () => {
  const parent = mkdtempSync(path.join(tmpdir(), 'prometheus-socket-'));
  afterEach(() => rmSync(path.join(parent, 'prometheus'), { recursive: true, force: true }));
  const socket = socketPath(homeAt('/some/home'), { XDG_RUNTIME_DIR: parent });

  it('is the same for one home and another for the next, and fits what the system allows', () => {
    expect(path.dirname(socket)).toBe(path.join(parent, 'prometheus'));
    expect(socketPath(homeAt('/some/home/'), { XDG_RUNTIME_DIR: parent })).toBe(socket);
    expect(socketPath(homeAt('/other/home'), { XDG_RUNTIME_DIR: parent })).not.toBe(socket);
    const deep = path.join(parent, 'x'.repeat(120));
    expect(Buffer.byteLength(socketPath(homeAt('/some/home'), { XDG_RUNTIME_DIR: deep }))).toBeLessThanOrEqual(107);
  });

  it('is made for its owner alone, whatever the umask', () => {
    const umask = process.umask(0o777);
    try {
      makeSocketFolder(socket);
    } finally {
      process.umask(umask);
    }
    expect(statSync(path.dirname(socket)).mode & 0o777).toBe(0o700);
    expect(() => makeSocketFolder(socket)).not.toThrow();
  });

  it('is rid of what killed supervisors left, and of nothing else', async () => {
    makeSocketFolder(socket);
    const at = (name: string) => path.join(path.dirname(socket), name);
    const [dead, living, foreign, own] = [
      at(`${'d'.repeat(16)}.sock`),
      at(`${'a'.repeat(16)}.sock`),
      at('x.sock'),
      socket,
    ];
    const files = [dead, foreign, own];
    const script = `for (const file of ${JSON.stringify(files)}) require('node:net').createServer().listen(file);
      setTimeout(() => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', script]);
    writeFileSync(at(`${'b'.repeat(16)}.sock`), 'a file');
    const server = createServer().listen(living);
    await once(server, 'listening');
    const before = readdirSync(path.dirname(socket));
    expect(before).toHaveLength(5);
    await removeDeadSockets(socket, Date.now());
    expect(readdirSync(path.dirname(socket))).toEqual(before);
    await removeDeadSockets(socket, Date.now() + 120_000);
    expect(readdirSync(path.dirname(socket))).toEqual(before.filter((name) => at(name) !== dead));
    server.close();
  });

  it('is refused when it is a link, a file, open to others, or of another user', () => {
    const folder = path.dirname(socket);
    symlinkSync(tmpdir(), folder);
    expect(() => makeSocketFolder(socket)).toThrow('is a symbolic link');
    rmSync(folder);
    writeFileSync(folder, '');
    expect(() => makeSocketFolder(socket)).toThrow('is not a directory');
    rmSync(folder);
    mkdirSync(folder);
    chmodSync(folder, 0o750);
    expect(() => assertSocketFolder(socket)).toThrow('is open to others (mode 750)');
    // Its mode is left as it is: it may not be ours to change.
    expect(statSync(folder).mode & 0o777).toBe(0o750);
    chmodSync(folder, 0o700);
    writeFileSync(socket, '');
    expect(() => assertSocketFolder(socket)).toThrow('which is no socket');
  });

  it.skipIf(process.getuid?.() !== 0)('is refused when another user made it (needs root)', async () => {
    const { chownSync } = await import('node:fs');
    makeSocketFolder(socket);
    chownSync(path.dirname(socket), 65534, 65534);
    expect(() => assertSocketFolder(socket)).toThrow('belongs to user 65534');
  });
});
