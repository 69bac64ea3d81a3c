/** Tracebacks of Python behind whatever loggers, launchers and containers put before a line. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TracebackReader } from '../../src/supervisor/traceback-reader.ts';

const HEAD = 'Traceback (most recent call last):';
const FRAMES = [
  '  File "backfill.py", line 12, in <module>',
  '    main()',
  '    ~~~~^^',
  '  File "x.py", line 7, in main',
];
const EXCEPTION = "KeyError: 'close'";

/** The last exception that the lines of one stream name, or that one was not named; null: no traceback. */
function read(lines: readonly string[]): string | null {
  const reader = new TracebackReader();
  let last: string | null = null;
  for (const line of lines) last = reader.push('err', line) ?? last;
  return last ?? reader.unnamed;
}
const led = (lead: string, lines: readonly string[]) => lines.map((line) => lead + line);
const WHOLE = [HEAD, ...FRAMES, EXCEPTION];

const LEADS = [
  '[rank0]: ',
  '[default3]:',
  'worker-1  | ',
  'worker-1  | 2026-01-02T03:04:05.123456Z ',
  '2026-01-02 03:04:05,123 ERROR root ',
  '2026-01-02 03:04:05 [error    ] ',
  'ERROR:root:boom ',
  '2026-01-02 03:04:05.123 | ERROR    | app.main:run:12 - ',
  'Jan  2 03:04:05 host app[123]: ',
  '03:04:05 web.1   | ',
  '[1,0]<stderr>:',
  'node-07: ',
  '\x1b[36m(train pid=123)\x1b[0m ',
  '[pod/backfill-x7k2p/main] ',
  'US_EQ\t',
  ' ',
  '    ',
  'Epoch 3: [=====>   ] loss 0.5 ',
  '(.*)+$ [a-z]{2} \\d \\ ',
];

