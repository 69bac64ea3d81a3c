/**
 * Bytes of a terminal to keys. A pure state machine over bytes with the time passed in: escape sequences may arrive split
 * at any byte, several keys may arrive at once, and replies of the terminal never become letters.
 */

/**
 * A key by name: `j`, `J`, `space`, `enter`, `up`, `shift+tab`, `ctrl+r`, `alt+j`; pasted text, which is never a command; or
 * the mouse, where it was asked for.
 */
export type KeyEvent =
  | { readonly type: 'key'; readonly id: string }
  | { readonly type: 'paste'; readonly text: string }
  | {
      readonly type: 'mouse';
      readonly what: 'click' | 'wheel-up' | 'wheel-down';
      /** Cells from the upper left, from 0. */
      readonly column: number;
      readonly row: number;
    };

export interface KeyParserOptions {
  /** How long a lone ESC may still become the start of a sequence. 25 ms on a local terminal, up to 250 ms on a slow link. */
  readonly escapeTimeoutMs: number;
  /** Gets the text of an OSC sequence, with which a terminal answers a question: `11;rgb:0000/0000/0000`. */
  readonly onReply?: (text: string) => void;
  /** Whether the terminal was asked for the mouse; else its sequences are dropped like any other. */
  readonly mouse?: () => boolean;
}

/** After this long without a byte, an unfinished sequence or paste is given up: no key is ever stuck behind one. */
const GIVE_UP_MS = 2000;
/** Late tails of an arrow that was split by more than the timeout are still swallowed for this long. */
const LATE_TAIL_MS = 1000;
/** Pasted text beyond this is dropped; nothing here takes more. */
const MAX_PASTE_BYTES = 1 << 20;
/** Sequences longer than this are rubbish. Their rest is swallowed up to their end. */
const MAX_PARAMETERS = 256;

const [BEL, CAN, SUB, ESC, DEL] = [0x07, 0x18, 0x1a, 0x1b, 0x7f];
const PASTE_END = [ESC, 0x5b, 0x32, 0x30, 0x31, 0x7e];

const FINAL_KEYS: Readonly<Record<string, string>> = {
  A: 'up',
  B: 'down',
  C: 'right',
  D: 'left',
  F: 'end',
  H: 'home',
  Z: 'shift+tab',
};
const TILDE_KEYS: Readonly<Record<string, string>> = {
  1: 'home',
  2: 'insert',
  3: 'delete',
  4: 'end',
  5: 'pageup',
  6: 'pagedown',
  7: 'home',
  8: 'end',
};

const NAMED = [
  ...Object.values(FINAL_KEYS),
  ...Object.values(TILDE_KEYS),
  'enter',
  'tab',
  'backspace',
  'space',
  'escape',
];
const KEY_NAME = new RegExp(`^(?:(?:ctrl|alt|shift)\\+)*(?:${NAMED.join('|').replaceAll('+', '\\+')}|[^ ])$`, 'u');
/** Whether a key can have this name. */
export const isKeyName = (id: string): boolean => KEY_NAME.test(id);

/** Where in the grammar of terminal input the next byte falls. */
type State =
  /** Between keys. */
  | 'ground'
  /** In the middle of a UTF-8 character. */
  | 'utf8'
  /** After ESC. */
  | 'escape'
  /** After ESC and an intermediate byte, as in `ESC ( B`. */
  | 'intermediate'
  /** In CSI parameters. */
  | 'csi'
  /** After ESC O. */
  | 'ss3'
  /** In OSC, DCS, SOS, PM or APC text. */
  | 'string'
  /** After ESC inside such text. */
  | 'string-escape'
  /** Bytes of a known number that belong to a sequence (X10 mouse, Linux function keys). */
  | 'skip'
  | 'paste';

export interface KeyParser {
  /** Takes what arrived at `now` (ms, any clock) and returns the keys that are complete. */
  feed(bytes: Uint8Array, now: number): KeyEvent[];
  /** When `tick` must be called next, or null when nothing is pending. */
  deadline(): number | null;
  /** Lets time pass: a lone ESC becomes `escape`, unfinished sequences are given up. */
  tick(now: number): KeyEvent[];
}

