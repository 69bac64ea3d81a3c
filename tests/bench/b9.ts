/** B9: the console's first frame, what it takes when nothing is new, and under load; a real terminal, supervisor and server. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openTui } from '../helpers/tui.ts';
import { idleBars, loadBars, writePrograms } from './console-load.ts';
import { type Bar, builtProgram, runChild } from './harness.ts';

export async function run(): Promise<Bar[]> {
  const home = mkdtempSync(path.join(tmpdir(), 'prometheus-bench-console-'));
  const env = { PROMETHEUS_HOME: home };
  const launcher = path.join(process.env.PROMETHEUS_CHECKOUT!, 'bin/prometheus');
  try {
    await runChild([builtProgram(), 'db', 'up'], env);
    writePrograms(home);
    const bars = [await firstFrame(launcher, env)];
    const tui = openTui(launcher, [], { cols: 200, rows: 50, env });
    try {
      bars.push(...(await idleBars(tui)), ...(await loadBars(tui, home, env)));
    } finally {
      await tui.close();
    }
    return bars;
  } finally {
    // The supervisor that the console started would start the server again.
    await runChild([builtProgram(), 'supervisor', 'stop'], env);
    await runChild([builtProgram(), 'db', 'drop', '--yes'], env);
    rmSync(home, { recursive: true, force: true });
  }
}

/** From starting the launcher in a terminal to the first frame. */
async function firstFrame(launcher: string, env: Readonly<Record<string, string>>): Promise<Bar> {
  const times: number[] = [];
  for (let k = 0; k < 8; k++) {
    const started = performance.now();
    const tui = openTui(launcher, [], { cols: 200, rows: 50, env });
    await tui.waitFor('Phases');
    times.push(performance.now() - started);
    tui.press('q');
    await tui.exited;
    await tui.close();
  }
  times.sort((a, b) => a - b);
  process.stderr.write(
    `bench: B9 first frame, min ${times[0].toFixed(0)} ms, median ${times[times.length >> 1].toFixed(0)} ms of ${times.length}\n`,
  );
  return {
    name: 'B9',
    what: 'first frame, median, launcher included',
    figure: times[times.length >> 1],
    bar: 400,
    unit: 'ms',
    higherIsBetter: false,
  };
}
