/** The list of programs: letters filter it, Enter opens the form of the one with the mark. */
import { chosenFrom, type ProgramChooser } from '../../src/console/form/chooser.ts';
import { splitAtCursor } from '../../src/console/line-editor.ts';
import { type Line, span } from '../../src/format/lines.ts';
import { useConsoleState } from '../components/context.ts';
import { cursor } from '../components/signs.ts';
import { OverlayBox } from '../dialog/box.tsx';

export function ProgramsBox({ chooser }: { readonly chooser: ProgramChooser }) {
  const programs = chosenFrom(useConsoleState(), chooser);
  return (
    <OverlayBox
      build={(_width, height) => {
        const [before, after] = splitAtCursor(chooser.line);
        const name = Math.max(8, ...programs.map((program) => program.name.length));
        const head: Line = [
          span('New job ', 'accent', { bold: true }),
          span('/', 'accent', { bold: true }),
          before,
          span(after[0] ?? ' ', 'plain', { inverse: true }),
          after.slice(1),
          span(`  ${programs.length} ${programs.length === 1 ? 'program' : 'programs'}`, 'muted'),
        ];
        const room = Math.max(0, height - 1);
        const top = Math.max(0, Math.min(chooser.at - Math.floor(room / 2), programs.length - room));
        const rows = programs.map(
          (program, i): Line => [
            cursor(i === chooser.at),
            span(program.name.padEnd(name + 2), i === chooser.at ? 'strong' : 'plain'),
            span(`${program.phase}  ${program.summary}`, 'muted'),
          ],
        );
        return [head, ...rows.slice(top, top + room)];
      }}
    />
  );
}
