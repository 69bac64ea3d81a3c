/** What keys do: the only writer of the console's state besides the feed, and the only caller of the supervisor's verbs. */
import { commandLine, splitCommand } from '../format/command.ts';
import { formatDuration } from '../format/numbers.ts';
import type { Tone } from '../format/states.ts';
import type { JobView, Supervisor } from '../supervisor/protocol.ts';
import type { KeyEvent } from './key-parser.ts';
import { type ActionName, findAction, launchButton } from './keys.ts';
import {
  isScrolled,
  launchCommand,
  measuredDuration,
  phasesOf,
  runningSibling,
  selectedJob,
  selectedPhase,
} from './selectors.ts';
import { type ConsoleState, type ConsoleStore, type Dialog, type DialogRequest, PANES, type PaneId } from './store.ts';

/** What the process around the console does for it. */
export interface ControllerHost {
  /** The supervisor, once there is one. */
  supervisor(): Supervisor | null;
  redraw(): void;
  detach(): void;
  suspend(): void;
  now(): number;
  newId(): string;
}

export interface Controller {
  key(event: KeyEvent): void;
  /** Ends what has had its time on the screen. */
  tick(): void;
  /** How far each scrolled pane may go, and how far the help; the screens tell after layout. */
  readonly limits: { panes: Partial<Record<PaneId, number>>; help: number };
}

const PAGE = 10;
const TOAST_MS = 6000;
/** Two ^c within this time detach. */
const TWICE_MS = 2000;

const clamp = (value: number, max: number) => Math.max(0, Math.min(max, value));

