/**
 * Who replaces which rows. A job's claims stand in its folder from the moment it is made; a program run by hand leaves a
 * note in `jobs/.claims` while it runs. Two that overlap are refused, whoever asks.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { UserError } from '../platform/errors.ts';
import { createHome, type Home } from '../platform/home.ts';
import { withLock } from '../platform/locks.ts';
import { isPreview, type ProgramSpec } from '../platform/program.ts';
import { type Claim, type JobProcess, writeRecord } from './job-files.ts';
import { isSpent, leftBehind } from './job-processes.ts';
import { hasEnded } from './job-state.ts';
import { jobsLock, listJobIds, readJob } from './job-store.ts';
import { identifyProcess, isAlive } from './process-identity.ts';
import { claimWords, overlappingClaims } from './scheduler.ts';

/** Somebody living who replaces rows. */
export interface ClaimHolder {
  /** `0007-backfill-stability`, or `process 4711 (backfill stability)`. */
  readonly name: string;
  /** Living processes of a job that has ended. */
  readonly left?: readonly JobProcess[];
  readonly claims: readonly Claim[];
}

const claimSchema = z.object({
  table: z.string(),
  scope: z.string().nullable(),
  model: z.string().nullable(),
  start: z.string().nullable(),
  end: z.string().nullable(),
});
const noteSchema = z.object({
  process: z.object({ pid: z.int(), startTime: z.number(), boot: z.string() }),
  program: z.string(),
  claims: z.array(claimSchema),
});

const WAIT_MS = 15_000;

/** The claims of a program with these arguments: one for each value of an argument that has several; none of a preview. */
export function claimsOf(spec: ProgramSpec, args: Readonly<Record<string, unknown>>): Claim[] {
  if (isPreview(spec, args)) return [];
  const values = (name: string | undefined): (string | null)[] => {
    const given =
      name === undefined ? [] : [args[name]].flat().filter((value) => value !== undefined && value !== null);
    return given.length ? given.map(String) : [null];
  };
  return (spec.claims ?? []).flatMap(({ table, scope, model, start, end }) =>
    values(scope).flatMap((oneScope) =>
      values(model).map((oneModel) => ({
        table,
        scope: oneScope,
        model: oneModel,
        ...range(values(start)[0], values(end)[0]),
      })),
    ),
  );
}

/** Dates of a claim in their order: a range given backwards may not slip past one that it overlaps. */
const range = (start: string | null, end: string | null) =>
  start !== null && end !== null && start > end ? { start: end, end: start } : { start, end };

/** Jobs that live, those whose processes outlive them, and programs run by hand. */
export function claimHolders(home: Home): ClaimHolder[] {
  const jobs = listJobIds(home).flatMap((id) => {
    if (isSpent(home, id)) return [];
    const record = readJob(home, id);
    const claims = record.spec?.claims ?? [];
    if (claims.length === 0) return [];
    if (!hasEnded(record.state)) return [{ name: id, claims }];
    const left = leftBehind(home, record);
    return left.length === 0 ? [] : [{ name: id, claims, left }];
  });
  return [...jobs, ...manualHolders(home)];
}

/** Programs run by hand that hold claims now; notes of dead ones are removed. */
export function manualHolders(home: Home): ClaimHolder[] {
  const folder = path.join(home.jobs, '.claims');
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => name.endsWith('.json'));
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    const file = path.join(folder, name);
    try {
      const note = noteSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
      if (isAlive(note.process))
        return [{ name: `process ${note.process.pid} (${note.program})`, claims: note.claims }];
    } catch {
      // Cut off by a kill or a full disk: whoever wrote it never got its claim.
    }
    rmSync(file, { force: true });
    return [];
  });
}

/** Who is writing rows that are asked for, which it writes and which were asked for, in words; null when nobody is. */
export function clashWords(claims: readonly Claim[], holders: readonly ClaimHolder[]): string | null {
  for (const { name, left, claims: held } of holders) {
    const clash = overlappingClaims(claims, held);
    if (!clash) continue;
    const [asked, taken] = clash.map(claimWords);
    const processes = left?.map(({ pid, command }) => `${pid} ${command}`).join(', ');
    const who = processes ? `${name} has ended, but what it left behind (${processes}; job kill ends it)` : name;
    return `${who} is writing the same rows (${asked === taken ? asked : `it writes ${taken}; asked for: ${asked}`})`;
  }
  return null;
}

/** @throws UserError that names the holder and the rows when a claim is taken. */
export function assertFree(claims: readonly Claim[], holders: readonly ClaimHolder[]): void {
  const clash = clashWords(claims, holders);
  if (clash === null) return;
  throw new UserError(
    clash,
    'Wait until it has ended, stop it, or choose another range. As a job it can wait by itself: job start --after.',
  );
}

/** Runs a program by hand under its claims. @throws UserError when one of them is taken. */
export async function withClaims<T>(
  home: Home,
  program: string,
  claims: readonly Claim[],
  work: () => Promise<T>,
): Promise<T> {
  if (claims.length === 0) return work();
  createHome(home);
  const folder = path.join(home.jobs, '.claims');
  const name = `${process.pid}.json`;
  await withLock(
    jobsLock(home),
    () => {
      assertFree(claims, claimHolders(home));
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      writeRecord(folder, name, { process: identifyProcess(process.pid), program, claims });
    },
    { waitMs: WAIT_MS, what: 'the jobs folder' },
  );
  try {
    return await work();
  } finally {
    rmSync(path.join(folder, name), { force: true });
  }
}
