/** What the console knows and what the operator is looking at. One store; screens read it, the controller writes it. */
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { Tone } from '../format/states.ts';
import type { LaunchRequest, Snapshot } from '../supervisor/protocol.ts';
import type { Size } from './terminal.ts';

/** Panes that take the focus, in the order of Tab. */
export const PANES = ['phases', 'why', 'coverage', 'machine', 'jobs', 'job', 'log', 'runs'] as const;
export type PaneId = (typeof PANES)[number];

interface DialogButton {
  readonly label: string;
  /** What pressing it sends to the supervisor; null closes the dialog and changes nothing. */
  readonly request: DialogRequest | null;
}

export type DialogRequest =
  | { readonly kind: 'launch'; readonly request: LaunchRequest }
  | { readonly kind: 'rerun'; readonly jobId: string; readonly idempotencyKey: string }
  | { readonly kind: 'stop'; readonly jobId: string };

export interface Dialog {
  readonly kind: 'dialog';
  readonly title: string;
  /** Paragraphs; the last ones are cut first when there is no room. */
  readonly body: readonly string[];
  /** The exact command that will run. */
  readonly command: string | null;
  readonly tone: Tone;
  /** Cancel (or Close) is always the first and has the focus when the dialog opens. */
  readonly buttons: readonly DialogButton[];
  readonly focus: number;
}

type Overlay = Dialog | { readonly kind: 'help'; readonly top: number };

interface Toast {
  readonly text: string;
  readonly tone: Tone;
}

export interface ConsoleState {
  readonly size: Size;
  readonly snapshot: Snapshot;
  /** False until a supervisor answers; nothing can be launched before. */
  readonly connected: boolean;
  /** What is being done before the supervisor is there: `starting PostgreSQL …`. */
  readonly boot: string | null;
  /** Why there will be no supervisor, with what to do about it. */
  readonly bootProblem: string | null;
  /** Milliseconds without news when that is longer than it should be, in coarse steps; else 0. */
  readonly silentMs: number;
  readonly focus: PaneId;
  readonly zoomed: boolean;
  /** Chosen by hand; null follows the first phase that is not green. */
  readonly phase: string | null;
  /** Chosen by hand; null follows the newest running job. */
  readonly job: string | null;
  /** Rows scrolled away from the pane's resting place: its top, or the end of the log. */
  readonly scroll: Readonly<Record<PaneId, number>>;
  readonly overlay: Overlay | null;
  readonly toast: Toast | null;
  /** A request is on its way to the supervisor. */
  readonly sending: boolean;
}

export type ConsoleStore = StoreApi<ConsoleState>;

const RESTING = Object.fromEntries(PANES.map((pane) => [pane, 0])) as Readonly<Record<PaneId, number>>;

/** A snapshot that claims nothing: shown until the first real one arrives. */
export function emptySnapshot(home: string, demo: boolean, at: number): Snapshot {
  const unknown = { label: '', up: null, problem: null };
  return {
    sequence: -1,
    at,
    demo,
    home,
    databases: { historical: unknown, runtime: unknown },
    board: null,
    boardProblem: null,
    checking: true,
    machine: null,
    jobs: [],
    runs: [],
    journal: [],
    detail: null,
    handover: null,
  };
}

/** The store of one console. */
export function createConsoleStore(snapshot: Snapshot, size: Size, initial: Partial<ConsoleState> = {}): ConsoleStore {
  return createStore<ConsoleState>(() => ({
    size,
    snapshot,
    connected: false,
    boot: null,
    bootProblem: null,
    silentMs: 0,
    focus: 'phases',
    zoomed: false,
    phase: null,
    job: null,
    scroll: RESTING,
    overlay: null,
    toast: null,
    sending: false,
    ...initial,
  }));
}
