/** The binary COPY codec against a real server: what goes in comes out, for every type and any value. */
import { once } from 'node:events';
import { Writable } from 'node:stream';
import fc from 'fast-check';
import { type CopyStreamQuery, from as copyFrom } from 'pg-copy-streams';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PG_EPOCH_DAY } from '../../src/platform/dates.ts';
import { copyInto, copyOut, letGoOnError, sqlLiteral } from '../../src/platform/db/copy.ts';
import { openDatabase } from '../../src/platform/db/databases.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';

let db: TestDatabases;
beforeAll(async () => {
  db = await createTestDatabases();
});
afterAll(() => db?.drop());

const text = fc.string({ unit: 'binary', maxLength: 80 }).filter((s) => !s.includes('\0') && s.isWellFormed());
const row = fc.record({
  i: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  l: fc.integer({ min: -(2 ** 52), max: 2 ** 52 }),
  f: fc.double(),
  b: fc.boolean(),
  d: fc.integer({ min: PG_EPOCH_DAY - 40_000, max: PG_EPOCH_DAY + 40_000 }),
  t: fc.integer({ min: -2e12, max: 4e12 }),
  s: fc.option(text),
  j: fc.option(
    fc
      .jsonValue()
      .filter((value) => JSON.stringify(value).isWellFormed() && !JSON.stringify(value).includes('\\u0000')),
  ),
  y: fc.uint8Array({ maxLength: 2000 }),
});

