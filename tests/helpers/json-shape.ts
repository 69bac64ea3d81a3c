/** The shape of JSON documents: which names they have, and of which kinds the values under each are. */

/** What stands under one path. */
interface Place {
  /** `string`, `number`, `boolean`, `null`, `object`, `array`. */
  readonly kinds: ReadonlySet<string>;
  /** Some of the objects that hold it lack it. */
  readonly optional: boolean;
}

/**
 * Path → what stands there, over several documents. `jobs[].progress.done` is a name of the objects under `progress` of the
 * elements of `jobs`; `byYear.*` are the values of an object whose names are data (years, ids, models).
 */
export type Shape = ReadonlyMap<string, Place>;

const ANY_NAME = '*';

/** Names that are no identifiers are data. */
const isData = (name: string) => !/^[a-z]\w*$/.test(name);

/** @param maps paths of objects whose names are data though they look like identifiers (tables, metrics). */
export function shapeOf(documents: readonly object[], maps: readonly string[] = []): Shape {
  const kinds = new Map<string, Set<string>>();
  const times = new Map<string, number>();
  const count = (key: string) => times.set(key, (times.get(key) ?? 0) + 1);
  const look = (value: unknown, path: string) => {
    const kind = kindOf(value);
    kinds.set(path, (kinds.get(path) ?? new Set()).add(kind));
    count(`${path} ${kind}`);
    if (kind === 'array') for (const one of value as unknown[]) look(one, `${path}[]`);
    if (kind !== 'object') return;
    const lead = path && `${path}.`;
    for (const [name, one] of Object.entries(value as object)) {
      if (maps.includes(path) || isData(name)) look(one, lead + ANY_NAME);
      else {
        count(lead + name);
        look(one, lead + name);
      }
    }
  };
  for (const document of documents) look(document, '');
  kinds.delete('');
  const isOptional = (path: string) => !isElement(path) && times.get(path)! < times.get(`${parentOf(path)} object`)!;
  return new Map([...kinds].map(([path, of]) => [path, { kinds: of, optional: isOptional(path) }]));
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

/** An element of a list, or a value under a name that is data: none of them is missed. */
const isElement = (path: string) => path.endsWith('[]') || lastName(path) === ANY_NAME;
const lastName = (path: string) => path.slice(path.lastIndexOf('.') + 1);
const parentOf = (path: string) =>
  path.endsWith('[]') ? path.slice(0, -2) : path.slice(0, Math.max(0, path.lastIndexOf('.')));

/**
 * The kept shape with what was found in the place of what it says. The same as the kept one when the documents are as it
 * says: what they happen not to show (elements of an empty list, what a null may be otherwise, a name that may be missing)
 * stays as it was kept.
 */
export function renewed(kept: Shape, found: Shape): Shape {
  const shape = new Map<string, Place>();
  for (const path of [...new Set([...kept.keys(), ...found.keys()])].sort()) {
    const [before, now] = [kept.get(path), found.get(path)];
    if (now) {
      const mayBeMore = before && ((now.kinds.size === 1 && now.kinds.has('null')) || before.kinds.has('null'));
      const more = !mayBeMore ? [] : now.kinds.size === 1 && now.kinds.has('null') ? before.kinds : ['null'];
      shape.set(path, {
        kinds: new Set([...now.kinds, ...more]),
        optional: now.optional || (before?.optional ?? false),
      });
    } else if (isUnseen(path, before!, found, shape)) shape.set(path, before!);
  }
  return shape;
}

/** Whether a kept path may well be there though it was not found. */
function isUnseen(path: string, { optional }: Place, found: Shape, shape: Shape): boolean {
  const parent = parentOf(path);
  const holder = path.endsWith('[]') ? 'array' : 'object';
  if (parent !== '' && !shape.get(parent)?.kinds.has(holder)) return false;
  return optional || isElement(path) || (parent !== '' && !found.get(parent)?.kinds.has(holder));
}

/** One path a line, in the order of the alphabet: `jobs[].exitCode: null | number`, with `?` where it may be missing. */
export const formatShape = (shape: Shape): string =>
  [...shape]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, { kinds, optional }]) => `${path}${optional ? '?' : ''}: ${[...kinds].sort().join(' | ')}\n`)
    .join('');

export const parseShape = (text: string): Shape =>
  new Map(
    text
      .split('\n')
      .filter(Boolean)
      .map((line) => {
        const [, path, mark, kinds] = /^(.*?)(\??): (.*)$/.exec(line)!;
        return [path, { kinds: new Set(kinds.split(' | ')), optional: mark === '?' }];
      }),
  );
