/** Launching, stopping and keeping jobs. Each asks first; the supervisor has the last word. */
import type { Action, ActionContext } from '../action.ts';
import { killDialog, launchDialog, removeDialog, rerunDialog, stopDialog } from '../dialogs.ts';
import { isRunning, select, selectedIndex, visibleIds } from '../lists.ts';
import { launchCommand, selectedJob, selectedPhase } from '../selectors.ts';
import type { ConsoleState, Dialog } from '../store.ts';
import { notReady } from './reasons.ts';

const SCOPES = ['overview', 'jobs'] as const;

function noLaunch(state: ConsoleState): string | null {
  const missing = notReady(state);
  if (missing) return missing;
  const phase = selectedPhase(state);
  if (!phase) return 'the phases have not been read yet';
  return launchCommand(state) ? null : `${phase.phase} has no command that runs as it stands`;
}

function noRerun(state: ConsoleState): string | null {
  const missing = notReady(state);
  if (missing) return missing;
  const job = selectedJob(state);
  if (!job) return 'there is no job yet';
  return isRunning(job) ? `${job.id} has not ended` : null;
}

function noStop(state: ConsoleState): string | null {
  const missing = notReady(state);
  if (missing) return missing;
  const job = selectedJob(state);
  if (!job) return 'there is no job';
  return isRunning(job) ? null : `${job.id} has ended: ${job.state}`;
}

const asking =
  (make: (state: ConsoleState, idempotencyKey: string) => Dialog | null) =>
  ({ state, store, host }: ActionContext) =>
    store.setState({ overlay: make(state, host.newId()) });

export const JOB_ACTIONS: readonly Action[] = [
  {
    name: 'launch',
    scopes: ['overview', 'phases'],
    keys: ['n'],
    help: 'launch the first command of the selected phase, or the selected command (asks first)',
    footer: { label: (state) => `launch ${selectedPhase(state)?.phase ?? ''}`.trim(), rank: 3 },
    danger: 'cost',
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
    disabled: noRerun,
    run: asking(rerunDialog),
  },
  {
    name: 'job.stop',
    scopes: SCOPES,
    keys: ['x'],
    help: 'stop the selected job: TERM to its process group (asks first)',
    footer: { label: 'stop', rank: 5 },
    danger: 'cost',
    disabled: noStop,
    run: asking(stopDialog),
  },
  {
    name: 'job.kill',
    scopes: SCOPES,
    keys: ['X'],
    help: 'kill the selected job: KILL to all its processes (its id must be typed)',
    danger: 'destructive',
    disabled: noStop,
    run: asking(killDialog),
  },
  {
    name: 'job.metric',
    scopes: ['jobs'],
    keys: ['M'],
    help: 'draw the next figure of the selected job',
    footer: { label: 'figure', rank: 12 },
    danger: 'safe',
    disabled: (state) => (visibleIds(state, 'metrics').length > 1 ? null : 'there is no other figure to draw'),
    run: ({ state, store }) => {
      const ids = visibleIds(state, 'metrics');
      store.setState(select(state, 'metrics', ids[(selectedIndex(state, 'metrics') + 1) % ids.length]));
    },
  },
  {
    name: 'job.remove',
    scopes: SCOPES,
    keys: ['D'],
    help: 'delete the record of the selected job with its log (its id must be typed)',
    danger: 'destructive',
    disabled: noRerun,
    run: asking(removeDialog),
  },
];
