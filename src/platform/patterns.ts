/** Regular expressions that people write: whatever they are tried on, none takes for ever. */
import { setFlagsFromString } from 'node:v8';

let prepared = false;

/**
 * Of a search that goes back too often V8 then begins anew, by a method whose time grows with the text only. Set with the
 * first pattern, not at the start: compiled code of another process that is kept on the disk is for the same flags.
 */
function prepare(): void {
  if (prepared) return;
  prepared = true;
  setFlagsFromString('--enable-experimental-regexp-engine');
  setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');
}

/** Repetition without end, or of a group: two of them, or one of a group, may take time that grows beyond bounds. */
const REPETITION = /(?<!\\)(?:\)[*+{]|[*+]|\{\d+,\})/g;

/**
 * Compiles a pattern.
 * @throws SyntaxError when it is none, or is one of the few that only a search with no bound on its time can do.
 */
export function compilePattern(source: string, flags = ''): RegExp {
  prepare();
  const pattern = new RegExp(source, flags);
  if (!canBeLinear(source, flags)) {
    const repetitions = source.match(REPETITION) ?? [];
    if (repetitions.length > 1 || repetitions.some((one) => one.startsWith(')'))) {
      throw new SyntaxError(
        `/${source}/ could take for ever: it repeats, and looks around, names a group again or counts beyond 16`,
      );
    }
  }
  return pattern;
}

function canBeLinear(source: string, flags: string): boolean {
  try {
    // The flag `l` asks for the bounded method, and is refused where that cannot be had.
    new RegExp(source, `${flags}l`);
    return true;
  } catch {
    return false;
  }
}
