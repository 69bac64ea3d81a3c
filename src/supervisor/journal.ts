/**
 * What happened, kept in two files of the home: `logs/audit.ndjson`, who did what (only ever appended to), and
 * `logs/journal.ndjson`, what became of jobs, phases and databases (turned over when it is large). Both work with the
 * databases down and the disk full: a line that cannot be written is kept in memory and said on stderr, no more.
 */
import { appendFileSync, readFileSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';
import { errorMessage } from '../platform/errors.ts';
import type { Home } from '../platform/home.ts';
import { maskText } from '../platform/secrets.ts';
import { cleanText } from './clean-text.ts';
import { type Handover, type JournalEntry, journalEntrySchema } from './protocol.ts';
import { parseLine } from './wire/lines.ts';

const AUDIT_FILE = 'audit.ndjson';
export const JOURNAL_FILE = 'journal.ndjson';
/** The journal is turned over at this size; one older file is kept beside it. */
const MAX_JOURNAL_BYTES = 8 * 1024 * 1024;
/** Entries held for screens. */
const RECENT = 200;

export class Journal {
  readonly #home: Home;
  readonly #now: () => number;
  /** The newest entries, oldest first. A new array after every change. */
  #recent: readonly JournalEntry[];
  /** The last known state of each subject of each kind. */
  readonly #states = new Map<string, string>();
  readonly #lastSeen = new Map<string, number>();
  readonly #onChange: (recent: readonly JournalEntry[]) => void;

  constructor(home: Home, now: () => number, onChange: (recent: readonly JournalEntry[]) => void) {
    this.#home = home;
    this.#now = now;
    this.#onChange = onChange;
    const entries = readJournal(home);
    for (const entry of entries) this.#remember(entry);
    this.#recent = entries.slice(-RECENT);
  }

  get recent(): readonly JournalEntry[] {
    return this.#recent;
  }

  /** Notes a new state of a subject, unless it is the one known already. `at`: when it came to be. */
  transition(kind: JournalEntry['kind'], subject: string, what: string, detail: string, at = this.#now()): boolean {
    if (this.#states.get(stateKey(kind, subject, what)) === what) return false;
    this.#add({ at, kind, subject, what, detail: harmless(detail), who: null });
    return true;
  }

  /** Notes that a running job has gone quiet (since when), or speaks again (null); what is known already is not noted. */
  speech(job: string, quietSince: number | null): void {
    if (quietSince !== null) {
      this.transition('job', job, STALLED, `nothing said since ${new Date(quietSince).toISOString()}`);
    } else if (this.#states.get(stateKey('job', job, STALLED)) === STALLED) {
      this.transition('job', job, SPEAKS_AGAIN, '');
    }
  }

  /** Notes an action in both files, before it is carried out. */
  action(who: string, what: string, subject: string, detail = ''): void {
    const entry: JournalEntry = {
      at: this.#now(),
      kind: 'action',
      subject: harmless(subject),
      what,
      detail: harmless(detail),
      who: harmless(who),
      toldBy: 'client',
    };
    this.#write(AUDIT_FILE, entry);
    this.#add(entry);
  }

  /** What happened since this operator left; null when they are new here or nothing did. */
  since(who: string): Handover | null {
    const since = this.#lastSeen.get(who);
    if (since === undefined) return null;
    const entries = this.#recent.filter((entry) => entry.at > since && entry.kind !== 'action');
    return entries.length === 0 ? null : { since, entries };
  }

  #add(entry: JournalEntry): void {
    this.#remember(entry);
    this.#recent = [...this.#recent, entry].slice(-RECENT);
    this.#write(JOURNAL_FILE, entry);
    this.#onChange(this.#recent);
  }

  #remember(entry: JournalEntry): void {
    if (entry.kind === 'action') {
      if (entry.what === 'detach' && entry.who !== null) this.#lastSeen.set(entry.who, entry.at);
    } else this.#states.set(stateKey(entry.kind, entry.subject, entry.what), entry.what);
  }

  #write(name: string, entry: JournalEntry): void {
    const file = path.join(this.#home.logs, name);
    try {
      if (name === JOURNAL_FILE && sizeOf(file) > MAX_JOURNAL_BYTES) renameSync(file, `${file}.1`);
      appendFileSync(file, `${JSON.stringify(entry)}\n`, { mode: 0o600 });
    } catch (error) {
      process.stderr.write(`${name} cannot be written: ${errorMessage(error)}: ${JSON.stringify(entry)}\n`);
    }
  }
}

const STALLED = 'stalled';
const SPEAKS_AGAIN = 'speaks again';

/** Whether a job speaks is told beside its state: it is RUN all the while. */
const stateKey = (kind: JournalEntry['kind'], subject: string, what: string) =>
  `${kind}${what === STALLED || what === SPEAKS_AGAIN ? ' speech' : ''} ${subject}`;

/** Text of requests and programs: nothing that drives a terminal, and no password. */
const harmless = (text: string): string => maskText(cleanText(text));

/** Entries of both files of the journal, oldest first; lines cut off by a full disk or a kill are passed over. */
export function readJournal(home: Home): JournalEntry[] {
  return [`${JOURNAL_FILE}.1`, JOURNAL_FILE].flatMap((name) => readEntries(path.join(home.logs, name)));
}

/** The operator's actions, oldest first. */
export function readAudit(home: Home): JournalEntry[] {
  return readEntries(path.join(home.logs, AUDIT_FILE));
}

function readEntries(file: string): JournalEntry[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return [];
  }
  return text.split('\n').flatMap((line) => parseJournalLine(line) ?? []);
}

/** The entry in a line, or null when the line holds none. */
export function parseJournalLine(line: string): JournalEntry | null {
  const parsed = journalEntrySchema.safeParse(parseLine(line));
  return parsed.success ? parsed.data : null;
}

function sizeOf(file: string): number {
  try {
    return statSync(file).size;
  } catch {
    return 0;
  }
}
