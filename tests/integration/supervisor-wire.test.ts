/** Server and client over a real socket: nobody loses, repeats or misreads a change, and nobody waits for a slow reader. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { UsageError, UserError } from '../../src/platform/errors.ts';
import { homeAt } from '../../src/platform/home.ts';
import { type ClientIdentity, type JobView, PROTOCOL_VERSION, type Snapshot } from '../../src/supervisor/protocol.ts';
import { connectSupervisor, NoSupervisorError, type RemoteSupervisor } from '../../src/supervisor/wire/client.ts';
import { listen, type Served, type SocketServer } from '../../src/supervisor/wire/server.ts';
import { jobViewOf, snapshotOf } from '../helpers/snapshots.ts';
import { until } from '../helpers/until.ts';

const parent = mkdtempSync(path.join(tmpdir(), 'prometheus-wire-'));
const home = homeAt(path.join(parent, 'home'));
const socket = path.join(parent, 'run', 'test.sock');
const open: { close(): Promise<unknown> }[] = [];

afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close();
  rmSync(parent, { recursive: true, force: true });
});

/** A supervisor whose state the test makes. */
class Script implements Served {
  state: Snapshot = snapshotOf();
  readonly #listeners = new Set<() => void>();
  readonly commands: { name: string; request: unknown; client: ClientIdentity }[] = [];
  answer: (name: string) => Promise<unknown> = async () => ({});

  snapshot = () => this.state;
  subscribe = (listener: () => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };
  perform = async (name: string, request: unknown, client: ClientIdentity) => {
    this.commands.push({ name, request, client });
    return this.answer(name);
  };
  about = () => ({
    pid: process.pid,
    version: '0',
    build: null,
    builtAt: null,
    startedAt: 0,
    home: home.root,
    databases: { historical: 'h', runtime: 'r' },
    clients: 1,
  });
  attached = () => null;
  detached = () => {};

  change(change: Partial<Snapshot>): void {
    this.state = { ...this.state, ...change, sequence: this.state.sequence + 1 };
    for (const listener of this.#listeners) listener();
  }
}

async function serve(): Promise<{ script: Script; server: SocketServer }> {
  const script = new Script();
  const server = await listen(socket, home, script);
  open.push(server);
  return { script, server };
}

async function attach(): Promise<RemoteSupervisor> {
  const client = await connectSupervisor({
    socket,
    client: { name: 'me@here', kind: 'test', pid: process.pid, readOnly: false },
    origin: { cwd: '/', environment: { A: '1' } },
  });
  open.push(client);
  return client;
}

const shared = ({ detail: _detail, handover: _handover, ...rest }: Snapshot) => rest;

describe('state', () => {
  it('is socket 0600 in a folder 0700', async () => {
    await serve();
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    expect(statSync(path.dirname(socket)).mode & 0o777).toBe(0o700);
  });

  it('equals the supervisor’s own for whoever attaches, whenever', async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('add' as const), id: fc.integer({ min: 1, max: 30 }) }),
      fc.record({ kind: fc.constant('end' as const), id: fc.integer({ min: 1, max: 30 }) }),
      fc.record({ kind: fc.constant('remove' as const), id: fc.integer({ min: 1, max: 30 }) }),
      fc.record({ kind: fc.constant('check' as const), id: fc.nat(1) }),
      fc.record({ kind: fc.constant('attach' as const), id: fc.constant(0) }),
      fc.record({ kind: fc.constant('breathe' as const), id: fc.constant(0) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const { script, server } = await serve();
        const clients: RemoteSupervisor[] = [];
        const name = (id: number) => `${String(id).padStart(4, '0')}-job`;
        const write = (jobs: readonly JobView[]) =>
          script.change({ jobs: jobs.toSorted((a, b) => (a.id < b.id ? 1 : -1)) });
        for (const { kind, id } of steps) {
          const { jobs } = script.state;
          if (kind === 'add' && !jobs.some((job) => job.id === name(id))) write([...jobs, jobViewOf({ id: name(id) })]);
          else if (kind === 'end') write(jobs.map((job) => (job.id === name(id) ? { ...job, state: 'DONE' } : job)));
          else if (kind === 'remove') write(jobs.filter((job) => job.id !== name(id)));
          else if (kind === 'check') script.change({ checking: id === 1, boardProblem: id === 1 ? 'x' : null });
          else if (kind === 'attach') clients.push(await attach());
          else await new Promise(setImmediate);
        }
        for (const client of clients) await client.ready();
        script.change({ boardProblem: 'the end' });
        for (const client of clients) {
          await until(() => client.snapshot().sequence === script.state.sequence, 'the last state');
          expect(shared(client.snapshot())).toEqual(shared(script.state));
          await client.close();
        }
        await server.close();
        open.length = 0;
      }),
      { numRuns: 30 },
    );
  });

  it('reaches others while one client reads nothing, and costs no memory for it', async () => {
    const { script, server } = await serve();
    const stuck = await rawClient();
    stuck.write(`${JSON.stringify({ type: 'subscribe' })}\n`);
    await until(() => stuck.readableLength > 0, 'the first state');
    stuck.pause();
    const reader = await attach();
    await reader.ready();
    const before = process.memoryUsage();
    const text = 'x'.repeat(100_000);
    for (let i = 0; i < 2000; i++) {
      script.change({ boardProblem: `${i} ${text}` });
      const { sequence } = script.state;
      if (i % 20 === 19) await until(() => reader.snapshot().sequence === sequence, 'the change');
    }
    const grown = process.memoryUsage().rss - before.rss;
    // 200 MB went by.
    expect(grown).toBeLessThan(100e6);
    // Nor does the supervisor's own end wait for it.
    await server.close();
    stuck.destroy();
  });

  it('survives the loss of the connection: the client takes it up again', async () => {
    const first = await serve();
    const client = await attach();
    await client.ready();
    await first.server.close();
    const second = await serve();
    second.script.change({ boardProblem: 'after' });
    await until(() => client.snapshot().boardProblem === 'after', 'the new state');
    expect(shared(client.snapshot())).toEqual(shared(second.script.state));
  });
});

