/** A choice by one letter. */
import type { Menu } from '../../src/console/store.ts';
import { type Line, span } from '../../src/format/lines.ts';
import { cutToWidth } from '../../src/format/width.ts';
import { OverlayBox } from './box.tsx';

export function MenuBox({ menu }: { readonly menu: Menu }) {
  return (
    <OverlayBox
      build={(width, height) => {
        const items = menu.items.map(
          ({ key, label, text }): Line => [
            span(`${key}  `, 'accent', { bold: true }),
            label,
            span(`  ${cutToWidth(text.split('\n')[0], Math.max(0, width - label.length - 5))}`, 'muted'),
          ],
        );
        return [[span(menu.title, 'accent', { bold: true })], ...items].slice(0, height);
      }}
    />
  );
}
