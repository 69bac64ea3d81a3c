/** What an action of the console is: its keys, where they are alive, what it may cost and what it does. */
import type { Tone } from '../format/states.ts';
import type { Supervisor } from '../supervisor/protocol.ts';
import type { ListId } from './lists.ts';
import type { PagedLines } from './pager.ts';
import type { PaneId, ScreenId } from './screens.ts';
import type { ConsoleState, ConsoleStore, DialogRequest } from './store.ts';

/**
 * Where a key is alive: `always` everywhere, `global` on every screen, a screen's own name there; the others in their
 * overlay: `typing` in a dialog that asks for words, `field` in the launch form, `switch` there in a field that is not typed,
 * `buttons` in its last row.
 */
export type Scope = 'always' | 'global' | ScreenId | OverlayScope;
export type OverlayScope =
  | 'dialog'
  | 'typing'
  | 'prompt'
  | 'menu'
  | 'help'
  | 'programs'
  | 'field'
  | 'switch'
  | 'buttons';

/** What pressing the key may do: *cost* asks first, *destructive* asks for the name to be typed, *safe* runs. */
type Danger = 'safe' | 'cost' | 'destructive';

export interface ControllerHost {
  /** The supervisor, once there is one. */
  supervisor(): Supervisor | null;
  redraw(): void;
  detach(): void;
  suspend(): void;
  /** Puts text into the operator's clipboard, and says how. */
  copy(text: string): string;
  /** Gives the terminal to the operator's pager until it ends; it takes lines as it wants them. */
  page(lines: PagedLines): Promise<void>;
  /** Runs a command of the command line as a shell would, and gives the terminal to the operator's pager over what it prints. */
  run(words: readonly string[]): Promise<void>;
  /** Gives the terminal to the operator's editor until it ends; returns the text as it was saved. */
  edit(text: string): Promise<string>;
  /** Writes lines into a file where the console was started; returns its path. */
  save(name: string, lines: AsyncIterable<string>): Promise<string>;
  now(): number;
  newId(): string;
}

/** How far each scrolled pane may go, and how far the help; the screens tell after layout. */
export interface Limits {
  panes: Partial<Record<PaneId, number>>;
  help: number;
  /** Where things are on the screen, for the mouse: panes, and the screens' names in the header. */
  readonly spots: Partial<Record<PaneId, Spot>>;
  tabs: readonly { readonly screen: ScreenId; readonly left: number; readonly width: number }[];
}

export const noLimits = (): Limits => ({ panes: {}, help: 0, spots: {}, tabs: [] });

/** A pane on the screen, in cells from the upper left. */
export interface Spot {
  readonly rect: { readonly left: number; readonly top: number; readonly width: number; readonly height: number };
  /** The rows of the screen that its content takes, and which of its lines is the first there. */
  readonly bodyTop: number;
  readonly bodyRows: number;
  readonly first: number;
  readonly lines: number;
  /** The line with which each row of a list begins; absent: a row is a line. */
  readonly starts?: readonly number[];
}

/** Whether what was said is still so. */
export type Holds = (state: ConsoleState) => boolean;

export interface ActionContext {
  /** As it was when the key came. */
  readonly state: ConsoleState;
  readonly store: ConsoleStore;
  readonly host: ControllerHost;
  readonly limits: Limits;
  /** A few words at the foot of the screen, for a while, and no longer than they hold. */
  toast(text: string, tone: Tone, holds?: Holds): void;
  /** Sends a request to the supervisor; its refusal becomes a dialog. */
  send(request: DialogRequest): void;
}

export interface Action {
  /** Published name: `job.stop`. */
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Key names as the key parser gives them. */
  readonly keys: readonly string[];
  /** One line for the help screen. */
  readonly help: string;
  /**
   * A word or two for the footer, null where it has no place there now, and how early it leaves when there is no room (1 leaves
   * last); absent: not in the footer.
   */
  readonly footer?: {
    readonly label: string | ((state: ConsoleState) => string | null);
    readonly rank: number;
    /** The key as it is written there, when one name says it better than the first of the keys. */
    readonly key?: string;
  };
  readonly danger: Danger;
  /** The list whose selected row it acts on: that row stays selected from then on. */
  readonly on?: ListId;
  /** Why it cannot be done now; null when it can. Read-only mode is looked after in one place for all. */
  readonly disabled?: (state: ConsoleState) => string | null;
  run(context: ActionContext): void;
}