/** Makes a parser; it keeps no timer of its own, see `deadline` and `tick`. */
export function createKeyParser(options: KeyParserOptions): KeyParser {
  let state: State = 'ground';
  let since = 0;
  let parameters = '';
  let skip = 0;
  let character: number[] = [];
  let characterLength = 0;
  /** The character in progress was preceded by ESC: it is swallowed, not typed. */
  let alt = false;
  let paste: number[] = [];
  let lastEscape = Number.NEGATIVE_INFINITY;
  let isReply = false;
  let replied = options.onReply === undefined;
  let events: KeyEvent[] = [];

  const key = (id: string) => events.push({ type: 'key', id });
  const enter = (next: State) => {
    state = next;
    parameters = '';
  };

  const enterString = (reply: boolean) => {
    enter('string');
    isReply = reply;
  };
  const endString = () => {
    const text = parameters;
    enter('ground');
    if (!isReply || text === '') return;
    replied = true;
    options.onReply?.(text);
  };

  const ground = (byte: number, now: number) => {
    // `ESC` … `[A` with a pause longer than the timeout: Escape was reported, the rest must not become letters.
    const late = now - lastEscape <= LATE_TAIL_MS;
    lastEscape = Number.NEGATIVE_INFINITY;
    if (late && byte === 0x5b) return enter('csi');
    if (late && byte === 0x4f) return enter('ss3');
    if (late && byte === 0x5d && !replied) return enterString(true);
    if (byte === ESC) return enter('escape');
    if (byte === 0x0d) return key('enter');
    if (byte === 0x09) return key('tab');
    if (byte === 0x08 || byte === DEL) return key('backspace');
    if (byte === 0x20) return key('space');
    if (byte === 0x00) return key('ctrl+space');
    if (byte < 0x1b) return key(`ctrl+${String.fromCharCode(byte + 0x60)}`);
    if (byte < 0x20) return;
    if (byte < DEL) return key(String.fromCharCode(byte));
    if (byte < 0xa0) return eightBitControl(byte);
    characterLength =
      byte >= 0xf0 && byte < 0xf5 ? 4 : byte >= 0xe0 && byte < 0xf0 ? 3 : byte >= 0xc2 && byte < 0xe0 ? 2 : 0;
    if (characterLength === 0) return;
    character = [byte];
    state = 'utf8';
  };

  /** 8-bit forms of ESC [ and its kind. */
  const eightBitControl = (byte: number) => {
    if (byte === 0x9b) enter('csi');
    else if (byte === 0x8f) enter('ss3');
    else if (byte === 0x90 || byte === 0x98 || byte >= 0x9d) enterString(byte === 0x9d);
  };

  const afterEscape = (byte: number) => {
    if (byte === ESC) return key('escape');
    if (byte === 0x5b) return enter('csi');
    if (byte === 0x4f) return enter('ss3');
    if (byte === 0x50 || byte === 0x58 || byte === 0x5d || byte === 0x5e || byte === 0x5f)
      return enterString(byte === 0x5d);
    // Esc and then a letter cannot be told from Alt with the letter: Esc is reported, for it harms nothing, and the letter
    // is named as Alt's, to which nothing is bound.
    enter('ground');
    if (byte >= 0x20 && byte <= 0x2f) return enter('intermediate');
    key('escape');
    if (byte > 0x20 && byte < DEL) key(`alt+${String.fromCharCode(byte)}`);
    else if (byte >= 0xc2 && byte < 0xf5) {
      alt = true;
      ground(byte, Number.POSITIVE_INFINITY);
    } else if (byte === 0x03) key('ctrl+c');
  };

  const csi = (byte: number) => {
    if (byte === CAN || byte === SUB) return enter('ground');
    if (byte === ESC) return enter('escape');
    if (byte < 0x20) return;
    if (byte >= 0x20 && byte <= 0x3f) {
      if (parameters.length < MAX_PARAMETERS) parameters += String.fromCharCode(byte);
      return;
    }
    if (byte < 0x40 || byte > 0x7e) return enter('ground');
    const final = String.fromCharCode(byte);
    const whole = parameters;
    enter('ground');
    if (final === '[' && whole === '') return skipBytes(1);
    if (final === 'M' && whole === '') return skipBytes(3);
    if (final === '~' && whole === '200') {
      paste = [];
      return enter('paste');
    }
    const name = csiKey(final, whole);
    if (name) return void key(name);
    const mouse = options.mouse?.() ? mouseEvent(final, whole) : null;
    if (mouse) events.push(mouse);
  };

  const skipBytes = (count: number) => {
    skip = count;
    state = 'skip';
  };

  const inPaste = (byte: number) => {
    paste.push(byte);
    if (byte === 0x7e && PASTE_END.every((b, i) => paste[paste.length - PASTE_END.length + i] === b)) {
      paste.length -= PASTE_END.length;
      endPaste();
    } else if (paste.length > MAX_PASTE_BYTES) {
      // Keeps the tail, in which the end mark must be found.
      paste.splice(MAX_PASTE_BYTES / 2, paste.length - MAX_PASTE_BYTES / 2 - PASTE_END.length);
    }
  };

  const endPaste = () => {
    const text = new TextDecoder().decode(Uint8Array.from(paste));
    paste = [];
    enter('ground');
    events.push({ type: 'paste', text });
  };

  const utf8 = (byte: number, now: number) => {
    if ((byte & 0xc0) !== 0x80) {
      state = 'ground';
      alt = false;
      return step(byte, now);
    }
    character.push(byte);
    if (character.length < characterLength) return;
    state = 'ground';
    const text = new TextDecoder().decode(Uint8Array.from(character));
    const code = text.codePointAt(0) ?? 0;
    if (code >= 0x80 && code < 0xa0) eightBitControl(code);
    else if (alt) key(`alt+${text}`);
    else if (code !== 0xfffd) key(text);
    alt = false;
  };

  const step = (byte: number, now: number): void => {
    switch (state) {
      case 'ground':
        ground(byte, now);
        break;
      case 'utf8':
        utf8(byte, now);
        break;
      case 'escape':
        afterEscape(byte);
        break;
      case 'intermediate':
        if (byte === ESC) enter('escape');
        else if (byte < 0x20 || byte > 0x2f) enter('ground');
        break;
      case 'csi':
        csi(byte);
        break;
      case 'ss3':
        ss3(byte);
        break;
      case 'string':
        if (byte === BEL) endString();
        else if (byte === CAN || byte === SUB) enter('ground');
        else if (byte === ESC) state = 'string-escape';
        else if (parameters.length < MAX_PARAMETERS) parameters += String.fromCharCode(byte);
        break;
      case 'string-escape':
        // ESC \ ends the text; any other escape sequence ends it too and begins itself.
        if (byte === 0x5c) {
          endString();
          break;
        }
        enter('escape');
        afterEscape(byte);
        break;
      case 'skip':
        if (--skip <= 0) state = 'ground';
        break;
      case 'paste':
        inPaste(byte);
        break;
    }
  };

  const ss3 = (byte: number) => {
    if (byte === ESC) return enter('escape');
    // Some terminals put a modifier between O and the letter.
    if (byte >= 0x30 && byte <= 0x3b) return;
    enter('ground');
    const name = byte === 0x4d ? 'enter' : FINAL_KEYS[String.fromCharCode(byte)];
    if (name && byte !== 0x5a) key(name);
  };

  const take = (): KeyEvent[] => {
    const taken = events;
    events = [];
    return taken;
  };

  return {
    feed(bytes, now) {
      // Time may have run out unnoticed while this process was busy; the bytes still belong together then.
      if (state !== 'ground' && state !== 'escape' && now - since > GIVE_UP_MS) giveUp();
      for (const byte of bytes) step(byte, now);
      since = now;
      return take();
    },
    deadline() {
      if (state === 'ground') return null;
      return since + (state === 'escape' ? options.escapeTimeoutMs : GIVE_UP_MS);
    },
    tick(now) {
      if (state === 'ground' || now < since + (state === 'escape' ? options.escapeTimeoutMs : GIVE_UP_MS)) return [];
      giveUp();
      lastEscape = events.some((event) => event.type === 'key' && event.id === 'escape')
        ? now
        : Number.NEGATIVE_INFINITY;
      return take();
    },
  };

  function giveUp(): void {
    if (state === 'escape') key('escape');
    if (state === 'paste') endPaste();
    alt = false;
    enter('ground');
  }
}

