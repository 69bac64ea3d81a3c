/**
 * Settings in YAML: a file shipped in `configs/` that explains every key, with the user's own values laid over it key by
 * key: `~/.config/prometheus/NAME`, then `<home>/NAME`. A demo home reads only its own.
 */
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { z } from 'zod';
import { errorCode, errorMessage, UsageError, UserError } from './errors.ts';
import type { Home } from './home.ts';
import { issueWords } from './issue-words.ts';
import { firstLine, lineAt, parseYaml } from './yaml.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** The folder of the user's own settings. */
const userConfigFolder = (env: Env): string =>
  path.join(env.XDG_CONFIG_HOME || path.join(homedir(), '.config'), 'prometheus');

/**
 * The settings of one file for a home.
 * @throws UsageError that names the file and the key when a value cannot be accepted.
 */
export function loadLayers<Schema extends z.ZodType>(
  name: string,
  schema: Schema,
  home: Home,
  env: Env = process.env,
): z.infer<Schema> {
  return loadEntries(name, null, schema, home, env).settings;
}

type Faults = Map<string, UsageError>;

/**
 * The same for a file whose key `apart` holds entries that have nothing to do with each other: a faulty one is left out and
 * told in `faults`, the others go on. @throws UsageError when anything else cannot be accepted.
 */
export function loadEntries<Schema extends z.ZodType>(
  name: string,
  apart: string | null,
  schema: Schema,
  home: Home,
  env: Env = process.env,
): { readonly settings: z.infer<Schema>; readonly faults: ReadonlyMap<string, UsageError> } {
  const shipped = shippedFile(name, env);
  const own = [...(home.demo ? [] : [path.join(userConfigFolder(env), name)]), path.join(home.root, name)];
  let merged = readLayer(shipped, true, name);
  let faults: Faults = new Map();
  let settings = validate(schema, merged, { file: shipped, shipped, apart, faults });
  for (const file of own) {
    const layer = readLayer(file, false, name);
    if (layer === null) continue;
    merged = merge(merged, layer);
    // Checked layer by layer, so that a wrong value is reported with the file that holds it.
    const found: Faults = new Map();
    settings = validate(schema, merged, { file, shipped, apart, faults: found });
    const entries = apart === null ? undefined : (layer as Record<string, unknown>)[apart];
    const isHere = (entry: string) => isMap(entries) && entry in entries;
    faults = new Map([...found].map(([entry, now]) => [entry, isHere(entry) ? now : (faults.get(entry) ?? now)]));
  }
  return { settings, faults };
}

function validate<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  from: { readonly file: string; readonly shipped: string; readonly apart: string | null; readonly faults: Faults },
): z.infer<Schema> {
  const result = schema.safeParse(value, { error: issueWords });
  if (result.success) return result.data;
  const { file, shipped, apart, faults } = from;
  const issue = result.error.issues[0];
  const stray = issue.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [];
  const keys = [...issue.path, ...stray];
  const key = keys.join('.');
  const fault = new UsageError(
    `${file}:${lineAt(readFileSync(file, 'utf8'), keys)}: ${key || 'the file'}: ${stray.length > 0 ? 'is not a setting' : issue.message}`,
    `Mend it; all settings are explained in ${shipped}`,
  );
  if (apart === null || keys[0] !== apart || keys.length < 2 || !isMap(value)) throw fault;
  const entry = String(keys[1]);
  faults.set(entry, fault);
  const others = Object.entries(value[apart] as object).filter(([one]) => one !== entry);
  return validate(schema, { ...value, [apart]: Object.fromEntries(others) }, from);
}

/** The user's own files of these names, those that are there, in the order in which they are laid over the shipped ones. */
export function ownFiles(names: readonly string[], home: Home, env: Env = process.env): string[] {
  const folders = [...(home.demo ? [] : [userConfigFolder(env)]), home.root];
  return folders.flatMap((folder) => names.map((name) => path.join(folder, name))).filter((file) => existsSync(file));
}

/** The file that a setting comes from: the last of the shipped and the user's own ones that has the key; null for none. */
export function originOf(name: string, keys: readonly string[], home: Home, env: Env = process.env): string | null {
  const has = (file: string) => {
    let value: unknown = readLayer(file, false, name);
    for (const key of keys) {
      if (!isMap(value) || !Object.hasOwn(value, key)) return false;
      value = value[key];
    }
    return true;
  };
  return [shippedFile(name, env), ...ownFiles([name], home, env)].findLast(has) ?? null;
}

/** `configs/NAME` of the checkout or of the package that this code belongs to (sources and bundle alike). */
function shippedFile(name: string, env: Env): string {
  const starts = [env.PROMETHEUS_CHECKOUT, path.dirname(fileURLToPath(import.meta.url))];
  for (const start of starts) {
    for (let dir = start; dir; dir = path.dirname(dir) === dir ? undefined : path.dirname(dir)) {
      const file = path.join(dir, 'configs', name);
      if (existsSync(file)) return file;
    }
  }
  throw new UserError(`configs/${name} is missing from this installation`, `Restore it: git checkout configs/${name}`);
}

function readLayer(file: string, required: boolean, name: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (!required && ['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) return null;
    throw new UserError(`${file} cannot be read: ${errorMessage(error)}`, 'Make it readable or move it away.');
  }
  let value: unknown;
  try {
    value = parseYaml(text);
  } catch (error) {
    throw new UsageError(`${file} is not valid YAML: ${firstLine(error)}`, 'Mend the line named above.');
  }
  if (value === null || value === undefined) return null;
  if (!isMap(value)) throw new UsageError(`${file} holds no settings`, `Write keys and values, as in configs/${name}.`);
  return value;
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Maps are laid over each other key by key; anything else (lists too) is replaced. */
function merge(under: unknown, over: unknown): unknown {
  if (!isMap(under) || !isMap(over)) return over;
  const lay = (key: string, value: unknown) => (Object.hasOwn(under, key) ? merge(under[key], value) : value);
  // Not by assignment: to `__proto__` it would change what the settings are made from, instead of being refused.
  return Object.fromEntries([
    ...Object.entries(under),
    ...Object.entries(over).map(([key, value]) => [key, lay(key, value)]),
  ]);
}
