/**
 * What each call of a storm does, made from the seed and the number of the call alone.
 */
import { BODY_BYTES_MAX, type Orders } from "./wire.ts";

/** The four kinds of gRPC calls. */
export type Kind = "unary" | "clientStream" | "serverStream" | "bidi";

/** One planned call. */
export interface Plan {
  readonly id: number;
  readonly kind: Kind;
  /** Sizes of the bodies that the client sends. */
  readonly sizes: readonly number[];
  readonly orders: Orders;
  /** 0 for none. */
  readonly deadlineMs: number;
  /** 0 for never. */
  readonly cancelAfterMs: number;
}

/** An integer from 0 up to and not including `below`. */
export type Random = (below: number) => number;

/** Statuses of early ends; UNAVAILABLE (14) is not among them: so looks a server that is gone. */
const ENDINGS = [2, 3, 5, 7, 8, 9, 10, 16];
const KINDS: readonly Kind[] = ["unary", "unary", "clientStream", "serverStream", "bidi"];
const MESSAGES_MAX = 12;

/** mulberry32, seeded by two numbers. */
function newRandom(seed: number, index: number): Random {
  let state = Math.imul(seed ^ 0x5bd1e995, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b);
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * below);
  };
}

/** The plan of call number `index`. Bodies are at most `sizeMax` bytes. */
export function newPlan(seed: number, index: number, sizeMax: number): Plan {
  const random = newRandom(seed, index);
  // Below 2^53, and different from calls with another seed.
  const id = (seed % 0x200000) * 2 ** 32 + index + 1;
  const kind = KINDS[random(KINDS.length)] as Kind;
  const isMany = kind === "clientStream" || kind === "bidi";
  const length = isMany ? random(MESSAGES_MAX + 1) : 1;
  const sizes = Array.from({ length }, () => randomSize(random, sizeMax));
  const hasSize = random(2) === 0 || kind === "serverStream";
  const orders: Orders = {
    callId: id,
    sleepMs: 0,
    count: kind === "serverStream" ? random(MESSAGES_MAX + 1) : 1,
    size: hasSize ? randomSize(random, sizeMax) : -1,
    endAfter: -1,
    endStatus: 0,
  };
  return { id, kind, sizes, orders, ...fate(random, kind, sizes.length, orders) };
}

/** About one call in five ends otherwise than by its own completion. */
function fate(random: Random, kind: Kind, sent: number, orders: Orders) {
  let [deadlineMs, cancelAfterMs] = [0, 0];
  switch (random(16)) {
    case 0: // Cancelled at some moment, perhaps after its end.
      cancelAfterMs = random(30) + 1;
      orders.sleepMs = random(40);
      break;
    case 1: // A deadline that may or may not pass.
      deadlineMs = random(100) + 1;
      orders.sleepMs = random(100);
      break;
    case 2: {
      // The server ends it early; with OK only where no single answer is due.
      const isOk = (kind === "bidi" || kind === "serverStream") && random(4) === 0;
      orders.endAfter = random((kind === "serverStream" ? orders.count : sent) + 1);
      orders.endStatus = isOk ? 0 : (ENDINGS[random(ENDINGS.length)] as number);
      break;
    }
    case 3: // A slow one.
      orders.sleepMs = random(50);
  }
  return { deadlineMs, cancelAfterMs };
}

/** Mostly small; one in 500 goes up to the maximum. */
function randomSize(random: Random, most: number): number {
  const dice = random(500);
  if (dice >= 130 && dice < 160) return 0;
  const below =
    dice < 1
      ? BODY_BYTES_MAX + 1
      : dice < 6
        ? 2 ** 19
        : dice < 30
          ? 2 ** 16
          : dice < 130
            ? 8192
            : 256;
  return random(Math.min(below, most + 1));
}
