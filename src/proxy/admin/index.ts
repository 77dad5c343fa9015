/**
 * The admin endpoint of a proxy: what it shows, how it is asked, and how workers' answers merge.
 *
 * Promises: JSON keys are a contract; whatever changes something is POST; a stuck client cannot
 * hold it up. Must never relay a call or decide anything.
 */
export { renderConnections } from "./connections-text.ts";
export { mergeClusters, mergeListeners, mergeReadiness } from "./merge.ts";
export { AdminServer } from "./server.ts";
export type { AdminSource } from "./source.ts";
export { renderTable, renderWhy } from "./text.ts";
