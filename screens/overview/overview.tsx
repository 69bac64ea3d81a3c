/** The overview: phases and why, coverage, machine, jobs with log and metrics, last backtests. */
import { panesOf } from '../../src/console/screens.ts';
import { useConsole, useConsoleState } from '../components/context.ts';
import { arrangementOf } from '../components/layout.ts';
import { contentHeight, type PaneContent } from '../components/pane.tsx';
import { ScreenFrame } from '../components/screen.tsx';
import { coverageTable } from './coverage.ts';
import { jobDetail, jobLog, jobTable } from './jobs.ts';
import { overviewLayout, overviewWidth } from './layout.ts';
import { machineLine, machineRows } from './machine.ts';
import { phaseList, whyPhase } from './phases.ts';
import { runTable } from './runs.ts';

export function Overview() {
  const { style } = useConsole();
  const state = useConsoleState();
  const { size, focus, zoomed } = state;
  const width = (id: Parameters<typeof overviewWidth>[2]) => overviewWidth(size, zoomed, id);
  const tall = arrangementOf(size, zoomed) !== 'stack';

  const contents = {
    phases: phaseList(state, width('phases'), style, zoomed ? 'all' : tall ? 'some' : 'one'),
    why: whyPhase(state, width('why'), style, !tall),
    coverage: coverageTable(state, width('coverage'), style, !tall),
    machine: machineRows(state, width('machine'), style),
    jobs: jobTable(state, width('jobs'), style),
    job: jobDetail(state, width('job'), style, zoomed),
    log: jobLog(state),
    runs: runTable(state, width('runs'), style, !tall),
  } satisfies Record<string, PaneContent>;
  const heights = Object.fromEntries(
    panesOf('overview').map((id) => [id, contentHeight(contents[id as keyof typeof contents])]),
  ) as Record<keyof typeof contents, number>;
  const layout = overviewLayout(size, heights, { focus, zoomed, anyJob: state.snapshot.jobs.length > 0 });
  // One row is no room for a heading: the machine says it all in that row.
  const lone = { machine: machineLine(state, size.columns, style) };
  return <ScreenFrame layout={layout} contents={contents} lone={lone} />;
}
