import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyId } from '../../src/platform/ids.ts';

describe('name-based ids', () => {
  it('are UUIDs of version 5 and the RFC variant', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1 }), (parts) => {
        expect(keyId(...parts)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      }),
    );
  });

  it('follow RFC 9562: SHA-1 of namespace and name', () => {
    const namespace = Buffer.from('8f3b6c1e5d0a4b7e9c2d1a6f4e8b0c3d', 'hex');
    const digest = createHash('sha1').update(namespace).update('a|b').digest();
    digest[6] = (digest[6] & 0x0f) | 0x50;
    digest[8] = (digest[8] & 0x3f) | 0x80;
    expect(keyId('a', 'b').replaceAll('-', '')).toBe(digest.subarray(0, 16).toString('hex'));
  });

  it('are equal for equal keys and different for different ones', () => {
    expect(keyId('t', 'AAPL.US', '2014-01-02')).toBe(keyId('t', 'AAPL.US', '2014-01-02'));
    expect(keyId('t', 'AAPL.US', '2014-01-02')).not.toBe(keyId('t', 'AAPL.US', '2014-01-03'));
  });
});
