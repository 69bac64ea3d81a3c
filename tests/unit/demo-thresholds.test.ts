/** The thresholds of demos: what their market lacks is not asked for, and no command names it. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { demoThresholds } from '../../src/cli/demo-thresholds.ts';
import { p2Checks, p2Commands } from '../../src/phases/checks/p2.ts';
import { loadPhaseConfig, type Requirements, requirementsOf } from '../../src/phases/config.ts';
import { homeAt } from '../../src/platform/home.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'prometheus-demo-thresholds-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** What the board asks for in a demo's home of this market. */
function needOf(start: string, end: string): Requirements {
  const home = homeAt(root, { demo: true });
  const options = { seed: 1, instruments: 10, start, end, newsStart: start };
  const overrides = demoThresholds(requirementsOf(loadPhaseConfig(home, {}), true), options);
  if (Object.keys(overrides).length > 0) writeFileSync(path.join(root, 'phases.yaml'), stringify(overrides));
  return requirementsOf(loadPhaseConfig(home, {}), true);
}

it('differ in nothing for the usual market', () => {
  const { prices } = requirementsOf(loadPhaseConfig(homeAt(root, { demo: true }), {}), true);
  const options = { seed: 1, instruments: 10, ...prices, newsStart: '2015-01-01' };
  expect(demoThresholds(requirementsOf(loadPhaseConfig(homeAt(root), {}), true), options)).toEqual({});
});

it.each([
  ['2013-01-02', '2014-06-30', '2013-01-02', '2014-06-30', '2013-01-02', '2014-06-30'],
  ['2001-01-02', '2024-06-28', '2010-01-01', '2024-06-28', '2024-01-01', '2024-06-28'],
  ['1998-01-02', '2004-12-31', '1998-01-02', '2004-12-31', '1998-01-02', '2004-12-31'],
])('of a market %s → %s ask for vectors that it can have', (start, end, from, to, trialFrom, trialTo) => {
  const need = needOf(start, end);
  const commands = p2Commands(need).map(({ argv }) => argv.join(' '));
  for (const command of commands) {
    const [first, last] = [/--start-date (\S+)/.exec(command)![1], /--end-date (\S+)/.exec(command)![1]];
    expect([first >= start, last <= end], command).toEqual([true, true]);
  }
  expect(need.numeric).toMatchObject({ start: from, end: to, trial: { start: trialFrom, end: trialTo, limit: 10 } });
  expect(p2Checks(need).map(({ id }) => id)).toContain('P2.verified');
});
