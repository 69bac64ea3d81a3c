/** What the console knows and what the operator is looking at. One store; screens read it, the controller writes it. */
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { Tone } from '../format/states.ts';
import type {
  ChainRequest,
  KeepRequest,
  LaunchRequest,
  NoteRequest,
  PauseRequest,
  RerunRequest,
  SkipRequest,
  Snapshot,
} from '../supervisor/protocol.ts';
import type { ReadArgs } from '../supervisor/reads.ts';
import type { Answer } from './answers.ts';
import type { ProgramChooser } from './form/chooser.ts';
import type { FormDraft, FormView } from './form/model.ts';
import type { EditedLine } from './line-editor.ts';
import type { LogFrame } from './log/log-frame.ts';
import type { LogView } from './log/log-view.ts';
import type { PaneId, ScreenId } from './screens.ts';
import type { Size } from './terminal.ts';
import type { ThemeName } from './theme.ts';

interface DialogButton {
  readonly label: string;
  /** What pressing it sends to the supervisor; null closes the dialog and changes nothing. */
  readonly request: DialogRequest | null;
}

export type DialogRequest =
  | { readonly kind: 'launch'; readonly request: LaunchRequest }
  | { readonly kind: 'rerun'; readonly request: RerunRequest }
  | { readonly kind: 'chain'; readonly request: ChainRequest }
  | { readonly kind: 'stop'; readonly jobId: string }
  | { readonly kind: 'kill'; readonly jobId: string }
  | { readonly kind: 'remove'; readonly jobId: string }
  | { readonly kind: 'keep'; readonly request: KeepRequest }
  | { readonly kind: 'pause'; readonly request: PauseRequest }
  | { readonly kind: 'note'; readonly request: NoteRequest }
  | { readonly kind: 'skip'; readonly request: SkipRequest }
  | { readonly kind: 'shutdown' }
  /** A command of the command line: run beside the supervisor, as a shell would. */
  | { readonly kind: 'command'; readonly words: readonly string[] };

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
  /** For what cannot be undone: the words that must be typed before any button but the first does anything. */
  readonly typed: { readonly expected: string; readonly line: EditedLine } | null;
}

/** What is typed about a phase: a note, or why it is left out or taken in again. */
export type PhaseWords = 'note' | 'skip' | 'unskip';

/** A line being typed at the foot of the screen. */
export interface Prompt {
  readonly kind: 'prompt';
  /** `command`: the palette; `filter`: of the list with the focus, or of the log; `search`: in the log; `help`: in the help; else words on a phase. */
  readonly purpose: 'command' | 'filter' | 'search' | 'help' | PhaseWords;
  /** The phase that such words are about, whatever is selected when they are done; else null. */
  readonly phase: string | null;
  readonly line: EditedLine;
  /** Which of the lines typed before is shown; null: a new one. */
  readonly recalled: number | null;
}

/** A choice by one letter. */
export interface Menu {
  readonly kind: 'menu';
  readonly title: string;
  readonly items: readonly { readonly key: string; readonly label: string; readonly text: string }[];
}

interface HelpView {
  readonly kind: 'help';
  readonly top: number;
  /** Only keys whose line matches are shown; empty: all. */
  readonly query: string;
}

type Overlay = Dialog | Prompt | Menu | HelpView | FormView | ProgramChooser;

interface Toast {
  readonly text: string;
  readonly tone: Tone;
}

/** The log that the Jobs screen shows. */
export interface OpenLog {
  readonly jobId: string;
  readonly view: LogView;
  readonly frame: LogFrame;
}

/** A command of the command line, as the palette sees it. */
interface CommandWords {
  readonly name: string;
  readonly summary: string;
  /** `reads`: run at once; `writes`: asked for first; `stays`: it needs a shell of its own. */
  readonly effect: 'reads' | 'writes' | 'stays';
}

