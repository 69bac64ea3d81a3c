/** Pieces of a page: everything from outside is escaped, and nothing is fetched. */

const STYLE = `:root{color-scheme:light dark;--ink:#1b1b1b;--paper:#fff;--line:#ddd;--mute:#5c5c5c;--s0:#0072b2;--s1:#b34700;--s2:#00714f;--s3:#8e3a75;--bad:#8a1c00}
@media(prefers-color-scheme:dark){:root{--ink:#e8e8e8;--paper:#161616;--line:#3a3a3a;--mute:#a5a5a5;--s0:#56b4e9;--s1:#e69f00;--s2:#2fc296;--s3:#e08bc0;--bad:#ff9d80}}
body{font:15px/1.45 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:1000px;margin:0 auto;padding:1rem}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem;border-bottom:1px solid var(--line)}
.banner{border:2px solid var(--bad);color:var(--bad);padding:.4rem .8rem;font-weight:600;margin:.5rem 0}
.verdict{font-weight:600}.wide{overflow-x:auto}small{color:var(--mute);font-weight:400}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:13px}
th,td{padding:.15rem .6rem;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}
th[scope=row]{text-align:left;font-weight:400}thead th{color:var(--mute);font-weight:600}thead th:first-child{text-align:left}
figure{margin:1rem 0}figcaption span{margin-right:1em}.chart{width:100%;height:auto}.key{width:30px;height:8px}
svg text{font:11px system-ui,sans-serif;fill:var(--mute)}.grid{stroke:var(--line);stroke-width:1}
path{fill:none;stroke-width:1.6}.s0{stroke:var(--s0)}.s1{stroke:var(--s1)}.s2{stroke:var(--s2)}.s3{stroke:var(--s3)}
@media print{:root{color-scheme:light}}`;

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

/** A whole page of its own under its title: no script, nothing fetched. */
export const htmlPage = (title: string, body: Html): string =>
  html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}</title><style>${new Html(STYLE)}</style></head><body>
<h1>${title}</h1>
${body}
</body></html>
`.text;
