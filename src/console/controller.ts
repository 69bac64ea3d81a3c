/** What keys do: the only writer of the console's state besides the feed, and the only caller of the supervisor's verbs. */
import type { Tone } from '../format/states.ts';
import type { JobView, Supervisor } from '../supervisor/protocol.ts';
import { type ActionContext, type ControllerHost, type Holds, type Limits, noLimits } from './action.ts';
import { readFilter } from './filter.ts';
import { editedField, withText } from './form/model.ts';
import type { KeyEvent } from './key-parser.ts';
import { findAction, keyLabel, refusal } from './keys.ts';
import { type EditedLine, editLine, insertText } from './line-editor.ts';
import { followingWhatRuns, held, select } from './lists.ts';
import { applyMouse } from './mouse.ts';
import type { PaneId } from './screens.ts';
import { type ConsoleState, type ConsoleStore, type DialogRequest, noticeDialog } from './store.ts';

export interface Controller {
  key(event: KeyEvent): void;
  /** Ends what has had its time on the screen. */
  tick(): void;
  readonly limits: Limits;
}

const TOAST_MS = 6000;
const always: Holds = () => true;
/** Two ^c within this time detach. */
const TWICE_MS = 2000;

/** Makes the controller of one console. */
export function createController(store: ConsoleStore, host: ControllerHost): Controller {
  const limits = noLimits();
  let toastUntil = Number.POSITIVE_INFINITY;
  let interruptedAt = Number.NEGATIVE_INFINITY;

  let toastHolds: Holds = always;

  const toast = (text: string, tone: Tone, holds: Holds = always, ms = TOAST_MS) => {
    toastUntil = host.now() + ms;
    toastHolds = holds;
    store.setState({ toast: { text, tone } });
  };
  store.subscribe((state) => {
    if (state.toast && !toastHolds(state)) store.setState({ toast: null });
  });

  /** What a pane shows, or a key acts on, stays the selected one. */
  const hold = (pane: PaneId, how: Parameters<typeof held>[2]) => {
    const change = held(store.getState(), pane, how);
    if (change) store.setState(change);
  };
  store.subscribe((state, before) => {
    if (state.screen === 'overview' && before.screen !== 'overview') {
      const change = followingWhatRuns(state);
      if (change) return store.setState(change);
    }
    const leaves = state.focus !== before.focus && state.screen === before.screen;
    if (leaves) hold(before.focus, { own: true, gone: false });
    hold(state.focus, { own: false, gone: false });
  });

  const send = async (request: DialogRequest) => {
    if (request.kind === 'command') {
      if (store.getState().readOnly) return toast('this console is read-only (:rw ends that)', 'warn');
      return run(request.words);
    }
    const supervisor = host.supervisor();
    if (!supervisor) return;
    store.setState({ sending: true });
    try {
      const { said, job, holds } = await perform(supervisor, request);
      if (job) store.setState((state) => withJob(state, job));
      store.setState({ sending: false });
      toast(said, 'good', holds);
    } catch (error) {
      store.setState({ sending: false, overlay: noticeDialog(refusalTitle(request), error) });
    }
  };

  const run = async (words: readonly string[]) => {
    try {
      await host.run(words);
    } catch (error) {
      store.setState({ overlay: noticeDialog(`${words.slice(0, 2).join(' ')} could not be run`, error) });
    }
  };

  /** Takes a change of the line being typed in; what is typed for the log is at work from its first letter. */
  const typeLine = (state: ConsoleState, line: EditedLine) => {
    store.setState(withLine(state, line));
    const { overlay, focus, log } = state;
    if (overlay?.kind !== 'prompt' || focus !== 'output' || readFilter(line.text).problem) return;
    if (overlay.purpose === 'search') log?.view.type(line.text);
    else if (overlay.purpose === 'filter') log?.view.setOptions({ ...log.view.frame.options, filter: line.text });
  };

  const interrupt = () => {
    const now = host.now();
    if (now - interruptedAt <= TWICE_MS) return host.detach();
    interruptedAt = now;
    toast('^c again detaches; jobs keep running', 'info', always, TWICE_MS);
  };

  const context = (state: ConsoleState): ActionContext => ({
    state,
    store,
    host: { ...host, run },
    limits,
    toast,
    send: (request) => void send(request),
  });

  return {
    limits,
    key(event) {
      hold(store.getState().focus, { own: false, gone: true });
      const state = store.getState();
      if (event.type === 'paste') {
        // Pasted text is never a command: it goes into a line that is being typed, or nowhere.
        const line = typedLine(state);
        if (line) return typeLine(state, insertText(line, event.text));
        return toast('pasted text is not used here', 'info');
      }
      if (event.type === 'mouse') return state.mouse ? applyMouse(event, context(state)) : undefined;
      const action = findAction(state, event.id);
      if (action?.name === 'interrupt') return interrupt();
      if (action) {
        const reason = refusal(action, state);
        if (reason === null) {
          if (action.on) hold(action.on, { own: true, gone: true });
          return action.run(context(store.getState()));
        }
        const holds: Holds = (now) => findAction(now, event.id) === action && refusal(action, now) === reason;
        return toast(`${keyLabel(event.id)}: ${reason}`, 'warn', holds);
      }
      const line = typedLine(state);
      const edited = line && editLine(line, event.id);
      if (edited) return typeLine(state, edited);
      if (state.overlay?.kind === 'menu') {
        const item = state.overlay.items.find(({ key }) => key === event.id);
        if (!item) return;
        store.setState({ overlay: null });
        toast(`${item.label}: ${host.copy(item.text)}`, 'good');
      }
    },
    tick() {
      if (host.now() < toastUntil) return;
      toastUntil = Number.POSITIVE_INFINITY;
      store.setState({ toast: null });
    },
  };
}

