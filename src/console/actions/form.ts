/** The launch form: opening it for a new job, for an earlier one, for a command of a phase; moving in it; launching. */
import { shellLine, splitCommand } from '../../format/command.ts';
import type { PhaseCommand } from '../../phases/types.ts';
import type { JobView } from '../../supervisor/protocol.ts';
import type { Action, ActionContext } from '../action.ts';
import { chosenFrom } from '../form/chooser.ts';
import {
  cycleField,
  editedField,
  type FormView,
  moveFocus,
  openForm,
  readWords,
  recallValues,
  withText,
} from '../form/model.ts';
import { formStatus, knownPrograms, launchOf } from '../form/status.ts';
import { EMPTY_LINE, insertText } from '../line-editor.ts';
import { selectedRow } from '../lists.ts';
import { selectedJob, selectedPhase } from '../selectors.ts';
import type { ConsoleState } from '../store.ts';
import { notReady } from './reasons.ts';
import { clamp } from './steps.ts';

type Opening = Pick<ActionContext, 'state' | 'store' | 'host' | 'toast'>;

/** Opens the form of a program, with these words or as it was left. */
export function editProgram(
  { state, store, host, toast }: Opening,
  name: string,
  words: readonly string[] | null = null,
  rerunOf: string | null = null,
): void {
  const known = knownPrograms(state);
  const program = known?.programs.find((one) => one.name === name);
  if (!known || !program) {
    toast(known ? `there is no program '${name}'` : NOT_READ, 'warn');
    return;
  }
  const draft = words ? readWords(program, words) : (state.drafts[name] ?? { values: {}, rest: [] });
  store.setState({
    overlay: openForm(program, known.policy, draft, { rerunOf, idempotencyKey: host.newId() }),
  });
}

/** Opens the form with the arguments of an earlier job. */
export const editJob = (context: Opening, { id, program, args }: JobView): void =>
  editProgram(context, program, args, id);

/** Opens the list of programs. */
export const chooseProgram = ({ store }: Pick<ActionContext, 'store'>): void =>
  store.setState({ overlay: { kind: 'programs', line: EMPTY_LINE, at: 0 } });

const NOT_READ = 'the programs have not been read yet';

/** Why no form can be opened now. */
export const noForm = (state: ConsoleState): string | null =>
  notReady(state) ?? (knownPrograms(state) ? null : NOT_READ);

/** The command that the form is filled with: the chosen one, else the next of the phase, complete or not. */
function commandOf(state: ConsoleState): PhaseCommand | null {
  if (state.focus === 'commands') return selectedRow(state, 'commands');
  const phase = selectedPhase(state);
  return phase?.commands[phase.next] ?? null;
}

const formOf = ({ overlay }: ConsoleState): FormView | null => (overlay?.kind === 'form' ? overlay : null);

/** A change of the form that is open. */
const changing =
  (change: (form: FormView, state: ConsoleState) => FormView) =>
  ({ state, store }: ActionContext): void => {
    const form = formOf(state);
    if (form) store.setState({ overlay: change(form, state) });
  };

/** Closes the form; what was typed is kept for the session. */
function leave({ state, store }: ActionContext): void {
  const form = formOf(state);
  if (!form) return;
  const { program, values, rest } = form;
  store.setState({ overlay: null, drafts: { ...state.drafts, [program.name]: { values, rest } } });
}

/** The value of the focused field in the operator's editor; what cannot be a value of one line is made one. */
async function editValue({ state, store, host, toast }: ActionContext): Promise<void> {
  const form = formOf(state);
  const line = form && editedField(form);
  if (!form || !line) return;
  try {
    const text = await host.edit(line.text);
    store.setState(({ overlay }) =>
      overlay?.kind === 'form' ? { overlay: withText(overlay, insertText(EMPTY_LINE, text)) } : {},
    );
  } catch (error) {
    const { message, fix } = error as { message: string; fix?: string };
    toast([message, fix].filter(Boolean).join('. '), 'warn');
  }
}

