/** The overview: phases and why, coverage, machine, jobs with log and metrics, last backtests. */
import { PANES, type PaneId } from '../../src/console/store.ts';
import { useConsole, useConsoleState } from '../components/context.ts';
import { Footer } from '../components/footer.tsx';
import { Header } from '../components/header.tsx';
import { innerSize, Pane, type PaneContent, showsHeader, topFor } from '../components/pane.tsx';
import { Rows } from '../components/rows.tsx';
import { coverageTable } from './coverage.ts';
import { jobDetail, jobLog, jobTable } from './jobs.ts';
import { arrangementOf, contentWidth, overviewLayout } from './layout.ts';
import { machineLine, machineRows } from './machine.ts';
import { phaseList, whyPhase } from './phases.ts';
import { runTable } from './runs.ts';

export function Overview() {
  const { style } = useConsole();
  const state = useConsoleState();
  const { size, focus, zoomed, scroll } = state;
  const width = (id: PaneId) => contentWidth(size, zoomed, id);
  const tall = arrangementOf(size, zoomed) !== 'stack';

  const phases = phaseList(state, width('phases'), style, zoomed ? 'all' : tall ? 'some' : 'one');
  const jobs = jobTable(state, width('jobs'), style);
  const contents: Readonly<Record<PaneId, PaneContent>> = {
    phases,
    why: whyPhase(state, width('why'), style, !tall),
    coverage: coverageTable(state, width('coverage'), style, !tall),
    machine: machineRows(state, width('machine'), style),
    jobs,
    job: jobDetail(state, width('job'), style, zoomed),
    log: jobLog(state),
    runs: runTable(state, width('runs'), style, !tall),
  };
  const heights = Object.fromEntries(
    PANES.map((id) => [id, contents[id].lines.length + (contents[id].header ? 1 : 0)]),
  ) as Record<PaneId, number>;
  const layout = overviewLayout(size, heights, { focus, zoomed, anyJob: state.snapshot.jobs.length > 0 });

  return (
    <>
      <Header />
      {layout.places.map(({ id, rect, frame }) => {
        // One row is no room for a heading: the machine says it all in that row.
        if (id === 'machine' && rect.height === 1)
          return <Rows key={id} {...rect} lines={[machineLine(state, rect.width, style)]} />;
        const { height } = innerSize(rect, frame);
        const body = height - (showsHeader(contents[id], height) ? 1 : 0);
        const top =
          id === 'phases'
            ? topFor(phases.selectedRow, body, phases.lines.length)
            : id === 'jobs'
              ? topFor(jobs.selectedRow, body, jobs.lines.length)
              : id === 'log'
                ? { fromEnd: scroll.log }
                : scroll[id];
        return (
          <Pane key={id} id={id} rect={rect} frame={frame} focused={id === focus} content={contents[id]} top={top} />
        );
      })}
      <Footer statusRow={layout.statusRow} footerRow={layout.footerRow} />
    </>
  );
}
