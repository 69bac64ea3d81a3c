/** The YAML parser, in a module of its own so that it can be loaded when a file is there to parse. */
import { isNode, LineCounter, parse, parseDocument } from 'yaml';
import { errorMessage } from './errors.ts';

/** The value in a text. What the parser would only warn of (on stderr) is left to the schema. @throws when it is no YAML. */
export const parseYaml = (text: string): unknown => parse(text, { logLevel: 'error' });

/** What is wrong and where, without the picture of the place that the parser adds. */
export const firstLine = (error: unknown): string => errorMessage(error).split('\n')[0].replace(/:$/, '');

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
