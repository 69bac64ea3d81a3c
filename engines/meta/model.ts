/** Meta: which sleeves of a campaign to go on with. Pure. */

export interface Candidate {
  readonly runId: string;
  readonly sleeveId: string;
  readonly sharpe: number;
  /** Equal hashes: the sleeves made the same trades to the last bit. */
  readonly tradeListHash: string;
}

export interface MetaDecision {
  /** All candidates by Sharpe descending, ties by sleeve id ascending. */
  readonly ranking: readonly Candidate[];
  readonly selected: readonly Candidate[];
  /** Groups of two or more sleeves that are the same trial. */
  readonly identical: readonly (readonly string[])[];
  /** Distinct trials: identical sleeves count once. */
  readonly trials: number;
}

/** Ranks the candidates and takes the first `topK`, as the plan asks; `identical` says which of them are one trial. */
export function decideMeta(candidates: readonly Candidate[], topK: number): MetaDecision {
  const ranking = [...candidates].sort(
    (a, b) => b.sharpe - a.sharpe || (a.sleeveId < b.sleeveId ? -1 : a.sleeveId > b.sleeveId ? 1 : 0),
  );
  const groups = new Map<string, string[]>();
  for (const { tradeListHash, sleeveId } of ranking)
    groups.set(tradeListHash, [...(groups.get(tradeListHash) ?? []), sleeveId]);
  const identical = [...groups.values()].filter((group) => group.length > 1).map((group) => group.sort());
  return { ranking, selected: ranking.slice(0, topK), identical, trials: groups.size };
}
