/** The operator's clipboard, reached through the terminal: OSC 52, also from inside tmux. */
import { formatCount } from '../format/numbers.ts';

/** Longest sequence that terminals are known to take (xterm's limit, in bytes of base64). */
const MAX_BASE64 = 74_994;

type Env = Readonly<Record<string, string | undefined>>;

/** The sequence that copies `text`, or null when it is too long for one. */
export function copySequence(text: string, env: Env): string | null {
  const encoded = Buffer.from(text).toString('base64');
  if (encoded.length > MAX_BASE64) return null;
  return throughMultiplexer(`\x1b]52;c;${encoded}\x07`, env);
}

/**
 * A sequence for the operator's own terminal. tmux passes it on when it is wrapped (and `allow-passthrough` is on); GNU
 * screen likewise.
 */
export function throughMultiplexer(sequence: string, env: Env): string {
  if (env.TMUX) return `\x1bPtmux;${sequence.replaceAll('\x1b', '\x1b\x1b')}\x1b\\`;
  if (env.STY) return `\x1bP${sequence}\x1b\\`;
  return sequence;
}

/** How the text went, for the operator: `212 bytes through tmux`. */
export const copyRoute = (text: string, env: Env): string =>
  `${formatCount(Buffer.byteLength(text))} bytes sent to the terminal${env.TMUX ? ' through tmux' : env.STY ? ' through screen' : ''} (OSC 52)`;
