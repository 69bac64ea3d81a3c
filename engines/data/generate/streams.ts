/** Names of the random streams. A stream is (seed, name, index); changing a number changes every market. */
export const STREAM = {
  regime: 1,
  market: 2,
  sector: 3,
  /** Order of company names over the whole market. */
  names: 4,
  /** One card a company, dealt in decks: sector. */
  sectorDeck: 5,
  /** One card a company, dealt in decks: what befalls it. */
  fateDeck: 6,
  /** Fixed traits of a company. */
  traits: 7,
  /** Its daily returns. */
  returns: 8,
  /** Its jumps, earnings surprises. */
  jumps: 9,
  /** Its highs, lows, volumes. */
  session: 10,
  /** When and about what news of a company is written. */
  news: 11,
  /** The words of one article. */
  wording: 12,
} as const;
