/** One row of a news file: an article and one company it speaks of. */
import type { CsvReader } from '../csv/reader.ts';
import type { InstrumentDirectory, KnownInstrument } from './directory.ts';
import { type ColumnMap, type ColumnSpecs, INSTRUMENT_ALIASES, mapColumns, shorten } from './header.ts';
import { isJsonObject, type RejectRow } from './prices.ts';
import { Reject } from './reasons.ts';
import { instantOfText } from './values.ts';

type NewsField =
  | 'article_id'
  | 'published_at'
  | 'instrument'
  | 'headline'
  | 'body'
  | 'source'
  | 'language'
  | 'metadata';

const NEWS_COLUMNS: ColumnSpecs<NewsField> = {
  article_id: { aliases: ['article_id', 'external_id', 'news_id', 'id'], required: true },
  published_at: { aliases: ['published_at', 'timestamp', 'datetime', 'time', 'date'], required: true },
  instrument: { aliases: [...INSTRUMENT_ALIASES, 'stock'] },
  headline: { aliases: ['headline', 'title', 'text'], required: true },
  body: { aliases: ['body', 'content', 'summary'] },
  source: { aliases: ['source', 'publisher'] },
  language: { aliases: ['language', 'lang'] },
  metadata: { aliases: ['metadata'] },
};

/** Source of articles whose file names none. */
const DEFAULT_SOURCE = 'import';
const LIMITS = { article_id: 256, source: 128, language: 16 } as const;

export interface NewsRow {
  readonly line: number;
  readonly externalId: string;
  /** Milliseconds since 1970, UTC. */
  readonly publishedAt: number;
  readonly source: string;
  /** Null where the file has none: a stored value is then kept. */
  readonly language: string | null;
  readonly headline: string;
  readonly body: string | null;
  /** JSON text: `external_id`, what the `metadata` column holds, and every column that is no field of its own. */
  readonly metadata: string;
  /** Null for an article about no company in particular. */
  readonly instrument: KnownInstrument | null;
}

/** Reads news rows one by one. */
export class NewsRows {
  readonly columns: ColumnMap<NewsField>;
  readonly #directory: InstrumentDirectory;
  readonly #reject: RejectRow;

  /** @throws FileProblem when the header does not do. */
  constructor(header: readonly string[], directory: InstrumentDirectory, reject: RejectRow) {
    this.columns = mapColumns(header, NEWS_COLUMNS);
    this.#directory = directory;
    this.#reject = reject;
  }

  /** The row of a record, or null after it was rejected. */
  read(reader: CsvReader): NewsRow | null {
    const { at, count, others } = this.columns;
    const no = (reason: string, detail: string) => {
      this.#reject(reader.line, reason, detail);
      return null;
    };
    for (let index = 0; index < reader.count; index++) {
      if (!reader.isUtf8(index)) return no(Reject.notUtf8, `field ${index + 1}`);
    }
    const raw = (field: NewsField) => (at[field] < 0 ? '' : reader.text(at[field]));
    const text = (field: NewsField) => raw(field).trim();
    if (reader.count !== count) return no(Reject.columnCount, `${reader.count}, the header has ${count}`);
    const externalId = text('article_id');
    // What people read is kept as it stands.
    const headline = raw('headline');
    const body = raw('body');
    const source = text('source') || DEFAULT_SOURCE;
    const language = text('language');
    for (const [field, value] of Object.entries({ article_id: externalId, headline })) {
      if (value.trim() === '') return no(Reject.missingValue, field);
    }
    for (const [field, value] of Object.entries({ article_id: externalId, headline, body, source, language })) {
      const limit = LIMITS[field as keyof typeof LIMITS];
      if (value.length > limit) return no(Reject.tooLong, `${field} has ${value.length} characters, ${limit} fit`);
    }
    const publishedAt = instantOfText(text('published_at'));
    if (Number.isNaN(publishedAt)) {
      const reason = reader.missing(at.published_at) ? Reject.missingValue : Reject.notATime;
      return no(reason, `published_at '${shorten(text('published_at'), 40)}'`);
    }
    const name = text('instrument');
    const instrument = name === '' ? null : this.#directory.find(name);
    if (name !== '' && !instrument) return no(Reject.unknownInstrument, shorten(name, 60));

    const carried = text('metadata');
    if (carried !== '' && !isJsonObject(carried)) return no(Reject.notJson, shorten(carried, 40));
    const metadata: Record<string, unknown> = carried === '' ? {} : JSON.parse(carried);
    for (const other of others) {
      const value = reader.text(other.index);
      if (value.trim() !== '') metadata[other.name] = value;
    }
    metadata.external_id = externalId;
    return {
      line: reader.line,
      externalId,
      publishedAt,
      source,
      language: language || null,
      headline,
      body: body || null,
      metadata: JSON.stringify(metadata),
      instrument,
    };
  }
}
