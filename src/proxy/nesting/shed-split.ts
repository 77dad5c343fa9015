/**
 * One order for a replica, taken apart for its worker processes: those with the most load shed
 * first, so that the workers are evened out on the way. Pure.
 */
import { type LoadFigures, loadOf } from "./load.ts";
import type { ShedOrder } from "./shed-order.ts";

/** The figures of one worker. */
export interface WorkerLoad extends LoadFigures {
  /** The number of its slot, from 1; 0 in a process without workers. */
  readonly worker: number;
}

/** What one worker is to do. */
export interface WorkerOrder {
  readonly worker: number;
  readonly order: ShedOrder;
}

/**
 * Orders for workers that together make `order`. What an earlier one sheds is taken off the load
 * that a later one reckons with.
 */
export function splitOrder(order: ShedOrder, workers: readonly WorkerLoad[]): WorkerOrder[] {
  const sorted = [...workers].sort((a, b) => loadOf(b) - loadOf(a));
  const level = levelFor(order.amount, sorted.map(loadOf));
  const list: WorkerOrder[] = [];
  let left = order.countMax;
  let { load } = order;
  for (const each of sorted) {
    const amount = loadOf(each) - level;
    if (amount <= 0 || left <= 0) break;
    const countMax = Math.min(left, Math.ceil((order.countMax * amount) / order.amount));
    list.push({ worker: each.worker, order: { ...order, load, amount, countMax } });
    left -= countMax;
    load -= amount;
  }
  return list;
}

/** The level to which loads above it come down when `amount` is taken off them together. */
function levelFor(amount: number, descending: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < descending.length; i += 1) {
    sum += descending[i];
    const level = (sum - amount) / (i + 1);
    if (i + 1 === descending.length || level >= descending[i + 1]) return Math.max(0, level);
  }
  return 0;
}
