/**
 * The parts of the snapshot that come from the databases: whether they answer, the phase board and the latest runs. Reads
 * one at a time, says what failed instead of failing, and recovers by itself.
 */
import type { Board } from '../phases/types.ts';
import type { Database, Databases } from '../platform/db/databases.ts';
import { errorMessage, UserError } from '../platform/errors.ts';
import type { RunSummary, Snapshot } from './protocol.ts';

type EvidenceState = Pick<Snapshot, 'databases' | 'board' | 'boardProblem' | 'checking' | 'runs'>;

export interface EvidenceOptions {
  readonly databases: Databases;
  readonly evaluateBoard: (signal: AbortSignal) => Promise<Board>;
  readonly latestRuns: () => Promise<RunSummary[]>;
  readonly onChange: (change: Partial<EvidenceState>) => void;
  readonly signal: AbortSignal;
  /** Time between evaluations that nobody asked for. */
  readonly everyMs: number;
  /** Time between probes of the connections. */
  readonly probeEveryMs: number;
}

type DatabaseStates = Snapshot['databases'];

/** Watches the evidence until its signal is aborted. */
export class EvidenceWatch {
  readonly #options: EvidenceOptions;
  #states: DatabaseStates;
  #running: Promise<void> | null = null;
  #next: Promise<void> | null = null;
  #probing: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #probeTimer: NodeJS.Timeout | null = null;

  constructor(options: EvidenceOptions) {
    this.#options = options;
    this.#states = initialDatabases(options.databases);
  }

  /** Looks for the first time, and from then on regularly. */
  start(): void {
    this.#probe();
    void this.recheck();
  }

  /** Reads everything again. Resolves after a reading that began after this call; callers that wait together share it. */
  recheck(): Promise<void> {
    if (!this.#running) return this.#evaluate();
    // The reading under way may have passed what the caller wants to see.
    this.#next ??= this.#running.then(() => {
      this.#next = null;
      return this.#evaluate();
    });
    return this.#next;
  }

  /** Resolves when nothing is being read any more; call it after the signal was aborted. */
  async idle(): Promise<void> {
    clearTimeout(this.#timer ?? undefined);
    clearTimeout(this.#probeTimer ?? undefined);
    await Promise.allSettled([this.#running, this.#next, this.#probing]);
  }

  #evaluate(): Promise<void> {
    if (this.#options.signal.aborted) return Promise.resolve();
    clearTimeout(this.#timer ?? undefined);
    this.#running = this.#read().finally(() => {
      this.#running = null;
      if (this.#options.signal.aborted) return;
      this.#timer = setTimeout(() => void this.recheck(), this.#options.everyMs);
      this.#probe();
    });
    return this.#running;
  }

  async #read(): Promise<void> {
    const { evaluateBoard, latestRuns, onChange, signal } = this.#options;
    onChange({ checking: true });
    const [board, runs] = await Promise.allSettled([attempt(() => evaluateBoard(signal)), attempt(latestRuns)]);
    if (signal.aborted) return;
    const problem = [board, runs].find((one) => one.status === 'rejected')?.reason;
    // What was read last stays, with its own time on it; the problem beside it says that it is not of now.
    onChange({
      ...(board.status === 'fulfilled' ? { board: board.value } : {}),
      ...(runs.status === 'fulfilled' ? { runs: runs.value } : {}),
      boardProblem: problem === undefined ? null : oneLine(problem),
      checking: false,
    });
  }

  /** Asks each database for a sign of life, one probe at a time, and again after a while. */
  #probe(): void {
    clearTimeout(this.#probeTimer ?? undefined);
    // An evaluation may use every connection there is: waiting in its queue says nothing about the server. It probes after.
    if (this.#running) return;
    this.#probing ??= this.#probeAll().finally(() => {
      this.#probing = null;
      if (this.#options.signal.aborted) return;
      clearTimeout(this.#probeTimer ?? undefined);
      this.#probeTimer = setTimeout(() => this.#probe(), this.#options.probeEveryMs);
    });
  }

  async #probeAll(): Promise<void> {
    const { databases, onChange, signal } = this.#options;
    const before = this.#states;
    const [historical, runtime] = await Promise.all([probe(databases.historical), probe(databases.runtime)]);
    if (signal.aborted) return;
    this.#states = { historical, runtime };
    onChange({ databases: this.#states });
    const cameBack = (name: keyof DatabaseStates) => before[name].up === false && this.#states[name].up === true;
    if (cameBack('historical') || cameBack('runtime')) void this.recheck();
  }
}

/** Nothing is known before the first probe. */
export function initialDatabases(databases: Databases): DatabaseStates {
  const unknown = (database: Database) => ({ label: database.target.label, up: null, problem: null });
  return { historical: unknown(databases.historical), runtime: unknown(databases.runtime) };
}

async function probe(database: Database): Promise<DatabaseStates['historical']> {
  const { label } = database.target;
  try {
    await database.client((client) => client.query('SELECT 1'));
    return { label, up: true, problem: null };
  } catch (error) {
    return { label, up: false, problem: oneLine(error) };
  }
}

/** A function that throws before it returns a promise fails like any other. */
const attempt = async <T>(work: () => Promise<T>): Promise<T> => work();

const oneLine = (error: unknown) =>
  error instanceof UserError ? `${error.message}. ${error.fix}` : errorMessage(error);
