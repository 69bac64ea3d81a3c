/** Verbs on jobs, named or the selected one: those that change something ask as their keys do. */
import { splitCommand } from '../../format/command.ts';
import type { ActionContext } from '../action.ts';
import { chooseProgram, editJob, editProgram } from '../actions/form.ts';
import { noPause, noRerun, noStop } from '../actions/jobs.ts';
import { commandDialog, killDialog, removeDialog, rerunDialog, shutdownDialog, stopDialog } from '../dialogs.ts';
import { knownPrograms } from '../form/status.ts';
import type { PaneId } from '../screens.ts';
import { selectedJob } from '../selectors.ts';
import type { ConsoleState, Dialog } from '../store.ts';
import {
  allJobIds,
  atMostOne,
  endedJobIds,
  goTo,
  isListed,
  jobCalled,
  longestOf,
  none,
  runningJobIds,
  type Verb,
} from './verb.ts';

type Job = ConsoleState['snapshot']['jobs'][number];

/** The job that is named, else the selected one; what is told when there is none. */
function jobMeant({ state, toast }: ActionContext, id: string | undefined): Job | null {
  const job = id === undefined ? selectedJob(state) : jobCalled(state, id);
  if (!job) toast(id === undefined ? 'which job?' : `there is no job ${id}`, 'warn');
  return job ?? null;
}

const onJob = (
  name: string,
  words: Verb['words'],
  run: (context: ActionContext, job: Job, words: readonly string[]) => void,
  fits: Verb['fits'] = atMostOne,
): Verb => ({
  name,
  words,
  safe: false,
  fits,
  run(context, [id, ...rest]) {
    const job = jobMeant(context, id);
    if (job) run(context, job, rest);
  },
});

const asking = (
  name: string,
  words: Verb['words'],
  make: (state: ConsoleState, key: string, job: Job) => Dialog | null,
  refusal: (state: ConsoleState, job: Job) => string | null,
): Verb =>
  onJob(name, words, ({ state, store, host, toast }, job) => {
    const reason = refusal(state, job);
    if (reason) toast(reason, 'warn', (now) => refusal(now, jobCalled(now, job.id) ?? job) === reason);
    else store.setState({ overlay: make(state, host.newId(), job) });
  });

/** A verb that shows a job in a pane of its screen; of a hidden one the command itself tells. */
const showing = (name: string, pane: PaneId): Verb => ({
  name,
  words: allJobIds,
  safe: true,
  fits: (words, state) => atMostOne(words) && (words.length === 0 || isListed(state, words[0])),
  run(context, [id]) {
    const job = jobMeant(context, id);
    if (job) goTo(context, 'jobs', pane, { list: 'jobs', id: job.id });
  },
});

const pausing = (name: string, paused: boolean): Verb =>
  onJob(name, runningJobIds, ({ state, send, toast }, job) => {
    const reason = noPause(state, job);
    if (reason) toast(reason, 'warn', (now) => noPause(now, jobCalled(now, job.id) ?? job) === reason);
    else send({ kind: 'pause', request: { jobId: job.id, paused } });
  });

const EDIT_FLAG = '--edit';
const KEEP_FLAGS: readonly string[] = ['--off', '--archive'];

/** What can be a job, by name; empty before it was read. */
export const programNames = (state: ConsoleState): readonly string[] =>
  knownPrograms(state)?.programs.map((program) => program.name) ?? [];

/**
 * Asks before a program with its arguments, which need not begin with a flag: `data digest prices_daily`. They may follow `--`, as
 * in a shell.
 */
export function launch({ state, store, host, toast }: ActionContext, typed: readonly string[]): void {
  const dashes = typed.indexOf('--');
  const words = dashes < 0 ? typed : typed.toSpliced(dashes, 1);
  const known = longestOf(programNames(state), words);
  const { program, args } = known
    ? { program: known, args: words.slice(known.split(' ').length) }
    : splitCommand(words);
  if (!program) toast('which program? job start PROGRAM [--flags]', 'warn');
  else if (!known && knownPrograms(state))
    toast(`there is no program '${words.join(' ')}' (:job new lists them)`, 'warn');
  else store.setState({ overlay: commandDialog(state, program, { program, args }, host.newId()) });
}

export const JOB_VERBS: readonly Verb[] = [
  { name: 'job ls', safe: true, fits: none, run: (context) => goTo(context, 'jobs', 'jobs') },
  showing('job show', 'job'),
  showing('job logs', 'output'),
  showing('job metrics', 'metrics'),
  // Its end comes to the screen.
  showing('job wait', 'output'),
  { name: 'job programs', safe: true, fits: none, run: chooseProgram },
  {
    name: 'job start',
    words: programNames,
    help: 'any program as a job: job start PROGRAM [--flags]',
    safe: false,
    run: launch,
  },
  {
    name: 'job new',
    words: programNames,
    help: 'the form of a program, empty or as it was left; without one the list of all',
    safe: false,
    run: (context, words) => (words.length > 0 ? editProgram(context, words.join(' ')) : chooseProgram(context)),
  },
  {
    ...onJob('job edit', allJobIds, editJob),
    help: 'the form filled with the arguments of a job, to run it again',
  },
  asking('job rerun', endedJobIds, rerunDialog, noRerun),
  {
    // In the shell an editor, which has no place over the console: its form is that of the same arguments.
    name: 'job rerun',
    safe: false,
    fits: (words) => words.includes(EDIT_FLAG) && atMostOne(words.filter((word) => word !== EDIT_FLAG)),
    run(context, words) {
      const job = jobMeant(
        context,
        words.find((word) => word !== EDIT_FLAG),
      );
      if (job) editJob(context, job);
    },
  },
  asking('job stop', runningJobIds, stopDialog, noStop),
  asking('job kill', runningJobIds, killDialog, noStop),
  asking('job rm', endedJobIds, removeDialog, noRerun),
  pausing('job pause', true),
  pausing('job resume', false),
  onJob(
    'job keep',
    allJobIds,
    ({ send }, job, flags) => {
      const on = !flags.includes('--off');
      const marks = flags.includes('--archive') ? { archived: on } : { kept: on };
      send({ kind: 'keep', request: { jobId: job.id, ...marks } });
    },
    ([id, ...flags]) => id !== undefined && !id.startsWith('-') && flags.every((flag) => KEEP_FLAGS.includes(flag)),
  ),
  {
    name: 'supervisor stop',
    safe: false,
    fits: none,
    run: ({ state, store }) => store.setState({ overlay: shutdownDialog(state) }),
  },
];
