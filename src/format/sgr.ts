/** Colours and weights in rows that are strings already: the sequences of SGR (`ESC [ … m`). */

/** Every sequence that sets colours or weight. */
export const SGR = /\x1b\[[\d;:]*m/g;

/** Sequences in force: one for each kind of attribute. */
export type Attributes = Map<string, string>;

/** Takes a sequence in. */
export function applySgr(attributes: Attributes, sequence: string): void {
  const code = Number.parseInt(sequence.slice(2), 10) || 0;
  if (code === 0) attributes.clear();
  else if (code === 1 || code === 2) attributes.set(`intensity${code}`, sequence);
  else if (code === 22) {
    attributes.delete('intensity1');
    attributes.delete('intensity2');
  } else if (code === 39) attributes.delete('foreground');
  else if (code === 49) attributes.delete('background');
  else if ((code >= 30 && code <= 38) || (code >= 90 && code <= 97)) attributes.set('foreground', sequence);
  else if ((code >= 40 && code <= 48) || (code >= 100 && code <= 107)) attributes.set('background', sequence);
  else if (code >= 23 && code <= 29) attributes.delete(`attribute${code - 20}`);
  else attributes.set(`attribute${code}`, sequence);
}

/** The sequences that bring attributes into force. */
export const sgrOf = (attributes: Attributes): string => [...attributes.values()].join('');
