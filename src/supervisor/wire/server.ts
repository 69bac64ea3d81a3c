/**
 * The supervisor behind a socket. Each client has a connection with a memory of what it was sent; whatever is new since
 * goes out when its socket has room. A client that stops reading holds nothing up and costs no memory: it is sent less.
 */

import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import path from 'node:path';
import { Exit, errorCode, errorMessage, UserError } from '../../platform/errors.ts';
import type { Home } from '../../platform/home.ts';
import { JobReader } from '../job-reader.ts';
import {
  type About,
  type ClientIdentity,
  clientMessageSchema,
  type Handover,
  type JobView,
  PROTOCOL_VERSION,
  type ServerMessage,
  type SharedState,
  type Snapshot,
} from '../protocol.ts';
import { LineSplitter, parseLine } from './lines.ts';
import { assertSocketFolder, makeSocketFolder, removeDeadSockets } from './socket-path.ts';

/** What the server needs of the supervisor behind it. */
export interface Served {
  snapshot(): Snapshot;
  subscribe(listener: () => void): () => void;
  /** Runs a command for a client; its failures are UserErrors. */
  perform(name: string, request: unknown, client: ClientIdentity): Promise<unknown>;
  about(): About;
  /** Notes that a client came or went; tells one that comes what happened since it left. */
  attached(client: ClientIdentity): Handover | null;
  detached(client: ClientIdentity): void;
}

/** How often watched jobs are looked at. */
const DETAIL_MS = 250;
/** Changes of one moment go out together. */
const GATHER_MS = 15;
/** How long clients may take to read what is left for them when the supervisor ends. */
const END_PATIENCE_MS = 1000;
/** Unread answers beyond this end the connection: the client asks and never listens. */
const MAX_UNREAD = 64 * 1024 * 1024;

/** Listens on the socket of a home. The caller holds the supervisor's lock, so what lies there is left by the dead. */
export async function listen(socket: string, home: Home, served: Served): Promise<SocketServer> {
  makeSocketFolder(socket);
  rmSync(socket, { force: true });
  const server = new SocketServer(home, served);
  await server.listen(socket);
  // Nothing waits for it, and a folder that cannot be tidied is no trouble.
  void removeDeadSockets(socket, Date.now()).catch(() => {});
  return server;
}

export class SocketServer {
  readonly #home: Home;
  readonly #served: Served;
  readonly #server: Server;
  readonly #connections = new Set<Connection>();
  #unsubscribe: (() => void) | null = null;
  #gathering: NodeJS.Timeout | null = null;
  #detailTimer: NodeJS.Timeout | null = null;

