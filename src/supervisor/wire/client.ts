/** The supervisor of a home, seen through its socket. Reconnects by itself; what was known stays, with its time on it. */
import { connect, type Socket } from 'node:net';
import { Exit, type ExitCode, errorCode, errorMessage, UsageError, UserError } from '../../platform/errors.ts';
import {
  type About,
  type ChainRequest,
  type ClientIdentity,
  type ClientMessage,
  COMMANDS,
  type CommandName,
  type JobView,
  type KeepRequest,
  type LaunchRequest,
  type NoteRequest,
  type PauseRequest,
  PROTOCOL_VERSION,
  type RerunRequest,
  type ServerMessage,
  type SkipRequest,
  type Snapshot,
  type StopRequest,
  type Supervisor,
  serverMessageSchema,
} from '../protocol.ts';
import type { ReadArgs, ReadName, ReadResult } from '../reads.ts';
import { LineSplitter, parseLine } from './lines.ts';
import { assertSocketFolder } from './socket-path.ts';
import { StateBook } from './state-book.ts';

export interface ClientOptions {
  readonly socket: string;
  readonly client: ClientIdentity;
  /** Sent with every start: the folder and environment that the operator's shell has. */
  readonly origin: { readonly cwd: string; readonly environment: Readonly<Record<string, string>> };
  /** Brings a supervisor back after the connection was lost; absent: only tries to connect. */
  readonly revive?: () => Promise<void>;
  /** Told of every message that passes, for recordings. */
  readonly tap?: (passed: Passed) => void;
}

/** A message that went over the socket. */
export type Passed =
  | { readonly from: 'supervisor'; readonly message: ServerMessage }
  | { readonly from: 'client'; readonly message: ClientMessage };

/** Nobody listens on the socket. */
export class NoSupervisorError extends UserError {
  constructor(socket: string) {
    super(`no supervisor listens on ${socket}`, 'Start one: prometheus supervisor start');
    this.name = 'NoSupervisorError';
  }
}

const HELLO_MS = 10_000;
const RECONNECT_MS = { first: 100, longest: 2000 };

/** Connects and says hello. @throws NoSupervisorError, or UserError when it cannot be talked to. */
export async function connectSupervisor(options: ClientOptions): Promise<RemoteSupervisor> {
  const supervisor = new RemoteSupervisor(options);
  await supervisor.open();
  return supervisor;
}

type Reply = Extract<ServerMessage, { type: 'reply' }>;

interface Waiting {
  readonly name: CommandName;
  resolve(result: unknown): void;
  reject(error: Error): void;
}

