/** What a client may ask of the supervisor: checked, written into the audit log, carried out. */

import type { Board, PhaseResult } from '../phases/types.ts';
import { UsageError, UserError } from '../platform/errors.ts';
import { issueWords } from '../platform/issue-words.ts';
import { maskWords } from '../platform/secrets.ts';
import type { JobKeeper } from './job-keeper.ts';
import type { Journal } from './journal.ts';
import {
  type ChainRequest,
  type ClientIdentity,
  COMMANDS,
  type CommandName,
  type KeepRequest,
  type LaunchRequest,
  type NoteRequest,
  type PauseRequest,
  type ReadRequest,
  type RerunRequest,
  type SkipRequest,
  type Snapshot,
  type StopRequest,
} from './protocol.ts';
import { READS, type Readers, type ReadName } from './reads.ts';

/** What commands act on. */
interface CommandRoom {
  readonly keeper: JobKeeper;
  readonly journal: Journal;
  readonly readers: Partial<Readers>;
  /** The phases as they are known now. */
  readonly board: () => Pick<Snapshot, 'board' | 'boardProblem'>;
  /** Looks at the evidence again. */
  readonly recheck: () => Promise<void>;
  /** Takes in what became of the job folders. */
  readonly refresh: () => Promise<void>;
  /** Keeps what people say about phases, where that is kept. */
  readonly records: PhaseRecords | undefined;
  /** Where backfills and their pauses are kept. */
  readonly pause: PauseBackfill | undefined;
}

/** Keeps what is said about a phase, each with who said it. */
export interface PhaseRecords {
  note(note: NoteRequest & { readonly who: string }): Promise<void>;
  skip(skip: SkipRequest & { readonly who: string }): Promise<void>;
}

/** Has a job's backfill begin no further shard, or go on. @throws UserError when the job works on none. */
export type PauseBackfill = (request: PauseRequest) => Promise<void>;

export class CommandDesk {
  readonly #room: CommandRoom;

  constructor(room: CommandRoom) {
    this.#room = room;
  }

