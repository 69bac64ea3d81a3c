import { expect, it } from 'vitest';
import { remake, waysTo } from '../../engines/models/makers.model.ts';

it('names the command that makes a model, and of an unknown one the ids there are', () => {
  expect(waysTo('text-fin-general-v1')).toBe(
    'It comes from: prometheus models install text-fin-general-v1 --from PATH',
  );
  expect(waysTo('num-stab-core-v2')).toBe('It comes from: prometheus models fit num-stab-core-v2');
  expect(waysTo('text-fin-static-v1-2014')).toBe(
    'It comes from: prometheus models fit text-fin-static-v1 --as text-fin-static-v1-2014',
  );
  for (const id of ['nosuch', 'text-fin-general-v9']) {
    expect(waysTo(id)).not.toContain(id);
    expect(waysTo(id)).toContain('text-fin-general-v1. Fitted');
    expect(waysTo(id)).toContain('text-fin-static-v1');
  }
  expect(remake('num-stab-core-v1')).toBe('run the command again');
  expect(remake('nosuch')).toBe('put a whole one in its place');
});
