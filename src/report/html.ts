/** Pieces of a page: everything from outside is escaped, and nothing is fetched. */

/** Text that is HTML already. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Any text as HTML shows it. */
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (sign) => ESCAPES[sign]);

type Piece = string | number | Html | readonly Html[];
const render = (piece: Piece): string =>
  Array.isArray(piece)
    ? (piece as readonly Html[]).map((one) => one.text).join('')
    : piece instanceof Html
      ? piece.text
      : escapeHtml(String(piece));

/** A template whose holes are escaped unless they are HTML. */
export const html = (parts: TemplateStringsArray, ...holes: readonly Piece[]): Html =>
  new Html(parts.reduce((text, part, k) => text + render(holes[k - 1]) + part));

/** A table; the first column names the row, the others are figures. */
export function htmlTable(heads: readonly string[], rows: readonly (readonly Piece[])[]): Html {
  const head = heads.map((title) => html`<th scope="col">${title}</th>`);
  const body = rows.map(
    ([name, ...cells]) => html`<tr><th scope="row">${name}</th>${cells.map((one) => html`<td>${one}</td>`)}</tr>`,
  );
  return html`<div class="wide"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`;
}
