/** `prometheus job logs`: what jobs printed, one or several together, as it stands or as it comes. */
import { createReadStream, existsSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createGunzip } from 'node:zlib';
import { z } from 'zod';
import { Exit, InterruptedError } from '../platform/errors.ts';
import { cleanText } from '../supervisor/clean-text.ts';
import { JobFile } from '../supervisor/job-files.ts';
import { hasEnded } from '../supervisor/job-state.ts';
import { findJobId, listJobIds, readJob } from '../supervisor/job-store.ts';
import { FileTail, LineAssembler } from '../supervisor/tail.ts';
import { defineCommand } from './command.ts';
import type { Cli } from './context.ts';
import { printJson } from './json.ts';

const POLL_MS = 200;
const MAX_LINE_BYTES = 1024 * 1024;

/** One log file of a job. */
interface Source {
  readonly jobId: string;
  readonly stream: 'out' | 'err';
  readonly file: string;
  readonly tail: FileTail;
}

interface Line {
  readonly source: Source;
  readonly text: string;
}

export const jobLogs = defineCommand({
  name: 'job logs',
  summary: 'what jobs printed',
  description: `
What the job wrote to its stdout goes to stdout, what it wrote to its stderr to stderr. Control characters are left out:
the exact bytes are in stdout.log and stderr.log of the job's folder (see job show). With several jobs, or --merged, every
line goes to stdout behind its job's number; lines that begin with a date and time are put in their order.`,
  args: z.object({
    job: z.array(z.string()).optional().describe('ids, numbers, or `last`; with --merged and none: all that run'),
    merged: z.boolean().default(false).describe('put the lines of several jobs together'),
    follow: z.boolean().default(false).meta({ short: 'f', description: 'go on until the jobs end (-f)' }),
    lines: z.number().int().min(0).optional().describe('only the last N lines of each file (default: all)'),
    json: z.boolean().default(false).describe('print JSON, one object a line'),
  }),
  positionals: ['job'],
  run: async (args, cli) => {
    const ids = jobsMeant(args.job ?? [], args.merged, cli);
    const merged = args.merged || ids.length > 1;
    const sources = ids.flatMap((id) => sourcesOf(cli, id));
    const show = ({ source, text }: Line) => {
      const clean = cleanText(text);
      if (args.json) printJson(cli, { job: source.jobId, stream: source.stream, text: clean });
      else if (merged) cli.out(`${source.jobId.split('-')[0]}${source.stream === 'err' ? '!' : '|'} ${clean}\n`);
      else (source.stream === 'out' ? cli.out : cli.err)(`${clean}\n`);
    };
    const past = await Promise.all(sources.map((source) => pastLines(source, args.lines)));
    for (const line of merged ? inOrder(past) : past.flat()) show(line);
    while (args.follow) {
      if (cli.signal.aborted) throw new InterruptedError('job logs');
      // Before the logs are read: what ended before has nothing to add after.
      const ended = ids.every((id) => hasEnded(readJob(cli.home, id).state));
      for (const source of sources) source.tail.read((text) => show({ source, text }));
      if (ended) break;
      await sleep(POLL_MS, undefined, { signal: cli.signal }).catch(() => {});
    }
    // Last words without a newline count too.
    for (const source of sources) {
      const text = source.tail.partial();
      if (text && args.lines !== 0) show({ source, text });
    }
    return Exit.done;
  },
});

function jobsMeant(names: readonly string[], merged: boolean, cli: Cli): string[] {
  if (names.length > 0) return names.map((name) => findJobId(cli.home, name));
  if (!merged) return [findJobId(cli.home, 'last')];
  return listJobIds(cli.home).filter((id) => readJob(cli.home, id).state === 'RUN');
}

function sourcesOf(cli: Cli, jobId: string): Source[] {
  return (
    [
      ['out', JobFile.stdout],
      ['err', JobFile.stderr],
    ] as const
  ).map(([stream, name]) => {
    const file = path.join(cli.home.jobs, jobId, name);
    return { jobId, stream, file, tail: new FileTail(file, { maxLineBytes: MAX_LINE_BYTES }) };
  });
}

/** What stands in a log now; `last`: only so many lines of it. */
async function pastLines(source: Source, last: number | undefined): Promise<Line[]> {
  let lines: Line[] = [];
  const add = (text: string) => {
    lines.push({ source, text });
    // Trimmed now and then, so that a long file needs little memory and little copying.
    if (last !== undefined && lines.length > 2 * last + 1000) lines = lines.slice(-last);
  };
  const compressed = `${source.file}.gz`;
  if (!existsSync(source.file) && existsSync(compressed)) {
    const assembler = new LineAssembler(MAX_LINE_BYTES);
    for await (const chunk of createReadStream(compressed).pipe(createGunzip())) assembler.push(chunk, add);
    if (assembler.partial()) add(assembler.partial());
  } else source.tail.read(add);
  return last === undefined ? lines : last === 0 ? [] : lines.slice(-last);
}

/** `2025-12-01 14:22:06,123`, `2025-12-01T14:22:06.123Z` */
const STAMP = /^\W{0,2}(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d(?:[.,]\d+)?)/;

/** Lines of several files by the time they carry; one without stays behind the line before it. */
function inOrder(files: readonly (readonly Line[])[]): Line[] {
  const stamped = files.flatMap((lines) => {
    let time = '';
    return lines.map((line) => {
      const match = STAMP.exec(line.text);
      if (match) time = `${match[1]} ${match[2].replace(',', '.')}`;
      return { time, line };
    });
  });
  // Sorting is stable: lines of one file keep their order.
  return stamped.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0)).map(({ line }) => line);
}
