import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LineFacts, statusLine } from '../../src/cli/status-line.ts';
import { toAscii } from '../../src/format/ascii.ts';
import { CHECK_SIGNS } from '../../src/format/states.ts';
import { cellWidth } from '../../src/format/width.ts';
import type { CheckState } from '../../src/phases/types.ts';

const GIB = 1024 ** 3;
const gpu = {
  index: 0,
  name: 'V100',
  utilisation: 0.88,
  memoryUsedMiB: 1,
  memoryTotalMiB: 2,
  temperatureC: 3,
  powerW: 4,
};
const phases = (...states: CheckState[]) => states.map((state, i) => ({ phase: `P${i}`, state }));
const FACTS: LineFacts = {
  demo: false,
  phases: phases('OK', 'OK', 'PART', 'SKIP', 'BLKD', 'BLKD'),
  running: 1,
  failed: 0,
  job: { program: 'backfill stability', share: 0.45, leftMs: 750_000 },
  machine: {
    cpu: { cores: 64, busy: 0.71, perCore: [], load1: 41 },
    gpus: [gpu],
    disk: { path: '/', totalBytes: 1500 * GIB, freeBytes: 612 * GIB },
  },
};
const UTF8 = { ascii: false, spell: (text: string) => text };

describe('statusLine', () => {
  it.each([
    [
      160,
      'P0 ✓OK P1 ✓OK P2 ◐PART P3 –SKIP P4 ✗BLKD P5 ✗BLKD | 1 running, 0 failed | backfill stability 45 % 12:30 left | CPU 71 % | GPU 88 % | 612.0 GiB free',
    ],
    [100, 'P0-1 ✓OK P2 ◐PART P3 –SKIP P4-5 ✗BLKD | 1 running, 0 failed | 45 % 12:30 left | CPU 71 % | GPU 88 %'],
    [80, 'P0-1 ✓OK P2 ◐PART P3 –SKIP P4-5 ✗BLKD | 1 run 0 fail | 45 % 12:30 left'],
    [40, 'P2 ◐PART P3 –SKIP P4-5 ✗BLKD'],
    [20, 'P2 ◐PART'],
  ])('fits %i cells', (width, line) => expect(statusLine(FACTS, width, UTF8)).toBe(line));

  it('keeps a failure and a disk that is filling up before other figures', () => {
    const disk = { path: '/', totalBytes: 1500 * GIB, freeBytes: 12 * GIB };
    const bad = { ...FACTS, failed: 2, machine: { ...FACTS.machine, disk } };
    expect(statusLine(bad, 60, UTF8)).toBe('P2 ◐PART P3 –SKIP P4-5 ✗BLKD | 1 run 2 fail | 12.0 GiB free');
  });

  it('says nothing that is not known', () => {
    const machine = {
      cpu: { cores: 0, busy: null, perCore: [], load1: null },
      gpus: [],
      disk: { path: '/', totalBytes: null, freeBytes: null },
    };
    const line = statusLine({ ...FACTS, demo: true, job: null, running: 0, machine }, 200, UTF8);
    expect(line).toMatch(/^DEMO \| P0 ✓OK .* \| 0 running, 0 failed \| CPU – \| – free$/);
  });

  it('is never wider than asked for, and has no line break', () => {
    const state = fc.constantFrom(...(Object.keys(CHECK_SIGNS) as CheckState[]));
    fc.assert(
      fc.property(
        fc.array(state, { maxLength: 6 }),
        fc.nat(99),
        fc.nat(99),
        fc.boolean(),
        fc.boolean(),
        fc.integer({ min: 10, max: 200 }),
        (states, running, failed, demo, ascii, width) => {
          const facts = { ...FACTS, phases: phases(...states), running, failed, demo };
          const line = statusLine(facts, width, { ascii, spell: ascii ? toAscii : UTF8.spell });
          expect(cellWidth(line)).toBeLessThanOrEqual(width);
          expect(line).not.toMatch(ascii ? /[^ -~]/ : /\n/);
        },
      ),
    );
  });
});
