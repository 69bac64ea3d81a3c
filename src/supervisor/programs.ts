/** `configs/programs.yaml`: commands of the user's own as programs, one schema, run and read like the engines. */
import { z } from 'zod';
import { UsageError } from '../platform/errors.ts';
import type { Home } from '../platform/home.ts';
import { loadEntries } from '../platform/layers.ts';
import { compilePattern } from '../platform/patterns.ts';
import { dateArg, type ProgramSpec } from '../platform/program.ts';

const pattern = (...groups: string[]) =>
  z.string().superRefine((text, context) => {
    try {
      const names = [...text.matchAll(/\(\?<(\w+)>/g)].map((match) => match[1]);
      compilePattern(text);
      const missing = groups.find((group) => !names.includes(group));
      if (missing) context.addIssue({ code: 'custom', message: `lacks the named group (?<${missing}>…)` });
    } catch (error) {
      context.addIssue({ code: 'custom', message: `is no regular expression: ${(error as Error).message}` });
    }
  });

const readingSchema = z.strictObject({
  progress: z.array(pattern('done')).default([]),
  metrics: z.array(z.strictObject({ name: z.string(), unit: z.string(), pattern: pattern('value') })).default([]),
  rows: z.array(pattern('rows')).default([]),
  failures: z
    .array(z.strictObject({ pattern: pattern('failures'), count: z.enum(['last', 'sum']).default('sum') }))
    .default([]),
  skipped: z.array(pattern('skipped')).default([]),
  fatal: z.array(pattern()).default([]),
  partialCode: z.int().min(1).max(255).nullable().default(3),
});

const argumentObject = z.strictObject({
  type: z.enum(['string', 'integer', 'number', 'boolean', 'date', 'choice']).default('string'),
  choices: z.array(z.string()).min(1).optional(),
  list: z.boolean().default(false),
  required: z.boolean().default(false),
  default: z.union([z.string(), z.number(), z.boolean()]).optional(),
  help: z.string().default(''),
});

const argumentSchema = argumentObject.superRefine(({ default: given, ...kind }, context) => {
  if (kind.type === 'choice' && !kind.choices) {
    context.addIssue({ code: 'custom', path: ['choices'], message: 'a choice needs choices' });
  } else if (given !== undefined && !valueType(kind).safeParse(given).success) {
    context.addIssue({ code: 'custom', path: ['default'], message: 'its default is not of its type' });
  }
});

const argumentName = z.string().regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, 'is no name of a flag (write start-date)');
const claimSchema = z.strictObject({
  table: z.string(),
  scope: argumentName.optional(),
  model: argumentName.optional(),
  start: argumentName.optional(),
  end: argumentName.optional(),
});

const commandSchema = z.strictObject({
  summary: z.string().min(1),
  phase: z.enum(['P0', 'P1', 'P2', 'P3', 'P4', 'P5']),
  resource: z.enum(['cpu', 'gpu', 'io']).default('cpu'),
  cwd: z.string().min(1).optional(),
  command: z.array(z.string().min(1)).min(1),
  environment: z.array(z.string()).default([]),
  arguments: z.record(argumentName, argumentSchema).default({}),
  reads: z.array(z.string()).default([]),
  writes: z.array(z.string()).default([]),
  rowsDue: z.boolean().default(false),
  claims: z.array(claimSchema).default([]),
  reading: readingSchema.prefault({}),
});

/** A value for a word of the command: `{settings.KEY}` or `{flag-name}`. */
const PLACEHOLDER = /\{(settings\.)?([\w.-]+)\}/g;
/** The word that stands for all flags that were given. */
const ALL_FLAGS = '{arguments}';

/** What is named must be there: a misspelt name would run another command, or claim other rows. */
const programSchema = commandSchema.superRefine((entry, context) => {
  const complain = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message });
  const flags = Object.keys(entry.arguments);
  const named = new Set<string>();
  const look = (word: string, path: (string | number)[]) => {
    for (const [, isSetting, name] of word.matchAll(PLACEHOLDER)) {
      if (isSetting) continue;
      named.add(name);
      if (!flags.includes(name)) complain(path, `names {${name}}, which is none of its arguments`);
    }
  };
  entry.command.forEach((word, i) => {
    if (word !== ALL_FLAGS) look(word, ['command', i]);
  });
  const unused = entry.command.includes(ALL_FLAGS) ? undefined : flags.find((flag) => !named.has(flag));
  if (unused) complain(['command'], `has no place for --${unused}: name {${unused}} or give a word ${ALL_FLAGS}`);
  if (/\{(?!settings\.)/.test(entry.cwd ?? '')) complain(['cwd'], 'may name settings only');
  entry.claims.forEach(({ table: _table, ...rules }, i) => {
    for (const [key, flag] of Object.entries(rules)) {
      if (flag && !flags.includes(flag)) complain(['claims', i, key], `names ${flag}, which is none of its arguments`);
    }
  });
});

const programName = z
  .string()
  .regex(/^[a-z0-9][\w-]*( [\w-]+)*$/, 'is no name of a program (words of a-z, 0-9, - and _)');

