/** The log of the Jobs screen: what is shown of it and how, marks, search, saving. */
import type { Action, ActionContext, Holds } from '../action.ts';
import { LEVELS, type LogLine } from '../log/line.ts';
import { type LogOptions, STREAM_CHOICES, soughtBy, TIME_MODES } from '../log/query.ts';
import { selectedJob } from '../selectors.ts';
import { type ConsoleState, noticeDialog, type OpenLog } from '../store.ts';
import { prompt } from './view.ts';

const SCOPES = ['jobs'] as const;
/** Cells by which lines move sideways. */
const SIDEWAYS = 16;

const noLog = ({ focus, log }: ConsoleState): string | null =>
  focus !== 'output' ? 'only in the log (l goes there)' : log === null ? 'no log is open' : null;

const inLog =
  (act: (log: OpenLog, context: ActionContext) => void) =>
  (context: ActionContext): void => {
    if (context.state.log) act(context.state.log, context);
  };

/** An action that changes how the log is looked at, and says what it is now. */
const option = (
  parts: Pick<Action, 'name' | 'keys' | 'help' | 'footer'>,
  change: (options: LogOptions) => Partial<LogOptions>,
  said: (options: LogOptions) => string,
): Action => ({
  scopes: SCOPES,
  danger: 'safe',
  disabled: noLog,
  run: inLog(({ view }, { toast }) => {
    view.setOptions({ ...view.frame.options, ...change(view.frame.options) });
    const text = said(view.frame.options);
    toast(text, 'info', ({ log }) => log?.view === view && said(view.frame.options) === text);
  }),
  ...parts,
});

const next = <Value>(all: readonly Value[], now: Value): Value => all[(all.indexOf(now) + 1) % all.length];

function seek(forward: boolean) {
  return inLog(({ view }, { toast }) =>
    view.seek(forward, (how) => {
      const { search } = view.frame.options;
      const holds: Holds = ({ log }) => log?.view === view && view.frame.options.search === search;
      if (how === 'none') toast(`no line matches /${search}/`, 'warn', holds);
      if (how === 'around') {
        const words = forward ? 'past the end: from the first match on' : 'past the start: from the last match on';
        toast(words, 'info', holds);
      }
    }),
  );
}

const noSearch = (state: ConsoleState): string | null =>
  noLog(state) ?? (soughtBy(state.log!.frame.options) ? null : 'nothing is sought (/ does)');

async function copyLines({ view }: OpenLog, { host, toast }: ActionContext): Promise<void> {
  try {
    const text = await view.selection();
    if (text === null) return toast('too much for the clipboard: > saves it', 'warn');
    toast(host.copy(text), 'good');
    if (view.frame.anchor) view.toggleSelection();
  } catch (error) {
    toast(`nothing was copied: ${(error as Error).message}`, 'bad');
  }
}

/** Lines as they stand in the files, one after the other. */
async function* asText(lines: AsyncIterable<LogLine>): AsyncGenerator<string> {
  for await (const { text } of lines) yield `${text}\n`;
}

async function save({ jobId, view }: OpenLog, { host, toast }: ActionContext): Promise<void> {
  toast(`saving the log of ${jobId} …`, 'info');
  try {
    const { signal } = new AbortController();
    toast(`saved: ${await host.save(`${jobId}.log`, asText(view.lines(signal)))}`, 'good');
  } catch (error) {
    toast(`the log could not be saved: ${(error as Error).message}`, 'bad');
  }
}

async function page({ view }: OpenLog, { host, store }: ActionContext): Promise<void> {
  try {
    await host.page((left) => asText(view.lines(left)));
  } catch (error) {
    store.setState({ overlay: noticeDialog('The pager could not be opened', error) });
  }
}

