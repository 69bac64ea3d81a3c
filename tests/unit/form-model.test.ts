import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PROGRAMS } from '../../engines/catalog.ts';
import { policySchema } from '../../src/cli/job-policy.ts';
import { argumentFields, programSummary } from '../../src/cli/job-programs.ts';
import { parseProgramArguments } from '../../src/cli/job-runtime.ts';
import {
  cycleField,
  editedField,
  type FormView,
  fieldsOf,
  focusedField,
  formWords,
  isTyped,
  moveFocus,
  openForm,
  readWords,
  recallValues,
  textOf,
  withText,
} from '../../src/console/form/model.ts';
import { lineOf } from '../../src/console/line-editor.ts';
import type { ArgumentField, ProgramSummary } from '../../src/supervisor/reads.ts';
import { CAMPAIGN } from '../helpers/scripted-supervisor.ts';

const POLICY = argumentFields(policySchema);
const campaign = programSummary(PROGRAMS.find(({ name }) => name === 'backtest campaign')!);
const open = (words: readonly string[] = [], program = campaign): FormView =>
  openForm(program, POLICY, readWords(program, words), { rerunOf: null, idempotencyKey: 'k' });
const at = (form: FormView, name: string): FormView => ({
  ...form,
  at: fieldsOf(form).findIndex(({ id }) => id === name),
  button: null,
});
const put = (form: FormView, name: string, text: string) => withText(at(form, name), lineOf(text));
const fieldText = (form: FormView, name: string) => textOf(form.values, fieldsOf(form).find(({ id }) => id === name)!);

describe('the launch form', () => {
  test('makes no words before anything was put in, and stands on what is required', () => {
    const form = open();
    expect(formWords(form)).toEqual({ program: 'backtest campaign', args: [], policy: [] });
    expect(focusedField(form)?.name).toBe('--market-id');
    expect(fieldText(form, '--fill')).toBe('close');
    expect(focusedField(open(CAMPAIGN.slice(2)))?.name).toBe('--market-id');
    expect(focusedField(open(['--market-id', 'X']))?.name).toBe('--start');
  });

  test('is filled with the words of a job, and makes them again', () => {
    const form = open(CAMPAIGN.slice(2));
    expect(fieldText(form, '--sleeve').split(' ')).toHaveLength(3);
    expect(formWords(form).args).toEqual(CAMPAIGN.slice(2));
  });

  test('keeps words that no field stands for, and leaves blanks to the operator', () => {
    const words = ['stray', '--prices', 'FILE', '--debug'];
    const program = programSummary(PROGRAMS.find(({ name }) => name === 'data import')!);
    const form = open(words, program);
    expect(form.rest).toEqual(['stray', '--debug']);
    expect(fieldText(form, '--prices')).toBe('');
  });

  test('switches, cycles, and types', () => {
    let form = at(open(), '--disable-risk');
    expect(editedField(form)).toBeNull();
    form = cycleField(form, 1);
    expect(formWords(form).args).toEqual(['--disable-risk']);
    expect(formWords(cycleField(form, 1)).args).toEqual([]);
    form = cycleField(at(form, '--fill'), -1);
    expect(formWords(form).args).toEqual(['--disable-risk', '--fill', 'next_close']);
    form = put(form, '--market-id', 'US EQ');
    expect(formWords(form).args.slice(0, 2)).toEqual(['--market-id', 'US EQ']);
    // An optional choice without a default can be left open again.
    form = cycleField(at(form, 'job --io-class'), 1);
    expect(formWords(form).policy).toEqual(['--io-class', 'idle']);
    expect(formWords(cycleField(cycleField(form, 1), 1)).policy).toEqual([]);
    // Letters do nothing to a switch, and cycling nothing to a text.
    expect(cycleField(at(form, '--market-id'), 1)).toEqual(at(form, '--market-id'));
  });

  test('the focus goes through all fields and both buttons, Cancel first, and round', () => {
    const form = { ...open(), at: 0 };
    const count = fieldsOf(form).length;
    let moved: FormView = form;
    for (let i = 0; i < count; i++) moved = moveFocus(moved, 1);
    expect(moved.button).toBe(0);
    expect(moveFocus(moved, 1).button).toBe(1);
    expect(focusedField(moveFocus(moveFocus(moved, 1), 1))?.name).toBe('--market-id');
    fc.assert(
      fc.property(fc.array(fc.constantFrom<1 | -1>(1, -1)), (steps) => {
        const there = steps.reduce(moveFocus, form as FormView);
        const back = steps.toReversed().reduce((one, step) => moveFocus(one, -step as 1 | -1), there);
        expect([back.at, back.button]).toEqual([form.at, form.button]);
      }),
    );
  });

  test('values of earlier jobs come one after the other, then what was typed', () => {
    const mine = put(put(open(), '--market-id', 'MINE'), 'job --nice', '5');
    const jobs = [CAMPAIGN.slice(2), ['--market-id', 'DE_EQ']];
    const first = recallValues(mine, jobs);
    expect(formWords(first)).toMatchObject({ args: CAMPAIGN.slice(2), policy: ['--nice', '5'] });
    const second = recallValues(first, jobs);
    expect(formWords(second).args).toEqual(['--market-id', 'DE_EQ']);
    expect(formWords(recallValues(second, jobs))).toEqual(formWords(mine));
    expect(recallValues(mine, []).values).toEqual(mine.values);
    // What is changed after recalling is the operator's own.
    expect(put(first, '--market-id', 'X').recalled).toBeNull();
  });
});