export class RemoteSupervisor implements Supervisor {
  readonly #options: ClientOptions;
  readonly #listeners = new Set<(snapshot: Snapshot) => void>();
  readonly #waiting = new Map<number, Waiting>();
  #client: ClientIdentity;
  readonly #book = new StateBook();
  #socket: Socket | null = null;
  #about: About | null = null;
  #firstState = Promise.withResolvers<void>();
  #subscribed = false;
  #watched: string | null = null;
  #nextId = 1;
  #closed = false;
  #emitting = false;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#client = options.client;
    this.#firstState.promise.catch(() => {});
  }

  /** Who answered last. */
  get about(): About {
    return this.#about!;
  }

  async open(): Promise<void> {
    const { socket: path } = this.#options;
    assertSocketFolder(path);
    const socket = connect(path);
    const welcome = Promise.withResolvers<void>();
    const timer = setTimeout(
      () =>
        welcome.reject(new UserError(`the supervisor on ${path} does not answer`, 'See: prometheus supervisor status')),
      HELLO_MS,
    );
    const splitter = new LineSplitter((line) => {
      const parsed = serverMessageSchema.safeParse(parseLine(line));
      if (parsed.success) this.#take(parsed.data, welcome);
      // A part that an older client does not know is passed over once the connection stands.
      else welcome.reject(new UserError(`what listens on ${path} is no supervisor`, 'Remove that file and try again.'));
    });
    socket.on('data', (bytes) => {
      if (!splitter.push(bytes)) socket.destroy();
    });
    socket.on('error', (error) => {
      const gone = ['ENOENT', 'ECONNREFUSED', 'ENOTSOCK'].includes(errorCode(error) ?? '');
      welcome.reject(
        gone
          ? new NoSupervisorError(path)
          : new UserError(`the supervisor on ${path} cannot be reached: ${errorMessage(error)}`, 'Start it again.'),
      );
    });
    socket.on('close', () => {
      welcome.reject(new UserError(`the supervisor on ${path} hung up`, 'See: prometheus supervisor status'));
      if (this.#socket === socket) this.#lost();
    });
    socket.on('connect', () =>
      socket.write(`${JSON.stringify({ type: 'hello', protocol: PROTOCOL_VERSION, client: this.#client })}\n`),
    );
    try {
      await welcome.promise;
    } catch (error) {
      socket.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
    }
    this.#socket = socket;
    if (this.#subscribed) this.#post({ type: 'subscribe' });
    if (this.#watched !== null) this.#post({ type: 'watch', jobId: this.#watched });
  }

  /** Resolves when the first state is here; `snapshot` may be called from then on. */
  async ready(): Promise<void> {
    if (!this.#subscribed) {
      this.#subscribed = true;
      this.#post({ type: 'subscribe' });
    }
    await this.#firstState.promise;
  }

  snapshot(): Snapshot {
    if (!this.#book.snapshot) throw new Error('no state yet: wait for ready()');
    return this.#book.snapshot;
  }

  subscribe(listener: (snapshot: Snapshot) => void): () => void {
    this.#listeners.add(listener);
    void this.ready();
    return () => void this.#listeners.delete(listener);
  }

  async launch(request: LaunchRequest): Promise<JobView> {
    return (await this.#ask('launch', { ...this.#options.origin, ...request })).job;
  }

  async rerun(request: RerunRequest): Promise<JobView> {
    const { environment } = this.#options.origin;
    return (await this.#ask('rerun', { environment, ...request })).job;
  }

  async chain(request: ChainRequest): Promise<readonly JobView[]> {
    return (await this.#ask('chain', { ...this.#options.origin, ...request })).jobs;
  }

  async stop(request: StopRequest): Promise<JobView> {
    return (await this.#ask('stop', request)).job;
  }

  async kill(jobId: string): Promise<JobView> {
    return (await this.#ask('kill', { jobId })).job;
  }

  async remove(jobId: string): Promise<void> {
    await this.#ask('remove', { jobId });
  }

  async keep(request: KeepRequest): Promise<JobView> {
    return (await this.#ask('keep', request)).job;
  }

  async pause(request: PauseRequest): Promise<JobView> {
    return (await this.#ask('pause', request)).job;
  }

  async note(request: NoteRequest): Promise<void> {
    await this.#ask('note', request);
  }

  async skip(request: SkipRequest): Promise<void> {
    await this.#ask('skip', request);
  }

  async recheck(): Promise<void> {
    await this.#ask('recheck', {});
  }

  async read<Name extends ReadName>(name: Name, args: ReadArgs<Name>): Promise<ReadResult<Name>> {
    const { environment } = this.#options.origin;
    const asked = name === 'rerun' ? { ...args, environment } : args;
    return (await this.#ask('read', { what: name, args: asked })).value as ReadResult<Name>;
  }

  /** From now on commands that cost or destroy are refused, or no longer. */
  async setReadOnly(readOnly: boolean): Promise<void> {
    await this.#ask('mode', { readOnly });
    this.#client = { ...this.#client, readOnly };
  }

  /** Ends the supervisor; jobs run on. */
  async shutdown(): Promise<void> {
    this.#closed = true;
    await this.#ask('shutdown', {});
  }

  watch(jobId: string | null): void {
    if (jobId === this.#watched) return;
    this.#watched = jobId;
    this.#post({ type: 'watch', jobId });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#listeners.clear();
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    // What was asked last still goes out.
    await new Promise<void>((resolve) => socket.end(() => resolve()));
    socket.destroy();
    this.#forsake();
  }

  #ask<Name extends CommandName>(
    name: Name,
    request: unknown,
  ): Promise<(typeof COMMANDS)[Name]['reply']['_zod']['output']> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      if (!this.#post({ type: 'command', id, name, request })) return reject(lostError());
      this.#waiting.set(id, { name, resolve: resolve as (result: unknown) => void, reject });
    });
  }

  #post(message: ClientMessage): boolean {
    if (!this.#socket?.writable) return false;
    this.#options.tap?.({ from: 'client', message });
    this.#socket.write(`${JSON.stringify(message)}\n`);
    return true;
  }

  #take(message: ServerMessage, welcome: { resolve(): void; reject(error: Error): void }): void {
    this.#options.tap?.({ from: 'supervisor', message });
    if (message.type === 'refused') {
      welcome.reject(new UserError(`the supervisor refused: ${message.reason}`, versionAdvice(message.protocol)));
    } else if (message.type === 'reply') this.#answer(message);
    else {
      this.#book.apply(message);
      if (message.type === 'welcome') {
        this.#about = message.about;
        welcome.resolve();
        return;
      }
      if (message.type === 'state') this.#firstState.resolve();
      if (this.#book.snapshot) this.#emit();
    }
  }

  #emit(): void {
    if (this.#emitting) return;
    this.#emitting = true;
    setImmediate(() => {
      this.#emitting = false;
      const snapshot = this.#book.snapshot;
      if (snapshot) for (const listener of [...this.#listeners]) listener(snapshot);
    });
  }

  #answer({ id, result, error }: Reply): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (!waiting) return;
    if (error) {
      const Failure = error.exitCode === Exit.usage ? UsageError : UserError;
      waiting.reject(new Failure(error.message, error.fix, { exitCode: error.exitCode as ExitCode }));
      return;
    }
    const parsed = COMMANDS[waiting.name].reply.safeParse(result);
    if (parsed.success) waiting.resolve(parsed.data);
    else waiting.reject(new UserError('the supervisor answered something else', versionAdvice(PROTOCOL_VERSION)));
  }

  #lost(): void {
    this.#socket = null;
    this.#forsake();
    if (!this.#closed) void this.#reconnect();
  }

  /** Answers that will not come any more. */
  #forsake(): void {
    for (const { reject } of this.#waiting.values()) reject(lostError());
    this.#waiting.clear();
  }

  async #reconnect(): Promise<void> {
    for (let pause = RECONNECT_MS.first; !this.#closed; pause = Math.min(2 * pause, RECONNECT_MS.longest)) {
      try {
        return await this.open();
      } catch (error) {
        if (error instanceof NoSupervisorError) await this.#options.revive?.().catch(() => {});
      }
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

const lostError = () =>
  new UserError('the connection to the supervisor was lost', 'Wait a moment: it is being taken up again by itself.');

function versionAdvice(theirs: number): string {
  return theirs > PROTOCOL_VERSION
    ? 'This program is older than the supervisor: start it from the newer installation.'
    : 'The supervisor is older than this program: prometheus supervisor stop, then try again; jobs run on.';
}
