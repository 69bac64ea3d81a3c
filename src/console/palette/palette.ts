/**
 * The palette: commands typed after `:`, the same as those of the command line. What the console has a place for is shown
 * there, what can be a job is launched after asking, and any other command is run as in the shell, its output in the pager.
 */
import { commandLine, splitWords } from '../../format/command.ts';
import type { ActionContext } from '../action.ts';
import { notReady } from '../actions/reasons.ts';
import { answerTo, type Need } from '../answers.ts';
import { shellDialog } from '../dialogs.ts';
import { knownPrograms } from '../form/status.ts';
import type { ConsoleState } from '../store.ts';
import { CONSOLE_VERBS } from './console-verbs.ts';
import { JOB_VERBS, launch, programNames } from './job-verbs.ts';
import { PHASE_VERBS } from './phase-verbs.ts';
import { PLACE_VERBS } from './place-verbs.ts';
import { longestOf, type Verb } from './verb.ts';

const VERBS: readonly Verb[] = [...PHASE_VERBS, ...JOB_VERBS, ...PLACE_VERBS, ...CONSOLE_VERBS];

/** Every name that a line may begin with. */
const names = (state: ConsoleState): readonly string[] => [
  ...new Set([...VERBS.map(({ name }) => name), ...programNames(state), ...state.commands.map(({ name }) => name)]),
];

const HELP: readonly string[] = ['--help', '-h'];

/** Before the programs are known, a command that changes something may be one of them: those are jobs. */
const unread = (state: ConsoleState): string | null =>
  knownPrograms(state) ? null : 'the programs have not been read yet';

/** Why nothing that costs or destroys can be done now; null when it can. */
const noChange = (state: ConsoleState): string | null =>
  state.readOnly ? 'this console is read-only (:rw ends that)' : notReady(state);

/** Runs one line of the palette. */
export function runCommand(context: ActionContext, line: string): void {
  const { state, toast } = context;
  const words = splitWords(line.replace(/^\s*(:|prometheus\s)/, '')).filter(Boolean);
  const name = longestOf(names(state), words);
  if (name !== undefined) {
    runNamed(context, name, words);
    return;
  }
  const known = ['Tab shows what there is', unread(state)].filter(Boolean).join('; ');
  toast(`no such command: ${words.slice(0, 2).join(' ')} (${known})`, 'warn');
}

/** The console's own place for the words, else a job of the program, else the command as a shell would run it. */
function runNamed(context: ActionContext, name: string, words: readonly string[]): void {
  const { state, store, host, toast } = context;
  const rest = words.slice(name.split(' ').length);
  const command = state.commands.find((one) => one.name === name);
  if (command && rest.some((word) => HELP.includes(word))) {
    void host.run(words);
    return;
  }
  const verb = VERBS.find((one) => one.name === name && (one.fits?.(rest, state) ?? true));
  const isProgram = !verb && programNames(state).includes(name);
  const isSafe = verb ? verb.safe : !isProgram && command?.effect !== 'writes';
  const whyNot = (now: ConsoleState) => noChange(now) ?? (verb || isProgram ? null : unread(now));
  const reason = isSafe ? null : whyNot(state);
  if (reason !== null) toast(`${name}: ${reason}`, 'warn', (now) => whyNot(now) === reason);
  else if (verb) verb.run(context, rest);
  else if (isProgram) launch(context, words);
  else if (!command) toast(`${name} does not take '${rest.join(' ')}'`, 'warn');
  else if (command.effect === 'reads') void host.run(words);
  else if (command.effect === 'writes') store.setState({ overlay: shellDialog(words) });
  else toast(`${name} needs a shell of its own: ${commandLine(words)}`, 'warn');
}

/** The verbs whose objects a text goes on with: they are offered once the verb stands there. */
const verbsOf = (text: string): readonly Verb[] => VERBS.filter(({ name }) => text.startsWith(`${name} `));

/** Whole lines that the text may become, in the table's order. */
export function completions(state: ConsoleState, text: string): string[] {
  const objects = verbsOf(text).flatMap(({ name, words, takes = 1 }) => {
    const given = text
      .slice(name.length + 1)
      .split(' ')
      .slice(0, -1);
    const more = given.length < takes ? (words?.(state) ?? []) : [];
    return more.filter((word) => !given.includes(word)).map((word) => [name, ...given, word].join(' '));
  });
  return [...new Set([...objects, ...names(state)])].filter((line) => line.startsWith(text));
}

/** What is asked while a text is typed, so that Tab knows the objects of its verb. */
export const paletteNeeds = (text: string): readonly Need[] => verbsOf(text).flatMap(({ reads }) => reads ?? []);

/** Whether objects are still being read, which may complete a text. */
export const isBeingRead = (state: ConsoleState, text: string): boolean =>
  paletteNeeds(text).some(({ name, args }) => {
    const { value, problem } = answerTo(state, name, args);
    return value === null && problem === null;
  });

/** What a verb of the palette does, for the line below the prompt. */
export function verbHelp(state: ConsoleState, line: string): string | null {
  const name = longestOf(names(state), splitWords(line));
  if (name === undefined) return null;
  return (
    VERBS.find((one) => one.name === name && one.help)?.help ??
    state.commands.find((one) => one.name === name)?.summary ??
    knownPrograms(state)?.programs.find((one) => one.name === name)?.summary ??
    null
  );
}