/** Makes the controller of one console. */
export function createController(store: ConsoleStore, host: ControllerHost): Controller {
  const limits: Controller['limits'] = { panes: {}, help: 0 };
  let toastUntil = Number.POSITIVE_INFINITY;
  let interruptedAt = Number.NEGATIVE_INFINITY;

  const toast = (text: string, tone: Tone) => {
    toastUntil = host.now() + TOAST_MS;
    store.setState({ toast: { text, tone } });
  };

  const moveTo = (state: ConsoleState, step: number) => {
    const { focus } = state;
    if (isScrolled(focus)) {
      // The log rests at its end: up means away from it.
      const sign = focus === 'log' ? -1 : 1;
      const scroll = clamp(state.scroll[focus] + sign * step, limits.panes[focus] ?? 0);
      return store.setState({ scroll: { ...state.scroll, [focus]: scroll } });
    }
    const ids =
      focus === 'phases' ? phasesOf(state).map((p) => p.phase as string) : state.snapshot.jobs.map((j) => j.id);
    const chosen = focus === 'phases' ? selectedPhase(state)?.phase : selectedJob(state)?.id;
    const next = ids[clamp(ids.indexOf(chosen ?? '') + step, ids.length - 1)];
    if (next === undefined || next === chosen) return;
    // What belonged to the row before starts at its beginning for the new one.
    if (focus === 'phases') store.setState({ phase: next, scroll: { ...state.scroll, why: 0 } });
    else store.setState({ job: next, scroll: { ...state.scroll, job: 0, log: 0 } });
  };

  const moveHelp = (state: ConsoleState, step: number) => {
    if (state.overlay?.kind === 'help')
      store.setState({ overlay: { kind: 'help', top: clamp(state.overlay.top + step, limits.help) } });
  };

  const focusPane = (state: ConsoleState, step: number) => {
    const next = PANES[(PANES.indexOf(state.focus) + step + PANES.length) % PANES.length];
    store.setState({ focus: next });
  };

  const focusButton = (state: ConsoleState, step: number) => {
    if (state.overlay?.kind !== 'dialog') return;
    const { buttons, focus } = state.overlay;
    store.setState({ overlay: { ...state.overlay, focus: (focus + step + buttons.length) % buttons.length } });
  };

  const press = (state: ConsoleState, button: number) => {
    if (state.overlay?.kind !== 'dialog') return;
    const { request } = state.overlay.buttons[button];
    store.setState({ overlay: null });
    if (request) void send(request);
  };

  const send = async (request: DialogRequest) => {
    const supervisor = host.supervisor();
    if (!supervisor) return;
    store.setState({ sending: true });
    try {
      const job = await perform(supervisor, request);
      const said = request.kind === 'stop' ? `TERM sent to ${job.id}` : `launched ${job.id}`;
      if (request.kind !== 'stop')
        store.setState((s) => ({ ...withJob(s, job), scroll: { ...s.scroll, job: 0, log: 0 } }));
      store.setState({ sending: false });
      toast(said, 'good');
    } catch (error) {
      store.setState({ sending: false, overlay: noticeDialog(refusalTitle(request), error) });
    }
  };

  const recheck = async () => {
    try {
      await host.supervisor()?.recheck();
    } catch (error) {
      store.setState({ overlay: noticeDialog('The evidence could not be read', error) });
    }
  };

  const back = (state: ConsoleState) => {
    if (state.toast) return store.setState({ toast: null });
    if (state.zoomed) return store.setState({ zoomed: false });
    store.setState({ scroll: { ...state.scroll, [state.focus]: 0 } });
  };

  const interrupt = () => {
    const now = host.now();
    if (now - interruptedAt <= TWICE_MS) return host.detach();
    interruptedAt = now;
    toast('^c again detaches; jobs keep running', 'info');
  };

  const run: Readonly<Record<ActionName, (state: ConsoleState) => void>> = {
    interrupt,
    redraw: () => host.redraw(),
    suspend: () => host.suspend(),
    help: () => store.setState({ overlay: { kind: 'help', top: 0 } }),
    recheck: () => void recheck(),
    detach: () => host.detach(),
    'screen.overview': () => store.setState({ zoomed: false }),
    'move.down': (state) => moveTo(state, 1),
    'move.up': (state) => moveTo(state, -1),
    'page.down': (state) => moveTo(state, PAGE),
    'page.up': (state) => moveTo(state, -PAGE),
    first: (state) => moveTo(state, Number.NEGATIVE_INFINITY),
    last: (state) => moveTo(state, Number.POSITIVE_INFINITY),
    'pane.next': (state) => focusPane(state, 1),
    'pane.previous': (state) => focusPane(state, -1),
    zoom: (state) => store.setState({ zoomed: !state.zoomed }),
    back,
    launch: (state) => store.setState({ overlay: launchDialog(state, host.newId()) }),
    rerun: (state) => store.setState({ overlay: rerunDialog(state, host.newId()) }),
    stop: (state) => store.setState({ overlay: stopDialog(state) }),
    follow: (state) => store.setState({ scroll: { ...state.scroll, log: 0 } }),
    'dialog.next': (state) => focusButton(state, 1),
    'dialog.previous': (state) => focusButton(state, -1),
    'dialog.press': (state) => state.overlay?.kind === 'dialog' && press(state, state.overlay.focus),
    'dialog.cancel': () => store.setState({ overlay: null }),
    'dialog.launch': (state) => press(state, launchButton(state)),
    'help.down': (state) => moveHelp(state, 1),
    'help.up': (state) => moveHelp(state, -1),
    'help.pageDown': (state) => moveHelp(state, PAGE),
    'help.pageUp': (state) => moveHelp(state, -PAGE),
    'help.close': () => store.setState({ overlay: null }),
  };

  return {
    limits,
    key(event) {
      // Nothing here takes text yet; pasted text must not act as keys.
      if (event.type === 'paste') return toast('pasted text is not used here', 'info');
      const state = store.getState();
      const action = findAction(state, event.id);
      if (!action) return;
      const reason = action.disabled?.(state);
      if (reason) toast(`${action.name}: ${reason}`, 'warn');
      else run[action.name](state);
    },
    tick() {
      if (host.now() < toastUntil) return;
      toastUntil = Number.POSITIVE_INFINITY;
      store.setState({ toast: null });
    },
  };
}

/**
 * A new job is what the operator wants to see now. It is on the screen before the next snapshot tells of it: else the
 * selection would fall back to another job for a moment, and a key pressed then would mean that one.
 */
