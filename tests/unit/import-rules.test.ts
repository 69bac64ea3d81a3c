/** The rooms of the house (docs/ARCHITECTURE.md): who may import whom, no cycles, no console.log in engines. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../..');

/** Files that only describe data: whoever may see the data may name its type. */
const CONTRACTS = [
  'src/phases/types.ts',
  'src/telemetry/types.ts',
  'src/supervisor/protocol.ts',
  'src/supervisor/reads.ts',
  'src/report/types.ts',
];

interface Room {
  readonly name: string;
  readonly match: RegExp;
  /** Folders or files it may import, beside its own. */
  readonly may: readonly RegExp[];
}

const PLATFORM = /^src\/platform\//;
const FORMAT = /^src\/format\//;
/** How figures are written, in words of every room. */
const NUMBERS = /^src\/format\/numbers\.ts$/;
const engineParts = (folder: string) => new RegExp(`^engines/(?!${folder}/)[^/]+/(.*\\.)?(model|storage)\\.ts$`);

/** First match counts. */
const ROOMS: readonly Room[] = [
  { name: 'screens', match: /^screens\//, may: [/^src\/console\//, FORMAT] },
  { name: 'console', match: /^src\/console\//, may: [/^src\/supervisor\/(protocol|reads)\.ts$/, FORMAT, PLATFORM] },
  {
    name: 'supervisor',
    match: /^src\/supervisor\//,
    may: [PLATFORM, NUMBERS, /^src\/phases\//, /^src\/telemetry\//, /^engines\/catalog\.ts$/],
  },
  {
    name: 'phases',
    match: /^src\/phases\//,
    may: [PLATFORM, NUMBERS, /^migrations\//, /^src\/adoption\/expected\.ts$/],
  },
  { name: 'telemetry', match: /^src\/telemetry\//, may: [PLATFORM] },
  { name: 'platform', match: PLATFORM, may: [] },
  { name: 'format', match: FORMAT, may: [/^src\/platform\/secrets\.ts$/] },
  { name: 'adoption', match: /^src\/adoption\//, may: [PLATFORM, NUMBERS] },
  { name: 'report', match: /^src\/(queue|report)\//, may: [PLATFORM, FORMAT] },
  { name: 'cli', match: /^src\/cli\//, may: [/./] },
  { name: 'catalog', match: /^engines\/catalog\.ts$/, may: [PLATFORM, /^engines\/.*spec\.ts$/] },
  // A spec is data: it may not pull the program in. Backfills share the flags of a throttle.
  { name: 'specs', match: /^engines\/.*spec\.ts$/, may: [PLATFORM, /^src\/queue\/throttle-args\.ts$/] },
  {
    name: 'engines',
    match: /^engines\//,
    may: [
      PLATFORM,
      NUMBERS,
      /^src\/queue\//,
      /^src\/report\/document\.ts$/,
      /^engines\/market\//,
      /^engines\/onnx\//,
      /^engines\/data\/csv\//,
    ],
  },
  { name: 'migrations', match: /^migrations\//, may: [] },
];

/** Every source file of the product. */
function sources(): string[] {
  return ['src', 'screens', 'engines', 'migrations'].flatMap((room) =>
    readdirSync(path.join(ROOT, room), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
      .map((entry) => path.relative(ROOT, path.join(entry.parentPath, entry.name))),
  );
}

const IMPORT = /^\s*(?:import|export)\s+(type\s)?[^;]*?from\s+'([^']+)'|import\('([^']+)'\)/gm;

function importsOf(file: string): { target: string; typeOnly: boolean }[] {
  const text = readFileSync(path.join(ROOT, file), 'utf8');
  return [...text.matchAll(IMPORT)]
    .map((match) => ({ specifier: match[2] ?? match[3], typeOnly: Boolean(match[1]) }))
    .filter(({ specifier }) => specifier.startsWith('.'))
    .map(({ specifier, typeOnly }) => ({ target: path.normalize(path.join(path.dirname(file), specifier)), typeOnly }));
}

const roomOf = (file: string) => ROOMS.find((room) => room.match.test(file));

function allowed(file: string, target: string, typeOnly: boolean): boolean {
  const room = roomOf(file)!;
  if (room.name === 'engines' || room.name === 'specs') {
    const folder = file.split('/')[1];
    if (target.split('/')[1] === folder) return true;
    // The programs that compute evidence run other engines whole.
    if (folder === 'verify' && /^engines\/(backtest|numeric)\//.test(target)) return true;
    // A campaign is the pipeline: it runs every stage, and execution is one.
    if (folder === 'backtest' && target.startsWith('engines/execution/')) return true;
    if (engineParts(folder).test(target)) return true;
  } else if (room.match.test(target)) return true;
  return (typeOnly && CONTRACTS.includes(target)) || room.may.some((rule) => rule.test(target));
}

/** What the programs are bundled from. */
async function programs() {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [
      'src/cli/main.ts',
      'src/supervisor/shim.ts',
      'engines/backtest/worker.ts',
      'engines/compare/worker.ts',
      'engines/numeric/worker.ts',
      'engines/text/backfill/worker.ts',
    ],
    bundle: true,
    metafile: true,
    write: false,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    outdir: 'unused',
    splitting: true,
  });
  return metafile;
}

describe('the rooms', () => {
  it('hold every file', () => {
    expect(sources().filter((file) => !roomOf(file))).toEqual([]);
  });

  it('import only what they may', () => {
    const broken = sources().flatMap((file) =>
      importsOf(file)
        .filter(({ target, typeOnly }) => !allowed(file, target, typeOnly))
        .map(({ target }) => `${file} imports ${target}`),
    );
    expect(broken).toEqual([]);
  });

  it('have no import cycles', async () => {
    const { inputs } = await programs();
    const graph = new Map(
      Object.entries(inputs).map(([file, { imports }]) => [
        file,
        imports.filter((i) => i.kind === 'import-statement' && !i.external).map((i) => i.path),
      ]),
    );
    const done = new Set<string>();
    const visit = (file: string, trail: string[]): void => {
      if (trail.includes(file))
        throw new Error(`import cycle: ${[...trail.slice(trail.indexOf(file)), file].join(' → ')}`);
      if (done.has(file)) return;
      for (const next of graph.get(file) ?? []) visit(next, [...trail, file]);
      done.add(file);
    };
    for (const file of graph.keys()) visit(file, []);
  });
});

describe('the first frame', () => {
  it('waits for no schemas and no YAML: they take a third of the time to it', async () => {
    const { inputs } = await programs();
    const loaded = new Set<string>(['src/cli/main.ts', 'src/cli/console.ts', 'screens/root.tsx']);
    const packages: string[] = [];
    for (const file of loaded) {
      for (const { kind, external, path: target } of inputs[file].imports) {
        if (kind !== 'import-statement') continue;
        if (external) packages.push(`${target} by ${file}`);
        else loaded.add(target);
      }
    }
    expect(packages.filter((one) => one.startsWith('ink '))).not.toEqual([]);
    expect(packages.filter((one) => /^(zod|yaml)\b/.test(one))).toEqual([]);
  });
});

describe('engines', () => {
  it('read no clock and no random source that is not passed in', () => {
    const found = sources()
      .filter((file) => file.startsWith('engines/'))
      .filter((file) =>
        /\b(console\.\w+\(|Date\.now\(|new Date\(\)|Math\.random\(|performance\.now\(|randomUUID\()/.test(
          readFileSync(path.join(ROOT, file), 'utf8'),
        ),
      );
    expect(found).toEqual([]);
  });
});
