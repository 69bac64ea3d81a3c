/** Launching, stopping and keeping jobs. Each asks first; the supervisor has the last word. */
import type { Action, ActionContext } from '../action.ts';
import { killDialog, launchDialog, removeDialog, rerunDialog, stopDialog } from '../dialogs.ts';
import { knownPrograms } from '../form/status.ts';
import { isRunning, select, selectedIndex, visibleIds } from '../lists.ts';
import { isPausedByHand, launchCommand, selectedJob, selectedPhase } from '../selectors.ts';
import type { ConsoleState, Dialog } from '../store.ts';
import { openScreen } from './navigation.ts';
import { notReady } from './reasons.ts';

const SCOPES = ['overview', 'jobs'] as const;

function noLaunch(state: ConsoleState): string | null {
  const missing = notReady(state);
  if (missing) return missing;
  const phase = selectedPhase(state);
  if (!phase) return 'the phases have not been read yet';
  return launchCommand(state) ? null : `${phase.phase} has no command that runs as it stands`;
}

export function noRerun(state: ConsoleState, job = selectedJob(state)): string | null {
  const missing = notReady(state);
  if (missing) return missing;
  if (!job) return 'there is no job yet';
  return isRunning(job) ? `${job.id} has not ended` : null;
}

export function noStop(state: ConsoleState, job = selectedJob(state)): string | null {
  const missing = notReady(state);
  if (missing) return missing;
  if (!job) return 'there is no job';
  return isRunning(job) ? null : `${job.id} has ended: ${job.state}`;
}

/** Only backfills of vectors have shards between which they can rest; the supervisor knows whether one has begun. */
export function noPause(state: ConsoleState, job = selectedJob(state)): string | null {
  const missing = notReady(state);
  if (missing) return missing;
  if (!job) return 'there is no job';
  if (job.state !== 'RUN') return `${job.id} does not run: ${job.state}`;
  return job.program.startsWith('backfill ') ? null : `${job.program} has no shards to pause between`;
}

const noJob = (state: ConsoleState): string | null =>
  notReady(state) ?? (selectedJob(state) ? null : 'there is no job yet');

/** Where the selected job belongs to: a run that it told of, else the phase of its program; null when neither is known. */
function belongsTo(state: ConsoleState): { readonly screen: 'backtests' | 'phases'; readonly id: string } | null {
  const job = selectedJob(state);
  if (!job) return null;
  const { detail } = state.snapshot;
  const told = detail?.id === job.id ? detail.events : [];
  const run = told.findLast((event) => event.type === 'artifact' && event.kind === 'backtest_run');
  if (run?.type === 'artifact') return { screen: 'backtests', id: run.id };
  const phase = knownPrograms(state)?.programs.find(({ name }) => name === job.program)?.phase;
  return phase ? { screen: 'phases', id: phase } : null;
}

const asking =
  (make: (state: ConsoleState, idempotencyKey: string) => Dialog | null) =>
  ({ state, store, host }: ActionContext) =>
    store.setState({ overlay: make(state, host.newId()) });

/** Whether the selected job lives on after the time that a stop gives it: then KILL is what is left. */
function resistsStop(state: ConsoleState): boolean {
  const stopping = selectedJob(state)?.stopping;
  return Boolean(stopping && state.snapshot && state.snapshot.at > stopping.deadline);
}

export const JOB_ACTIONS: readonly Action[] = [
  {
    name: 'launch',
    scopes: ['overview', 'phases'],
    keys: ['n'],
    help: 'launch the first command of the selected phase, or the selected command (asks first)',
    footer: { label: (state) => `launch ${selectedPhase(state)?.phase ?? ''}`.trim(), rank: 3 },
    danger: 'cost',
    on: 'phases',
    disabled: noLaunch,
    run: asking(launchDialog),
  },
  {
    name: 'job.rerun',
    scopes: SCOPES,
    keys: ['r'],
    help: 'run the selected job again, exactly as it was (asks first)',
    footer: { label: 'rerun', rank: 4 },
    danger: 'cost',
    on: 'jobs',
    disabled: (state) => noRerun(state),
    run: asking(rerunDialog),
  },
  {
    name: 'job.stop',
    scopes: SCOPES,
    keys: ['x'],
    help: 'stop the selected job: TERM to its process group (asks first)',
    footer: { label: (state) => (resistsStop(state) ? null : 'stop'), rank: 5 },
    danger: 'cost',
    on: 'jobs',
    disabled: (state) => noStop(state),
    run: asking(stopDialog),
  },
  {
    name: 'job.kill',
    scopes: SCOPES,
    keys: ['X'],
    help: 'kill the selected job: KILL to all its processes (its id must be typed)',
    footer: { label: (state) => (resistsStop(state) ? 'kill' : null), rank: 3 },
    danger: 'destructive',
    on: 'jobs',
    disabled: (state) => noStop(state),
    run: asking(killDialog),
  },
  {
    name: 'job.pause',
    scopes: SCOPES,
    keys: ['P'],
    help: 'pause the selected backfill: no further shard is begun, on no machine; again: it goes on',
    danger: 'cost',
    on: 'jobs',
    disabled: (state) => noPause(state),
    run: ({ state, send }) => {
      const job = selectedJob(state);
      if (job) send({ kind: 'pause', request: { jobId: job.id, paused: !isPausedByHand(job) } });
    },
  },
  {
    name: 'job.metric',
    scopes: ['jobs'],
    keys: ['M'],
    help: 'draw the next figure of the selected job',
    footer: { label: 'figure', rank: 12 },
    danger: 'safe',
    on: 'jobs',
    disabled: (state) => (visibleIds(state, 'metrics').length > 1 ? null : 'there is no other figure to draw'),
    run: ({ state, store }) => {
      const ids = visibleIds(state, 'metrics');
      store.setState(select(state, 'metrics', ids[(selectedIndex(state, 'metrics') + 1) % ids.length]));
    },
  },
  {
    name: 'job.keep',
    scopes: SCOPES,
    keys: ['K'],
    help: 'keep the record of the selected job for good, or no longer: retention passes by what is kept',
    danger: 'safe',
    on: 'jobs',
    disabled: noJob,
    run: ({ state, send }) => {
      const job = selectedJob(state);
      if (job) send({ kind: 'keep', request: { jobId: job.id, kept: !job.kept } });
    },
  },
  {
    name: 'job.archive',
    scopes: SCOPES,
    keys: ['A'],
    help: 'hide the selected job from lists; its record stays',
    danger: 'safe',
    on: 'jobs',
    disabled: (state) => noRerun(state),
    run: ({ state, send }) => {
      const job = selectedJob(state);
      if (job) send({ kind: 'keep', request: { jobId: job.id, archived: true } });
    },
  },
  {
    name: 'job.origin',
    scopes: SCOPES,
    keys: ['b'],
    help: 'to the backtest run that the selected job made, else to the phase that it belongs to',
    danger: 'safe',
    on: 'jobs',
    disabled: (state) => (belongsTo(state) ? null : 'it is not known what it belongs to'),
    run: ({ state, store }) => {
      const target = belongsTo(state);
      if (!target) return;
      openScreen({ store }, target.screen);
      store.setState((now) => ({ ...select(now, target.screen, target.id), focus: target.screen }));
    },
  },
  {
    name: 'job.remove',
    scopes: SCOPES,
    keys: ['D'],
    help: 'delete the record of the selected job with its log (its id must be typed)',
    danger: 'destructive',
    on: 'jobs',
    disabled: (state) => noRerun(state),
    run: asking(removeDialog),
  },
];