function withJob({ snapshot }: ConsoleState, job: JobView): Pick<ConsoleState, 'job' | 'snapshot'> {
  const known = snapshot.jobs.some((one) => one.id === job.id);
  return { job: job.id, snapshot: known ? snapshot : { ...snapshot, jobs: [job, ...snapshot.jobs] } };
}

function perform(supervisor: Supervisor, request: DialogRequest): Promise<JobView> {
  switch (request.kind) {
    case 'launch':
      return supervisor.launch(request.request);
    case 'rerun':
      return supervisor.rerun({ jobId: request.jobId, idempotencyKey: request.idempotencyKey });
    case 'stop':
      return supervisor.stop({ jobId: request.jobId });
  }
}

/** Cancel first and with the focus: Enter on a fresh dialog changes nothing. */
function dialog(
  parts: Omit<Dialog, 'kind' | 'focus' | 'buttons'>,
  go: { label: string; request: DialogRequest },
): Dialog {
  return { kind: 'dialog', focus: 0, buttons: [{ label: 'Cancel', request: null }, go], ...parts };
}

function launchDialog(state: ConsoleState, idempotencyKey: string): Dialog | null {
  const phase = selectedPhase(state);
  const command = launchCommand(state);
  if (!phase || !command) return null;
  const { program, args } = splitCommand(command.argv);
  const running = runningSibling(state, command.argv);
  return dialog(
    {
      title: `Launch ${phase.phase}: ${command.label}`,
      command: commandLine(command.argv),
      tone: 'accent',
      body: [
        estimate(state, program),
        'It runs as a job of its own: closing this console does not stop it.',
        ...(running ? [`Beware: ${running.id} is running the same program.`] : []),
      ],
    },
    { label: 'Launch', request: { kind: 'launch', request: { program, args, idempotencyKey } } },
  );
}

function rerunDialog(state: ConsoleState, idempotencyKey: string): Dialog | null {
  const job = selectedJob(state);
  if (!job) return null;
  return dialog(
    {
      title: `Run ${job.id} again`,
      command: commandLine([...job.program.split(' '), ...job.args]),
      tone: 'accent',
      body: [
        estimate(state, job.program),
        `The same program and arguments, as a new job by the present code.${job.build ? ` That run was made by ${job.build.slice(0, 12)}.` : ''}`,
      ],
    },
    { label: 'Run again', request: { kind: 'rerun', jobId: job.id, idempotencyKey } },
  );
}

function stopDialog(state: ConsoleState): Dialog | null {
  const job = selectedJob(state);
  if (!job) return null;
  return dialog(
    {
      title: `Stop ${job.id}`,
      command: commandLine([...job.program.split(' '), ...job.args]),
      tone: 'bad',
      body: [
        'TERM goes to its whole process group. What it has not finished is rolled back; it can be run again with r.',
      ],
    },
    { label: 'Stop it', request: { kind: 'stop', jobId: job.id } },
  );
}

/** The one estimate that is honest here: what the last finished run of the program took. */
function estimate(state: ConsoleState, program: string): string {
  const measured = measuredDuration(state, program);
  if (!measured) return 'Estimate: unknown, no finished run of this program to measure by.';
  return `Estimate: about ${formatDuration(measured.ms / 1000)}, as ${measured.jobId} took.`;
}

function refusalTitle(request: DialogRequest): string {
  if (request.kind === 'stop') return `${request.jobId} could not be stopped`;
  return request.kind === 'rerun' ? `${request.jobId} could not be run again` : 'The job could not be launched';
}

/** A failure in full, with what to do about it when the error says so. */
function noticeDialog(title: string, error: unknown): Dialog {
  const { message, fix } = error as { message?: string; fix?: string };
  return {
    kind: 'dialog',
    title,
    body: [message ?? String(error), ...(fix ? [fix] : [])],
    command: null,
    tone: 'bad',
    buttons: [{ label: 'Close', request: null }],
    focus: 0,
  };
}
