import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cleanText } from '../../src/supervisor/clean-text.ts';

describe('cleanText', () => {
  it.each([
    ['plain text stays', 'day 12 of 61 – 3.5 µs ✓ 漢字', 'day 12 of 61 – 3.5 µs ✓ 漢字'],
    ['colours', '\x1b[1;31mred\x1b[0m', 'red'],
    ['256 colours with colons', '\x1b[38:2::255:0:0mx', 'x'],
    ['cursor and erase', 'a\x1b[2K\x1b[1A\x1b[10;20Hb', 'ab'],
    ['alternate screen and mouse', '\x1b[?1049h\x1b[?1000;1006hx', 'x'],
    ['window title, BEL', '\x1b]0;evil\x07x', 'x'],
    ['clipboard, ST', '\x1b]52;c;cm0gLXJm\x1b\\x', 'x'],
    ['clipboard without an end', 'x\x1b]52;c;cm0gLXJm', 'x'],
    ['hyperlink', '\x1b]8;;http://x\x07link\x1b]8;;\x07', 'link'],
    ['DCS and APC', '\x1bPq#0\x1b\\a\x1b_Gdata\x1b\\b', 'ab'],
    ['character sets and resets', '\x1b(0\x1bc\x1b=x', 'x'],
    ['8-bit CSI', '\x9b31mred', 'red'],
    ['8-bit OSC', '\x9d0;title\x9cx', 'x'],
    ['a sequence inside a sequence', '\x1b]0;a\x1b[31mb', 'b'],
    ['a cut-off escape', 'x\x1b', 'x'],
    ['bell, backspace, delete', 'a\x07b\bc\x7f', 'abc'],
    ['text that runs backwards', 'a\u202eb\u2066c', 'abc'],
    ['tabs', 'a\tb\t\tc', 'a       b               c'],
    ['half a surrogate pair', 'a\ud800b', 'a\ufffdb'],
  ])('%s', (_what, text, expected) => expect(cleanText(text)).toBe(expected));

  it('leaves no control character, whatever comes', () => {
    const special = fc.constantFrom(...'\x1b[]P\\\x07\x9b\x9d\x9c;0m\t\r\n\u202e\ud800');
    const nasty = fc.array(
      fc.oneof(
        special,
        fc.nat(0x20ff).map((code) => String.fromCharCode(code)),
      ),
    );
    fc.assert(
      fc.property(nasty, (parts) => {
        expect(cleanText(parts.join(''))).not.toMatch(/[\0-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/);
      }),
    );
  });
});
