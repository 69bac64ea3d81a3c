import { describe, expect, it } from 'vitest';
import { canonicalSleeves, formatSleeve, parseSleeve } from '../../engines/backtest/sleeves.ts';

describe('sleeves', () => {
  it('read back what they print', () => {
    for (const sleeve of canonicalSleeves('US_CORE_LONG_EQ', 'US_EQ'))
      expect(parseSleeve(formatSleeve(sleeve))).toEqual(sleeve);
    expect(formatSleeve(canonicalSleeves('US_CORE_LONG_EQ', 'US_EQ')[1])).toBe(
      'US_CORE_LONG_EQ_H21:US_CORE_LONG_EQ:US_EQ:US_CORE_LONG_EQ_H21_UNIVERSE:US_CORE_LONG_EQ_H21_PORTFOLIO:US_CORE_LONG_EQ_H21_ASSESS:21',
    );
  });

  it.each([
    ['a:b:c', /3 fields, not 7/],
    ['a:b:c:d:e:f:5:CONTEXT', /'CONTEXT' is neither basic nor context/],
    ['a:b:c:d:e:f:5:context:x', /9 fields, not 7/],
    ['a:b:c:d:e:f:x', /horizon 'x'/],
    ['a:b:c:d:e:f:0', /horizon '0'/],
    ['a:b:c:d:e:f:2.5', /horizon '2.5'/],
    ['a:b:c:d:e:f:99999', /horizon '99999'/],
    ['a:b::d:e:f:5', /market is empty/],
    [`${'x'.repeat(51)}:b:c:d:e:f:5`, /sleeve is longer than 50/],
  ])('refuse %s', (text, message) => {
    expect(() => parseSleeve(text)).toThrow(message);
  });
});
