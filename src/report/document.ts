/** A report of headings, sentences and tables, as Markdown that a terminal shows well too, or as one HTML page. Pure. */
import { type Html, html, htmlPage, htmlTable } from './html.ts';

export type Block =
  | { readonly heading: string }
  /** `code` is set after the sentence, as it would be typed. */
  | { readonly text: string; readonly code?: string }
  | { readonly columns: readonly string[]; readonly rows: readonly (readonly string[])[] };

export interface ReportDocument {
  readonly title: string;
  readonly demo: boolean;
  readonly blocks: readonly Block[];
}

/** Stands on everything that was made from the synthetic market. */
const DEMO = 'DEMO: synthetic market, not real prices';

/** Markdown with aligned tables. */
export function markdownDocument({ title, demo, blocks }: ReportDocument): string {
  const parts = [`# ${title}`, ...(demo ? [`**${DEMO}**`] : [])];
  for (const block of blocks) {
    if ('heading' in block) parts.push(`## ${block.heading}`);
    else if ('text' in block) parts.push(block.code === undefined ? block.text : `${block.text} \`${block.code}\`.`);
    else parts.push(markdownTable(block.columns, block.rows));
  }
  return `${parts.join('\n\n')}\n`;
}

/** One page of its own: no script, nothing fetched. */
export function htmlDocument({ title, demo, blocks }: ReportDocument): string {
  return htmlPage(
    title,
    html`${demo ? [html`<p class="banner">${DEMO}</p>`] : []}${blocks.map((block): Html => {
      if ('heading' in block) return html`<h2>${block.heading}</h2>`;
      if ('text' in block)
        return html`<p>${block.text}${block.code === undefined ? [] : [html` <code>${block.code}</code>`]}</p>`;
      return htmlTable(block.columns, block.rows);
    })}`,
  );
}

function markdownTable(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map((title, c) => Math.max(title.length, ...rows.map((row) => row[c].length)));
  const line = (cells: readonly string[]) => `| ${cells.map((text, c) => text.padEnd(widths[c])).join(' | ')} |`;
  return [line(columns), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}
