/** The YAML parser, in a module of its own so that it can be loaded when a file is there to parse. */
import { isNode, LineCounter, parseDocument } from 'yaml';

export { parse as parseYaml } from 'yaml';

/** The line (from 1) of the value at a path, or of the nearest one around it. */
export function lineAt(text: string, keys: readonly PropertyKey[]): number {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter });
  for (let depth = keys.length; depth > 0; depth--) {
    const node = document.getIn(keys.slice(0, depth), true);
    if (isNode(node) && node.range) return lineCounter.linePos(node.range[0]).line;
  }
  return 1;
}
