/** Which cells have a vector, over any number of years: who has one each day, as bits. */
import type { Database } from '../../src/platform/db/databases.ts';
import { entityBits } from '../../src/platform/db/numeric-entities.ts';
import type { Prepared } from './prepare.ts';

const EPOCH = `date '1970-01-01'`;

/** E × T of each model over the panel's trading days (`cells[e * T + t]`), 1 where a vector stands, whole or not. */
export async function standingCells(
  historical: Database,
  { panel, models }: Pick<Prepared, 'panel' | 'models'>,
): Promise<Uint8Array[]> {
  const { days } = panel.calendar;
  const T = days.length;
  const at = new Map([...days].map((day, t) => [day, t]));
  return historical.client(async (client) => {
    const found: Uint8Array[] = [];
    for (const { model, due } of models) {
      const cells = new Uint8Array(due.entities.length * T);
      const { rows } = await client.query<{ day: number; bits: Buffer }>(
        `WITH names AS MATERIALIZED (
           SELECT entity_type, entity_id, position::int - 1 AS number
             FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS n (entity_type, entity_id, position))
         SELECT as_of_date::date - ${EPOCH} AS day, varbit_send(${entityBits('names')}) AS bits
           FROM numeric_window_embeddings JOIN names USING (entity_type, entity_id)
          WHERE model_id = $1 AND as_of_date::date BETWEEN ${EPOCH} + $4::int AND ${EPOCH} + $5::int GROUP BY 1`,
        [
          model.manifest.model_id,
          due.entities.map(({ type }) => type),
          due.entities.map(({ id }) => id),
          days[panel.first],
          days[T - 1],
        ],
      );
      for (const { day, bits } of rows) {
        const t = at.get(day);
        if (t === undefined) continue;
        // The binary form of a bit string begins with its length (int32).
        for (let e = 0; e < due.entities.length; e++) cells[e * T + t] = (bits[4 + (e >> 3)] >> (7 - (e & 7))) & 1;
      }
      found.push(cells);
    }
    return found;
  });
}