/** The line that takes letters now; null when letters are keys. */
export function typedLine({ overlay }: ConsoleState): EditedLine | null {
  if (overlay?.kind === 'prompt' || overlay?.kind === 'programs') return overlay.line;
  if (overlay?.kind === 'form') return editedField(overlay);
  return overlay?.kind === 'dialog' ? (overlay.typed?.line ?? null) : null;
}

/** The state with another text in that line. A filter is at work from its first letter; a wrong one lets all through. */
function withLine(state: ConsoleState, line: EditedLine): Partial<ConsoleState> {
  const { overlay } = state;
  if (overlay?.kind === 'dialog' && overlay.typed)
    return { overlay: { ...overlay, typed: { ...overlay.typed, line } } };
  if (overlay?.kind === 'form') return { overlay: withText(overlay, line) };
  if (overlay?.kind === 'programs') return { overlay: { ...overlay, line, at: 0 } };
  if (overlay?.kind !== 'prompt') return {};
  const typed = { overlay: { ...overlay, line, recalled: null } };
  if (overlay.purpose === 'command' || overlay.purpose === 'help' || overlay.phase !== null) return typed;
  if (readFilter(line.text).problem) return typed;
  if (state.focus === 'output') return typed;
  return { ...typed, filters: { ...state.filters, [state.focus]: line.text || undefined } };
}

/**
 * A new job is what the operator wants to see now. It is on the screen before the next snapshot tells of it: else the
 * selection would fall back to another job for a moment, and a key pressed then would mean that one.
 */
function withJob(state: ConsoleState, job: JobView): Partial<ConsoleState> {
  const { snapshot } = state;
  const known = snapshot.jobs.some((one) => one.id === job.id);
  return {
    ...select(state, 'jobs', job.id),
    snapshot: known ? snapshot : { ...snapshot, jobs: [job, ...snapshot.jobs] },
  };
}

type SupervisorRequest = Exclude<DialogRequest, { kind: 'command' }>;

/** What is said of a request that was taken. */
interface Taken {
  readonly said: string;
  /** A new job, to be looked at. */
  readonly job?: JobView;
  readonly holds?: Holds;
}

/** What a job is about to do says nothing any more of one that has ended. */
const untilItEnds =
  ({ id }: JobView): Holds =>
  ({ snapshot }) =>
    !snapshot.jobs.some((job) => job.id === id && job.endedAt !== null);

/** Sends it. */
async function perform(supervisor: Supervisor, request: SupervisorRequest): Promise<Taken> {
  switch (request.kind) {
    case 'launch': {
      const job = await supervisor.launch(request.request);
      return { said: `launched ${job.id}`, job };
    }
    case 'rerun': {
      const job = await supervisor.rerun(request.request);
      return { said: `launched ${job.id}`, job };
    }
    case 'chain': {
      const jobs = await supervisor.chain(request.request);
      return { said: `${jobs.length} jobs in a row, from ${jobs[0].id}`, job: jobs[0] };
    }
    case 'stop': {
      const { id } = await supervisor.stop({ jobId: request.jobId });
      return { said: `TERM sent to ${id}` };
    }
    case 'kill': {
      const { id } = await supervisor.kill(request.jobId);
      return { said: `KILL sent to ${id}` };
    }
    case 'remove':
      await supervisor.remove(request.jobId);
      return { said: `the record of ${request.jobId} is deleted` };
    case 'keep':
      return { said: keptWords(await supervisor.keep(request.request), request.request.archived !== undefined) };
    case 'pause': {
      const job = await supervisor.pause(request.request);
      const said = request.request.paused ? `${job.id} pauses after its present shards` : `${job.id} goes on`;
      return { said, holds: untilItEnds(job) };
    }
    case 'note':
      await supervisor.note(request.request);
      return { said: `noted on ${request.request.phase}` };
    case 'skip': {
      await supervisor.skip(request.request);
      const { phase, skipped } = request.request;
      return { said: skipped ? `${phase} is skipped` : `${phase} is skipped no longer` };
    }
    case 'shutdown':
      await supervisor.shutdown();
      return { said: 'the supervisor is ending; jobs run on' };
  }
}

/** What became of a job's marks, and how a hidden one comes back. */
function keptWords({ id, kept, archived }: JobView, hiding: boolean): string {
  if (!hiding) return kept ? `${id} is kept for good` : `${id} is kept no longer than others`;
  return archived ? `${id} is hidden; it comes back with: prometheus job keep ${id} --archive --off` : `${id} is shown`;
}

function refusalTitle(request: SupervisorRequest): string {
  switch (request.kind) {
    case 'launch':
      return 'The job could not be launched';
    case 'rerun':
      return `${request.request.jobId} could not be run again`;
    case 'chain':
      return `The plan of ${request.request.phase} could not be started`;
    case 'stop':
      return `${request.jobId} could not be stopped`;
    case 'kill':
      return `${request.jobId} could not be killed`;
    case 'remove':
      return `The record of ${request.jobId} could not be deleted`;
    case 'keep':
      return `${request.request.jobId} could not be marked`;
    case 'pause':
      return `${request.request.jobId} could not ${request.request.paused ? 'pause' : 'go on'}`;
    case 'note':
      return `${request.request.phase} could not be noted on`;
    case 'skip':
      return `${request.request.phase} could not be ${request.request.skipped ? 'skipped' : 'taken in again'}`;
    case 'shutdown':
      return 'The supervisor could not be stopped';
  }
}
