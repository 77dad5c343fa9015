/**
 * XXH64, the hash of `ring_hash` (A42: "`XX_HASH`, as defined in the `XXH64()` function") and of
 * Envoy's maglev. https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md
 *
 * A number of JavaScript holds 53 bits, and a BigInt is an allocation. So 64 bits are two halves
 * of 32, here always as int32: V8 keeps an int32 without a box, a larger number not always.
 * Not for secrets: whoever knows the keys can make them collide.
 */

// The spec's five primes as halves, high and low.
const P1_HI = 0x9e3779b1 | 0;
const P1_LO = 0x85ebca87 | 0;
const P2_HI = 0xc2b2ae3d | 0;
const P2_LO = 0x27d4eb4f | 0;
const P3_HI = 0x165667b1 | 0;
const P3_LO = 0x9e3779f9 | 0;
const P4_HI = 0x85ebca77 | 0;
const P4_LO = 0xc2b2ae63 | 0;
const P5_HI = 0x27d4eb2f | 0;
const P5_LO = 0x165667c5 | 0;

/** Texts up to this many bytes are hashed without an allocation. */
const SCRATCH_BYTES = 1024;
const STRIPE_BYTES = 32;
/** Digits of the greatest int32. */
const INDEX_DIGITS_MAX = 10;

const INVERSE_2_32 = 1 / 2 ** 32;

/**
 * The upper 32 bits of a 64-bit product. The double of it is off by 2^10 at most, and its lower
 * half is known exactly: what is left after taking that away rounds to the upper one.
 */
function mulHigh(a: number, b: number): number {
  const low = Math.imul(a, b) >>> 0;
  return (((a >>> 0) * (b >>> 0) - low) * INVERSE_2_32 + 0.5) | 0;
}

/** The upper half of (hi, lo) x (byHi, byLo); the lower one is `Math.imul(lo, byLo)`. */
function productHigh(hi: number, lo: number, byHi: number, byLo: number): number {
  return (mulHigh(lo, byLo) + Math.imul(lo, byHi) + Math.imul(hi, byLo)) | 0;
}

/** 1 when the unsigned sum of two halves, whose lower 32 bits are `sum`, was 2^32 or more. */
function carry(sum: number, one: number): number {
  return sum >>> 0 < one >>> 0 ? 1 : 0;
}

/**
 * Hashes texts and numbers their last result in `hi` and `lo`. One instance serves any number of
 * users one after the other; each call overwrites the result of the one before.
 */
export class Xxh64 {
  /** The upper half of the last hash, an int32. */
  hi = 0;
  /** The lower half of the last hash, an int32. */
  lo = 0;
  /** The four accumulators, high and low in turn. */
  readonly #lanes = new Int32Array(8);
  readonly #scratch = new Uint8Array(SCRATCH_BYTES);
  readonly #words = new DataView(this.#scratch.buffer);
  /** Bytes of the last `begin`. */
  #length = 0;

  /** Hashes the UTF-8 bytes of a text. */
  text(text: string, seed = 0): void {
    if (this.begin(text)) this.#hash(this.#words, this.#length, seed);
    else this.#long(text, seed);
  }

