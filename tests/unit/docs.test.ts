/** The documentation names files, links, commands and places in code: they must be there. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { findCommand } from '../../src/cli/commands.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const PAGES = ['README.md', ...globSync('docs/**/*.md', { cwd: ROOT })].sort();
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');
const isThere = (file: string) => existsSync(path.join(ROOT, file));

const FENCE = /^```(\w*)\n([\s\S]*?)^```$/gm;
const blocks = (page: string) => [...read(page).matchAll(FENCE)].map(([, kind, text]) => ({ kind, text }));
/** The page without its blocks of code. */
const prose = (page: string) => read(page).replace(FENCE, '');

interface Change {
  readonly page: string;
  readonly file: string;
  readonly isNew: boolean;
  /** Lines that the change finds there, and lines that it brings. */
  readonly found: readonly string[];
  readonly brought: readonly string[];
}

/** The changes that the walkthroughs keep, file by file. */
const CHANGES: readonly Change[] = PAGES.flatMap((page) =>
  blocks(page)
    .filter(({ kind }) => kind === 'diff')
    .flatMap(({ text }) => text.split(/^(?=--- )/m))
    .map((text) => {
      const [before, after, ...lines] = text.trimEnd().split('\n');
      const of = (signs: string) => lines.filter((line) => signs.includes(line[0])).map((line) => line.slice(1));
      return {
        page,
        file: after.replace('+++ b/', ''),
        isNew: before === '--- /dev/null',
        found: of(' -'),
        brought: of('+'),
      };
    }),
);
const NEW_FILES = CHANGES.filter(({ isNew }) => isNew).map(({ file }) => file);
const isNewFolder = (name: string) => NEW_FILES.some((file) => file.startsWith(name));

describe.each(PAGES)('%s', (page) => {
  test('names files that are there', () => {
    const named = [...prose(page).matchAll(/`((?:bin|configs|docs|engines|migrations|screens|src|tests)\/[^`\s]*)`/g)];
    const missing = named
      .map(([, name]) => name)
      // `screens/<name>/` and `embedded-*.ts` stand for several.
      .filter((name) => !name.includes('<') && !isThere(name) && globSync(name, { cwd: ROOT }).length === 0)
      .filter((name) => !(page.startsWith('docs/contributing/') && isNewFolder(name)));
    expect(missing).toEqual([]);
  });

  test('names functions that are in the file named beside them', () => {
    const named = [...prose(page).matchAll(/`([\w./-]+\.tsx?)`,\s+`(#?\w+)`/g)];
    const missing = named.filter(([, file, name]) => isThere(file) && !new RegExp(`${name}\\b`).test(read(file)));
    expect(missing.map(([, file, name]) => `${file}, ${name}`)).toEqual([]);
  });

  test('names tests that are there', () => {
    const named = [...prose(page).matchAll(/`((?:unit|integration|e2e)\/[\w.-]+\.tsx?)`/g)].map(([, name]) => name);
    expect(named.filter((name) => !isThere(`tests/${name}`))).toEqual([]);
  });

  test('links to files and headings that are there', () => {
    const slug = (heading: string) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-');
    const broken = [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, link]) => link)
      .filter((link) => !/^[a-z]+:/.test(link))
      .filter((link) => {
        const [file, anchor] = link.split('#');
        const target = file ? path.join(path.dirname(page), file) : page;
        if (!isThere(target)) return true;
        const headings = () => [...prose(target).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => slug(heading));
        return anchor !== undefined && !headings().includes(anchor);
      });
    expect(broken).toEqual([]);
  });

  test('shows commands that are there', () => {
    const brought = CHANGES.flatMap(({ brought }) => brought).join('\n');
    const lines = blocks(page)
      .filter(({ kind }) => kind === 'sh')
      .flatMap(({ text }) => [...text.matchAll(/^(?:bin\/)?prometheus ([^\n]*)/gm)].map(([, words]) => words));
    const unknown = lines.filter((line) => {
      const words = line.split(/[\s;]+/).filter(Boolean);
      const isBrought = page.startsWith('docs/contributing/') && brought.includes(`name: '${words[0]} ${words[1]}'`);
      try {
        findCommand(words);
      } catch {
        return !isBrought;
      }
      return false;
    });
    expect(unknown).toEqual([]);
  });
});
