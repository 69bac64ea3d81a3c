/** The 256 colours of a terminal as `#rrggbb`. The first 16 belong to each terminal; here they are xterm's. */

const XTERM_16 = [
  ...['#000000', '#cd3131', '#0dbc79', '#e5e510', '#2472c8', '#bc3fbc', '#11a8cd', '#e5e5e5'],
  ...['#666666', '#f14c4c', '#23d18b', '#f5f543', '#3b8eea', '#d670d6', '#29b8db', '#ffffff'],
];
const CUBE_STEPS = [0, 95, 135, 175, 215, 255];

/** The colour of an index of 0 … 255: 16 of the terminal's own, a cube of six steps a channel, 24 greys. */
export function paletteColour(index: number): string {
  if (index < 16) return XTERM_16[index];
  const grey = 8 + 10 * (index - 232);
  const place = index - 16;
  const channels =
    index >= 232
      ? [grey, grey, grey]
      : [Math.floor(place / 36), Math.floor(place / 6) % 6, place % 6].map((step) => CUBE_STEPS[step]);
  return `#${channels.map((channel) => channel.toString(16).padStart(2, '0')).join('')}`;
}
