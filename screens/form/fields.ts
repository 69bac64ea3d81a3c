/** The rows of the form's fields: name, value, and what is wrong with it or what it is for. */
import {
  editedField,
  type FormField,
  type FormView,
  fieldsOf,
  focusedField,
  isTyped,
  ON,
  shownText,
  textOf,
} from '../../src/console/form/model.ts';
import { type FormStatus, problemOf } from '../../src/console/form/status.ts';
import { splitAtCursor } from '../../src/console/line-editor.ts';
import { type Line, lineWidth, type Span, span } from '../../src/format/lines.ts';
import { cellWidth, cutStartToWidth, cutToWidth, wrapText } from '../../src/format/width.ts';
import { cursor } from '../components/signs.ts';

/** From this width on each field has its note beside it. */
const NOTES_FROM = 100;
const VALUE_WIDTH = { wide: 44, least: 8 };

export interface FieldRows {
  readonly lines: readonly Line[];
  /** Row of the focused field; 0 when a button has the focus. */
  readonly focused: number;
}

/** One row a field, and a heading over those of the job. */
export function fieldRows(form: FormView, { validation }: FormStatus, width: number): FieldRows {
  const fields = fieldsOf(form);
  const nameWidth = Math.min(
    Math.max(...fields.map(({ name }) => name.length)),
    Math.max(6, Math.floor(width * (width < NOTES_FROM ? 0.4 : 0.2))),
  );
  const notes = width >= NOTES_FROM;
  const valueWidth = notes ? VALUE_WIDTH.wide : Math.max(VALUE_WIDTH.least, width - nameWidth - 5);
  const focus = focusedField(form);
  const lines: Line[] = [];
  let focused = 0;
  for (const field of fields) {
    if (field.group === 'job' && lines.length === form.program.arguments.length) {
      lines.push([span('  how the job is run', 'accent')]);
    }
    const has = field.id === focus?.id;
    if (has) focused = lines.length;
    const problem = problemOf(validation, field);
    const value = valueSpans(form, field, has, valueWidth);
    const fill = ' '.repeat(Math.max(0, valueWidth - lineWidth(value)));
    lines.push([
      cursor(has),
      span(cutToWidth(field.name.slice(2), nameWidth).padEnd(nameWidth), has ? 'strong' : 'plain'),
      span(field.required ? '*' : ' ', problem ? 'bad' : 'muted'),
      problem ? span('✗', 'bad') : ' ',
      ...value,
      ...(notes ? [fill, '  ', noteSpan(field, problem)] : []),
    ]);
  }
  return { lines, focused };
}

/** `[text]` with the cursor in it, `[x]`, `‹ choice ›`. */
function valueSpans(form: FormView, field: FormField, focused: boolean, width: number): Span[] {
  const text = focused ? textOf(form.values, field) : shownText(form.values, field);
  const tone = focused ? 'accent' : 'muted';
  if (!isTyped(field)) {
    if (field.kind === 'boolean') return [span('[', tone), span(text === ON ? 'x' : ' '), span(']', tone)];
    return [
      span('‹ ', tone),
      span(cutToWidth(text || placeholder(form, field), Math.max(1, width - 4))),
      span(' ›', tone),
    ];
  }
  const room = Math.max(1, width - 2);
  const line = editedField(form);
  if (!focused || !line) {
    const shown =
      text === '' ? span(cutToWidth(placeholder(form, field), room), 'muted') : span(cutToWidth(text, room));
    return [span('[', tone), shown, span(']', tone)];
  }
  const [before, after] = splitAtCursor(line);
  // The end that is being typed stays in sight.
  const shown = cutStartToWidth(before, room - 1, '');
  const [under = ' ', ...rest] = [...after];
  const tail = cutToWidth(rest.join(''), Math.max(0, room - cellWidth(shown) - cellWidth(under)));
  return [span('[', tone), span(shown), span(under, 'plain', { inverse: true }), span(tail), span(']', tone)];
}

/** What an empty field means. */
function placeholder({ rerunOf }: FormView, { name, group, defaultValue, required, repeatable }: FormField): string {
  if (group === 'job' && rerunOf && name !== '--after') return `as ${rerunOf.slice(0, 4)} had it`;
  if (defaultValue !== undefined && !(repeatable && [defaultValue].flat().length === 0))
    return `${[defaultValue].flat().join(' ')}`;
  return required ? 'required' : '';
}

const noteSpan = ({ help, name }: FormField, problem: string | null): Span =>
  problem ? span(problem.replace(`${name} `, ''), 'bad') : span(help, 'muted');

/** What the focused field is for, what it may be, and what is wrong with it. */
export function focusedNote(form: FormView, { validation }: FormStatus, width: number, maxRows: number): Line[] {
  const field = focusedField(form);
  if (!field) return [];
  const problem = problemOf(validation, field);
  const kinds = {
    boolean: 'on or off',
    integer: 'a whole number',
    number: 'a number',
    date: 'YYYY-MM-DD',
    string: 'text',
  };
  const what = field.choices ? `one of ${field.choices.join(', ')}` : kinds[field.kind];
  const list = field.repeatable ? `${what}; several, parted by blanks` : what;
  const words = problem ? `✗ ${problem}` : `${field.help} (${list})`;
  return wrapText(words, Math.max(8, width - 2), maxRows).map(
    (part): Line => ['  ', span(part, problem ? 'bad' : 'info')],
  );
}
