/** What a schema objects to is told in sentences of ours, whatever kind of schema it is. */
import { expect, it } from 'vitest';
import { z } from 'zod';
import { issueWords } from '../../src/platform/issue-words.ts';

const words = (schema: z.ZodType, value: unknown) =>
  schema.safeParse(value, { error: issueWords }).error?.issues.map((issue) => issue.message);

it.each<[z.ZodType, unknown, string]>([
  [z.string(), 5, 'must be text'],
  [z.number(), 'x', 'must be a number'],
  [z.number().int(), 1.5, 'must be a whole number'],
  [z.int(), 'x', 'must be a number'],
  [z.boolean(), 'x', 'must be true or false'],
  [z.array(z.string()), 'x', 'must be a list'],
  [z.object({}), 'x', 'must be keys and values'],
  [z.record(z.string(), z.number()), [], 'must be keys and values'],
  [z.null(), 1, 'must be empty'],
  [z.number().min(1), 0, 'must be at least 1'],
  [z.number().positive(), 0, 'must be above 0'],
  [z.int().max(5), 6, 'must be at most 5'],
  [z.number().lt(5), 5, 'must be below 5'],
  [z.number().multipleOf(5), 6, 'must be a multiple of 5'],
  [z.string().min(1), '', 'must not be empty'],
  [z.string().min(2), 'x', 'must have at least 2 characters'],
  [z.string().max(1), 'xx', 'must have at most 1 character'],
  [z.string().length(3), 'xx', 'must have 3 characters'],
  [z.array(z.string()).min(1), [], 'must not be empty'],
  [z.array(z.string()).max(2), ['', '', ''], 'must have at most 2 items'],
  [z.string().regex(/^a$/), 'b', 'must be written as /^a$/'],
  [z.string().regex(/^a$/, 'is no a'), 'b', 'is no a'],
  [z.url(), 'b', 'must be of the form url'],
  [z.enum(['a', 'b']), 'c', 'must be one of a, b'],
  [z.literal('a'), 'c', 'must be a'],
  [z.strictObject({}), { x: 1 }, 'may not hold x'],
  [z.union([z.string(), z.number()]), true, 'must be text or a number'],
  [z.string().nullable(), 1, 'must be text'],
  [z.discriminatedUnion('t', [z.object({ t: z.literal('a') })]), { t: 'b' }, 'must be one of a'],
  [z.record(z.string().regex(/^a$/, 'is no a'), z.number()), { b: 1 }, 'is no a'],
  [z.map(z.string(), z.number()), new Map([['a', 'x']]), 'must be a number'],
  [z.string().refine(() => false), 'x', 'is not allowed'],
  [z.string().refine(() => false, { message: 'is odd' }), 'x', 'is odd'],
  [z.object({ p: z.enum(['a', 'b']) }), {}, 'is missing; it must be one of a, b'],
  [z.object({ p: z.string().min(1) }), {}, 'is missing; it must be text'],
  [z.object({ p: z.union([z.string(), z.number()]) }), {}, 'is missing; it must be text or a number'],
])('%#: %s', (schema, value, message) => {
  expect(words(schema, value)).toEqual([message]);
});
