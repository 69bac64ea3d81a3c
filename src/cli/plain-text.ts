/** Text for stdout: at most 100 columns, signs as the terminal's character set has them, DEMO on every report of a demo. */
import { toAscii } from '../format/ascii.ts';
import { fixLine } from '../format/command.ts';
import { type Line, lineText } from '../format/lines.ts';
import { CHECK_SIGNS } from '../format/states.ts';
import { type Column, layTable } from '../format/table.ts';
import { cleanText, wrapText } from '../format/width.ts';
import type { CheckState } from '../phases/types.ts';
import type { Cli } from './context.ts';

export const REPORT_WIDTH = 100;

/** Whether stdout takes ASCII only: the locale of POSIX, by its order of variables, names no UTF-8. */
export function isAsciiOnly(env: NodeJS.ProcessEnv): boolean {
  return !/utf-?8/i.test(env.LC_ALL || env.LC_CTYPE || env.LANG || '');
}

/** Collects lines of a report and prints them. */
export class Report {
  readonly ascii: boolean;
  readonly #lines: string[] = [];

  constructor(cli: Cli) {
    this.ascii = isAsciiOnly(cli.env);
    if (cli.home.demo) this.line('DEMO: synthetic market, not real prices');
  }

  /** One line as it is. */
  line(text = ''): void {
    this.#lines.push(this.#spell(text));
  }

  /** Text behind a label, wrapped under itself. */
  text(label: string, text: string, indent = 0): void {
    const lead = indent + label.length;
    const parts = wrapText(this.#spell(cleanText(text)), REPORT_WIDTH - lead);
    (parts.length ? parts : ['']).forEach((part, i) => {
      this.line(i === 0 ? `${' '.repeat(indent)}${label}${part}` : `${' '.repeat(lead)}${part}`);
    });
  }

  /** A command behind a label, broken only between words, as a shell continues it. A single long word stays whole. */
  command(label: string, fix: string, indent = 0): void {
    const lead = ' '.repeat(indent + label.length);
    const rows: string[] = [];
    for (const word of fixLine(fix).split(/ (?=--)/)) {
      const last = rows.at(-1);
      if (last !== undefined && lead.length + last.length + word.length + 3 <= REPORT_WIDTH)
        rows[rows.length - 1] = `${last} ${word}`;
      else rows.push(rows.length ? `  ${word}` : word);
    }
    rows.forEach((row, i) => {
      this.line(`${i === 0 ? `${' '.repeat(indent)}${label}` : lead}${row}${i < rows.length - 1 ? ' \\' : ''}`);
    });
  }

  /** Rows in columns, without trailing spaces. */
  table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): void {
    const table = layTable(columns, rows, REPORT_WIDTH, { ascii: this.ascii, marked: false });
    for (const row of [table.header, ...table.rows]) this.line(lineText(row).trimEnd());
  }

  /** `✓ OK`. */
  state(state: CheckState): string {
    const sign = CHECK_SIGNS[state];
    return `${this.ascii ? sign.ascii : sign.symbol} ${sign.word}`;
  }

  toString(): string {
    return this.#lines.join('\n');
  }

  print(cli: Cli): void {
    cli.out(`${this}\n`);
  }

  #spell(text: string): string {
    return this.ascii ? toAscii(text) : text;
  }
}

/** One cell of text. */
export const cell = (text: string): Line => [text];
