/**
 * Layouts of numeric_window_embeddings (ADR 0012) on a server of their own: the key as a b-tree, a BRIN index of days without
 * a key, and the key over partitions by year, by month and by model. 1.25 million vectors each, by COPY in the order in which
 * a backfill writes; then a year of all models and a model of all years are given up. CPU-seconds of the server, bytes of WAL
 * and blocks that a look reads say the same on a busy machine; wall times do not. Autovacuum is off: what it does in the middle
 * of one layout's load, and not yet of another's, would be counted as the load. Checkpoints come between layouts only: after one,
 * each page that is touched is logged whole.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type pg from 'pg';
import { parseDay } from '../../src/platform/dates.ts';
import { copyInto } from '../../src/platform/db/copy.ts';
import { type Database, openDatabases } from '../../src/platform/db/databases.ts';
import { dropServer, embeddedTargets, serverStatus, startServer } from '../../src/platform/db/embedded.ts';
import { createHome, homeAt } from '../../src/platform/home.ts';
import { requireFree } from './disk.ts';
import { type Bar, treeCpuSeconds } from './harness.ts';

const ENTITIES = 600;
const MODELS = 3;
const MODEL_IDS = Array.from({ length: MODELS }, (_, i) => `num-${i}`);
/** Days of two years and eight months, weekends left out: 696 × 600 × 3 = 1,252,800 vectors. */
const DAYS = 696;
/** A model's days of one COPY: about 8,192 rows, as in a shard. */
const DAYS_AT_ONCE = 14;
const FIRST = '2022-01-03';

const COLUMNS = `embedding_id bigint NOT NULL DEFAULT nextval('ids'), entity_type varchar(32) NOT NULL, entity_id varchar(64) NOT NULL,
  window_spec jsonb NOT NULL, as_of_date date NOT NULL, model_id varchar(64) NOT NULL, vector bytea, vector_ref varchar(255),
  created_at timestamptz NOT NULL DEFAULT now()`;
const KEY = 'UNIQUE (model_id, as_of_date, entity_type, entity_id)';

/** Statements that make each layout. */
const LAYOUTS: Readonly<Record<string, readonly string[]>> = {
  'b-tree key': [`CREATE TABLE vectors (${COLUMNS}, PRIMARY KEY (embedding_id), ${KEY})`],
  'BRIN, no key': [
    `CREATE TABLE vectors (${COLUMNS}, PRIMARY KEY (embedding_id))`,
    'CREATE INDEX ON vectors USING brin (as_of_date, model_id)',
  ],
  'key, by year': byMonths(12),
  'key, by month': byMonths(1),
  'key, by model': [
    partitioned('LIST (model_id)', 'model_id'),
    ...MODEL_IDS.map((id, i) => `CREATE TABLE vectors_${i} PARTITION OF vectors FOR VALUES IN ('${id}')`),
  ],
};

/** A unique key of a partitioned table holds what it is partitioned by. */
function partitioned(by: string, column: string): string {
  return `CREATE TABLE vectors (${COLUMNS}, PRIMARY KEY (embedding_id, ${column}), ${KEY}) PARTITION BY ${by}`;
}

function byMonths(months: number): string[] {
  const day = (month: number) => new Date(Date.UTC(2022, month, 1)).toISOString().slice(0, 10);
  return [
    partitioned('RANGE (as_of_date)', 'as_of_date'),
    ...Array.from({ length: 36 / months }, (_, i) => {
      const [from, to] = [day(i * months), day((i + 1) * months)];
      return `CREATE TABLE vectors_${i} PARTITION OF vectors FOR VALUES FROM ('${from}') TO ('${to}')`;
    }),
  ];
}

/** Day numbers of DAYS weekdays. */
const WEEKDAYS = Array.from({ length: 1100 }, (_, i) => parseDay(FIRST) + i)
  .filter((day) => ((day + 4) % 7) % 6 !== 0)
  .slice(0, DAYS);
const ENTITY_IDS = Array.from({ length: ENTITIES }, (_, e) => `I${String(e + 1).padStart(4, '0')}.US`);
/** 384 float32 that no compression makes smaller, as real ones are not. */
const SAMPLES = Array.from({ length: 256 }, () => randomBytes(1536));

const COPIED = ['entity_type', 'entity_id', 'window_spec', 'as_of_date', 'model_id', 'vector'];

