import { once } from 'node:events';
import { expect, test } from 'vitest';
import { page } from '../../src/console/pager.ts';

test('whoever leaves the pager ends what waits for more lines', async () => {
  let ended = false;
  await page(
    async function* (left) {
      yield 'a line\n';
      // Nothing more comes, as from a command that follows.
      if (!left.aborted) await once(left, 'abort');
      ended = true;
    },
    { PATH: process.env.PATH, PAGER: 'head -n 1 >/dev/null' },
  );
  expect(ended).toBe(true);
});

test('a pager that is not there is named', async () => {
  const none = page(async function* () {}, { PATH: process.env.PATH, PAGER: 'no-such-pager -R' });
  await expect(none).rejects.toThrow("there is no pager 'no-such-pager -R' on this machine");
});
