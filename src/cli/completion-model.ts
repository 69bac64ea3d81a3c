/** What can be completed: commands, their flags, and the values of both, from the commands' own schemas. */
import type { z } from 'zod';
import { type Flag, flagsOf } from './arguments.ts';

/** Words to choose from, files, the jobs of the home (asked for when they are needed), or nothing that can be named. */
export type Values = readonly string[] | 'files' | 'jobs' | 'none';

interface FlagCompletion {
  /** `--max-workers` */
  readonly name: string;
  readonly short: string | undefined;
  /** Null for a flag that takes no value. */
  readonly values: Values | null;
  readonly help: string;
}

/** Shells expand the words that they are given to choose from: only those that mean themselves are offered. */
export const isPlainWord = (word: string): boolean => /^[\w.:@%+,/-]+$/.test(word);

/** What may follow some words: a command, or the beginning of several. */
export interface Place {
  /** `db up`; empty for the very beginning. */
  readonly words: string;
  readonly next: readonly { readonly word: string; readonly help: string }[];
  readonly flags: readonly FlagCompletion[];
  /** One a positional argument; the last one also stands for those after it. */
  readonly positionals: readonly Values[];
}

export interface DescribedCommand {
  readonly name: string;
  readonly summary: string;
  readonly args: z.ZodObject;
  readonly positionals?: readonly string[];
}

export interface KnownValues {
  /** Programs that `job start` starts; its words lead to them. */
  readonly programs: readonly string[];
  /** Commands of the user's own, which it starts as well: they have no other place. */
  readonly own?: readonly DescribedCommand[];
  /** Phases and their checks. */
  readonly phases: readonly string[];
}

const GLOBALS: readonly FlagCompletion[] = [
  { name: '--historical', short: undefined, values: 'none', help: 'URL of the historical database' },
  { name: '--runtime', short: undefined, values: 'none', help: 'URL of the runtime database' },
  { name: '--debug', short: undefined, values: null, help: 'stack traces' },
  { name: '--help', short: undefined, values: null, help: 'what the command does' },
];

const JOB_START = 'job start';

/** Where the arguments of a command of the user's own are: a command of ours may have the same name. */
const argumentsPlace = (program: string): string => `${JOB_START} ${program} --`;

/** Every place of a command line. */
export function placesOf(commands: readonly DescribedCommand[], known: KnownValues): Place[] {
  const places = new Map<string, Place>();
  const place = (words: string) => places.get(words) ?? { words, next: [], flags: [], positionals: [] };
  const lead = (name: string, help: string) => {
    const words = name.split(' ');
    words.forEach((word, i) => {
      const at = place(words.slice(0, i).join(' '));
      if (at.next.some((one) => one.word === word)) places.set(at.words, at);
      else places.set(at.words, { ...at, next: [...at.next, { word, help: i === words.length - 1 ? help : '' }] });
    });
  };
  for (const { name, summary, args, positionals = [] } of commands) {
    if (name) lead(name, summary);
    const flags = flagsOf(args);
    const described = {
      flags: [...flags.filter((flag) => !positionals.includes(flag.key)).flatMap(flagCompletions), ...GLOBALS],
      positionals: positionals.map((key) => positionalValues(name, flags.find((flag) => flag.key === key)!, known)),
    };
    places.set(name, { ...place(name), ...described });
    if (name !== JOB_START) continue;
    const start = (program: string, help: string) => {
      const words = `${JOB_START} ${program}`;
      lead(words, help);
      places.set(words, { ...place(words), ...described, positionals: [] });
    };
    for (const program of known.programs) {
      start(program, commands.find((one) => one.name === program)?.summary ?? '');
    }
    for (const program of known.own ?? []) {
      start(program.name, program.summary);
      const words = argumentsPlace(program.name);
      places.set(words, { ...place(words), flags: flagsOf(program.args).flatMap(flagCompletions) });
    }
    places.set(name, { ...place(name), positionals: [] });
  }
  return [...places.values()];
}

function flagCompletions({ name, short, kind, choices, defaultValue, help }: Flag): FlagCompletion[] {
  if (kind === 'boolean') {
    // What is on can only be switched off.
    return [{ name: defaultValue === true ? `--no-${name.slice(2)}` : name, short, values: null, help }];
  }
  return [{ name, short, values: choices?.filter(isPlainWord) ?? freeValues(kind, help), help }];
}

/** A schema does not tell a path from other text; its help does. */
const freeValues = (kind: Flag['kind'], help: string): Values =>
  kind === 'string' && /\b(files?|folder|path|csv)\b/i.test(help) ? 'files' : 'none';

function positionalValues(command: string, flag: Flag, { phases }: KnownValues): Values {
  if (flag.choices) return flag.choices.filter(isPlainWord);
  if (flag.key === 'job') return 'jobs';
  if (flag.key === 'phase') return phases.filter((one) => isPlainWord(one) && !one.includes('.'));
  if (command === 'why') return phases.filter(isPlainWord);
  return freeValues(flag.kind, flag.help);
}