  /**
   * Runs a command for a client: the one way in, for a socket and for this process. It is checked, written into the audit
   * log, and then carried out. @throws UserError
   */
  async perform(name: string, request: unknown, client: ClientIdentity): Promise<unknown> {
    if (!Object.hasOwn(COMMANDS, name)) {
      throw new UsageError(`the supervisor has no command '${name}'`, 'Use a client of the same version.');
    }
    const command = COMMANDS[name as CommandName];
    const parsed = command.request.safeParse(request, { error: issueWords });
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      throw new UsageError(`${name}: ${issue.path.join('.') || 'request'}: ${issue.message}`, 'Mend the request.');
    }
    if (client.readOnly && command.danger !== 'safe') {
      throw new UserError(`${name} is refused: this console is read-only`, 'Leave read-only mode first (:rw).');
    }
    const what = verbOf(name, parsed.data);
    if (AUDITED.has(name)) this.#room.journal.action(client.name, what, ...auditWords(parsed.data));
    try {
      return await this.#carryOut(name as CommandName, parsed.data, client);
    } catch (error) {
      if (command.danger !== 'safe')
        this.#room.journal.action(client.name, `${what} refused`, ...refusalWords(parsed.data, error));
      throw error;
    }
  }

  async #note({ phase, note }: NoteRequest, who: string): Promise<void> {
    const known = this.#phase(phase);
    if (!this.#room.records) throw new UserError('this supervisor keeps no notes', 'Use: prometheus note');
    await this.#room.records.note({ phase: known.phase, note, who });
    void this.#room.recheck();
  }

  async #skip({ phase, skipped, reason }: SkipRequest, who: string): Promise<void> {
    const known = this.#phase(phase);
    if (!known.optional)
      throw new UsageError(`${known.phase} is not optional: evidence alone decides on it`, 'See: prometheus phases');
    if (!skipped && !known.skip) throw new UsageError(`${known.phase} is not skipped`, 'See: prometheus phases');
    if (!this.#room.records) throw new UserError('this supervisor keeps no skips', 'Use: prometheus phases skip');
    await this.#room.records.skip({ phase: known.phase, skipped, reason, who });
    void this.#room.recheck();
  }

  /** @throws UserError when the phases are not known, or it is none of them. */
  #phase(name: string): PhaseResult {
    const { board, boardProblem } = this.#room.board();
    const known = board?.phases.find((one) => one.phase === name.toUpperCase());
    if (!known) throw phaseError(name, board, boardProblem);
    return known;
  }

  async #carryOut(name: CommandName, request: unknown, client: ClientIdentity): Promise<unknown> {
    const who = client.name;
    const keeper = this.#room.keeper;
    const answer = async (id: Promise<string> | string) => {
      const job = await id;
      await this.#room.refresh();
      return { job: keeper.view(job) };
    };
    switch (name) {
      case 'launch':
        return answer(keeper.launch(request as LaunchRequest, who));
      case 'rerun':
        return answer(keeper.rerun(request as RerunRequest, who));
      case 'chain': {
        const chain = request as ChainRequest;
        if (!this.#room.board().board) await this.#room.recheck();
        // What held it back may be done by now.
        if (this.#phase(chain.phase).blockedBy.length > 0) await this.#room.recheck();
        const ids = await keeper.chain(this.#phase(chain.phase), chain, who);
        await this.#room.refresh();
        return { jobs: ids.map((id) => keeper.view(id)) };
      }
      case 'stop':
        return answer(keeper.stop(request as StopRequest, who));
      case 'kill':
        return answer(keeper.kill((request as { jobId: string }).jobId, who));
      case 'keep':
        return answer(keeper.keep(request as KeepRequest));
      case 'pause': {
        const { jobId } = request as PauseRequest;
        if (!this.#room.pause)
          throw new UserError('this supervisor pauses nothing', `Use: prometheus job pause ${jobId}`);
        await this.#room.pause(request as PauseRequest);
        return answer(jobId);
      }
      case 'note':
        await this.#note(request as NoteRequest, who);
        return {};
      case 'skip':
        await this.#skip(request as SkipRequest, who);
        return {};
      case 'remove':
        keeper.remove((request as { jobId: string }).jobId);
        await this.#room.refresh();
        return {};
      case 'recheck':
        await this.#room.recheck();
        return {};
      case 'read':
        return { value: await this.#read(request as ReadRequest) };
      // Of the connection and of the process: whoever holds those acts on them after this.
      case 'mode':
      case 'shutdown':
        return {};
    }
  }

  async #read({ what, args }: ReadRequest): Promise<unknown> {
    const reader = Object.hasOwn(READS, what) ? this.#room.readers[what as ReadName] : undefined;
    if (!reader) {
      throw new UsageError(`the supervisor cannot read '${what}'`, 'Use a client of the same version.');
    }
    const parsed = READS[what as ReadName].safeParse(args, { error: issueWords });
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      throw new UsageError(
        `read ${what}: ${issue.path.join('.') || 'arguments'}: ${issue.message}`,
        'Mend the request.',
      );
    }
    return (reader as (args: unknown) => Promise<unknown>)(parsed.data);
  }
}

/** Commands that change something. */
const AUDITED: ReadonlySet<string> = new Set([
  'launch',
  'rerun',
  'chain',
  'stop',
  'kill',
  'remove',
  'keep',
  'pause',
  'note',
  'skip',
  'shutdown',
] satisfies CommandName[]);

/** The word for it in the audit log. */
function verbOf(name: string, request: unknown): string {
  if (name === 'keep') return keepVerb(request as KeepRequest);
  return name === 'pause' && !(request as PauseRequest).paused ? 'go on' : name;
}

/** What a change of marks does: two of them in one request are both told. */
function keepVerb({ kept, archived }: KeepRequest): string {
  const verbs = [
    kept === undefined ? '' : kept ? 'keep' : 'keep off',
    archived === undefined ? '' : archived ? 'archive' : 'archive off',
  ];
  return verbs.filter(Boolean).join(', ') || 'keep';
}

/** What an action is about, and how, for the audit log: never a value of the environment. */
function auditWords(request: object): [subject: string, detail: string] {
  const { jobId, program, phase, args, killAfterMs, override, skipped, reason } = request as Record<string, unknown>;
  const words = Array.isArray(args) ? maskWords(args).join(' ') : '';
  const detail = [
    words,
    killAfterMs != null ? `kill after ${Number(killAfterMs) / 1000} s` : '',
    override === undefined ? '' : `though blocked: ${override}`,
    typeof skipped === 'boolean' ? `${skipped ? 'left out' : 'taken in again'}: ${reason}` : '',
  ]
    .filter(Boolean)
    .join(', ');
  return [String(jobId ?? program ?? phase ?? 'supervisor'), detail];
}

function refusalWords(request: object, error: unknown): [subject: string, detail: string] {
  return [auditWords(request)[0], error instanceof Error ? error.message : String(error)];
}

function phaseError(name: string, board: Board | null, problem: string | null): UserError {
  if (!board)
    return new UserError(`the phases cannot be read: ${problem ?? 'no evidence yet'}`, 'See: prometheus db status');
  return new UsageError(`there is no phase '${name}'`, `Phases: ${board.phases.map((one) => one.phase).join(' ')}.`);
}