describe('binary COPY', () => {
  it.each([
    ['bigint', 'double precision'],
    ['numeric', 'double precision'],
    ['text', 'double precision'],
  ])('refuses to write a double into a column that is %s, wherever its first value stands', async (type, wanted) => {
    await db.databases.historical.client(async (client) => {
      await client.query(`CREATE TEMP TABLE other (n int, volume ${type})`);
      const writing = copyInto(client, 'other', ['n', 'volume'], (writer) => {
        for (const [n, value] of [Number.NaN, 1.5].entries()) {
          writer.row(2);
          writer.int32(n);
          writer.float64(value);
        }
      });
      await expect(writing).rejects.toMatchObject({
        name: 'UserError',
        message: `other.volume is ${type}, and ${wanted} is written there`,
        fix: expect.stringContaining(
          'ALTER TABLE other ALTER COLUMN volume TYPE double precision USING volume::double precision',
        ),
      });
      expect((await client.query('SELECT count(*) AS n FROM other')).rows[0].n).toBe(0);
      await client.query('DROP TABLE other');
    });
  });

  it('writes text into whatever the server reads text for', async () => {
    await db.databases.historical.transaction(async (client) => {
      await client.query(
        `CREATE DOMAIN short AS varchar(5); CREATE TYPE side AS ENUM ('BUY', 'SELL');
         CREATE TEMP TABLE texts (a text, b varchar(4), c char(4), d short, e side)`,
      );
      await copyInto(client, 'texts', ['a', 'b', 'c', 'd', 'e'], (writer) => {
        writer.row(5);
        for (let field = 0; field < 4; field++) writer.text('BUY');
        writer.bytes(Buffer.from('BUY'));
      });
      expect((await client.query('SELECT * FROM texts')).rows).toEqual([
        { a: 'BUY', b: 'BUY', c: 'BUY ', d: 'BUY', e: 'BUY' },
      ]);
      await client.query('ROLLBACK');
      await client.query('BEGIN');
    });
  });

  it('round-trips every type', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 40 }), async (rows) => {
        await db.databases.historical.transaction(async (client) => {
          await client.query(
            'CREATE TEMP TABLE t (n int, i int4, l int8, f float8, b bool, d date, t timestamptz, s text, j jsonb, y bytea) ON COMMIT DROP',
          );
          await copyInto(client, 't', ['n', 'i', 'l', 'f', 'b', 'd', 't', 's', 'j', 'y'], async (writer) => {
            for (const [n, r] of rows.entries()) {
              writer.row(10);
              writer.int32(n);
              writer.int32(r.i);
              writer.int64(r.l);
              writer.float64(r.f);
              writer.bool(r.b);
              writer.date(r.d);
              writer.timestamp(r.t);
              writer.text(r.s);
              writer.jsonb(r.j === null ? null : JSON.stringify(r.j));
              writer.bytes(r.y);
              await writer.flushed();
            }
          });
          const back: unknown[] = [];
          await copyOut(client, 'SELECT i, l, f, b, d, t, s, j, y FROM t ORDER BY n', (r) => {
            back.push({
              i: r.int32(),
              l: r.int64(),
              f: r.float64(),
              b: r.bool(),
              d: r.date(),
              t: r.timestamp(),
              s: r.text(),
              j: r.jsonb(),
              y: Uint8Array.from(r.bytes()!),
            });
          });
          expect(
            back.map((r) => ({
              ...(r as object),
              j: (r as { j: string | null }).j && JSON.parse((r as { j: string }).j),
            })),
          ).toEqual(
            // NaN is what an absent figure is; jsonb knows no −0 and prints numbers its own way.
            rows.map((r) => ({ ...r, j: r.j === null ? null : JSON.parse(JSON.stringify(r.j)) })),
          );
        });
      }),
      { numRuns: 60 },
    );
  });

  it('carries rows larger than its buffer, and many of them, in flat pieces', async () => {
    await db.databases.historical.transaction(async (client) => {
      await client.query('CREATE TEMP TABLE big (n int, s text) ON COMMIT DROP');
      const long = 'é'.repeat(400_000);
      const written = await copyInto(client, 'big', ['n', 's'], async (writer) => {
        for (let n = 0; n < 30; n++) {
          writer.row(2);
          writer.int32(n);
          writer.text(n % 3 === 0 ? long : 'short');
          await writer.flushed();
        }
      });
      expect(written).toBe(30);
      const lengths: number[] = [];
      await copyOut(client, 'SELECT n, s FROM big ORDER BY n', (r) => {
        r.int32();
        lengths.push(r.text()!.length);
      });
      expect(lengths).toEqual(Array.from({ length: 30 }, (_, n) => (n % 3 === 0 ? 400_000 : 5)));
    });
  });

  it('writes again into buffers that were sent, and never into one that is still on its way', async () => {
    const [left, right] = [
      openDatabase(db.databases.historical.target, { application: 'left' }),
      openDatabase(db.databases.runtime.target, { application: 'right' }),
    ];
    // Twenty pieces each, on two connections at once, and once more over the buffers of the first time.
    const fill = (database: typeof left, from: number) =>
      database.transaction(async (client) => {
        await client.query('CREATE TEMP TABLE pieces (n int, s bytea) ON COMMIT DROP');
        await copyInto(client, 'pieces', ['n', 's'], async (writer) => {
          for (let n = from; n < from + 5000; n++) {
            writer.row(2);
            writer.int32(n);
            writer.bytes(new Uint8Array(1024).fill(n % 251));
            // Several pieces may wait at a time.
            if (n % 1000 === 0) await writer.flushed();
          }
        });
        let wrong = 0;
        await copyOut(client, 'SELECT n, s FROM pieces', (r) => {
          const n = r.int32();
          if (!r.bytes()!.every((byte) => byte === n % 251)) wrong++;
        });
        return wrong;
      });
    try {
      for (const from of [0, 100_000]) {
        expect(await Promise.all([fill(left, from), fill(right, from + 50_000)])).toEqual([0, 0]);
      }
    } finally {
      await left.close();
      await right.close();
    }
  });

  it('reports the failure of the producer and of the server, and leaves nothing', async () => {
    const attempt = (produce: Parameters<typeof copyInto>[3]) =>
      db.databases.historical.transaction((client) =>
        copyInto(
          client,
          'market_holidays',
          ['market_id', 'holiday_date', 'holiday_name', 'source', 'created_at'],
          produce,
        ),
      );
    await expect(
      attempt(() => {
        throw new Error('producer failed');
      }),
    ).rejects.toThrow('producer failed');
    await expect(
      attempt((writer) => {
        writer.row(5);
        for (let k = 0; k < 5; k++) writer.null();
      }),
    ).rejects.toThrow(/null value/);
    const { rows } = await db.databases.historical.client((client) =>
      client.query('SELECT count(*) AS n FROM market_holidays'),
    );
    expect(rows[0].n).toBe(0);
  });

  it('survives a reader that fails: the connection answers and the transaction rolls back', async () => {
    await expect(
      db.databases.historical.transaction(async (client) => {
        await client.query('CREATE TABLE left_behind (n int)');
        await copyOut(client, 'SELECT n, repeat(md5(n::text), 20) FROM generate_series(1, 50000) AS n', (row) => {
          if (row.int32() === 1000) throw new Error('reader failed');
          row.text();
        });
      }),
    ).rejects.toThrow('reader failed');
    const { rows } = await db.databases.historical.client((client) =>
      client.query(`SELECT to_regclass('left_behind') AS t`),
    );
    expect(rows[0].t).toBeNull();
  });

  it('writes nothing more to a connection that broke while its socket was full', async () => {
    const waiting: (() => void)[] = [];
    const socket = new Writable({ highWaterMark: 1, write: (_chunk, _encoding, done) => void waiting.push(done) });
    const stream = copyFrom('COPY t FROM STDIN') as CopyStreamQuery &
      Record<'handleCopyInResponse' | 'handleError', (error?: Error) => void>;
    letGoOnError(stream);
    const errors: Error[] = [];
    stream.on('error', (error) => errors.push(error));
    // As pg's connection calls it.
    Object.assign(stream, { connection: { stream: socket } });
    stream.handleCopyInResponse();
    for (let k = 0; k < 3; k++) stream.write(Buffer.alloc(100));
    await new Promise(setImmediate);
    expect(socket.writableNeedDrain).toBe(true);
    stream.handleError(new Error('terminating connection'));
    const drained = once(socket, 'drain');
    for (let done = waiting.shift(); done; done = waiting.shift()) {
      done();
      await new Promise(setImmediate);
    }
    await drained;
    expect(errors.map(({ message }) => message)).toEqual(['terminating connection']);
  });

  it.each([
    ['the server ends its connection', 'server'],
    ['the program is told to stop', 'abort'],
  ])('ends with one error when %s while rows are on their way', async (_what, how) => {
    const own = openDatabase(db.targets.historical, { application: 'copy test' });
    const told = own
      .transaction(async (client) => {
        await client.query('CREATE TABLE half_written (n int, s text)');
        const { rows } = await client.query('SELECT pg_backend_pid() AS pid');
        await copyInto(client, 'half_written', ['n', 's'], async (writer) => {
          for (let n = 0; ; n++) {
            writer.row(2);
            writer.int32(n);
            writer.text('x'.repeat(1000));
            if (n % 1000 === 0) await writer.flushed();
            if (n !== 20_000) continue;
            if (how === 'abort') own.abort();
            else {
              await db.databases.runtime.client((other) =>
                other.query('SELECT pg_terminate_backend($1)', [rows[0].pid]),
              );
            }
          }
        });
      })
      .catch((error) => error);
    expect(await told).toBeInstanceOf(Error);
    await own.close();
    const { rows } = await db.databases.historical.client((client) =>
      client.query(`SELECT to_regclass('half_written') AS t`),
    );
    expect(rows[0].t).toBeNull();
  });

  it('quotes literals', async () => {
    await fc.assert(
      fc.asyncProperty(text, async (value) => {
        const { rows } = await db.databases.historical.client((client) =>
          client.query(`SELECT ${sqlLiteral(value)} AS v`),
        );
        expect(rows[0].v).toBe(value);
      }),
    );
  });
});
