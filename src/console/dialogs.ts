/** The questions before anything that costs or destroys. Cancel comes first and has the focus: Enter changes nothing. */
import { commandLine, jobCommandLine, splitCommand } from '../format/command.ts';
import { formatDuration } from '../format/numbers.ts';
import type { PhaseResult } from '../phases/types.ts';
import type { JobView, LaunchRequest } from '../supervisor/protocol.ts';
import { answerTo, type Need } from './answers.ts';
import { EMPTY_LINE } from './line-editor.ts';
import { isRunning } from './lists.ts';
import { launchCommand, measuredDuration, runningSibling, selectedJob, selectedPhase } from './selectors.ts';
import type { ConsoleState, Dialog, DialogRequest } from './store.ts';

function dialog(
  parts: Omit<Dialog, 'kind' | 'focus' | 'buttons' | 'typed'>,
  go: { label: string; request: DialogRequest },
  expected?: string,
): Dialog {
  return {
    kind: 'dialog',
    focus: 0,
    buttons: [{ label: 'Cancel', request: null }, go],
    typed: expected === undefined ? null : { expected, line: EMPTY_LINE },
    ...parts,
  };
}

/** Before the launch of the command that the selected phase offers. */
export function launchDialog(state: ConsoleState, idempotencyKey: string): Dialog | null {
  const phase = selectedPhase(state);
  const command = launchCommand(state);
  if (!phase || !command) return null;
  return commandDialog(state, `${phase.phase}: ${command.label}`, splitCommand(command.argv), idempotencyKey);
}

/** Before the launch of any program. */
export function commandDialog(
  state: ConsoleState,
  title: string,
  { program, args }: Pick<LaunchRequest, 'program' | 'args'>,
  idempotencyKey: string,
): Dialog {
  const argv = [...program.split(' '), ...args];
  const running = runningSibling(state, program);
  return dialog(
    {
      title: `Launch ${title}`,
      command: commandLine(argv),
      tone: 'accent',
      body: [
        estimate(state, { program, args }),
        'It runs as a job of its own: closing this console does not stop it.',
        ...(running ? [`Beware: ${running.id} is running the same program.`] : []),
      ],
    },
    { label: 'Launch', request: { kind: 'launch', request: { program, args, idempotencyKey } } },
  );
}

/** Before a phase's whole plan. `override`: why it is to run though the phases that it needs are not there. */
export function chainDialog(
  state: ConsoleState,
  phase: PhaseResult | null,
  idempotencyKey: string,
  override?: string,
): Dialog | null {
  if (!phase) return null;
  if (phase.blockedBy.length > 0 && !override) return blockedDialog(phase);
  const measured = phase.commands.map(({ argv }) => measuredDuration(state, argv));
  const known = measured.filter((one) => one !== null);
  const sum = known.reduce((total, { ms }) => total + ms, 0) / 1000;
  const words =
    known.length === measured.length
      ? `about ${formatDuration(sum)}, as the last runs of the same steps took`
      : `unknown: ${measured.length - known.length} of ${measured.length} steps have no finished run to measure by`;
  return dialog(
    {
      title: `Run the whole plan of ${phase.phase} ${phase.title}`,
      command: commandLine(['phases', 'run', phase.phase, ...(override ? ['--override', override] : [])]),
      tone: 'accent',
      body: [
        ...phase.blockedBy,
        `${phase.commands.length} steps, one after the other: ${phase.commands.map(({ label }) => label).join(' · ')}.`,
        'What an earlier chain has done already is passed by; a step that fails ends it, and the next run goes on there.',
        `Estimate: ${words}.`,
      ],
    },
    { label: 'Run them', request: { kind: 'chain', request: { phase: phase.phase, idempotencyKey, override } } },
  );
}

/** A phase that may not begin: why, and the way around it. */
const blockedDialog = ({ phase, title, blockedBy }: PhaseResult): Dialog => ({
  kind: 'dialog',
  title: `${phase} ${title} may not begin`,
  command: null,
  tone: 'warn',
  body: [...blockedBy, `To run it all the same, give the reason, which is kept: :phases run ${phase} --override why`],
  buttons: [{ label: 'Close', request: null }],
  focus: 0,
  typed: null,
});

/** Before the same job again. */
export function rerunDialog(state: ConsoleState, idempotencyKey: string, job = selectedJob(state)): Dialog | null {
  if (!job) return null;
  return dialog(
    {
      title: `Run ${job.id} again`,
      command: jobCommandLine(job),
      tone: 'accent',
      body: [estimate(state, job)],
    },
    { label: 'Run again', request: { kind: 'rerun', request: { jobId: job.id, idempotencyKey } } },
  );
}

/** What a dialog is to be told about the job that it would make: what is wrong with its words, or what changed since. */
function asked({ buttons }: Dialog): Need<'rerun'> | Need<'validate'> | null {
  for (const { request } of buttons) {
    // A while later the code, or programs.yaml, may be another one.
    if (request?.kind === 'rerun') return { name: 'rerun', args: { jobId: request.request.jobId }, everyMs: 2000 };
    if (request?.kind !== 'launch') continue;
    const { program, args } = request.request;
    return { name: 'validate', args: { program, args, policy: [] }, everyMs: null };
  }
  return null;
}

/** What the supervisor is asked while a dialog is open. */
export function dialogNeeds(dialog: Dialog): readonly Need[] {
  const need = asked(dialog);
  return need ? [need as Need] : [];
}

