/** The launch form as data: fields of a program's schema, what was typed into them, and the words that they make. */
import { isBlank, shellWord, splitWords } from '../../format/command.ts';
import { maskText, namesSecret } from '../../platform/secrets.ts';
import type { ArgumentField, ProgramSummary, ReadArgs } from '../../supervisor/reads.ts';
import { type EditedLine, EMPTY_LINE, lineOf } from '../line-editor.ts';

/** A field of the form. `id` tells an argument of the program from one of the job by the same name. */
export interface FormField extends ArgumentField {
  readonly id: string;
  readonly group: 'program' | 'job';
}

type Values = Readonly<Record<string, EditedLine>>;

/** What was typed for a program: kept for the session when its form is closed. */
export interface FormDraft {
  readonly values: Values;
  /** Words of an earlier job that no field stands for. */
  readonly rest: readonly string[];
}

export interface FormView extends FormDraft {
  readonly kind: 'form';
  readonly program: ProgramSummary;
  readonly policy: readonly ArgumentField[];
  /** The job that is run again; null for a new one. */
  readonly rerunOf: string | null;
  /** Index of the field with the focus. */
  readonly at: number;
  /** The button with the focus, 0 is Cancel; null while a field has it. */
  readonly button: 0 | 1 | null;
  /** Which earlier job's values are shown, and what stood there before; null: the operator's own. */
  readonly recalled: { readonly index: number; readonly before: FormDraft } | null;
  /** One form launches one job, however often it is asked. */
  readonly idempotencyKey: string;
}

/** The fields of a form, in their order: the program's, then the job's. */
export function fieldsOf({ program, policy }: Pick<FormView, 'program' | 'policy'>): readonly FormField[] {
  return [
    ...program.arguments.map((field): FormField => ({ ...field, id: field.name, group: 'program' })),
    ...policy.map((field): FormField => ({ ...field, id: `job ${field.name}`, group: 'job' })),
  ];
}

/** Letters go into it; the others are switched and cycled. */
export const isTyped = ({ kind, choices, repeatable }: ArgumentField): boolean =>
  repeatable || (kind !== 'boolean' && choices === null);

export const ON = 'on';
const OFF = 'off';

/** What a field holds before anything was put in: empty where the program has its own default for what is not given. */
function initialText({ kind, repeatable, choices, defaultValue }: ArgumentField): string {
  if (repeatable) return '';
  if (kind === 'boolean') return defaultValue === true ? ON : OFF;
  return choices && defaultValue !== undefined ? String(defaultValue) : '';
}

export const textOf = (values: Values, field: FormField): string => values[field.id]?.text ?? initialText(field);

/** The same for whoever looks on: without passwords. */
export function shownText(values: Values, field: FormField): string {
  const text = textOf(values, field);
  return text !== '' && namesSecret(field.name) ? '…' : maskText(text);
}

/** The words that the fields make. A value that looks like a flag is tied to its own. */
function wordsOf(values: Values, fields: readonly FormField[]): string[] {
  const pair = (name: string, value: string) => (value.startsWith('-') ? [`${name}=${value}`] : [name, value]);
  return fields.flatMap((field) => {
    const text = textOf(values, field);
    if (field.repeatable) return splitWords(text).flatMap((one) => pair(field.name, one));
    if (text === initialText(field) || text.trim() === '') return [];
    if (field.kind === 'boolean') return [text === ON ? field.name : `--no-${field.name.slice(2)}`];
    return pair(field.name, text);
  });
}

/** What the supervisor is asked about the form as it stands. */
export function formWords(form: FormView): ReadArgs<'validate'> {
  const fields = fieldsOf(form);
  const group = (name: FormField['group']) => fields.filter((field) => field.group === name);
  return {
    program: form.program.name,
    args: [...wordsOf(form.values, group('program')), ...form.rest],
    policy: wordsOf(form.values, group('job')),
  };
}

