/** The plan's commands of the selected phase; the one with the cursor is what the launch key starts. */
import { isRunning, rowCount, selectedIndex, selectedRow, visibleRows } from '../../src/console/lists.ts';
import { sameAs } from '../../src/console/same-command.ts';
import { measuredDuration, selectedPhase } from '../../src/console/selectors.ts';
import type { ConsoleState } from '../../src/console/store.ts';
import { commandLine, isComplete } from '../../src/format/command.ts';
import { type Line, span } from '../../src/format/lines.ts';
import { formatDuration } from '../../src/format/numbers.ts';
import type { PhaseCommand } from '../../src/phases/types.ts';
import type { PaneContent } from '../components/pane.tsx';
import { cursor } from '../components/signs.ts';
import { hanging } from '../components/words.ts';

/** A command a block: its label with what it took last time, and the exact line; `dense` gives each one row. */
export function commandList(state: ConsoleState, width: number, dense: boolean): PaneContent {
  const phase = selectedPhase(state);
  const rows = visibleRows(state, 'commands');
  const selected = selectedRow(state, 'commands');
  const title = phase ? `Commands of ${phase.phase}, from the plan` : 'Commands';
  if (rows.length === 0) {
    const text =
      rowCount(state, 'commands') > 0 ? 'No command matches the filter.' : 'Nothing is launched for this phase.';
    return { title, lines: [[span(text, 'muted')]] };
  }
  const lines: Line[] = [];
  const starts = rows.map((command) => {
    const start = lines.length;
    lines.push(...commandRows(state, command, command === selected, width, dense));
    return start;
  });
  return {
    title,
    note: [span('n launches one, N runs them all in order', 'muted')],
    lines,
    starts,
    selectedRow: starts[selectedIndex(state, 'commands')],
  };
}

function commandRows(
  state: ConsoleState,
  command: PhaseCommand,
  selected: boolean,
  width: number,
  dense: boolean,
): Line[] {
  const same = sameAs(state, command.argv);
  const running = state.snapshot.jobs.find((job) => isRunning(job) && same(job));
  const measured = measuredDuration(state, command.argv);
  const note = !isComplete(command.argv)
    ? span('  needs a path: run it in a shell', 'muted')
    : running
      ? span(`  ${running.id} is running it`, 'info')
      : span(measured ? `  took ${formatDuration(measured.ms / 1000)} last time` : '  ? never measured', 'muted');
  const head: Line = [cursor(selected), span(command.label, selected ? 'strong' : 'plain'), note];
  if (dense) return [[...head, '  ', span(commandLine(command.argv), 'muted')]];
  return [head, ...hanging(['    '], commandLine(command.argv), width, 'muted', 3)];
}