const fileSchema = z.strictObject({
  settings: z.record(z.string(), z.string().nullable()),
  programs: z.record(programName, programSchema.nullable()),
});

type ProgramEntry = z.infer<typeof programSchema>;

export const PROGRAMS_FILE = 'programs.yaml';

/**
 * The user's programs of a home. A program set to null in a later layer is gone; one that is wrongly described stands with
 * its `fault`, and the others go on. @throws UsageError naming file and key for what is wrong with the file itself.
 */
export function loadPrograms(
  home: Home,
  env: Readonly<Record<string, string | undefined>> = process.env,
): ProgramSpec[] {
  const { settings, faults } = loadEntries(PROGRAMS_FILE, 'programs', fileSchema, home, env);
  const programs = Object.entries(settings.programs);
  return [
    ...programs.flatMap(([name, entry]) => (entry ? [programOf(name, entry, settings.settings)] : [])),
    ...[...faults].map(([name, fault]) => faultyProgram(name, fault)),
  ];
}

/**
 * The same for a catalogue: a file that is none at all stands in it as one entry with a fault, for our own programs go on
 * without it.
 */
export function catalogueOwn(home: Home, env: Readonly<Record<string, string | undefined>>): ProgramSpec[] {
  try {
    return loadPrograms(home, env);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return [faultyProgram(PROGRAMS_FILE, error)];
  }
}

/** Where the user's Python system lies, and its interpreter; null when its path is not set. @throws UsageError */
export function pythonSuite(
  home: Home,
  env: Readonly<Record<string, string | undefined>> = process.env,
): { readonly root: string; readonly interpreter: string | null } | null {
  const { settings } = loadEntries(PROGRAMS_FILE, 'programs', fileSchema, home, env).settings;
  const { 'python.root': root, 'python.interpreter': interpreter } = settings;
  return root ? { root, interpreter: interpreter || null } : null;
}

/** A program of which nothing is known but its name and why it cannot be run. */
const faultyProgram = (name: string, fault: UsageError): ProgramSpec => ({
  name,
  phase: 'P0',
  summary: fault.message,
  args: z.object({}),
  reads: [],
  writes: [],
  resource: 'cpu',
  fault,
});

/** The key of a flag; from it the flag can be had back, so a digit keeps its hyphen. */
const camel = (name: string) => name.replace(/-([a-z])/g, (_all, letter: string) => letter.toUpperCase());

function programOf(name: string, entry: ProgramEntry, settings: Readonly<Record<string, string | null>>): ProgramSpec {
  const shape = Object.entries(entry.arguments).map(([flag, argument]) => [camel(flag), fieldOf(argument)]);
  const value = (key: string): string => {
    const found = settings[key];
    if (found) return found;
    throw new UsageError(
      found === null
        ? `'${name}' needs the setting ${key}`
        : `'${name}' names the setting ${key}, which does not exist`,
      `Set settings.${key} in programs.yaml of the home or of ~/.config/prometheus.`,
    );
  };
  /** Nothing when it names an argument that was not given: then the word is left out. */
  const fill = (word: string, args: Readonly<Record<string, unknown>>): string[] => {
    let given = true;
    const text = word.replace(PLACEHOLDER, (_all, isSetting, key: string) => {
      if (isSetting) return value(key);
      given &&= args[camel(key)] !== undefined;
      return String(args[camel(key)]);
    });
    return given ? [text] : [];
  };
  const rule = (key: string | undefined) => (key === undefined ? undefined : camel(key));
  return {
    name,
    phase: entry.phase,
    summary: entry.summary,
    description: `A command of yours (programs.yaml): ${entry.command.join(' ')}`,
    args: z.object(Object.fromEntries(shape)),
    reads: entry.reads,
    writes: entry.writes,
    resource: entry.resource,
    rowsDue: entry.rowsDue,
    claims: entry.claims.map(({ table, scope, model, start, end }) => ({
      table,
      scope: rule(scope),
      model: rule(model),
      start: rule(start),
      end: rule(end),
    })),
    script: {
      command: (argv, args) => entry.command.flatMap((word) => (word === ALL_FLAGS ? argv : fill(word, args))),
      cwd: () => (entry.cwd === undefined ? null : fill(entry.cwd, {})[0]),
      environment: entry.environment,
      reading: entry.reading,
    },
  };
}

function fieldOf({ list, required, default: given, help, ...kind }: z.infer<typeof argumentSchema>): z.ZodType {
  const value = valueType(kind);
  const base = list ? z.array(value) : value;
  const described = help ? base.describe(help) : base;
  if (given !== undefined) return described.default(list ? [given].flat() : given);
  return required ? described : described.optional();
}

function valueType({ type, choices }: Pick<z.infer<typeof argumentObject>, 'type' | 'choices'>): z.ZodType {
  const one: Record<typeof type, () => z.ZodType> = {
    string: () => z.string(),
    integer: () => z.number().int(),
    number: () => z.number(),
    boolean: () => z.boolean(),
    date: () => dateArg(),
    choice: () => z.enum(choices as [string, ...string[]]),
  };
  return one[type]();
}
