/** When a backfill rests: hours of the day in a zone, over midnight and changes of the clock; load; pauses; CPU share. */
import { describe, expect, it } from 'vitest';
import { isTimeZone, opensAt, parseWindow, restAfter, restReason } from '../../src/queue/throttle.ts';
import { throttleArgs, throttleOf } from '../../src/queue/throttle-args.ts';

const at = (iso: string) => Date.parse(iso);
const opens = (window: string, zone: string, now: string) => {
  const found = opensAt(window, zone, at(now));
  return found === null ? 'open' : new Date(found).toISOString();
};

describe('a window', () => {
  it.each([
    ['20:00-06:00', { from: 1200, to: 360 }],
    ['00:00-24:00', { from: 0, to: 1440 }],
    ['9:00-17:00', null],
    ['20:00-20:00', null],
    ['20:00-24:01', null],
    ['24:00-06:00', null],
    ['20:60-06:00', null],
    ['night', null],
  ])('%s', (text, expected) => expect(parseWindow(text)).toEqual(expected));

  it.each([
    ['20:00-06:00', 'UTC', '2026-01-10T19:59:59Z', '2026-01-10T20:00:00.000Z'],
    ['20:00-06:00', 'UTC', '2026-01-10T20:00:00Z', 'open'],
    ['20:00-06:00', 'UTC', '2026-01-11T05:59:59Z', 'open'],
    ['20:00-06:00', 'UTC', '2026-01-11T06:00:00Z', '2026-01-11T20:00:00.000Z'],
    ['09:00-17:30', 'UTC', '2026-01-11T17:30:00Z', '2026-01-12T09:00:00.000Z'],
    ['00:00-24:00', 'UTC', '2026-01-11T00:00:00Z', 'open'],
    // Zurich is an hour ahead of UTC in winter and two in summer.
    ['20:00-06:00', 'Europe/Zurich', '2026-01-10T18:00:00Z', '2026-01-10T19:00:00.000Z'],
    ['20:00-06:00', 'Europe/Zurich', '2026-07-10T17:00:00Z', '2026-07-10T18:00:00.000Z'],
    // The night of 29 March: asked before the clocks change, answered after.
    ['04:00-06:00', 'Europe/Zurich', '2026-03-29T00:30:00Z', '2026-03-29T02:00:00.000Z'],
    // From 02:00 the clocks go to 03:00: a window inside that hour does not exist that day.
    ['02:10-02:50', 'Europe/Zurich', '2026-03-29T00:30:00Z', '2026-03-30T00:10:00.000Z'],
    // The night of 25 October: the hour from 02:00 comes twice, and so does the window.
    ['02:10-02:50', 'Europe/Zurich', '2026-10-25T00:30:00Z', 'open'],
    ['02:10-02:50', 'Europe/Zurich', '2026-10-25T00:55:00Z', '2026-10-25T01:10:00.000Z'],
    // Half an hour of summer time, and a zone that is 5 h 45 min ahead.
    ['20:00-06:00', 'Australia/Lord_Howe', '2026-01-10T08:00:00Z', '2026-01-10T09:00:00.000Z'],
    ['20:00-06:00', 'Asia/Kathmandu', '2026-01-10T14:00:00Z', '2026-01-10T14:15:00.000Z'],
  ])('%s %s at %s opens %s', (window, zone, now, expected) => expect(opens(window, zone, now)).toBe(expected));

  it('takes the names of zones, and no others', () => {
    expect(['UTC', 'Europe/Zurich', 'Mars/Base', ''].map(isTimeZone)).toEqual([true, true, false, false]);
  });
});

describe('why it rests', () => {
  const noon = { now: at('2026-01-10T12:00:00Z'), load: 3.2 };
  it.each([
    [{}, false, null],
    [{ cpuShare: 0.1 }, false, null],
    [{}, true, 'by hand'],
    [{ window: '20:00-06:00' }, false, 'until 20:00 UTC (night window)'],
    [{ window: '20:00-06:00', timeZone: 'Asia/Tokyo' }, false, null],
    [{ window: '20:00-06:00' }, true, 'by hand'],
    [{ maxLoad: 3 }, false, 'while the load is above 3'],
    [{ maxLoad: 3.2 }, false, null],
    [{ maxLoad: 1, window: '20:00-06:00' }, false, 'until 20:00 UTC (night window)'],
  ])('%j, paused %j', (throttle, paused, expected) => expect(restReason(throttle, paused, noon)).toBe(expected));

  it('a share of the time leaves the rest of it', () => {
    expect([1, 0.5, 0.2].map((share) => restAfter(1000, share))).toEqual([0, 1000, 4000]);
  });

  it.each([
    ['cpuShare', 0],
    ['cpuShare', 1.1],
    ['window', '8-9'],
    ['timeZone', 'Mars'],
    ['maxLoad', -1],
  ] as const)('refuses %s %j', (name, value) => expect(throttleArgs[name].safeParse(value).success).toBe(false));

  it('keeps what was given, and nothing else', () => {
    expect(throttleOf({ cpuShare: 0.5, window: undefined, ...{ models: ['a'] } })).toEqual({ cpuShare: 0.5 });
  });
});
