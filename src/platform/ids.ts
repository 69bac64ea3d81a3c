import { hash, randomUUID } from 'node:crypto';

/** Namespace of all ids that the product derives from natural keys. A constant of ours; changing it changes every id. */
const NAMESPACE = Buffer.from('8f3b6c1e5d0a4b7e9c2d1a6f4e8b0c3d', 'hex');

/** A random UUID (v4): ids of campaigns, and of runs outside them. */
export const newId: () => string = randomUUID;

/**
 * Name-based UUID (v5, RFC 9562 §5.5) of a natural key. The parts are joined by `|`, which no id of ours contains,
 * so equal keys give equal ids in every home and on every machine.
 */
export function keyId(...parts: readonly (string | number)[]): string {
  const digest = hash('sha1', Buffer.concat([NAMESPACE, Buffer.from(parts.join('|'))]), 'hex');
  const variant = ((Number.parseInt(digest.slice(16, 18), 16) & 0x3f) | 0x80).toString(16);
  return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-5${digest.slice(13, 16)}-${variant}${digest.slice(18, 20)}-${digest.slice(20, 32)}`;
}

/** The first `length` hex digits of the SHA-256 of a text: short names for folders and fingerprints. */
export function shortHash(text: string, length = 12): string {
  return hash('sha256', text, 'hex').slice(0, length);
}
