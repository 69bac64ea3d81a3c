/**
 * A console that is left open for long. PROMETHEUS_LONG=1 (bin/test --long) runs the long forms: 20,000 frames, two hours.
 */
import { execFile } from 'node:child_process';
import { setImmediate as turn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { mountScreens } from '../../screens/root.tsx';
import { FrameSink, frameAt } from '../../src/cli/replay-frame.ts';
import { headerLine, parseRecording } from '../../src/console/recording/format.ts';
import { createReplay } from '../../src/console/recording/replay.ts';
import { makeStyle } from '../../src/console/theme.ts';
import { Random } from '../../src/platform/random.ts';
import type { JobView } from '../../src/supervisor/protocol.ts';
import { StateBook } from '../../src/supervisor/wire/state-book.ts';
import { bundleProgram } from '../helpers/bundle.ts';
import { SNAPSHOT } from '../helpers/scripted-supervisor.ts';

const run = promisify(execFile);
const LONG = process.env.PROMETHEUS_LONG === '1';
const MINUTES = 60_000;
const SIZE = { columns: 120, rows: 40 };
const style = makeStyle({ colour: true, ascii: false });

/** Said by the long forms, for the documents. */
const measured = (words: string) => {
  if (LONG) process.stderr.write(`${words}\n`);
};

test(
  'the heap stays flat over thousands of frames of changing text',
  async () => {
    const [count, allowed] = LONG ? [20_000, 5] : [2000, 2];
    // As the product is built: React's development build and the runner's own heap are none of it.
    const bundle = await bundleProgram('tests/fixtures/heap.tsx');
    try {
      const { stdout } = await run(process.execPath, ['--expose-gc', bundle.file, String(count)]);
      const { grown, drawn, seconds, frame } = JSON.parse(stdout);
      measured(`heap: ${grown.toFixed(2)} MB over ${drawn} frames in ${seconds.toFixed(0)} s`);
      expect(drawn).toBe(count);
      expect(frame).toContain(String((399 + count) * 60 + 59));
      expect(grown).toBeLessThan(allowed);
    } finally {
      bundle.remove();
    }
  },
  30 * MINUTES,
);

/** A recording of `seconds`: a job gets on, its log and its figures move, jobs end and begin, and someone goes about. */
function recordingOf(seconds: number): string {
  const random = new Random(7);
  const { sequence, jobs, detail: _detail, handover: _handover, ...shared } = SNAPSHOT;
  const lines: object[] = [];
  const say = (t: number, message: object) => lines.push({ t: t * 1000, from: 'supervisor', message });
  say(0, { type: 'state', base: null, sequence, change: shared, jobs: { changed: jobs, removed: [] } });
  let running: JobView = jobs[0];
  for (let t = 1; t <= seconds; t++) {
    const done = (running.progress!.done + random.uniform()) % 183;
    const ended = done < running.progress!.done;
    const progress = { done, total: 183, unit: 'days', rate: 1 + random.uniform(), eta: null };
    const changed: JobView[] = ended
      ? [{ ...running, state: random.uniform() < 0.5 ? 'DONE' : 'FAIL', endedAt: SNAPSHOT.at + t * 1000, exitCode: 0 }]
      : [];
    if (ended) {
      const number = Number(running.id.slice(0, 4)) + 1;
      running = { ...running, id: `${String(number).padStart(4, '0')}-backtest-campaign` };
    }
    running = { ...running, progress };
    const machine = { ...shared.machine!, at: SNAPSHOT.at + t * 1000 };
    machine.cpu = { ...machine.cpu, busy: random.uniform() };
    const change = { at: SNAPSHOT.at + t * 1000, machine };
    say(t, {
      type: 'state',
      base: sequence + t - 1,
      sequence: sequence + t,
      change,
      jobs: { changed: [...changed, running], removed: [] },
    });
    if (t % 3 === 0) {
      const ids = ['1', '2', '3', '4', '5', '6', '7', '8', 'j', 'k', 'tab', 'z', '?', 'escape', 's'];
      const id = ids[Math.floor(random.uniform() * ids.length)];
      lines.push({ t: t * 1000 + 500, from: 'keys', event: { type: 'key', id } });
    }
  }
  const header = headerLine({ home: SNAPSHOT.home, demo: true, size: SIZE, at: SNAPSHOT.at });
  return header + lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

test(
  'a recording played at full speed ends in the frame that the last state draws afresh',
  async () => {
    const seconds = LONG ? 7200 : 240;
    const recording = parseRecording(recordingOf(seconds));
    if ('problem' in recording) throw new Error(recording.problem);
    expect(recording.damaged).toBe(0);
    const replay = createReplay(recording.entries, new StateBook());
    const begun = performance.now();
    const { rows, store, limits } = await frameAt(replay.length, replay, recording.header, {
      size: SIZE,
      keys: true,
      press: [],
      style,
    });
    measured(
      `replay: ${seconds} s of ${recording.entries.length} entries in ${((performance.now() - begun) / 1000).toFixed(0)} s`,
    );
    expect(store.getState().snapshot.sequence).toBe(SNAPSHOT.sequence + seconds);
    const sink = new FrameSink();
    const screens = mountScreens({ store, limits, style }, sink);
    await turn();
    await turn();
    const afresh = sink.frame;
    screens.unmount();
    expect(rows).toEqual(afresh);
  },
  30 * MINUTES,
);