/** The key of a CSI sequence, with its modifiers; null for everything that is not a key (mouse, focus, replies). */
function csiKey(final: string, parameters: string): string | null {
  const match = (final === '~' ? /^(\d)(?:;(\d+))?$/ : /^(1?)(?:;(\d+))?$/).exec(parameters);
  const base = match && (final === '~' ? TILDE_KEYS[match[1]] : FINAL_KEYS[final]);
  if (!base) return null;
  const modifier = match[2];
  const bits = modifier ? Number(modifier) - 1 : 0;
  if (bits === 0 || base === 'shift+tab') return base;
  const prefix = `${bits & 4 ? 'ctrl+' : ''}${bits & 2 ? 'alt+' : ''}${bits & 1 ? 'shift+' : ''}`;
  return prefix ? prefix + base : null;
}

const MOUSE_BUTTONS: Readonly<Record<string, 'click' | 'wheel-up' | 'wheel-down'>> = {
  0: 'click',
  64: 'wheel-up',
  65: 'wheel-down',
};

/** SGR mouse reports (`CSI < button ; column ; row M`): the left button going down and the wheel; null for the rest. */
function mouseEvent(final: string, parameters: string): KeyEvent | null {
  const match = final === 'M' ? /^<(\d+);([1-9]\d{0,3});([1-9]\d{0,3})$/.exec(parameters) : null;
  const what = match && MOUSE_BUTTONS[match[1]];
  return what ? { type: 'mouse', what, column: Number(match[2]) - 1, row: Number(match[3]) - 1 } : null;
}

/**
 * How long a lone ESC waits: short on a local terminal, long where the link may pause in the middle of an arrow key.
 * SSH_CONNECTION tells the link; tmux and screen hand it down.
 */
export function escapeTimeout(env: Readonly<Record<string, string | undefined>>): number {
  return env.SSH_CONNECTION || env.SSH_TTY || env.SSH_CLIENT ? 250 : 25;
}
