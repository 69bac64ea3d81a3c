/** `prometheus` alone, when it has flags; without any main opens the console before the argument parser is loaded. */
import { z } from 'zod';
import { THEMES } from '../platform/themes.ts';
import { defineCommand } from './command.ts';
import { openConsole } from './console.ts';

export const consoleCommand = defineCommand({
  name: '',
  summary: 'the full-screen console',
  description: `
Shows phases and why they are not green, coverage, jobs, the machine and the last backtests; launches, repeats and stops
jobs. Starts the embedded databases when they are the ones meant. Closing it stops nothing. Keys: press ? inside.
Without a terminal it prints the status instead.`,
  args: z.object({
    ascii: z.boolean().optional().describe('draw with ASCII only (default: by the locale)'),
    theme: z.enum(THEMES).optional().describe('colours (default: console.theme of console.yaml)'),
    mouse: z.boolean().optional().describe('clicks and the wheel, too (default: console.mouse of console.yaml)'),
    readOnly: z.boolean().default(false).describe('refuse whatever costs or destroys, until :rw'),
    record: z.string().optional().describe('take down what is shown into a new file, for prometheus replay'),
  }),
  run: async (args, cli) => openConsole(cli, args),
});
