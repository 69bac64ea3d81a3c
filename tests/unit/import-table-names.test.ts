/** How `data digest` reads the names of tables. */
import { describe, expect, it } from 'vitest';
import { nearest, resolveTable } from '../../engines/data/digest/names.ts';
import { UsageError } from '../../src/platform/errors.ts';

const EXISTING = {
  historical: ['prices_daily', 'news_articles', 'console.shards', 'alembic_version', 'odd'],
  runtime: ['prices_daily', 'instruments', 'console.evidence', 'alembic_version'],
};

describe('the name of a table', () => {
  it('may name its database and its schema', () => {
    expect(resolveTable('instruments', EXISTING)).toEqual({ database: 'runtime', table: 'instruments' });
    expect(resolveTable('runtime.instruments', EXISTING)).toEqual({ database: 'runtime', table: 'instruments' });
    expect(resolveTable('public.instruments', EXISTING)).toEqual({ database: 'runtime', table: 'instruments' });
    expect(resolveTable('console.evidence', EXISTING)).toEqual({ database: 'runtime', table: 'console.evidence' });
    expect(resolveTable('historical.console.shards', EXISTING)).toEqual({
      database: 'historical',
      table: 'console.shards',
    });
  });

  it('means the database that owns it when both hold one', () => {
    expect(resolveTable('prices_daily', EXISTING)).toEqual({ database: 'historical', table: 'prices_daily' });
    expect(resolveTable('runtime.prices_daily', EXISTING)).toEqual({ database: 'runtime', table: 'prices_daily' });
  });

  it('that both hold and nobody owns must be told apart', () => {
    expect(() => resolveTable('alembic_version', EXISTING)).toThrow(UsageError);
    expect(() => resolveTable('alembic_version', EXISTING)).toThrow("both databases hold a table 'alembic_version'");
  });

  it('that is not there is answered with the nearest ones', () => {
    const fixOf = (text: string) => {
      try {
        resolveTable(text, EXISTING);
      } catch (error) {
        return (error as UsageError).fix;
      }
      throw new Error('was found');
    };
    expect(fixOf('price_daily')).toBe('Did you mean prices_daily?');
    expect(fixOf('historical.instruments')).toBe('Did you mean instruments?');
    expect(fixOf('evidence')).toBe('Did you mean console.evidence?');
    expect(fixOf('zzzz')).toBe('The tables are named in docs/data.md.');
    expect(nearest('news', EXISTING.historical)).toEqual(['news_articles']);
  });
});
