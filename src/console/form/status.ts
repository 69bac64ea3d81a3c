/** What is known about the form that is open: problems of its fields, checks, and why it cannot be launched. */
import type { Preflight, ProgramList, ReadArgs, Validation } from '../../supervisor/reads.ts';
import { notReady } from '../actions/reasons.ts';
import { answerTo, type Need } from '../answers.ts';
import type { ConsoleState, DialogRequest } from '../store.ts';
import { type FormField, type FormView, formWords } from './model.ts';

/** Checks are looked at again while the form is open: the world does not stand still. */
const PREFLIGHT_MS = 5000;

export interface FormStatus {
  /** null while the newest words are being looked at. */
  readonly validation: Validation | null;
  readonly preflight: Preflight | null;
  /** Why the job cannot be launched now; null when it can. */
  readonly blocker: string | null;
}

export const knownPrograms = (state: ConsoleState): ProgramList | null => answerTo(state, 'programs', {}).value;

const preflightOf = (form: FormView, { args, policy }: Validation): ReadArgs<'preflight'> => ({
  program: form.program.name,
  args,
  after: policy.after ?? [],
});

const isValid = (validation: Validation | null): validation is Validation => validation?.problems.length === 0;

/** What the supervisor is asked while a form is open. */
export function formNeeds(state: ConsoleState, form: FormView): readonly Need[] {
  const words = formWords(form);
  const { value } = answerTo(state, 'validate', words);
  return [
    { name: 'validate', args: words, everyMs: null } as Need,
    ...(isValid(value) ? [{ name: 'preflight', args: preflightOf(form, value), everyMs: PREFLIGHT_MS } as Need] : []),
  ];
}

export function formStatus(state: ConsoleState, form: FormView): FormStatus {
  const checked = answerTo(state, 'validate', formWords(form));
  const validation = checked.value;
  const looked = isValid(validation) ? answerTo(state, 'preflight', preflightOf(form, validation)) : null;
  const preflight = looked?.value ?? null;
  const failing = preflight?.checks.find((check) => check.state === 'FAIL');
  const blocker =
    notReady(state) ??
    (validation ? null : (checked.problem ?? 'the arguments are still being checked')) ??
    validation?.problems[0]?.message ??
    looked?.problem ??
    (preflight ? null : 'the checks before the launch are still running') ??
    (failing ? `${failing.name}: ${failing.detail}` : null);
  return { validation, preflight, blocker };
}

/** What is wrong with a field; null when nothing is known to be. */
export const problemOf = (validation: Validation | null, field: Pick<FormField, 'name' | 'group'>): string | null =>
  validation?.problems.find(({ flag, of }) => flag === field.name && of === field.group)?.message ?? null;

/** The request that the form stands for; null while it is not known to be valid. */
export function launchOf(form: FormView, validation: Validation | null): DialogRequest | null {
  if (!isValid(validation)) return null;
  const { idempotencyKey, rerunOf, program } = form;
  const { args, policy } = validation;
  return rerunOf === null
    ? { kind: 'launch', request: { ...policy, program: program.name, args, idempotencyKey } }
    : { kind: 'rerun', request: { ...policy, jobId: rerunOf, args, idempotencyKey } };
}
