/**
 * The features of xds-test-harness (subscribing, unsubscribing, delta), as tables: each row is one
 * of its outlines, gone through for each type on a stream of its own, over a real connection.
 *
 * "ask a b" subscribes, "drop b" gives up, "set a2" changes a resource and "del a" takes it away,
 * "get a2 -b" is one answer with just that, and "quiet" that none comes. ACKs go by themselves.
 */
import assert from "node:assert/strict";
import test from "node:test";
import { type Answer, type RawNode, ServedAds, type ShortType } from "./ads-suite.ts";

type Row = readonly [outline: string, types: readonly ShortType[], steps: string];

/** Types of which a server sends all that is asked for, and those of which it may send a part. */
const WHOLE: readonly ShortType[] = ["CDS", "LDS"];
const PART: readonly ShortType[] = ["RDS", "EDS"];
const ALL = [...WHOLE, ...PART];

const SOTW: readonly Row[] = [
  ["all resources on a wildcard request", WHOLE, "ask; get a1 b1 c1; quiet"],
  ["updates", WHOLE, "ask; get a1 b1 c1; set a2; get a2 b1 c1; quiet"],
  [
    "what is added is sent to a wildcard",
    WHOLE,
    "ask; get a1 b1 c1; set d1; get a1 b1 c1 d1; quiet",
  ],
  ["of specific resources only these", ALL, "ask c b; get b1 c1; quiet"],
  ["specific ones when they change: all", WHOLE, "ask a b; get a1 b1; set a2; get a2 b1; quiet"],
  ["specific ones when they change: these", PART, "ask a b; get a1 b1; set a2; get a2; quiet"],
  ["those that do not exist, when they come", WHOLE, "ask a z; get a1; set z1; get a1 z1; quiet"],
  ["those that do not exist, when they come", PART, "ask a z; get a1; set z1; get z1; quiet"],
  ["unsubscribing from some", WHOLE, "ask a b c; get a1 b1 c1; drop b c; set a2; get a2; quiet"],
  ["unsubscribing from some", PART, "ask a b; get a1 b1; drop b; set a2; get a2; set b2; quiet"],
  ["unsubscribing from all", ALL, "ask a b; get a1 b1; drop a b; set b2; quiet"],
];

const DELTA: readonly Row[] = [
  ["resources one after the other", ALL, "ask a; get a1; ask b; get b1; quiet"],
  ["only what is updated", ALL, "ask a b c; get a1 b1 c1; set a2; get a2; quiet"],
  ["what does not exist, and when it is created", ALL, "ask a z; get a1 -z; set z1; get z1; quiet"],
  ["what is removed", ALL, "ask a b; get a1 b1; del b; get -b; set b2; get b2; quiet"],
  [
    ...(["unsubscribing step by step", ALL] as const),
    "ask a b; get a1 b1; drop b; set b2; quiet; drop a; set a2; quiet",
  ],
];

/** A node that goes through steps for one type. */
class Walk {
  readonly #served: ServedAds;
  readonly #node: RawNode;
  readonly #isDelta: boolean;
  readonly #type: ShortType;
  readonly #names = new Set<string>();
  readonly #nonces = new Set<string>();
  #last: Answer | null = null;

  constructor(served: ServedAds, node: RawNode, isDelta: boolean, type: ShortType) {
    this.#served = served;
    this.#node = node;
    this.#isDelta = isDelta;
    this.#type = type;
  }

  async go(steps: string): Promise<void> {
    for (const step of steps.split("; ")) {
      const [verb, ...words] = step.split(" ");
      if (verb === "ask") this.#ask(words);
      else if (verb === "drop") await this.#drop(words);
      else if (verb === "get") await this.#get(words, `${this.#type}: ${step}`);
      else if (verb === "quiet") await this.#node.silence();
      else this.#change(verb === "del", words);
    }
  }

  #ask(names: readonly string[]): void {
    for (const name of names) this.#names.add(name);
    this.#node.ask({ type: this.#type, names, nonce: this.#last?.nonce ?? "" });
  }

  async #drop(names: readonly string[]): Promise<void> {
    for (const name of names) this.#names.delete(name);
    const nonce = this.#last!.nonce;
    if (this.#isDelta) this.#node.ask({ type: this.#type, unsubscribe: names, nonce });
    else this.#node.ask({ type: this.#type, names: [...this.#names], nonce });
    await this.#served.subscribed(this.#type, this.#names.size);
  }

  #change(isGone: boolean, words: readonly string[]): void {
    for (const word of words) this.#served.source.set(this.#type, word[0]!, isGone ? null : word);
    this.#served.source.publish();
  }

  async #get(words: readonly string[], hint: string): Promise<void> {
    const answer = await this.#node.next();
    // Contents; what is removed with a dash.
    const shown = answer.resources.map((text) => text.replace(/^.=/, ""));
    shown.push(...answer.removed.map((name) => `-${name}`));
    assert.deepEqual(shown.sort(), [...words].sort(), hint);
    assert.equal(this.#nonces.has(answer.nonce), false, "a nonce is used once");
    assert.notEqual(answer.version, this.#last?.version, hint);
    this.#nonces.add(answer.nonce);
    this.#last = answer;
    this.#node.ack(answer, [...this.#names]);
  }
}

async function served(): Promise<ServedAds> {
  const made = await new ServedAds().start();
  for (const type of ALL) for (const name of "abc") made.source.set(type, name, `${name}1`);
  return made;
}

for (const [way, rows] of [
  ["state of the world", SOTW],
  ["delta", DELTA],
] as const) {
  for (const [outline, types, steps] of rows) {
    test(`${way}, ${types.join(" ")}: ${outline}`, async (t) => {
      const isDelta = way === "delta";
      const walks = types.map(async (type) => {
        const one = await served();
        t.after(() => one.close());
        await new Walk(one, one.node(isDelta), isDelta, type).go(steps);
      });
      await Promise.all(walks);
    });
  }
  for (const [first, second] of [WHOLE, PART]) {
    test(`${way}: ${first} and ${second} on one stream`, async (t) => {
      const one = await served();
      t.after(() => one.close());
      const node = one.node(way === "delta");
      const walks = [first!, second!].map((type) => new Walk(one, node, way === "delta", type));
      for (const walk of walks) await walk.go("ask b; get b1");
      for (const walk of walks) await walk.go("set b2; get b2");
      await node.silence();
    });
  }
}
