/**
 * Tracebacks of Python in the lines of a log, as interpreters, loggers, launchers of many processes and containers print
 * them. A line that holds the words is one at once where only what such programs put there stands before them. Behind any
 * other text (`[rank0]: `, `worker-1 | `, a logger's name) it is one when a frame follows, with the same text before it or
 * with none: what a line merely says of tracebacks has no frames. Pure. Light: the shim loads it.
 */
import { cleanText } from './clean-text.ts';

/** With its colon as Python prints it, without one in the frames of rich and typer. */
const WORDS = 'Traceback (most recent call last)';
/** Stands for an exception that was never seen: the log breaks off (a full disk). */
const UNNAMED = `${WORDS}:`;
/** What is no text of anybody: frames, what loggers and pools of processes put there, the bar that tqdm left on the line. */
const PLAIN_BEFORE = new RegExp(
  '^(?:[^|]{0,100}\\d+%\\|[^|]*\\|[^[\\]]{0,100}(?=\\[)|[^[\\]|]{0,100}?\\d+it (?=\\[))?' +
    '(?:[\\s|+╭─┌┏━-]|\\[[^\\]]*\\]|\\([^)]*\\)|\\d[\\d:.,TZ/-]*(?=\\s)|(?:DEBUG|INFO|WARN|WARNING|ERROR|CRITICAL|FATAL)\\b:?)*' +
    '(?:Exception Group )?$',
);
/** IPython and notebooks begin with the exception, and the words stand at the right. */
const NOTEBOOK_BEFORE = /^[A-Za-z_][\w.]* {4,}$/;
const PLAIN_AFTER = /^:?[\s|+─╮┐┓━-]*$/;
/** A line that holds more before the words than this is prose, or no line of a person's. */
const MAX_BEFORE = 400;
/** Belongs to the words, and stands before none of the lines that follow: the corner of a frame, the name of a group. */
const CORNER = /(?: *\+ (?=Exception Group ))?(?:Exception Group )?$|[╭┌┏+][─━-]+ $/;
/** `  File "x.py", line 1, in f`; behind a bar in groups, behind `>` with loguru; `│ x.py:1 in f │` with rich. Its quotes are escaped in JSON. */
const FRAME = /^[\s|│>]*(?:File \\*".+", line \d+(?:, in .*)?|\S+:\d+ in .*│)\s*$/;
/** The lines of such a traceback are each the text of a field. */
const ESCAPED_FRAME = /File \\+"/;
/** Lines of other processes and threads that may stand between the words and the first frame. */
const PATIENCE = 20;
const MAX_OPEN = 64;
/** Its last line: `KeyError: 'close'`, `psycopg2.errors.UndefinedColumn: …`; those of exception groups stand behind a bar. */
const EXCEPTION = /^(?: *\| )?([A-Za-z_][\w.<>]*(?::.*)?)$/;
/** A whole traceback in one line: the text of a field (JSON, logfmt, `repr`), of syslog (`#012`), or with its lines joined. */
const IN_ONE_LINE = /^:?(?:\\+[rn]|#012|[\s|;,>-])+File \\*["'][^"']+["'], line \d/;
const LINE_ENDS = /(?<!\\)(?:\\+[rn])+|#012/;
/** One as data, as structlog's `dict_tracebacks` writes it. */
const AS_DATA = /"exc_type": ?"([^"\\]{1,200})", ?"exc_value": ?"((?:[^"\\]|\\.)*)"/;
/** What the interpreter itself dies with, in a worker whose end its parent may not heed (`faulthandler`). */
const CRASH = 'Fatal Python error: ';
/** A line without any of these begins nothing. */
const HINTS = ['Traceback', CRASH, '"exc_type"'];

interface Open {
  readonly stream: string;
  /** What stood before the words; its figures (times, counters) are others in each line. */
  readonly lead: RegExp;
  /** The quote that each of its lines ends with, where each is the text of a field; null where none is, or not known yet. */
  quote: string | null;
  /** Whether its lines have the lead too, as the first frame shows; null before that. */
  isLed: boolean | null;
  /** How many lines may pass without a frame; none is needed where only a traceback can be meant. */
  patience: number;
}

export class TracebackReader {
  /** By stream and lead: several processes may be at it at once. */
  readonly #open = new Map<string, Open>();
  #any = false;

  /** The words for a traceback whose exception was not seen; null while there was no traceback. */
  get unnamed(): string | null {
    return this.#any ? UNNAMED : null;
  }

  /** Takes in one line of a stream; returns the exception (`KeyError: 'close'`) when this line names it, else null. */
  push(stream: string, raw: string): string | null {
    if (this.#open.size === 0 && !HINTS.some((hint) => raw.includes(hint))) return null;
    // Python 3.13 and rich colour what they print.
    const line = cleanText(raw);
    const at = line.indexOf(WORDS);
    if (at >= 0) return this.#begin(stream, line.slice(0, at), line.slice(at + WORDS.length));
    const data = AS_DATA.exec(line);
    if (data) return `${data[1]}: ${unescaped(data[2])}`;
    const crash = line.indexOf(CRASH);
    if (crash >= 0 && crash <= MAX_BEFORE && PLAIN_BEFORE.test(line.slice(0, crash))) return line.slice(crash);
    return this.#follow(stream, line);
  }

  #begin(stream: string, before: string, after: string): string | null {
    if (IN_ONE_LINE.test(after)) return exceptionWithin(before, after);
    if (before.length > MAX_BEFORE) return null;
    const isPlain = (PLAIN_BEFORE.test(before) || NOTEBOOK_BEFORE.test(before)) && PLAIN_AFTER.test(after);
    this.#any ||= isPlain;
    const lead = before.replace(CORNER, '');
    const key = `${stream} ${lead.replace(FIGURE, '0')}`;
    // The newest stands last.
    this.#open.delete(key);
    this.#open.set(key, {
      stream,
      lead: leadPattern(lead),
      quote: null,
      isLed: null,
      patience: isPlain ? Number.POSITIVE_INFINITY : PATIENCE,
    });
    if (this.#open.size > MAX_OPEN) this.#open.delete(this.#open.keys().next().value!);
    return null;
  }

  #follow(stream: string, line: string): string | null {
    let exception: string | null = null;
    for (const [key, one] of this.#open) {
      if (one.stream !== stream) continue;
      const led = one.lead.exec(line)?.[1];
      if (one.isLed === null) {
        const isBare = FRAME.test(line);
        // Behind a lead of blanks either can be meant: Python indents a frame by two.
        if (led !== undefined && FRAME.test(led)) one.isLed = !isBare || led.startsWith('  ');
        else if (isBare) one.isLed = false;
        if (one.isLed !== null) {
          this.#any = true;
          if (one.isLed && ESCAPED_FRAME.test(led!)) one.quote = quoteBefore(line.slice(0, -led!.length));
          one.patience = Number.POSITIVE_INFINITY;
          continue;
        }
        if (--one.patience === 0) this.#open.delete(key);
      }
      // Python prints a traceback's frames indented, and the exception as the first line that is not.
      const own = one.isLed === null ? (led ?? line) : one.isLed ? led : line;
      const found =
        one.patience === Number.POSITIVE_INFINITY && own !== undefined && EXCEPTION.exec(upTo(one.quote, own));
      if (!found) continue;
      this.#open.delete(key);
      exception = one.quote === null ? found[1] : unescaped(found[1]);
    }
    return exception;
  }
}

const FIGURE = / *\d+/g;

/** A line with this text before it, whatever its figures are, and the rest as its group. */
function leadPattern(lead: string): RegExp {
  const escaped = lead.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
  // A figure is taken whole: there is one way to read a line.
  return new RegExp(`^${escaped.replace(FIGURE, ' *\\d+(?!\\d)')}(.*)$`);
}

/** The last exception of a traceback in one line; a field ends with the quote that it began with. */
function exceptionWithin(before: string, after: string): string {
  const named = upTo(quoteBefore(before), after)
    .split(LINE_ENDS)
    .findLast((line) => EXCEPTION.test(line));
  return named === undefined ? UNNAMED : unescaped(EXCEPTION.exec(named)![1]);
}

/** The last quote of what stands before a text; text within text has its quotes escaped, the outer ones too. */
function quoteBefore(before: string): string | null {
  const at = Math.max(before.lastIndexOf('"'), before.lastIndexOf("'"));
  let start = at;
  while (before[start - 1] === '\\') start--;
  return at < 0 ? null : before.slice(start, at + 1);
}

/** Text up to the next quote of this writing, without the line's end as text. */
function upTo(quote: string | null, text: string): string {
  if (quote === null) return text;
  const end = new RegExp(`(?<!\\\\)${quote.replaceAll('\\', '\\\\')}`).exec(text);
  return end === null ? text : text.slice(0, end.index).replace(/(?<!\\)(?:\\+r)?\\+[rn]$/, '');
}

const unescaped = (text: string) => text.replace(/\\+(["'\\])/g, '$1');
