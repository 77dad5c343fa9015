/**
 * What the figures of a lane are added up from. Types only.
 */

/** One report of a lane's caller; the parts of `ReportMessage` that are counted. */
export interface CallReport {
  readonly perPod: Readonly<Record<string, number>>;
  readonly failed: number;
  readonly lastFailure: string;
  readonly latenciesUs: readonly number[];
  readonly connections: number;
  /** When, in epoch ms, pods answered their first call; told once of each. */
  readonly firstAnswers?: Readonly<Record<string, number>>;
}
