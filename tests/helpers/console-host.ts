/** What a controller under test stands in: a terminal in which nothing happens, but for what the test says. */
import type { createController } from '../../src/console/controller.ts';

type ControllerHost = Parameters<typeof createController>[1];

export const quietHost = (own: Pick<ControllerHost, 'supervisor'> & Partial<ControllerHost>): ControllerHost => ({
  redraw: () => {},
  detach: () => {},
  suspend: () => {},
  copy: () => 'sent',
  now: () => 0,
  page: async () => {},
  run: async () => {},
  edit: async (text) => text,
  save: async () => 'saved',
  newId: () => 'key',
  ...own,
});
