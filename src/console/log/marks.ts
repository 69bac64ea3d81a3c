/** Lines of a log that the operator has marked, and where a selection began. */
import { inOrder, type LogLine, sameLine } from './line.ts';

export class Marks {
  /** In the order of the log. */
  lines: readonly LogLine[];
  /** The other end of the selection; null: only the cursor's line is meant. */
  anchor: LogLine | null = null;

  constructor(lines: readonly LogLine[]) {
    this.lines = lines;
  }

  /** Marks a line, or takes its mark away. */
  toggle(line: LogLine): void {
    const others = this.lines.filter((mark) => !sameLine(mark, line));
    this.lines = others.length < this.lines.length ? others : [...this.lines, line].sort(inOrder);
  }

  /** The next mark after a line, around the end the first; undefined when there is none. */
  after(line: LogLine | undefined): LogLine | undefined {
    return this.lines.find((mark) => line && inOrder(mark, line) > 0) ?? this.lines[0];
  }

  /** Takes in that more is known of when lines came. */
  noted(arrival: (line: LogLine) => number): void {
    const noted = (line: LogLine) => ({ ...line, arrival: arrival(line) });
    this.lines = this.lines.map(noted);
    this.anchor = this.anchor && noted(this.anchor);
  }

  /** Forgets all: the log has begun anew. */
  clear(): void {
    this.lines = [];
    this.anchor = null;
  }
}