describe('commands', () => {
  it('carry who asks and from where, and bring failures back whole', async () => {
    const { script } = await serve();
    const client = await attach();
    script.answer = async () => ({ job: jobViewOf({ id: '0001-x' }) });
    const job = await client.launch({ program: 'x', args: ['--a'], idempotencyKey: 'k' });
    expect(job.id).toBe('0001-x');
    expect(script.commands[0]).toMatchObject({
      name: 'launch',
      request: { program: 'x', args: ['--a'], cwd: '/', environment: { A: '1' } },
      client: { name: 'me@here' },
    });
    script.answer = () => Promise.reject(new UsageError('no such program', 'See the list.'));
    const failure = await client.launch({ program: 'y', args: [], idempotencyKey: 'k' }).catch((error) => error);
    expect(failure).toBeInstanceOf(UsageError);
    expect(failure).toMatchObject({ message: 'no such program', fix: 'See the list.', exitCode: 2 });
    script.answer = async () => ({ nonsense: true });
    await expect(client.kill('1')).rejects.toThrow('answered something else');
  });

  it('fail when the connection is lost before the answer', async () => {
    const { script, server } = await serve();
    const client = await attach();
    script.answer = () => new Promise(() => {});
    const asked = client.recheck();
    await until(() => script.commands.length === 1, 'the command');
    const lost = expect(asked).rejects.toThrow('connection to the supervisor was lost');
    await server.close();
    await lost;
  });
});

describe('the handshake', () => {
  it.each([PROTOCOL_VERSION - 1, PROTOCOL_VERSION + 1])('refuses version %i plainly', async (protocol) => {
    await serve();
    const raw = connect(socket);
    raw.write(`${JSON.stringify({ type: 'hello', protocol, client: identity })}\n`);
    const answer = JSON.parse(await everything(raw));
    expect(answer).toMatchObject({ type: 'refused', protocol: PROTOCOL_VERSION });
    expect(answer.reason).toContain(`the client version ${protocol}`);
    // Whatever a hello holds in that version.
    const strange = connect(socket);
    strange.write(`${JSON.stringify({ type: 'hello', protocol, who: 'somebody' })}\n`);
    expect(JSON.parse(await everything(strange)).reason).toBe(answer.reason);
  });

  it.each([
    ['not json', 'that is no message of this protocol'],
    [JSON.stringify({ type: 'subscribe' }), 'a client says hello first'],
    [JSON.stringify({ type: 'hello', protocol: PROTOCOL_VERSION }), 'that is no message of this protocol'],
  ])('refuses %s', async (line, reason) => {
    await serve();
    const raw = connect(socket);
    raw.write(`${line}\n`);
    expect(JSON.parse(await everything(raw))).toMatchObject({ type: 'refused', reason });
  });

  it('says when nobody listens, and when it is no supervisor that does', async () => {
    await expect(attach()).rejects.toThrow(NoSupervisorError);
    const { createServer } = await import('node:net');
    const { mkdirSync } = await import('node:fs');
    mkdirSync(path.dirname(socket), { recursive: true, mode: 0o700 });
    const other = createServer((one) => one.resume().end('{"type":"nonsense"}\n'));
    await new Promise<void>((resolve) => other.listen(socket, resolve));
    await expect(attach()).rejects.toThrow(UserError);
    await new Promise((resolve) => other.close(resolve));
  });
});

const identity: ClientIdentity = { name: 'raw', kind: 'test', pid: 1, readOnly: false };

async function rawClient(): Promise<Socket> {
  const raw = connect(socket);
  raw.write(`${JSON.stringify({ type: 'hello', protocol: PROTOCOL_VERSION, client: identity })}\n`);
  await new Promise((resolve) => raw.once('readable', resolve));
  raw.read();
  return raw;
}

async function everything(raw: Socket): Promise<string> {
  let text = '';
  for await (const chunk of raw) text += chunk;
  return text;
}
