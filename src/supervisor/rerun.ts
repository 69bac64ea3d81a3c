/** Running a job again: the order for one like an earlier one, and what would be otherwise this time. */
import { statSync } from 'node:fs';
import { UserError } from '../platform/errors.ts';
import type { Home } from '../platform/home.ts';
import { databaseProblem } from './environment.ts';
import type { JobSpec } from './job-files.ts';
import { readJob } from './job-store.ts';
import { commandOf, definedOf, type JobOrder, type JobRuntime } from './launch.ts';

/**
 * A job like an earlier one, in the same folder, by the code of today; what `change` names is otherwise than it was. A
 * command of the user's own is the recorded one, unless its arguments change: then it is made as `programs.yaml` says now.
 */
export function rerunOrder(
  home: Home,
  id: string,
  change: Omit<JobOrder, 'program' | 'args' | 'cwd' | 'exactly' | 'rerunOf' | 'chain' | 'notBefore'> &
    Partial<Pick<JobOrder, 'args'>>,
  runtime: JobRuntime,
): JobOrder {
  const { spec, reason } = readJob(home, id);
  if (!spec) throw new UserError(`job ${id} cannot be run again: ${reason}`, 'Start it anew: prometheus job start');
  if (!isFolder(spec.cwd)) {
    throw new UserError(`job ${id} ran in ${spec.cwd}, which is gone`, 'Start it anew from another folder.');
  }
  const order = {
    program: spec.program,
    args: change.args ?? spec.programArgs,
    idempotencyKey: change.idempotencyKey,
    who: change.who,
    cwd: spec.cwd,
    exactly: change.args === undefined ? spec : undefined,
    environment: change.environment,
    after: change.after,
    allowPartial: change.allowPartial,
    limits: { ...spec.limits, ...definedOf(change.limits ?? {}) },
    rerunOf: id,
    retry: change.retry ?? (spec.retry && { ...spec.retry, attempt: 1, of: null }),
  };
  // Databases that the new arguments name are meant.
  const named = order.exactly ? [] : Object.keys(commandOf(order, runtime).environment);
  const problem = databaseProblem(spec, change.environment ?? runtime.env, named);
  if (problem) throw new UserError(`job ${id} ${problem}`, 'Set it as it was and run it again, or start it anew.');
  return order;
}

/** What `programs.yaml` says by now of a recorded command of the user's own: its words and folder; null: nothing usable. */
export function presentCommand(spec: JobSpec, runtime: Omit<JobRuntime, 'data'>): Pick<JobSpec, 'argv' | 'cwd'> | null {
  try {
    const { program, programArgs: args, cwd } = spec;
    return commandOf({ program, args, cwd, idempotencyKey: '', who: '' }, runtime).spec;
  } catch {
    return null;
  }
}

function isFolder(dir: string): boolean {
  try {
    return statSync(dir).isDirectory();
  } catch {
    return false;
  }
}