export const LOG_ACTIONS: readonly Action[] = [
  {
    name: 'log.focus',
    scopes: SCOPES,
    keys: ['l'],
    help: 'to the log of the selected job',
    footer: { label: 'log', rank: 5 },
    danger: 'safe',
    disabled: (state) => {
      if (state.focus === 'output') return 'the log has the focus';
      return selectedJob(state) ? null : 'there is no job yet';
    },
    run: ({ store }) => store.setState({ focus: 'output' }),
  },
  option(
    { name: 'log.wrap', keys: ['w'], help: 'break long lines, or cut them', footer: { label: 'wrap', rank: 12 } },
    ({ wrap }) => ({ wrap: !wrap, left: 0 }),
    ({ wrap }) => (wrap ? 'long lines are broken' : 'long lines are cut; ← → move sideways'),
  ),
  option(
    { name: 'log.time', keys: ['t'], help: 'times: off, absolute (UTC), since the start, since the line before' },
    ({ time }) => ({ time: next(TIME_MODES, time) }),
    ({ time }) => `times: ${time}`,
  ),
  option(
    { name: 'log.level', keys: ['V'], help: 'the least level shown: debug, info, warn, error' },
    ({ level }) => ({ level: next(LEVELS, level) }),
    ({ level }) => (level === 'debug' ? 'all levels' : `${level} and worse`),
  ),
  option(
    { name: 'log.streams', keys: ['o'], help: 'all streams merged by time, stdout and stderr, or one of them' },
    ({ streams }) => ({ streams: next(STREAM_CHOICES, streams) }),
    ({ streams }) => `streams: ${streams}`,
  ),
  option(
    { name: 'log.left', keys: ['left'], help: 'cut lines sideways, back to their beginning' },
    ({ left }) => ({ left: Math.max(0, left - SIDEWAYS) }),
    ({ left }) => `from column ${left + 1}`,
  ),
  option(
    { name: 'log.right', keys: ['right'], help: 'cut lines sideways, on to their end' },
    ({ left, wrap }) => ({ left: wrap ? 0 : left + SIDEWAYS }),
    ({ left, wrap }) => (wrap ? 'long lines are broken: nothing is hidden' : `from column ${left + 1}`),
  ),
  {
    name: 'log.next',
    scopes: SCOPES,
    keys: [']'],
    help: 'the next line that matches the search',
    footer: { label: 'match', rank: 10, key: '] [' },
    danger: 'safe',
    disabled: noSearch,
    run: seek(true),
  },
  {
    name: 'log.previous',
    scopes: SCOPES,
    keys: ['['],
    help: 'the line before that matches the search',
    danger: 'safe',
    disabled: noSearch,
    run: seek(false),
  },
  {
    name: 'log.only',
    scopes: SCOPES,
    keys: ['&'],
    help: 'show only lines whose text matches, or whose level is named whole, as in WARN (! inverts); an empty filter shows all',
    footer: { label: 'only matches', rank: 13 },
    danger: 'safe',
    disabled: noLog,
    run: ({ state, store }) => store.setState({ overlay: prompt('filter', state.log?.frame.options.filter ?? '') }),
  },
  {
    name: 'log.mark',
    scopes: SCOPES,
    keys: ['m'],
    help: 'mark the line, or take its mark away',
    danger: 'safe',
    disabled: noLog,
    run: inLog(({ view }) => view.toggleMark()),
  },
  {
    name: 'log.toMark',
    scopes: SCOPES,
    keys: ["'"],
    help: 'to the next mark',
    danger: 'safe',
    disabled: (state) => noLog(state) ?? (state.log!.frame.marks.length > 0 ? null : 'no line is marked (m does)'),
    run: inLog(({ view }) => view.toMark()),
  },
  {
    name: 'log.select',
    scopes: SCOPES,
    keys: ['space'],
    help: 'begin a selection at the line, or end it',
    danger: 'safe',
    disabled: noLog,
    run: inLog(({ view }) => view.toggleSelection()),
  },
  {
    name: 'log.copy',
    scopes: SCOPES,
    keys: ['Y'],
    help: 'copy the line, or the selected lines, through the terminal (OSC 52)',
    danger: 'safe',
    disabled: noLog,
    run: inLog((log, context) => void copyLines(log, context)),
  },
  {
    name: 'log.save',
    scopes: SCOPES,
    keys: ['>'],
    help: 'save the lines shown into a file where the console was started',
    danger: 'safe',
    disabled: noLog,
    run: inLog((log, context) => void save(log, context)),
  },
  {
    name: 'log.page',
    scopes: SCOPES,
    keys: ['v'],
    help: 'read the lines shown in $PAGER',
    danger: 'safe',
    disabled: noLog,
    run: inLog((log, context) => void page(log, context)),
  },
];
