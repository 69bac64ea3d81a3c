/** Whether a job and a command ask for the same: by their arguments' values, not by how they are written. */
import { splitCommand } from '../format/command.ts';
import type { JobView } from '../supervisor/protocol.ts';
import type { ArgumentField } from '../supervisor/reads.ts';
import { answerTo } from './answers.ts';
import type { ConsoleState } from './store.ts';

/** Program and arguments, as a job has them: with its defaults, in the order of declaration. */
interface Asked {
  readonly program: string;
  readonly args: readonly string[];
}

/** Says of jobs whether they ask for what `argv` (or a job) asks for. While the programs' defaults are unknown, only words count. */
export function sameAs(state: ConsoleState, command: readonly string[] | Asked): (job: JobView) => boolean {
  const { program, args } = 'program' in command ? command : splitCommand(command);
  const fields =
    answerTo(state, 'programs', {}).value?.programs.find(({ name }) => name === program)?.arguments ?? null;
  const words = JSON.stringify(args);
  const values = fields && JSON.stringify(valuesOf(args, fields));
  return (job) =>
    job.program === program &&
    (JSON.stringify(job.args) === words || (fields !== null && JSON.stringify(valuesOf(job.args, fields)) === values));
}

/** Arguments that are not what they are by default, each with its values, by name. Words of no known flag stand as they are. */
function valuesOf(args: readonly string[], fields: readonly ArgumentField[]): [string, readonly string[]][] {
  const values = new Map<string, string[]>();
  const add = (name: string, value: string) => {
    const field = fields.find((one) => one.name === name);
    const many = field === undefined || field.repeatable;
    // Of a flag that takes one value the last one counts.
    values.set(name, [...(many ? (values.get(name) ?? []) : []), field ? plainly(value, field) : value]);
  };
  for (let i = 0; i < args.length; i++) {
    const [name, ...tied] = args[i].startsWith('--') ? args[i].split('=') : [''];
    const field = fields.find((one) => one.name === name);
    const negated = fields.find((one) => one.kind === 'boolean' && `--no-${one.name.slice(2)}` === name);
    if (negated) add(negated.name, 'false');
    else if (!field) add('', args[i]);
    else if (tied.length > 0) add(name, tied.join('='));
    else if (field.kind === 'boolean') add(name, 'true');
    else {
      do add(name, args[++i] ?? '');
      while (field.repeatable && i + 1 < args.length && !args[i + 1].startsWith('--'));
    }
  }
  return [...values]
    .filter(([name, given]) => {
      const field = fields.find((one) => one.name === name);
      return JSON.stringify(given) !== JSON.stringify(field ? defaultsOf(field) : []);
    })
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

const defaultsOf = (field: ArgumentField): string[] =>
  [field.defaultValue ?? (field.kind === 'boolean' ? false : [])].flat().map((value) => plainly(String(value), field));

/** `0.50` is the number `0.5`. */
const plainly = (text: string, { kind }: ArgumentField): string =>
  (kind === 'number' || kind === 'integer') && text.trim() !== '' && Number.isFinite(Number(text))
    ? String(Number(text))
    : text;
