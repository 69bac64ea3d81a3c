/** The list of commands loads code when a command runs, so names and summaries stand twice: they must agree. */
import { describe, expect, test } from 'vitest';
import { PROGRAMS } from '../../engines/catalog.ts';
import { COMMANDS, findCommand } from '../../src/cli/commands.ts';

describe('the list of commands', () => {
  test('has every engine program: a job runs its program as a command', () => {
    const names = COMMANDS.map(({ name }) => name);
    expect(PROGRAMS.map(({ name }) => name).filter((name) => !names.includes(name))).toEqual([]);
  });

  test('names each command once', () => {
    const names = COMMANDS.map(({ name }) => name);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  });

  test.each(COMMANDS)('$name is loaded under that name, with that summary', async ({ name, summary, load }) => {
    const command = await load();
    expect([command.name, command.summary]).toEqual([name, summary]);
  });

  test('each program can be found by its words', () => {
    for (const { name } of PROGRAMS)
      expect(findCommand([...name.split(' '), '--json'])).toMatchObject({ entry: { name }, rest: ['--json'] });
  });
});