  /**
   * Keeps a text for `indexed`. Any other call ends it.
   *
   * @returns whether it is short enough and plain ASCII; otherwise nothing is kept.
   */
  begin(text: string): boolean {
    const length = text.length;
    const bytes = this.#scratch;
    if (length > SCRATCH_BYTES - 1 - INDEX_DIGITS_MAX) return false;
    for (let i = 0; i < length; i += 1) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) return false;
      bytes[i] = code;
    }
    this.#length = length;
    return true;
  }

  /** Hashes the text of `begin` with "_" and a whole number behind it, such as "key_12". */
  indexed(index: number): void {
    const bytes = this.#scratch;
    let at = this.#length;
    bytes[at++] = 0x5f;
    let unit = 1;
    while (unit * 10 <= index) unit *= 10;
    for (; unit >= 1; unit = Math.floor(unit / 10))
      bytes[at++] = 0x30 + (Math.floor(index / unit) % 10);
    this.#hash(this.#words, at, 0);
  }

  #long(text: string, seed: number): void {
    const bytes = new TextEncoder().encode(text);
    this.#hash(new DataView(bytes.buffer, bytes.byteOffset), bytes.length, seed);
  }

  #hash(words: DataView, length: number, seed: number): void {
    let at = 0;
    if (length >= STRIPE_BYTES) {
      this.#start(seed | 0);
      for (; at <= length - STRIPE_BYTES; at += STRIPE_BYTES) this.#stripe(words, at);
      this.#converge();
    } else {
      const lo = (seed + P5_LO) | 0;
      this.hi = (P5_HI + carry(lo, seed)) | 0;
      this.lo = lo;
    }
    const lo = (this.lo + length) | 0;
    this.hi = (this.hi + carry(lo, length)) | 0;
    this.lo = lo;
    this.#tail(words, at, length);
  }

  /** "Initialize internal accumulators", with a seed of 32 bits. */
  #start(seed: number): void {
    const lanes = this.#lanes;
    const twoLo = (P2_LO + seed) | 0;
    const twoHi = (P2_HI + carry(twoLo, seed)) | 0;
    const oneLo = (twoLo + P1_LO) | 0;
    lanes[0] = twoHi + P1_HI + carry(oneLo, twoLo);
    lanes[1] = oneLo;
    lanes[2] = twoHi;
    lanes[3] = twoLo;
    lanes[4] = 0;
    lanes[5] = seed;
    const lessLo = (seed - P1_LO) | 0;
    lanes[6] = -P1_HI - (seed >>> 0 < P1_LO >>> 0 ? 1 : 0);
    lanes[7] = lessLo;
  }

  /** One stripe: 8 bytes for each accumulator. */
  #stripe(words: DataView, at: number): void {
    const lanes = this.#lanes;
    for (let lane = 0; lane < 8; lane += 2) {
      const from = at + lane * 4;
      const inLo = words.getInt32(from, true);
      const inHi = words.getInt32(from + 4, true);
      const addLo = Math.imul(inLo, P2_LO);
      const lo = (lanes[lane + 1] + addLo) | 0;
      const hi = lanes[lane] + productHigh(inHi, inLo, P2_HI, P2_LO) + carry(lo, addLo);
      const turnedHi = (hi << 31) | (lo >>> 1);
      const turnedLo = (lo << 31) | (hi >>> 1);
      lanes[lane] = productHigh(turnedHi, turnedLo, P1_HI, P1_LO);
      lanes[lane + 1] = Math.imul(turnedLo, P1_LO);
    }
  }

  /** "Accumulator convergence": the four into one. */
  #converge(): void {
    const lanes = this.#lanes;
    let hi = 0;
    let lo = 0;
    for (let lane = 0; lane < 8; lane += 2) {
      const turn = LANE_TURNS[lane >> 1];
      const [fromHi, fromLo] = [lanes[lane], lanes[lane + 1]];
      const addLo = (fromLo << turn) | (fromHi >>> (32 - turn));
      lo = (lo + addLo) | 0;
      hi = (hi + ((fromHi << turn) | (fromLo >>> (32 - turn))) + carry(lo, addLo)) | 0;
    }
    for (let lane = 0; lane < 8; lane += 2) {
      const [fromHi, fromLo] = [lanes[lane], lanes[lane + 1]];
      const valueHi = productHigh(fromHi, fromLo, P2_HI, P2_LO);
      const valueLo = Math.imul(fromLo, P2_LO);
      const turnedHi = (valueHi << 31) | (valueLo >>> 1);
      const turnedLo = (valueLo << 31) | (valueHi >>> 1);
      hi ^= productHigh(turnedHi, turnedLo, P1_HI, P1_LO);
      lo ^= Math.imul(turnedLo, P1_LO);
      hi = (productHigh(hi, lo, P1_HI, P1_LO) + P4_HI) | 0;
      lo = (Math.imul(lo, P1_LO) + P4_LO) | 0;
      hi = (hi + carry(lo, P4_LO)) | 0;
    }
    this.hi = hi;
    this.lo = lo;
  }

  /** "Consume remaining input", by 8, by 4 and by 1 bytes, and "final mix". */
  #tail(words: DataView, from: number, length: number): void {
    let at = from;
    let { hi, lo } = this;
    for (; at + 8 <= length; at += 8) {
      const inLo = words.getInt32(at, true);
      const valueHi = productHigh(words.getInt32(at + 4, true), inLo, P2_HI, P2_LO);
      const valueLo = Math.imul(inLo, P2_LO);
      const turnedHi = (valueHi << 31) | (valueLo >>> 1);
      const turnedLo = (valueLo << 31) | (valueHi >>> 1);
      const mixedHi = hi ^ productHigh(turnedHi, turnedLo, P1_HI, P1_LO);
      const mixedLo = lo ^ Math.imul(turnedLo, P1_LO);
      const rotatedHi = (mixedHi << 27) | (mixedLo >>> 5);
      const rotatedLo = (mixedLo << 27) | (mixedHi >>> 5);
      lo = (Math.imul(rotatedLo, P1_LO) + P4_LO) | 0;
      hi = (productHigh(rotatedHi, rotatedLo, P1_HI, P1_LO) + P4_HI + carry(lo, P4_LO)) | 0;
    }
    if (at + 4 <= length) {
      const word = words.getInt32(at, true);
      const mixedHi = hi ^ productHigh(0, word, P1_HI, P1_LO);
      const mixedLo = lo ^ Math.imul(word, P1_LO);
      const rotatedHi = (mixedHi << 23) | (mixedLo >>> 9);
      const rotatedLo = (mixedLo << 23) | (mixedHi >>> 9);
      lo = (Math.imul(rotatedLo, P2_LO) + P3_LO) | 0;
      hi = (productHigh(rotatedHi, rotatedLo, P2_HI, P2_LO) + P3_HI + carry(lo, P3_LO)) | 0;
      at += 4;
    }
    for (; at < length; at += 1) {
      const byte = words.getUint8(at);
      const mixedHi = hi ^ productHigh(0, byte, P5_HI, P5_LO);
      const mixedLo = lo ^ Math.imul(byte, P5_LO);
      const rotatedHi = (mixedHi << 11) | (mixedLo >>> 21);
      const rotatedLo = (mixedLo << 11) | (mixedHi >>> 21);
      hi = productHigh(rotatedHi, rotatedLo, P1_HI, P1_LO);
      lo = Math.imul(rotatedLo, P1_LO);
    }
    this.#finish(hi, lo);
  }

  /** "Final mix (avalanche)". */
  #finish(hi: number, lo: number): void {
    const oneHi = hi; // x ^= x >>> 33
    const oneLo = lo ^ (hi >>> 1);
    const twoHi = productHigh(oneHi, oneLo, P2_HI, P2_LO);
    const twoLo = Math.imul(oneLo, P2_LO);
    const threeHi = twoHi ^ (twoHi >>> 29); // x ^= x >>> 29
    const threeLo = twoLo ^ ((twoHi << 3) | (twoLo >>> 29));
    const fourHi = productHigh(threeHi, threeLo, P3_HI, P3_LO);
    this.hi = fourHi;
    this.lo = Math.imul(threeLo, P3_LO) ^ fourHi; // x ^= x >>> 32
  }
}

/** How far each accumulator is turned as they converge. */
const LANE_TURNS = new Int32Array([1, 7, 12, 18]);
