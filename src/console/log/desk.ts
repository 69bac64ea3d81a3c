/** Opens the log of the job that the Jobs screen shows, and keeps its newest frame in the store. */
import type { Supervisor } from '../../supervisor/protocol.ts';
import { selectedJob } from '../selectors.ts';
import type { ConsoleStore } from '../store.ts';
import type { LogLine } from './line.ts';
import type { ReadBytes } from './log-file.ts';
import { LogView } from './log-view.ts';
import { DEFAULT_OPTIONS } from './query.ts';

export interface LogDesk {
  /** Opens another log when another job is selected, and looks for what has come. */
  look(): void;
  /** Once a second: looks again while the shim has not noted yet when the last lines came. */
  tick(): void;
  stop(): void;
}

/** Bytes of a job's log, asked of the supervisor. */
const readerOf =
  (supervisor: Supervisor, jobId: string): ReadBytes =>
  async (file, offset, length) => {
    const { size, data, problem } = await supervisor.read('log', { jobId, file, offset, length });
    return { size, bytes: Buffer.from(data, 'base64'), problem };
  };

/** Starts at once. How a log is looked at goes on from job to job; marks stay with theirs. */
export function startLogDesk(store: ConsoleStore, supervisor: Supervisor, now: () => number): LogDesk {
  let open: { readonly jobId: string; readonly view: LogView } | null = null;
  const marks = new Map<string, readonly LogLine[]>();
  /** What the last look saw: something new in it means that the files may have grown. */
  let seen: unknown[] = [];

  const close = () => {
    if (open) marks.set(open.jobId, open.view.frame.marks);
    open?.view.close();
  };

  const openLog = (jobId: string) => {
    close();
    const options = store.getState().log?.frame.options ?? DEFAULT_OPTIONS;
    const view = new LogView(
      readerOf(supervisor, jobId),
      { ...options, left: 0 },
      (frame) => store.setState({ log: { jobId, view, frame } }),
      { now, marks: marks.get(jobId) },
    );
    open = { jobId, view };
    store.setState({ log: { jobId, view, frame: view.frame } });
  };

  const look = () => {
    const state = store.getState();
    if (state.screen !== 'jobs' || state.paused) return;
    const job = selectedJob(state);
    const news = [job?.id, job?.state, state.snapshot.detail];
    if (news.every((one, i) => one === seen[i])) return;
    seen = news;
    if (!job) return;
    if (open?.jobId !== job.id) openLog(job.id);
    else open.view.refresh();
  };

  return {
    look,
    tick() {
      look();
      if (store.getState().screen !== 'jobs' || !open) return;
      const { lines, inflow } = open.view.frame;
      // A pace must fall when nothing comes any more, and nothing tells that nothing came.
      if (inflow !== null || lines.at(-1)?.provisional) open.view.refresh();
    },
    stop: close,
  };
}