  constructor(home: Home, served: Served) {
    this.#home = home;
    this.#served = served;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  get clients(): number {
    return [...this.#connections].filter((one) => one.client !== null).length;
  }

  async listen(socket: string): Promise<void> {
    // Nobody else may connect from the first moment on: the mode comes with the file.
    const umask = process.umask(0o177);
    try {
      await new Promise<void>((resolve, reject) => {
        this.#server.once('error', reject);
        this.#server.listen(socket, resolve);
      });
    } catch (error) {
      throw new UserError(
        `the supervisor cannot listen on ${socket}: ${errorMessage(error)}`,
        errorCode(error) === 'EADDRINUSE' ? 'Remove that file.' : 'See that its folder may be written.',
        { cause: error },
      );
    } finally {
      process.umask(umask);
    }
    assertSocketFolder(socket);
    // A socket that fails later (out of descriptors) must not end the supervisor.
    this.#server.on('error', () => {});
    this.#unsubscribe = this.#served.subscribe(() => {
      this.#gathering ??= setTimeout(() => {
        this.#gathering = null;
        for (const connection of this.#connections) connection.flush();
      }, GATHER_MS);
    });
    this.#detailTimer = setInterval(() => {
      for (const connection of this.#connections) connection.flushDetail();
    }, DETAIL_MS);
  }

  async close(): Promise<void> {
    this.#unsubscribe?.();
    clearTimeout(this.#gathering ?? undefined);
    clearInterval(this.#detailTimer ?? undefined);
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of this.#connections) connection.end();
    // One that reads nothing (a stopped console) never takes its last words: nobody waits for it longer than this.
    const late = setTimeout(() => {
      for (const connection of this.#connections) connection.drop();
    }, END_PATIENCE_MS);
    await closed;
    clearTimeout(late);
  }

  #accept(socket: Socket): void {
    const connection = new Connection(socket, this.#home, this.#served);
    this.#connections.add(connection);
    socket.on('close', () => {
      this.#connections.delete(connection);
      if (connection.client) this.#served.detached(connection.client);
    });
  }
}

class Connection {
  client: ClientIdentity | null = null;
  readonly #socket: Socket;
  readonly #home: Home;
  readonly #served: Served;
  #subscribed = false;
  #sent: Snapshot | null = null;
  #clogged = false;
  #reader: JobReader | null = null;
  /** Set when the client must be told that it watches nothing. */
  #unwatched = false;

  constructor(socket: Socket, home: Home, served: Served) {
    this.#socket = socket;
    this.#home = home;
    this.#served = served;
    const splitter = new LineSplitter((line) => this.#take(line));
    socket.on('data', (bytes) => {
      if (!splitter.push(bytes)) socket.destroy();
    });
    socket.on('drain', () => {
      this.#clogged = false;
      this.flush();
      this.flushDetail();
    });
    // A client may be gone at any moment; `close` follows.
    socket.on('error', () => {});
  }

  /** Sends what changed since the last time, if the client reads. */
  flush(): void {
    if (!this.#subscribed || this.#clogged) return;
    const now = this.#served.snapshot();
    if (this.#sent?.sequence === now.sequence) return;
    this.#send(stateMessage(this.#sent, now));
    this.#sent = now;
  }

  /** Sends what the watched job said since the last time. */
  flushDetail(): void {
    if (!this.#subscribed || this.#clogged) return;
    if (this.#unwatched) {
      this.#unwatched = false;
      this.#send({
        type: 'detail',
        jobId: null,
        reset: true,
        log: [],
        timed: true,
        partial: [],
        events: [],
        metrics: [],
      });
    }
    const news = this.#reader?.read();
    if (news) this.#send({ type: 'detail', ...news });
  }

  end(): void {
    this.#socket.end();
    this.#socket.destroySoon();
  }

  /** Ends it whatever it has not read. */
  drop(): void {
    this.#socket.destroy();
  }

  #take(line: string): void {
    const message = parseLine(line);
    const parsed = clientMessageSchema.safeParse(message);
    if (!parsed.success) this.#refuse(otherVersion(message) ?? 'that is no message of this protocol');
    else if (parsed.data.type === 'hello') this.#welcome(parsed.data.protocol, parsed.data.client);
    else if (!this.client) this.#refuse('a client says hello first');
    else if (parsed.data.type === 'subscribe') {
      this.#subscribed = true;
      this.flush();
    } else if (parsed.data.type === 'watch') this.#watch(parsed.data.jobId);
    else void this.#perform(parsed.data.id, parsed.data.name, parsed.data.request);
  }

  #welcome(protocol: number, client: ClientIdentity): void {
    const other = otherVersion({ type: 'hello', protocol });
    if (other !== null) {
      this.#refuse(other);
      return;
    }
    this.client = client;
    const handover = this.#served.attached(client);
    this.#send({ type: 'welcome', protocol: PROTOCOL_VERSION, about: this.#served.about(), handover });
  }

  #watch(jobId: string | null): void {
    this.#reader = jobId === null ? null : new JobReader(path.join(this.#home.jobs, path.basename(jobId)));
    this.#unwatched = jobId === null;
    this.flushDetail();
  }

  async #perform(id: number, name: string, request: unknown): Promise<void> {
    const client = this.client!;
    try {
      if (name === 'mode')
        this.client = { ...client, readOnly: (request as { readOnly?: unknown })?.readOnly === true };
      this.#send({ type: 'reply', id, result: await this.#served.perform(name, request, client) });
    } catch (error) {
      const known = error instanceof UserError;
      this.#send({
        type: 'reply',
        id,
        error: {
          message: errorMessage(error),
          fix: known ? error.fix : 'Report this, with the end of logs/supervisor.log in the home.',
          exitCode: known ? error.exitCode : Exit.failed,
        },
      });
    }
    // What the command did is part of the state that follows its answer.
    this.flush();
  }

  #refuse(reason: string): void {
    this.#send({ type: 'refused', protocol: PROTOCOL_VERSION, reason });
    this.end();
  }

  #send(message: ServerMessage): void {
    if (this.#socket.destroyed || !this.#socket.writable) return;
    if (!this.#socket.write(`${JSON.stringify(message)}\n`)) this.#clogged = true;
    if (this.#socket.writableLength > MAX_UNREAD) this.#socket.destroy();
  }
}

const SHARED_KEYS = [
  'at',
  'demo',
  'home',
  'databases',
  'board',
  'boardProblem',
  'checking',
  'machine',
  'runs',
  'journal',
] as const satisfies readonly (keyof SharedState)[];

/** The difference between two states; the whole of it when there was none before. Unchanged parts are the same objects. */
function stateMessage(before: Snapshot | null, now: Snapshot): ServerMessage {
  const change: Record<string, unknown> = {};
  for (const key of SHARED_KEYS) if (before === null || before[key] !== now[key]) change[key] = now[key];
  return {
    type: 'state',
    base: before?.sequence ?? null,
    sequence: now.sequence,
    change: change as Partial<SharedState>,
    jobs: before?.jobs === now.jobs ? { changed: [], removed: [] } : jobsDifference(before?.jobs ?? [], now.jobs),
  };
}

function jobsDifference(
  before: readonly JobView[],
  now: readonly JobView[],
): { changed: JobView[]; removed: string[] } {
  const known = new Map(before.map((view) => [view.id, view]));
  const changed = now.filter((view) => known.get(view.id) !== view);
  for (const view of now) known.delete(view.id);
  return { changed, removed: [...known.keys()] };
}

/** What to say to a hello of another version, whatever else it holds by then; null when it is none. */
function otherVersion(message: unknown): string | null {
  const { type, protocol } = (message ?? {}) as { type?: unknown; protocol?: unknown };
  if (type !== 'hello' || typeof protocol !== 'number' || protocol === PROTOCOL_VERSION) return null;
  return `the supervisor speaks version ${PROTOCOL_VERSION} of the protocol, the client version ${protocol}`;
}
