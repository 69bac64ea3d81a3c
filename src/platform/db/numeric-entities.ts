/** Sets of entities as bit strings: the leftmost bit is number 0, each entity has a number among those of its type. */

/**
 * Aggregate: the entities of a group of numeric vectors as bits. `names` (SQL) is a relation with a column `number` that each row
 * is joined to; strings are as long as it takes for all of it.
 */
export const entityBits = (names: string): string =>
  `bit_or(set_bit((SELECT repeat('0', coalesce(max(number), 0) + 1)::varbit FROM ${names}), number, 1))`;
