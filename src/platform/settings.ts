/** Settings in YAML: a shipped file below `configs/`, one schema, with the user's own values laid over it. */
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse as parseYaml } from 'yaml';
import type { z } from 'zod';
import { errorCode, errorMessage, UsageError, UserError } from './errors.ts';
import type { Home } from './home.ts';

type Env = Record<string, string | undefined>;

/**
 * Settings for a home: the shipped `configs/<name>`, then `~/.config/prometheus/<name>`, then `<home>/<name>`. A demo home
 * reads none of the user's own files but its own.
 * @throws UsageError that names the file and the key when a value cannot be accepted.
 */
export function loadSettings<Schema extends z.ZodType>(
  name: string,
  schema: Schema,
  home: Home,
  env: Env = process.env,
): z.infer<Schema> {
  const shipped = shippedFile(name, env);
  const userFolder = path.join(env.XDG_CONFIG_HOME || path.join(homedir(), '.config'), 'prometheus');
  const files = [shipped, ...(home.demo ? [] : [path.join(userFolder, name)]), path.join(home.root, name)];
  let merged: unknown = {};
  let settings: { value: z.infer<Schema> } | null = null;
  for (const file of files) {
    const layer = readLayer(file, file === shipped, name);
    if (layer === null) continue;
    merged = merge(merged, layer);
    // Checked layer by layer, so that a wrong value is reported with the file that holds it.
    settings = { value: validate(merged, schema, file, shipped) };
  }
  return (settings ?? { value: validate(merged, schema, shipped, shipped) }).value;
}

function validate<Schema extends z.ZodType>(
  value: unknown,
  schema: Schema,
  file: string,
  shipped: string,
): z.infer<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const stray = issue.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [];
  const key = [...issue.path, ...stray].join('.');
  const problem = stray.length ? 'is not a setting' : issue.message;
  throw new UsageError(
    `${file}: ${key || 'the file'}: ${problem}`,
    `Mend it; all settings are explained in ${shipped}`,
  );
}

/** A file of `configs/` of the checkout or of the package that this code belongs to (sources and bundle alike). */
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
    throw new UsageError(`${file} is not valid YAML: ${errorMessage(error)}`, 'Mend the line named above.');
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
  const result: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over)) result[key] = key in under ? merge(under[key], value) : value;
  return result;
}