function launch(context: ActionContext): void {
  const form = formOf(context.state);
  const request = form && launchOf(form, formStatus(context.state, form).validation);
  if (!request) return;
  leave(context);
  context.send(request);
}

function noLaunch(state: ConsoleState): string | null {
  const form = formOf(state);
  return form ? formStatus(state, form).blocker : 'no form is open';
}

const earlier = ({ snapshot }: ConsoleState, { program }: FormView) =>
  snapshot.jobs.filter((job) => job.program === program.name).map((job) => job.args);

function moveChoice({ state, store }: ActionContext, step: number): void {
  const { overlay } = state;
  if (overlay?.kind !== 'programs') return;
  store.setState({ overlay: { ...overlay, at: clamp(overlay.at + step, chosenFrom(state, overlay).length - 1) } });
}

function choose(context: ActionContext): void {
  const { overlay } = context.state;
  if (overlay?.kind !== 'programs') return;
  const program = chosenFrom(context.state, overlay)[overlay.at];
  if (program) editProgram(context, program.name);
}

/** Keys that open it. */
export const FORM_OPENERS: readonly Action[] = [
  {
    name: 'job.new',
    scopes: ['jobs'],
    keys: ['n'],
    help: 'a new job: choose a program, then its form',
    footer: { label: 'new', rank: 3 },
    danger: 'cost',
    disabled: noForm,
    run: (context) => chooseProgram(context),
  },
  {
    name: 'job.edit',
    scopes: ['overview', 'jobs'],
    keys: ['R'],
    help: 'edit the arguments of the selected job, then run it again (opens the form)',
    danger: 'cost',
    on: 'jobs',
    disabled: (state) => noForm(state) ?? (selectedJob(state) ? null : 'there is no job yet'),
    run: (context) => {
      const job = selectedJob(context.state);
      if (job) editJob(context, job);
    },
  },
  {
    name: 'launch.edit',
    scopes: ['overview', 'phases'],
    keys: ['F'],
    help: 'the form filled with the first command of the selected phase, or the selected command',
    danger: 'cost',
    on: 'phases',
    disabled: (state) => noForm(state) ?? (commandOf(state) ? null : 'there is no command'),
    run: (context) => {
      const command = commandOf(context.state);
      if (!command) return;
      const { program, args } = splitCommand(command.argv);
      editProgram(context, program, args);
    },
  },
];

