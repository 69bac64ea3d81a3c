/** Reading the records of a job folder: what is there is checked, what is missing or broken is told, nothing is thrown. */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { errorCode, errorMessage } from '../platform/errors.ts';
import { issueWords } from '../platform/issue-words.ts';
import {
  type ExitRecord,
  JobFile,
  type JobSpec,
  type JobStatus,
  RECORD_VERSION,
  type StopRecord,
} from './job-files.ts';
import { JOB_STATES } from './protocol.ts';

/** Records are small; anything larger in their place is not ours. */
const MAX_RECORD_BYTES = 4 * 1024 * 1024;

const version = z.literal(RECORD_VERSION);
const text = z.string();
const figure = z.number().nullable();
const processIdentity = z.object({ pid: z.int().positive(), startTime: z.number(), boot: text });

const claim = z.object({
  table: text,
  scope: text.nullable(),
  model: text.nullable(),
  start: text.nullable(),
  end: text.nullable(),
});

export const specSchema: z.ZodType<JobSpec> = z.object({
  version,
  program: text.min(1),
  args: z.record(text, z.unknown()),
  programArgs: z.array(text),
  argv: z.array(text).min(1),
  cwd: text,
  gitSha: text.nullable(),
  gitDirty: z.boolean().nullable(),
  changes: text.nullable().optional(),
  build: text.nullable(),
  configHash: text.nullable(),
  environment: z.array(text),
  fingerprints: z.record(text, text).optional(),
  idempotencyKey: text,
  rerunOf: text.nullable(),
  createdAt: z.number(),
  requestedBy: text,
  data: text.nullable(),
  resource: z.enum(['cpu', 'gpu', 'io']),
  claims: z.array(claim),
  limits: z.object({
    timeoutMs: figure,
    stallMs: figure,
    killAfterMs: figure,
    nice: z.int(),
    ioClass: z.enum(['idle', 'best-effort']).nullable(),
  }),
  after: z.array(z.object({ job: text, allowPartial: z.boolean() })),
  notBefore: figure,
  retry: z.object({ attempts: z.int(), attempt: z.int(), backoffMs: z.number(), of: text.nullable() }).nullable(),
  chain: z
    .object({ id: text, name: text, step: z.int(), of: z.int(), label: text, override: text.nullable().default(null) })
    .nullable(),
  rowsDue: z.boolean(),
  script: z
    .object({
      progress: z.array(text),
      metrics: z.array(z.object({ name: text, unit: text, pattern: text })),
      rows: z.array(text),
      failures: z.array(z.object({ pattern: text, count: z.enum(['last', 'sum']) })),
      skipped: z.array(text).optional(),
      fatal: z.array(text),
      partialCode: z.int().nullable().optional(),
    })
    .nullable(),
});

export const statusSchema: z.ZodType<JobStatus> = z.object({
  version,
  state: z.enum(JOB_STATES),
  starter: processIdentity.nullable(),
  shim: processIdentity.nullable(),
  child: processIdentity.nullable(),
  startedAt: figure,
  endedAt: figure,
});

export const exitSchema: z.ZodType<ExitRecord> = z.object({
  version,
  code: z.int().nullable(),
  signal: text.nullable(),
  error: text.nullable(),
  stopped: z.boolean(),
  startedAt: figure,
  endedAt: z.number(),
  cpuSeconds: z.object({ user: z.number(), system: z.number() }).nullable(),
  survivors: z.array(z.object({ pid: z.int(), command: text, escaped: z.boolean() })),
  timedOut: z.boolean(),
  verdict: z
    .object({
      rows: figure,
      failures: figure,
      fatal: text.nullable(),
      rowsDue: z.boolean(),
      status: z.enum(['done', 'partial', 'failed']).nullable(),
      partialCode: z.int().nullable().optional(),
    })
    .nullable(),
  diskFull: z.boolean().optional(),
});

export const stopSchema: z.ZodType<StopRecord> = z.object({
  version,
  at: z.number(),
  by: z.int(),
  who: text,
  killAfterMs: figure,
  strays: z.array(processIdentity).optional(),
});

/** Variables of a waiting job that hold no secret. */
export const environmentSchema: z.ZodType<Readonly<Record<string, string>>> = z.record(text, text);

/** An absent exit or stop record is no problem, an absent spec or status is. */
export function readRecord<T>(
  folder: string,
  name: string,
  schema: z.ZodType<T>,
): { value: T | null; problem: string | null } {
  const file = path.join(folder, name);
  const optional = name === JobFile.exit || name === JobFile.stop;
  try {
    const stat = statSync(file);
    if (!stat.isFile() || stat.size > MAX_RECORD_BYTES) return { value: null, problem: `${name} is not a record` };
    const json: unknown = JSON.parse(readFileSync(file, 'utf8'));
    const parsed = schema.safeParse(json, { error: issueWords });
    if (parsed.success) return { value: parsed.data, problem: null };
    const found = (json as { version?: unknown } | null)?.version;
    if (typeof found === 'number' && found > RECORD_VERSION) {
      return { value: null, problem: `${name} was written by a newer version of prometheus` };
    }
    const issue = parsed.error.issues[0];
    return { value: null, problem: `${name}: ${issue.path.join('.') || 'record'}: ${issue.message}` };
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return { value: null, problem: optional ? null : `${name} is missing` };
    return { value: null, problem: `${name}: ${errorMessage(error)}` };
  }
}
