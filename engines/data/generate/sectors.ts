/** The eleven GICS sectors and what sets them apart in the synthetic market. Figures of ours, of the size seen in US data. */

export interface Sector {
  /** GICS sector name. */
  readonly name: string;
  /** How many of every deck of 44 companies belong to it. */
  readonly cards: number;
  /** Mean beta to the market factor. */
  readonly beta: number;
  /** Annualised volatility of the sector factor in a calm market. */
  readonly sectorVol: number;
  /** Typical annualised idiosyncratic volatility of a company in a calm market. */
  readonly companyVol: number;
  /** Typical dividend yield a year of those that pay. */
  readonly dividendYield: number;
  /** Last words of company names. */
  readonly suffixes: readonly string[];
  /** What its companies make or run, for headlines. */
  readonly products: readonly string[];
  /** What moves the whole sector, for headlines. */
  readonly drivers: readonly string[];
}

export const SECTORS: readonly Sector[] = [
  {
    name: 'Information Technology',
    cards: 8,
    beta: 1.25,
    sectorVol: 0.08,
    companyVol: 0.216,
    dividendYield: 0.012,
    suffixes: ['Systems', 'Semiconductors', 'Software', 'Devices'],
    products: [
      'cloud storage',
      'mobile chips',
      'network switches',
      'data analytics',
      'payment software',
      'display panels',
    ],
    drivers: ['chip demand', 'corporate technology budgets', 'export rules'],
  },
  {
    name: 'Financials',
    cards: 6,
    beta: 1.1,
    sectorVol: 0.09,
    companyVol: 0.152,
    dividendYield: 0.024,
    suffixes: ['Bancorp', 'Financial', 'Insurance', 'Capital'],
    products: ['mortgage lending', 'asset management', 'card processing', 'property insurance', 'retail banking'],
    drivers: ['the yield curve', 'credit losses', 'capital rules'],
  },
  {
    name: 'Health Care',
    cards: 6,
    beta: 0.9,
    sectorVol: 0.07,
    companyVol: 0.2,
    dividendYield: 0.018,
    suffixes: ['Therapeutics', 'Pharma', 'Medical', 'Diagnostics'],
    products: [
      'a heart drug',
      'surgical robots',
      'blood tests',
      'a vaccine',
      'hospital supplies',
      'an oncology programme',
    ],
    drivers: ['drug pricing', 'trial results', 'insurance enrolment'],
  },
  {
    name: 'Industrials',
    cards: 6,
    beta: 1.1,
    sectorVol: 0.06,
    companyVol: 0.16,
    dividendYield: 0.02,
    suffixes: ['Industries', 'Freight', 'Machinery', 'Aerospace'],
    products: ['turbines', 'rail freight', 'industrial pumps', 'aircraft parts', 'warehouse automation'],
    drivers: ['factory orders', 'freight rates', 'tariffs'],
  },
  {
    name: 'Consumer Discretionary',
    cards: 4,
    beta: 1.15,
    sectorVol: 0.07,
    companyVol: 0.208,
    dividendYield: 0.016,
    suffixes: ['Stores', 'Motors', 'Leisure', 'Apparel'],
    products: ['electric vans', 'sportswear', 'hotel rooms', 'home furniture', 'online retail'],
    drivers: ['consumer confidence', 'retail sales', 'car sales'],
  },
  {
    name: 'Consumer Staples',
    cards: 4,
    beta: 0.6,
    sectorVol: 0.05,
    companyVol: 0.112,
    dividendYield: 0.029,
    suffixes: ['Foods', 'Beverage', 'Household', 'Grocers'],
    products: ['frozen meals', 'soft drinks', 'detergents', 'grocery stores', 'snack brands'],
    drivers: ['grain prices', 'grocery prices', 'the dollar'],
  },
  {
    name: 'Energy',
    cards: 3,
    beta: 1.2,
    sectorVol: 0.15,
    companyVol: 0.2,
    dividendYield: 0.031,
    suffixes: ['Petroleum', 'Drilling', 'Pipelines', 'Energy'],
    products: ['shale wells', 'offshore rigs', 'a gas pipeline', 'a refinery', 'export terminals'],
    drivers: ['the oil price', 'gas inventories', 'output quotas'],
  },
  {
    name: 'Utilities',
    cards: 2,
    beta: 0.5,
    sectorVol: 0.06,
    companyVol: 0.096,
    dividendYield: 0.036,
    suffixes: ['Power', 'Electric', 'Water', 'Gas'],
    products: ['wind parks', 'a grid upgrade', 'water mains', 'a gas network', 'battery storage'],
    drivers: ['bond yields', 'rate cases', 'a heat wave'],
  },
  {
    name: 'Materials',
    cards: 2,
    beta: 1.15,
    sectorVol: 0.09,
    companyVol: 0.176,
    dividendYield: 0.022,
    suffixes: ['Chemicals', 'Metals', 'Paper', 'Mining'],
    products: ['a copper mine', 'specialty coatings', 'packaging board', 'fertilisers', 'steel plate'],
    drivers: ['metal prices', 'construction demand', 'energy costs'],
  },
  {
    name: 'Real Estate',
    cards: 2,
    beta: 0.85,
    sectorVol: 0.08,
    companyVol: 0.128,
    dividendYield: 0.04,
    suffixes: ['Properties', 'Realty', 'Residential', 'Offices'],
    products: ['office towers', 'warehouses', 'data centres', 'apartments', 'shopping centres'],
    drivers: ['mortgage rates', 'vacancy rates', 'property taxes'],
  },
  {
    name: 'Communication Services',
    cards: 1,
    beta: 0.95,
    sectorVol: 0.07,
    companyVol: 0.192,
    dividendYield: 0.02,
    suffixes: ['Media', 'Wireless', 'Networks', 'Studios'],
    products: ['a streaming service', 'mobile contracts', 'video games', 'fibre lines', 'online advertising'],
    drivers: ['advertising budgets', 'spectrum auctions', 'subscriber growth'],
  },
];
