/** Command-line arguments from a zod schema: parsing, help text, and the reverse (arguments to argv). */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { UsageError } from '../platform/errors.ts';
import { issueWords } from '../platform/issue-words.ts';
import type { ArgumentField, ArgumentProblem } from '../supervisor/reads.ts';

export interface Flag extends ArgumentField {
  readonly key: string;
  /** One letter, from `.meta({ short: 'f' })`. */
  readonly short: string | undefined;
}

/** Flags that every command has, unless it has one of that name itself (a command of the user's own may). */
const GLOBAL_FLAGS = {
  historical: { type: 'string' },
  runtime: { type: 'string' },
  debug: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

export interface GlobalFlags {
  readonly historical?: string;
  readonly runtime?: string;
  readonly debug: boolean;
  readonly help: boolean;
}

/** The flags that a schema declares, in order of declaration. */
export function flagsOf(schema: z.ZodObject): Flag[] {
  return Object.entries(schema.shape).map(([key, field]) => {
    let type = field as z.ZodType;
    let required = true;
    let defaultValue: unknown;
    const help = type.description ?? '';
    let innerHelp = '';
    for (;;) {
      if (type instanceof z.ZodOptional) {
        required = false;
        type = type.unwrap() as z.ZodType;
      } else if (type instanceof z.ZodDefault) {
        required = false;
        defaultValue = type.def.defaultValue;
        type = type.unwrap() as z.ZodType;
      } else break;
      innerHelp ||= type.description ?? '';
    }
    const repeatable = type instanceof z.ZodArray;
    const element = repeatable ? ((type as z.ZodArray).element as z.ZodType) : type;
    return {
      key,
      name: `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
      short: (field as z.ZodType).meta()?.short as string | undefined,
      kind: kindOf(element),
      repeatable,
      required,
      choices: element instanceof z.ZodEnum ? element.options.map(String) : null,
      defaultValue,
      help: help || innerHelp,
    };
  });
}

function kindOf(element: z.ZodType): Flag['kind'] {
  if (element instanceof z.ZodBoolean) return 'boolean';
  if (element instanceof z.ZodNumber) return element.isInt ? 'integer' : 'number';
  return element.meta()?.format === 'date' ? 'date' : 'string';
}

const isNumeric = ({ kind }: Flag): boolean => kind === 'number' || kind === 'integer';

/** @throws UsageError for the first problem that `checkArguments` finds. */
export function parseArguments<Args extends z.ZodObject>(
  commandName: string,
  schema: Args,
  argv: readonly string[],
  positionalKeys: readonly string[] = [],
): { args: z.infer<Args> | null; globals: GlobalFlags } {
  const { args, globals, problems } = checkArguments(schema, argv, positionalKeys);
  if (problems.length > 0) throw new UsageError(problems[0].message, `See: prometheus ${commandName} --help`);
  return { args, globals };
}

const NO_GLOBALS: GlobalFlags = { debug: false, help: false };

/**
 * Parses argv by a schema. Numbers and repeated flags are converted; every problem names its flag, what is wrong before
 * what is missing. A repeatable flag takes several values at once (`--prices a.csv b.csv`), as shells expand globs.
 * `args` is null when there is a problem, or help was asked for.
 */
export function checkArguments<Args extends z.ZodObject>(
  schema: Args,
  argv: readonly string[],
  positionalKeys: readonly string[] = [],
): { args: z.infer<Args> | null; globals: GlobalFlags; problems: readonly ArgumentProblem[] } {
  const flags = flagsOf(schema);
  const options: Record<string, { type: 'string' | 'boolean'; multiple?: boolean; short?: string }> = {
    ...GLOBAL_FLAGS,
  };
  for (const flag of flags) {
    const short = flag.short ? { short: flag.short } : {};
    options[flag.name.slice(2)] = {
      type: flag.kind === 'boolean' ? 'boolean' : 'string',
      multiple: flag.repeatable,
      ...short,
    };
  }
  let parsed: { values: Record<string, unknown>; positionals: string[] };
  try {
    parsed = parseArgs({
      args: tieNegatives(spreadRepeatable(argv, flags), flags),
      options,
      allowPositionals: true,
      strict: true,
      allowNegative: true,
    }) as typeof parsed;
  } catch (error) {
    return { args: null, globals: NO_GLOBALS, problems: [{ flag: null, message: firstSentence(error) }] };
  }
  const { values, positionals } = parsed;
  const own = new Set(flags.map(({ name }) => name.slice(2)));
  const global = (name: keyof GlobalFlags) => (own.has(name) ? undefined : values[name]);
  const globals: GlobalFlags = {
    historical: global('historical') as string | undefined,
    runtime: global('runtime') as string | undefined,
    debug: global('debug') === true,
    help: global('help') === true,
  };
  if (globals.help) return { args: null, globals, problems: [] };

  const problems: ArgumentProblem[] = [];
  const converted = (value: unknown, flag: Flag): unknown => {
    if (!isNumeric(flag)) return value;
    const texts = [value].flat().map(String);
    const wrong = texts.find((text) => text.trim() === '' || !Number.isFinite(Number(text)));
    if (wrong !== undefined) problems.push({ flag: flag.name, message: `${flag.name} '${wrong}' is not a number` });
    return Array.isArray(value) ? texts.map(Number) : Number(value);
  };
  const input: Record<string, unknown> = {};
  for (const flag of flags) {
    const value = values[flag.name.slice(2)];
    if (value !== undefined) input[flag.key] = converted(value, flag);
  }
  positionalKeys.forEach((key, i) => {
    const flag = flags.find((f) => f.key === key)!;
    const rest = flag.repeatable ? positionals.splice(i) : positionals.slice(i, i + 1);
    if (rest.length) input[key] = converted(flag.repeatable ? rest : rest[0], flag);
  });
  if (positionals.length > positionalKeys.length) {
    problems.push({ flag: null, message: `unexpected argument '${positionals[positionalKeys.length]}'` });
  }
  const result = schema.strict().safeParse(input, { error: issueWords });
  for (const issue of result.success ? [] : result.error.issues) {
    const flag = flags.find((f) => f.key === issue.path[0]);
    if (flag && problems.some((one) => one.flag === flag.name)) continue;
    problems.push({
      flag: flag?.name ?? null,
      message: issueMessage(issue, flag, flag && input[flag.key], positionalKeys),
    });
  }
  const isMissing = ({ flag }: ArgumentProblem) =>
    Number(flag !== null && input[flags.find(({ name }) => name === flag)!.key] === undefined);
  problems.sort((a, b) => isMissing(a) - isMissing(b));
  return {
    args: result.success && problems.length === 0 ? (result.data as z.infer<Args>) : null,
    globals,
    problems,
  };
}

function issueMessage(
  issue: z.core.$ZodIssue,
  flag: Flag | undefined,
  value: unknown,
  positionalKeys: readonly string[],
): string {
  const name = !flag ? 'arguments' : positionalKeys.includes(flag.key) ? `<${flag.key}>` : flag.name;
  const choices = flag?.choices ? `: one of ${flag.choices.join(', ')}` : '';
  if (flag && value === undefined) return `${name} is required${choices}`;
  const given = flag ? ` '${[value].flat().join(' ')}'` : '';
  return `${name}${given}: ${issue.message}`;
}

/** `--prices a b --news c` → `--prices a --prices b --news c` for repeatable string flags. */
function spreadRepeatable(argv: readonly string[], flags: readonly Flag[]): string[] {
  const repeatable = new Set(flags.filter((f) => f.repeatable && f.kind !== 'boolean').map((f) => f.name));
  const result: string[] = [];
  let current: string | null = null;
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i];
    if (word === '--') return [...result, ...argv.slice(i)];
    if (word.startsWith('-') && word !== '-') {
      current = repeatable.has(word) ? word : null;
      result.push(word);
      // The flag's first value follows it as usual.
      if (current && i + 1 < argv.length && !argv[i + 1].startsWith('--')) result.push(argv[++i]);
    } else if (current) result.push(current, word);
    else result.push(word);
    if (!word.startsWith('-') && !current) current = null;
  }
  return result;
}

/** `--initial-cash -5` → `--initial-cash=-5`: after a flag that takes a number, `-5` is no flag. */
function tieNegatives(argv: readonly string[], flags: readonly Flag[]): string[] {
  const numeric = new Set(flags.filter(isNumeric).map((flag) => flag.name));
  const result: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    if (argv[i] === '--') return [...result, ...argv.slice(i)];
    const next = argv[i + 1];
    if (numeric.has(argv[i]) && next !== undefined && /^-[\d.]/.test(next)) result.push(`${argv[i]}=${argv[++i]}`);
    else result.push(argv[i]);
  }
  return result;
}

function firstSentence(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const line = text.split('\n')[0];
  const end = line.indexOf('. ');
  return (end > 0 ? line.slice(0, end) : line).replace(/\.$/, '').replace(/^U/, 'u').replace(/^O/, 'o');
}

/** Arguments back to argv, defaults included: the exact command of a job. */
export function toArgv(schema: z.ZodObject, args: Record<string, unknown>): string[] {
  const argv: string[] = [];
  for (const flag of flagsOf(schema)) {
    const value = args[flag.key];
    if (value === undefined || value === null) continue;
    if (flag.kind === 'boolean') {
      if (value !== (flag.defaultValue ?? false)) argv.push(value ? flag.name : `--no-${flag.name.slice(2)}`);
    } else {
      for (const one of [value].flat().map(String)) {
        // A value that looks like a flag must be tied to its own.
        if (one.startsWith('-')) argv.push(`${flag.name}=${one}`);
        else argv.push(flag.name, one);
      }
    }
  }
  return argv;
}