type ByPane<Value> = Readonly<Partial<Record<PaneId, Value>>>;

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
  readonly screen: ScreenId;
  readonly focus: PaneId;
  /** The pane that had the focus when a screen was left. */
  readonly lastFocus: Readonly<Partial<Record<ScreenId, PaneId>>>;
  readonly zoomed: boolean;
  /** Ids of rows chosen by hand; a list without one follows what matters most. */
  readonly selected: ByPane<string>;
  /** Filters of lists, as typed. */
  readonly filters: ByPane<string>;
  /** Which of its orders a list is in; absent: its own. */
  readonly order: ByPane<number>;
  /** Ids of rows marked by hand, in the order of marking. */
  readonly marked: ByPane<readonly string[]>;
  /** Where the cursors of grids stand: a year, a position among days. */
  readonly cursors: ByPane<number>;
  /** Rows scrolled away from the pane's resting place: its top, or the end of the log. */
  readonly scroll: ByPane<number>;
  /** What a cell of the coverage grid says. */
  readonly cellUnit: CellUnit;
  /** Whose neighbours are looked for. */
  readonly similar: ReadArgs<'similar'> | null;
  /** What the open screen asked the supervisor for, by question. */
  readonly answers: Readonly<Record<string, Answer>>;
  readonly log: OpenLog | null;
  readonly overlay: Overlay | null;
  /** What was typed into the form of each program when it was closed. */
  readonly drafts: Readonly<Record<string, FormDraft>>;
  /** The commands of the command line: those that the palette knows beside its own. */
  readonly commands: readonly CommandWords[];
  /** Commands typed before, oldest first. */
  readonly typed: readonly string[];
  /** Colours chosen by hand, by the settings or by the terminal's background; null: the terminal's own palette. */
  readonly theme: ThemeName | null;
  /** Clicks and the wheel are listened to; else the terminal selects text by them. */
  readonly mouse: boolean;
  /** What costs or destroys is refused, here and in the supervisor. */
  readonly readOnly: boolean;
  /** News is held back, so that what is on the screen can be read. */
  readonly paused: boolean;
  readonly toast: Toast | null;
  /** What happened while the operator was away has been read. */
  readonly handoverRead: boolean;
  /** A request is on its way to the supervisor. */
  readonly sending: boolean;
}

/** A mark for the share of what is expected, that share in percent, or what was counted. */
export const CELL_UNITS = ['mark', 'percent', 'count'] as const;
export type CellUnit = (typeof CELL_UNITS)[number];

export type ConsoleStore = StoreApi<ConsoleState>;

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
    screen: 'overview',
    focus: 'phases',
    lastFocus: {},
    zoomed: false,
    selected: {},
    filters: {},
    order: {},
    marked: {},
    cursors: {},
    scroll: {},
    similar: null,
    answers: {},
    log: null,
    overlay: null,
    drafts: {},
    commands: [],
    typed: [],
    theme: null,
    mouse: false,
    readOnly: false,
    paused: false,
    toast: null,
    handoverRead: false,
    cellUnit: 'mark',
    sending: false,
    ...initial,
  }));
}

/** A failure in full, with what to do about it when the error says so. */
export function noticeDialog(title: string, error: unknown): Dialog {
  const { message, fix } = error as { message?: string; fix?: string };
  return {
    kind: 'dialog',
    title,
    body: [message ?? String(error), ...(fix ? [fix] : [])],
    command: null,
    tone: 'bad',
    buttons: [{ label: 'Close', request: null }],
    focus: 0,
    typed: null,
  };
}

/** The button of a dialog that launches something, or -1. */
export function launchButton({ overlay }: ConsoleState): number {
  if (overlay?.kind !== 'dialog') return -1;
  return overlay.buttons.findIndex(({ request }) => request !== null && LAUNCHES.has(request.kind));
}

const LAUNCHES: ReadonlySet<DialogRequest['kind']> = new Set(['launch', 'rerun', 'chain']);
