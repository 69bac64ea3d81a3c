/** A table as the relations that its rows lie in: itself, its partitions, or tables that inherit from it. */

/**
 * SQL: a query of the `oid` of each; none for a table that is not there. `name` (SQL) is the table's name as text. The server's
 * figures (sizes, counts) are of one relation, and those of a partitioned table itself are 0: added up, they are the table's.
 */
export const partsOf = (name: string): string => `
  WITH RECURSIVE parts AS (
    SELECT to_regclass(${name})::oid AS oid UNION SELECT i.inhrelid FROM pg_inherits i JOIN parts ON i.inhparent = parts.oid)
  SELECT oid FROM parts WHERE oid IS NOT NULL`;
