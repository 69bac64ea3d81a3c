/** What a schema objects to, as sentences of ours: one place for arguments, settings, requests and records. */
import type { z } from 'zod';

const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'keys and values',
  record: 'keys and values',
  null: 'empty',
};

/** What is counted of a value that is too short or too long; numbers are compared. */
const COUNTED: Readonly<Record<string, readonly [one: string, many: string]>> = {
  string: ['character', 'characters'],
  array: ['item', 'items'],
  set: ['item', 'items'],
};

const MISSING = 'is missing; it ';

/**
 * The sentence for an issue, to follow the name of what was checked: `must be at least 1`. Give it to a parse as its
 * `error`: a message of the schema's own comes before it.
 */
export function issueWords(issue: z.core.$ZodRawIssue): string {
  const words = objection(issue);
  const missing = issue.input === undefined && ['invalid_type', 'invalid_value', 'invalid_union'].includes(issue.code);
  return missing ? `${MISSING}${words}` : words;
}

function objection(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${KINDS[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `must be ${issue.values.length === 1 ? '' : 'one of '}${issue.values.join(', ')}`;
    case 'too_small':
      if (issue.origin in COUNTED && issue.minimum === 1 && !issue.exact) return 'must not be empty';
      return bound(issue, issue.minimum, issue.inclusive ? 'at least' : 'above');
    case 'too_big':
      return bound(issue, issue.maximum, issue.inclusive ? 'at most' : 'below');
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`;
    case 'invalid_format':
      return issue.format === 'regex' ? `must be written as ${issue.pattern}` : `must be of the form ${issue.format}`;
    case 'unrecognized_keys':
      return `may not hold ${issue.keys.join(', ')}`;
    case 'invalid_key':
    case 'invalid_element':
      return issue.issues[0]?.message ?? 'is not allowed';
    case 'invalid_union': {
      if (Array.isArray(issue.options)) return `must be one of ${issue.options.join(', ')}`;
      const each = issue.errors.flatMap(([first]) => first?.message.replace(MISSING, '') ?? []);
      return each.length > 0 ? [...new Set(each)].join(' or ').replaceAll(' or must be ', ' or ') : 'is not allowed';
    }
    default:
      return 'is not allowed';
  }
}

function bound({ origin, exact }: { origin: string; exact?: boolean }, limit: number | bigint, side: string): string {
  const counted = COUNTED[origin];
  const words = exact ? `${limit}` : `${side} ${limit}`;
  return counted ? `must have ${words} ${counted[limit === 1 ? 0 : 1]}` : `must be ${words}`;
}