describe('a traceback', () => {
  it.each(LEADS)('behind "%s" is one, whether all of its lines have that or the first alone', (lead) => {
    expect(read(led(lead, WHOLE))).toBe(EXCEPTION);
    expect(read([lead + HEAD, ...FRAMES, EXCEPTION])).toBe(EXCEPTION);
    expect(read(led(lead, [HEAD, ...FRAMES]))).toBe(HEAD);
  });

  it('is one behind any text, whose figures are others in each line', () => {
    const word = fc.string({ unit: 'grapheme', maxLength: 40 }).filter((text) => !/\p{C}|\d/u.test(text));
    const pieces = fc.array(fc.oneof(word, fc.constant(null)), { maxLength: 6 });
    const figures = fc.infiniteStream(fc.nat());
    const between = fc.array(fc.constantFrom('INFO all is well', '', '[rank9] step 4 of 5', '63%|█▎  | 3/5'), {
      maxLength: 9,
    });
    const colours = fc.boolean();
    fc.assert(
      fc.property(pieces, figures, between, colours, (parts, numbers, others, isColoured) => {
        const lead = () =>
          parts.map((part) => part ?? `${numbers.next().value}`).join(isColoured ? '\x1b[31m' : '') +
          (isColoured ? '\x1b[0m' : '');
        const lines = WHOLE.map(
          (line) => lead() + (isColoured ? line.replace(/(File|KeyError)/, '\x1b[1;35m$1\x1b[0m') : line),
        );
        expect(read([lines[0], ...others, ...lines.slice(1)])).toBe(EXCEPTION);
        expect(read([lines[0], ...others, ...WHOLE.slice(1)])).toBe(EXCEPTION);
      }),
    );
  });

  it('is none without frames, whatever stands around the words', () => {
    const text = fc
      .string({ maxLength: 60 })
      .filter((one) => /[A-Za-z]{3}/.test(one) && !/^(?:\[|\(|\w+ {4})/.test(one));
    fc.assert(
      fc.property(text, fc.string({ maxLength: 60 }), (before, after) => {
        expect(read([`it said: ${before} ${HEAD}${after}`, 'done', `  ${after}`, 'KeyError: 1'])).toBeNull();
      }),
    );
    for (const line of [
      'no Traceback found',
      `printed: ${HEAD} was seen 0 times`,
      `grep '${HEAD}' found nothing`,
      `{"pattern": "${HEAD}", "found": 0}`,
    ])
      expect([line, read([line, 'done', 'ValueError: 5'])]).toEqual([line, null]);
  });

  it('of several processes at once names an exception', () => {
    const [first, second] = ['[rank0]: ', '[rank1]: '].map((lead) => led(lead, WHOLE));
    expect(read(first.flatMap((line, i) => [line, second[i]]))).toBe(EXCEPTION);
    const [app, database] = [
      led('app-1 | ', WHOLE),
      led('db-1  | ', ['LOG: a', 'LOG: b', 'done', 'x: y', 'LOG: c', 'z']),
    ];
    expect(read(app.flatMap((line, i) => [line, database[i]]))).toBe(EXCEPTION);
  });

  it('of a chain, or of an exception group, names its last exception behind a lead too', () => {
    const chain = [...WHOLE, '', 'During handling of the above exception, another exception occurred:', '', HEAD];
    expect(read(led('[rank0]: ', [...chain, FRAMES[0], 'RuntimeError: day 5']))).toBe('RuntimeError: day 5');
    const group = [
      '  + Exception Group Traceback (most recent call last):',
      '  |   File "x.py", line 1, in <module>',
      '  |     raise ExceptionGroup("two", errors)',
      '  | ExceptionGroup: two (1 sub-exception)',
      '  +-+---------------- 1 ----------------',
      '    | Traceback (most recent call last):',
      '    |   File "x.py", line 3, in f',
      '    | ValueError: bad',
      '    +------------------------------------',
    ];
    expect(read(group)).toBe('ValueError: bad');
    expect(read(led('worker-1 | ', group))).toBe('ValueError: bad');
    expect(read(led('worker-1 | ', group.slice(0, 4)))).toBe('ExceptionGroup: two (1 sub-exception)');
  });

  it('in a frame of rich, of loguru, or of a notebook is one', () => {
    const rich = ['╭──── Traceback (most recent call last) ────╮', '│ x.py:1 in <module>    │', '╰────╯', EXCEPTION];
    expect(read(led('worker-1 | ', rich))).toBe(EXCEPTION);
    expect(read(led('job: ', [HEAD, '> File "x.py", line 3, in f', '    g()', '    └ <function g>', EXCEPTION]))).toBe(
      EXCEPTION,
    );
    expect(
      read(['KeyError                         Traceback (most recent call last)', 'Cell In[1], line 1', EXCEPTION]),
    ).toBe(EXCEPTION);
  });

  it('that is the text of one field is one', () => {
    const whole = WHOLE.join('\n');
    const entry = { level: 'error', event: 'day "5" failed', exception: whole, pid: 5 };
    expect(read([JSON.stringify(entry)])).toBe(EXCEPTION);
    expect(read([`worker-1 | ${JSON.stringify({ log: JSON.stringify(entry) })}`])).toBe(EXCEPTION);
    expect(read([`level=error exc_info=${JSON.stringify(whole)} pid=5`])).toBe(EXCEPTION);
    expect(read([`failed: '${whole.replaceAll("'", "\\'").replaceAll('\n', '\\n')}', 5`])).toBe(EXCEPTION);
    expect(read([`Jan  2 03:04:05 host app: ${whole.replaceAll('\n', '#012')}`])).toBe(EXCEPTION);
    expect(read([WHOLE.join(' | ')])).toBe(HEAD);
    expect(read([WHOLE.join(' ')])).toBe(HEAD);
    expect(read([JSON.stringify({ exception: `${HEAD}\n${FRAMES[0]}` })])).toBe(HEAD);
  });

  it('whose lines are each a field of a record is one', () => {
    const records = WHOLE.map((line, i) => JSON.stringify({ time: `0${i}:15`, log: `${line}\n`, stream: 'stderr' }));
    expect(read(records)).toBe(EXCEPTION);
    expect(read(WHOLE.map((line, i) => `time=${i} level=error msg=${JSON.stringify(line)} pid=5`))).toBe(EXCEPTION);
    const unnamed = [...WHOLE.slice(0, -1), 'MyError'].map((log) => JSON.stringify({ log, stream: 'stderr' }));
    expect(read(unnamed)).toBe('MyError');
  });

  it('that is data is one', () => {
    const frames = [{ filename: 'x.py', lineno: 7, name: 'main' }];
    const exception = [{ exc_type: 'KeyError', exc_value: '\'close\' "x"', exc_notes: [], frames }];
    expect(read([JSON.stringify({ level: 'error', exception })])).toBe(`KeyError: 'close' "x"`);
    expect(read(['{"exc_type": null, "exc_value": null}', 'no "exc_type" here'])).toBeNull();
  });

  it('is looked for in time that grows with the line alone', () => {
    const lead = '1 '.repeat(190);
    const long = '1'.repeat(16_000);
    for (const one of [long, '\\'.repeat(16_000), '\\n'.repeat(8000), '"'.repeat(16_000), ' '.repeat(16_000)])
      expect([HEAD, null]).toContain(read([`"${one}${HEAD}\\n  File "${one}", line 1`]));
    expect(read([lead + HEAD, long, `${lead}${long}`, ...led(lead, WHOLE.slice(1))])).toBe(EXCEPTION);
  });
});

describe('a crash of the interpreter', () => {
  it('is told, and not what is said of one', () => {
    const crash = 'Fatal Python error: Segmentation fault';
    expect(read([crash, '', 'Current thread 0x00007f (most recent call first):', '  File "x.py", line 3 in f'])).toBe(
      crash,
    );
    expect(read([`[worker 3] ${crash}`])).toBe(crash);
    expect(read([`no "${crash}" in the logs`])).toBeNull();
  });
});