/** Words of a command as values of a program's fields; words that stand for what a person must fill in stay empty. */
export function readWords(program: ProgramSummary, words: readonly string[]): FormDraft {
  const fields = fieldsOf({ program, policy: [] });
  const given = new Map<string, string[]>();
  const rest: string[] = [];
  let open: string[] | null = null;
  for (let i = 0; i < words.length; i++) {
    const [, name, tied] = /^(--[^=\s]+)(?:=(.*))?$/s.exec(words[i]) ?? [];
    if (name === undefined) {
      (open ?? rest).push(words[i]);
      continue;
    }
    open = null;
    const field = fields.find((one) => one.name === name || one.name === name.replace(/^--no-/, '--'));
    if (field?.kind === 'boolean') given.set(field.id, [name === field.name ? ON : OFF]);
    else if (field && field.name === name) {
      const value = tied ?? words[++i];
      const values = [...(field.repeatable ? (given.get(name) ?? []) : []), ...(value === undefined ? [] : [value])];
      given.set(name, values);
      if (field.repeatable) open = values;
    } else rest.push(words[i]);
  }
  const values = fields.flatMap((field) => {
    const found = given.get(field.id)?.filter((value) => !isBlank(value));
    if (!found?.length) return [];
    return [[field.id, lineOf(field.repeatable ? found.map(shellWord).join(' ') : found[0])] as const];
  });
  return { values: Object.fromEntries(values), rest };
}

/** A form with the focus on the first field that must still be filled in. */
export function openForm(
  program: ProgramSummary,
  policy: readonly ArgumentField[],
  draft: FormDraft,
  { rerunOf, idempotencyKey }: Pick<FormView, 'rerunOf' | 'idempotencyKey'>,
): FormView {
  const fields = fieldsOf({ program, policy });
  const missing = fields.findIndex((field) => field.required && textOf(draft.values, field) === '');
  const { values, rest } = draft;
  return {
    kind: 'form',
    ...{ program, policy, values, rest, rerunOf, idempotencyKey },
    at: Math.max(0, missing),
    button: null,
    recalled: null,
  };
}

export const focusedField = (form: FormView): FormField | null =>
  form.button === null ? (fieldsOf(form)[form.at] ?? null) : null;

/** The focus goes through the fields, then the buttons, Cancel first, and round. */
export function moveFocus(form: FormView, step: 1 | -1): FormView {
  const count = fieldsOf(form).length;
  const places = count + 2;
  const place = ((form.button === null ? form.at : count + form.button) + step + places) % places;
  return place < count ? { ...form, at: place, button: null } : { ...form, button: (place - count) as 0 | 1 };
}

/** Another text in the focused field. */
export function withText(form: FormView, line: EditedLine): FormView {
  const field = focusedField(form);
  if (!field) return form;
  return { ...form, values: { ...form.values, [field.id]: line }, recalled: null };
}

/** The line of the focused field that letters go into; null when they are keys. */
export function editedField(form: FormView): EditedLine | null {
  const field = focusedField(form);
  return field && isTyped(field) ? (form.values[field.id] ?? EMPTY_LINE) : null;
}

/** What a field that is not typed can be: an optional choice without a default may be left open. */
function alternatives({ kind, choices, defaultValue }: FormField): readonly string[] {
  if (kind === 'boolean') return [OFF, ON];
  return [...(defaultValue === undefined ? [''] : []), ...(choices ?? [])];
}

/** The next value of the focused switch or choice. */
export function cycleField(form: FormView, step: 1 | -1): FormView {
  const field = focusedField(form);
  if (!field || isTyped(field)) return form;
  const all = alternatives(field);
  const next = (Math.max(0, all.indexOf(textOf(form.values, field))) + step + all.length) % all.length;
  return withText(form, lineOf(all[next]));
}

/** The values of the next older job, and after the oldest what stood there before. `jobs`: words of each, newest first. */
export function recallValues(form: FormView, jobs: readonly (readonly string[])[]): FormView {
  const { values, rest } = form;
  const before = form.recalled?.before ?? { values, rest };
  const index = form.recalled ? form.recalled.index + 1 : 0;
  if (index >= jobs.length) return { ...form, ...before, recalled: null };
  const older = readWords(form.program, jobs[index]);
  // How the job is run stays as it was typed.
  const own = Object.entries(before.values).filter(([id]) => id.startsWith('job '));
  const recalledValues = { ...older.values, ...Object.fromEntries(own) };
  return { ...form, values: recalledValues, rest: older.rest, recalled: { index, before } };
}