/** Days `[from, to)` of a model, as a shard writes them. */
const copyDays = (client: pg.ClientBase, model: string, from: number, to: number): Promise<number> =>
  copyInto(client, 'vectors', COPIED, async (writer) => {
    for (let d = from; d < to; d++) {
      ENTITY_IDS.forEach((id, e) => {
        writer.row(COPIED.length);
        writer.text('INSTRUMENT');
        writer.text(id);
        writer.jsonb('{"window_days": 63}');
        writer.date(WEEKDAYS[d]);
        writer.text(model);
        writer.bytes(SAMPLES[(e * 31 + d * 7) % SAMPLES.length]);
      });
      await writer.flushed();
    }
  });

/** What the product asks the table. */
const LOOKS = {
  'coverage of a model': `SELECT as_of_date, count(*) FROM vectors WHERE model_id = 'num-2' AND entity_type = 'INSTRUMENT' GROUP BY 1`,
  'a day': `SELECT count(vector) FROM vectors WHERE model_id = 'num-2' AND as_of_date = '2023-03-15'`,
  'an instrument over a year': `SELECT count(vector) FROM vectors WHERE model_id = 'num-2' AND entity_type = 'INSTRUMENT'
    AND entity_id = 'I0300.US' AND as_of_date BETWEEN '2023-01-01' AND '2023-12-31'`,
} as const;
type Look = keyof typeof LOOKS;
const LOOK_NAMES = Object.keys(LOOKS) as Look[];

/** What is deleted, then vacuumed away, or dropped where partitions hold that and nothing else. */
const GONE = {
  'a replaced year of a model': { where: `model_id = 'num-2' AND as_of_date BETWEEN '2023-01-01' AND '2023-12-31'` },
  'a year': {
    where: `as_of_date BETWEEN '2022-01-01' AND '2022-12-31'`,
    partitions: { 'key, by year': [0], 'key, by month': Array.from({ length: 12 }, (_, i) => i) },
  },
  'a model': { where: `model_id = 'num-1'`, partitions: { 'key, by model': [1] } },
} as const satisfies Record<string, { where: string; partitions?: Readonly<Record<string, readonly number[]>> }>;
type Gone = keyof typeof GONE;
const GONE_NAMES = Object.keys(GONE) as Gone[];

interface Cost {
  /** CPU-seconds of the server. */
  readonly cpu: number;
  readonly wall: number;
  readonly walMib: number;
}

interface Figures {
  readonly load: Cost;
  readonly vacuum: Cost;
  readonly analyze: Cost;
  readonly tableMib: number;
  readonly indexMib: number;
  /** Blocks of 8 KiB that each look reads, and its milliseconds. */
  readonly looks: Readonly<Record<Look, { readonly blocks: number; readonly ms: number }>>;
  /** Deleting or dropping, vacuum included, and what the disk has back of it. */
  readonly gone: Readonly<Record<Gone, Cost & { readonly freedMib: number }>>;
}

async function measureLayout(database: Database, serverPid: number, layout: string): Promise<Figures> {
  return database.client(async (client) => {
    const one = async (sql: string) =>
      (await client.query<{ value: number }>(`SELECT (${sql})::float8 AS value`)).rows[0].value;
    const wal = () => one(`pg_current_wal_insert_lsn() - '0/0'`);
    const cost = async (work: () => Promise<unknown>): Promise<Cost> => {
      const [cpu, wall, at] = [treeCpuSeconds(serverPid), performance.now(), await wal()];
      await work();
      const [cpuAfter, wallAfter] = [treeCpuSeconds(serverPid), performance.now()];
      return { cpu: cpuAfter - cpu, wall: (wallAfter - wall) / 1000, walMib: ((await wal()) - at) / 2 ** 20 };
    };
    const size = (kind: string) =>
      one(`SELECT sum(${kind}(oid)) / 1048576 FROM pg_class WHERE relkind = 'r' AND relname ~ '^vectors'`);
    await client.query('DROP TABLE IF EXISTS vectors');
    for (const statement of LAYOUTS[layout]) await client.query(statement);
    await client.query('CHECKPOINT');
    const load = await cost(async () => {
      for (const model of MODEL_IDS) {
        for (let day = 0; day < DAYS; day += DAYS_AT_ONCE) {
          await copyDays(client, model, day, Math.min(DAYS, day + DAYS_AT_ONCE));
        }
      }
    });
    const vacuum = await cost(() => client.query('VACUUM vectors'));
    const analyze = await cost(() => client.query('ANALYZE vectors'));
    const [tableMib, indexMib] = [await size('pg_table_size'), await size('pg_indexes_size')];
    const looks = {} as Record<Look, { blocks: number; ms: number }>;
    for (const name of LOOK_NAMES) looks[name] = await look(client, LOOKS[name]);
    const gone = {} as Record<Gone, Cost & { freedMib: number }>;
    for (const name of GONE_NAMES) {
      const before = await size('pg_total_relation_size');
      const paid = await cost(() => giveUp(client, layout, GONE[name]));
      gone[name] = { ...paid, freedMib: before - (await size('pg_total_relation_size')) };
    }
    return { load, vacuum, analyze, tableMib, indexMib, looks, gone };
  });
}