/** A dialog's words: what is known by now of the job that would be made, then its own. */
export function dialogWords(state: ConsoleState, dialog: Dialog): readonly string[] {
  const need = asked(dialog);
  if (!need) return [...endedMeanwhile(state, dialog), ...dialog.body];
  if (need.name === 'validate') {
    const { value, problem } = answerTo(state, 'validate', need.args);
    const wrong = value?.problems.map(({ message }) => `It will be refused: ${message}.`) ?? [];
    return [...wrong, ...(problem === null ? [] : [`Beware: ${problem}`]), ...dialog.body];
  }
  const { value, problem } = answerTo(state, 'rerun', need.args);
  if (problem !== null) return [`Beware: ${problem}`, ...dialog.body];
  if (value === null) return ['What has changed since is being looked up …', ...dialog.body];
  const told = value.length > 0 ? value.map((text) => `Beware: ${text}.`) : [UNCHANGED];
  return [...told, ...dialog.body];
}

/** That a job ended while its stop was still being thought over. The dialog stays: what is typed into it must not fall on keys. */
const endedMeanwhile = ({ snapshot }: ConsoleState, { buttons }: Dialog): string[] =>
  buttons.flatMap(({ request }) => {
    if (request?.kind !== 'stop' && request?.kind !== 'kill') return [];
    const job = snapshot.jobs.find(({ id }) => id === request.jobId);
    return job && !isRunning(job)
      ? [`It has ended meanwhile: ${job.state}. There is nothing left to ${request.kind}.`]
      : [];
  });

const UNCHANGED = 'Its words, code and environment are those of then, as far as they are on record.';

/** What a stop leaves of what is under way: of a command of the user's own nobody but its author knows. */
const unfinished = (job: JobView): string =>
  job.script
    ? 'It is a command of your own: what it leaves half done is not known here.'
    : 'What it has not finished is rolled back.';

/** Before TERM. A stop that is past its deadline says who is left. */
export function stopDialog(state: ConsoleState, _key?: string, job = selectedJob(state)): Dialog | null {
  if (!job) return null;
  const left = job.stopping?.survivors ?? [];
  return dialog(
    {
      title: `Stop ${job.id}`,
      command: jobCommandLine(job),
      tone: 'bad',
      body: [
        `TERM goes to its whole process group. ${unfinished(job)} It can be run again with r.`,
        ...(left.length > 0
          ? [
              `Still there after the last TERM: ${left.map(({ pid, command }) => `${pid} ${command}`).join(', ')}. X kills.`,
            ]
          : []),
      ],
    },
    { label: 'Stop it', request: { kind: 'stop', jobId: job.id } },
  );
}

/** Before KILL: the id must be typed. */
export function killDialog(state: ConsoleState, _key?: string, job = selectedJob(state)): Dialog | null {
  if (!job) return null;
  return dialog(
    {
      title: `Kill ${job.id}`,
      command: jobCommandLine(job),
      tone: 'bad',
      body: [
        'KILL goes to all its processes at once: they cannot clean up after themselves. Databases roll back what was open.',
        `To go on, type ${job.id}`,
      ],
    },
    { label: 'Kill it', request: { kind: 'kill', jobId: job.id } },
    job.id,
  );
}

/** Before a record is deleted: the id must be typed. */
export function removeDialog(state: ConsoleState, _key?: string, job = selectedJob(state)): Dialog | null {
  if (!job) return null;
  return dialog(
    {
      title: `Delete the record of ${job.id}`,
      command: jobCommandLine(job),
      tone: 'bad',
      body: [
        'Its log, events, metrics and exit record go for good. What it wrote into the databases stays.',
        `To go on, type ${job.id}`,
      ],
    },
    { label: 'Delete it', request: { kind: 'remove', jobId: job.id } },
    job.id,
  );
}

/** Before the supervisor itself ends. */
export function shutdownDialog(state: ConsoleState): Dialog {
  const running = state.snapshot.jobs.filter(isRunning).length;
  return dialog(
    {
      title: 'Stop the supervisor',
      command: commandLine(['supervisor', 'stop']),
      tone: 'bad',
      body: [
        `Running jobs go on without it (${running} now); nothing is queued, retried or noticed until it is started again.`,
        'To go on, type stop all',
      ],
    },
    { label: 'Stop it', request: { kind: 'shutdown' } },
    'stop all',
  );
}

/** Before a command that changes something and cannot be a job. */
export const shellDialog = (words: readonly string[]): Dialog =>
  dialog(
    {
      title: `Run ${words.slice(0, 2).join(' ')}`,
      command: commandLine(words),
      tone: 'accent',
      body: [
        'It runs in this terminal as in a shell, not as a job. What it prints is shown in $PAGER; leaving that ends it.',
      ],
    },
    { label: 'Run it', request: { kind: 'command', words } },
  );

/** The one estimate that is honest here: what the last finished run with the same arguments took. */
function estimate(state: ConsoleState, asked: Pick<LaunchRequest, 'program' | 'args'>): string {
  const measured = measuredDuration(state, asked);
  if (!measured) return 'Estimate: unknown, no finished run with these arguments to measure by.';
  return `Estimate: about ${formatDuration(measured.ms / 1000)}, as ${measured.jobId} took.`;
}

/** What coverage asks of a table or a model; there is nothing to decide. */
export const ruleDialog = (name: string, rule: string): Dialog => ({
  kind: 'dialog',
  title: `Expected of ${name}`,
  body: [rule, 'Thresholds of the board are in phases.yaml of the home; holidays are those of the market.'],
  command: null,
  tone: 'accent',
  buttons: [{ label: 'Close', request: null }],
  focus: 0,
  typed: null,
});
