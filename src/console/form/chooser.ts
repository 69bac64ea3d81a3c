/** The list of programs that a new job may be of. */
import type { ProgramSummary } from '../../supervisor/reads.ts';
import { readFilter } from '../filter.ts';
import type { EditedLine } from '../line-editor.ts';
import type { ConsoleState } from '../store.ts';
import { knownPrograms } from './status.ts';

export interface ProgramChooser {
  readonly kind: 'programs';
  /** Filters the list, as typed. */
  readonly line: EditedLine;
  readonly at: number;
}

/** The programs that the filter lets through. */
export function chosenFrom(state: ConsoleState, { line }: ProgramChooser): readonly ProgramSummary[] {
  const programs = knownPrograms(state)?.programs ?? [];
  if (line.text === '') return programs;
  const { matches } = readFilter(line.text);
  return programs.filter(({ name, phase, summary }) => matches(`${name} ${phase} ${summary}`));
}