async function giveUp(
  client: pg.ClientBase,
  layout: string,
  { where, partitions }: { where: string; partitions?: Readonly<Record<string, readonly number[]>> },
): Promise<void> {
  if (partitions?.[layout]) {
    await client.query(`DROP TABLE ${partitions[layout].map((i) => `vectors_${i}`).join(', ')}`);
  } else {
    await client.query(`DELETE FROM vectors WHERE ${where}`);
    await client.query('VACUUM vectors');
  }
}

/** Blocks that a statement touches and its time, the second time that it is asked. */
async function look(client: pg.ClientBase, statement: string): Promise<{ blocks: number; ms: number }> {
  await client.query(statement);
  const { rows } = await client.query<{ 'QUERY PLAN': [Record<string, number> & { Plan: Record<string, number> }] }>(
    `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${statement}`,
  );
  const [{ Plan: plan, 'Execution Time': ms }] = rows[0]['QUERY PLAN'];
  return { blocks: plan['Shared Hit Blocks'] + plan['Shared Read Blocks'], ms };
}

const costOf = ({ cpu, wall, walMib }: Cost) =>
  `${cpu.toFixed(1)} CPU-s ${wall.toFixed(1)} s ${walMib.toFixed(0)} MiB of WAL`;

const told = (name: string, { load, vacuum, analyze, tableMib, indexMib, looks, gone }: Figures) =>
  [
    `bench: storage ${name}: ${Math.round((MODELS * DAYS * ENTITIES) / load.cpu)} rows/CPU-s (${load.wall.toFixed(0)} s wall, ${load.walMib.toFixed(0)} MiB of WAL)`,
    `table ${tableMib.toFixed(0)} MiB, indexes ${indexMib.toFixed(1)} MiB`,
    ...LOOK_NAMES.map((one) => `${one} ${looks[one].blocks} blocks ${looks[one].ms.toFixed(1)} ms`),
    `vacuum ${costOf(vacuum)}`,
    `analyze ${costOf(analyze)}`,
    ...GONE_NAMES.map((one) => `${one} gone ${costOf(gone[one])}, ${gone[one].freedMib.toFixed(0)} MiB freed`),
  ].join('; ');

export async function run(): Promise<Bar[]> {
  const folder = mkdtempSync(path.join(tmpdir(), 'prometheus-storage-'));
  const home = homeAt(path.join(folder, 'home'));
  createHome(home);
  requireFree(home.root, 16, 'storage');
  const databases = openDatabases(embeddedTargets(await startServer(home)), { application: 'bench' });
  try {
    await databases.historical.client(async (client) => {
      await client.query('CREATE SEQUENCE ids');
      for (const setting of [`autovacuum = off`, `max_wal_size = '64GB'`, `checkpoint_timeout = '1d'`]) {
        await client.query(`ALTER SYSTEM SET ${setting}`);
      }
      await client.query('SELECT pg_reload_conf()');
    });
    const { pid } = await serverStatus(home);
    // The first load of a server makes the files of its log: it is not counted.
    await measureLayout(databases.historical, pid!, 'b-tree key');
    const figures = new Map<string, Figures>();
    for (const name of Object.keys(LAYOUTS)) {
      const one = await measureLayout(databases.historical, pid!, name);
      figures.set(name, one);
      process.stderr.write(`${told(name, one)}\n`);
    }
    const chosen = figures.get('b-tree key')!;
    const others = [...figures.values()];
    const ratio = { name: 'storage', unit: 'times', bar: 1.5, higherIsBetter: false };
    return [
      {
        ...ratio,
        what: 'server CPU of the load, against the cheapest layout',
        figure: chosen.load.cpu / Math.min(...others.map(({ load }) => load.cpu)),
      },
      ...LOOK_NAMES.map((name) => ({
        ...ratio,
        what: `blocks of ${name}, against the best layout`,
        figure: chosen.looks[name].blocks / Math.min(...others.map(({ looks }) => looks[name].blocks)),
      })),
    ];
  } finally {
    await databases.close();
    await dropServer(home);
    rmSync(folder, { recursive: true, force: true });
  }
}