/** Text as a line of the form can hold it. */
const typed = fc
  .string({ unit: 'grapheme', minLength: 1 })
  .filter((text) => text.trim() !== '' && !/[\n\r]/.test(text));

describe('words and fields', () => {
  test('are the same thing: what was typed comes back from its words', () => {
    const names: ArgumentField[] = campaign.arguments.filter((field) => isTyped(field) && !field.repeatable);
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names.map(({ name }) => name)), typed), (values) => {
        const form = Object.entries(values).reduce((one, [name, text]) => put(one, name, text), open());
        const again = open(formWords(form).args);
        for (const [name, text] of Object.entries(values)) {
          if (/^(FILE|PATH|DIR|URL)$/.test(text)) continue;
          expect(fieldText(again, name)).toBe(text);
        }
        expect(again.rest).toEqual([]);
      }),
    );
  });

  test('of a list keep each value, whatever is in it', () => {
    fc.assert(
      fc.property(fc.array(typed, { minLength: 1 }), (sleeves) => {
        const words = sleeves.flatMap((one) => (one.startsWith('-') ? [`--sleeve=${one}`] : ['--sleeve', one]));
        const known = sleeves.filter((one) => !/^(FILE|PATH|DIR|URL)$/.test(one));
        const kept = formWords(open(words)).args.filter((word) => word !== '--sleeve');
        expect(kept.map((word) => word.replace(/^--sleeve=/s, ''))).toEqual(known);
      }),
    );
  });

  test('of every program mean to its parser what they meant before', () => {
    const parsed = (program: ProgramSummary, words: readonly string[]) =>
      parseProgramArguments(PROGRAMS.find(({ name }) => name === program.name)!, words);
    const canonical = parsed(campaign, CAMPAIGN.slice(2)).argv;
    expect(parsed(campaign, formWords(open(canonical)).args).argv).toEqual(canonical);
    for (const spec of PROGRAMS) {
      const program = programSummary(spec);
      const switches = program.arguments.filter(({ kind, repeatable }) => kind === 'boolean' && !repeatable);
      for (const { name, defaultValue } of switches) {
        const word = defaultValue === true ? `--no-${name.slice(2)}` : name;
        expect(formWords(open([word], program)).args, program.name).toEqual([word]);
      }
    }
  });
});