/** Keys inside it. */
export const FORM_KEYS: readonly Action[] = [
  {
    name: 'field.next',
    scopes: ['field'],
    keys: ['tab', 'down', 'enter'],
    help: 'next field; after the last one the buttons',
    footer: { label: 'next', rank: 2 },
    danger: 'safe',
    run: changing((form) => moveFocus(form, 1)),
  },
  {
    name: 'field.previous',
    scopes: ['field'],
    keys: ['shift+tab', 'up'],
    help: 'previous field',
    danger: 'safe',
    run: changing((form) => moveFocus(form, -1)),
  },
  {
    name: 'field.switch',
    scopes: ['switch'],
    keys: ['space', 'right'],
    help: 'switch on or off, next choice',
    footer: { label: 'switch', rank: 3 },
    danger: 'safe',
    run: changing((form) => cycleField(form, 1)),
  },
  {
    name: 'field.switchBack',
    scopes: ['switch'],
    keys: ['left'],
    help: 'the choice before',
    danger: 'safe',
    run: changing((form) => cycleField(form, -1)),
  },
  {
    name: 'field.editor',
    scopes: ['field'],
    keys: ['ctrl+e'],
    help: 'the value in $VISUAL or $EDITOR; what is saved there is taken over',
    danger: 'safe',
    disabled: (state) => {
      const form = formOf(state);
      return form && editedField(form) ? null : 'this field is switched, not typed';
    },
    run: (context) => void editValue(context),
  },
  {
    name: 'field.earlier',
    scopes: ['field'],
    keys: ['ctrl+p'],
    help: 'the values of the next older job of the program; after the oldest your own again',
    footer: { label: 'earlier values', rank: 5 },
    danger: 'safe',
    disabled: (state) => {
      const form = formOf(state);
      return form && earlier(state, form).length > 0 ? null : 'no job of this program is on record';
    },
    run: changing((form, state) => recallValues(form, earlier(state, form))),
  },
  {
    name: 'field.buttons',
    scopes: ['field'],
    keys: ['ctrl+g'],
    help: 'to the buttons: Cancel has the focus, L launches there',
    footer: { label: 'buttons', rank: 4 },
    danger: 'safe',
    run: changing((form) => ({ ...form, button: 0 })),
  },
  {
    name: 'field.leave',
    scopes: ['field'],
    keys: ['escape'],
    help: 'close the form; what was typed is kept for the session',
    footer: { label: 'close', rank: 1 },
    danger: 'safe',
    run: leave,
  },
  {
    name: 'form.launch',
    scopes: ['buttons'],
    keys: ['L'],
    help: 'launch the job',
    footer: { label: 'launch', rank: 2 },
    danger: 'cost',
    disabled: noLaunch,
    run: launch,
  },
  {
    name: 'form.press',
    scopes: ['buttons'],
    keys: ['enter'],
    help: 'press the button with the focus',
    footer: { label: 'press', rank: 3 },
    danger: 'safe',
    // Read-only mode is asked of L; here only the launch itself is in question.
    disabled: (state) => {
      if (formOf(state)?.button !== 1) return null;
      return state.readOnly ? 'this console is read-only (:rw ends that)' : noLaunch(state);
    },
    run: (context) => (formOf(context.state)?.button === 1 ? launch(context) : leave(context)),
  },
  {
    name: 'form.next',
    scopes: ['buttons'],
    keys: ['tab', 'right', 'down'],
    help: 'next button, then the fields',
    footer: { label: 'move', rank: 5 },
    danger: 'safe',
    run: changing((form) => moveFocus(form, 1)),
  },
  {
    name: 'form.previous',
    scopes: ['buttons'],
    keys: ['shift+tab', 'left', 'up', 'ctrl+g'],
    help: 'previous button, then the fields',
    danger: 'safe',
    run: changing((form) => moveFocus(form, -1)),
  },
  {
    name: 'form.copy',
    scopes: ['buttons'],
    keys: ['y'],
    help: 'copy the exact command',
    footer: { label: 'copy command', rank: 4 },
    danger: 'safe',
    disabled: (state) => {
      const form = formOf(state);
      return form && formStatus(state, form).validation?.command.length ? null : 'there is no valid command yet';
    },
    run: ({ state, host, toast }) => {
      const form = formOf(state);
      const command = form && formStatus(state, form).validation?.command;
      if (command) toast(`command: ${host.copy(shellLine(command))}`, 'good');
    },
  },
  {
    name: 'form.leave',
    scopes: ['buttons'],
    keys: ['escape', 'q'],
    help: 'close the form; what was typed is kept for the session',
    footer: { label: 'close', rank: 1 },
    danger: 'safe',
    run: leave,
  },
  {
    name: 'programs.next',
    scopes: ['programs'],
    keys: ['down', 'tab'],
    help: 'next program',
    footer: { label: 'move', rank: 3 },
    danger: 'safe',
    run: (context) => moveChoice(context, 1),
  },
  {
    name: 'programs.previous',
    scopes: ['programs'],
    keys: ['up', 'shift+tab'],
    help: 'previous program',
    danger: 'safe',
    run: (context) => moveChoice(context, -1),
  },
  {
    name: 'programs.choose',
    scopes: ['programs'],
    keys: ['enter'],
    help: 'the form of the program; letters filter the list',
    footer: { label: 'fill in', rank: 1 },
    danger: 'safe',
    run: choose,
  },
  {
    name: 'programs.close',
    scopes: ['programs'],
    keys: ['escape'],
    help: 'close the list',
    footer: { label: 'close', rank: 2 },
    danger: 'safe',
    run: ({ store }) => store.setState({ overlay: null }),
  },
];
