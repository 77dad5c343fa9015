/** Tests of the parameters of policies: what is taken, and what is refused with its path. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  balancingFromServiceConfig,
  type LeastRequestPolicy,
  type PickFirstPolicy,
} from "./index.ts";
import type { MaglevPolicy } from "./maglev.ts";
import type { PeakEwmaPolicy } from "./peak-ewma.ts";
import type { Policy } from "./policy.ts";
import type { RingHashPolicy } from "./ring-hash.ts";

const parse = <P extends Policy>(name: string, parameters: object): P =>
  balancingFromServiceConfig({ loadBalancingConfig: [{ [name]: parameters }] }).policy as P;

/** `field` of `name` is refused, as `what` says after its path. */
const refused = (name: string, parameters: Record<string, unknown>, field: string, what: string) =>
  assert.throws(() => parse(name, parameters), {
    name: "ServiceConfigError",
    message: `service config: loadBalancingConfig[0].${name}.${field} ${what}`,
  });

test("A48 choiceCount: default 2, above 10 counts as 10, below 2 rejected", () => {
  const choices = (parameters: object) =>
    parse<LeastRequestPolicy>("least_request_experimental", parameters).choiceCount;
  assert.equal(choices({}), 2);
  assert.equal(choices({ choiceCount: null }), 2, "null is unset in the JSON of protobuf");
  assert.equal(choices({ choiceCount: 3 }), 3);
  assert.equal(choices({ choiceCount: 10 }), 10);
  assert.equal(choices({ choiceCount: 11 }), 10);
  for (const name of ["least_request", "least_request_experimental", "peak_ewma"]) {
    for (const bad of [1, 0, -1]) {
      refused(name, { choiceCount: bad }, "choiceCount", `is ${bad}, must be 2 or more`);
    }
    for (const bad of [2.5, "3", true, []]) {
      const shown = JSON.stringify(bad);
      refused(name, { choiceCount: bad }, "choiceCount", `is ${shown}, must be a whole number`);
    }
  }
});

test("A62 shuffleAddressList is handed to the cluster, and must be a boolean", () => {
  const shuffles = (parameters: object) =>
    parse<PickFirstPolicy>("pick_first", parameters).shuffleAddressList;
  assert.equal(shuffles({}), false);
  assert.equal(shuffles({ shuffleAddressList: true }), true);
  const at = "shuffleAddressList";
  refused("pick_first", { shuffleAddressList: 1 }, at, "is 1, must be a boolean");
});

test("peak_ewma: decay and defaultRtt are durations above 0", () => {
  const configOf = (parameters: object) => parse<PeakEwmaPolicy>("peak_ewma", parameters).config;
  assert.deepEqual(configOf({}), { decayMs: 2_500, defaultRttMs: 30, choiceCount: 2 });
  const given = { decay: "10s", defaultRtt: "0.005s", choiceCount: 4 };
  assert.deepEqual(configOf(given), { decayMs: 10_000, defaultRttMs: 5, choiceCount: 4 });
  for (const field of ["decay", "defaultRtt"]) {
    refused("peak_ewma", { [field]: "0s" }, field, 'is "0s", must be longer than 0s');
    for (const bad of [2.5, "2.5", "-1s", "fast"]) {
      const what = `is ${JSON.stringify(bad)}, must be a duration such as "1.5s"`;
      refused("peak_ewma", { [field]: bad }, field, what);
    }
  }
});

const ring = (parameters: object) => parse<RingHashPolicy>("ring_hash", parameters).config;

test("A42 ring sizes: 1024 and 8M by default, both capped at 4096, or at ringSizeCap", () => {
  const sizes = (parameters: object) => {
    const { minRingSize, maxRingSize } = ring(parameters);
    return [minRingSize, maxRingSize];
  };
  assert.deepEqual(sizes({}), [1024, 4096]);
  assert.deepEqual(sizes({ minRingSize: 2, maxRingSize: 3 }), [2, 3]);
  assert.deepEqual(sizes({ minRingSize: 5_000, maxRingSize: 6_000 }), [4096, 4096]);
  assert.deepEqual(sizes({ minRingSize: 8_388_608 }), [4096, 4096]);
  assert.deepEqual(sizes({ minRingSize: 65_536, ringSizeCap: 65_536 }), [65_536, 65_536]);
  assert.deepEqual(sizes({ ringSizeCap: 8_388_608 }), [1024, 8_388_608]);
  assert.deepEqual(sizes({ ringSizeCap: 10 }), [10, 10]);
  assert.deepEqual(sizes({ minRingSize: "16", maxRingSize: "32" }), [16, 32], "uint64 as text");
});

test("A42 ring sizes: what is not in 1 to 8388608 is refused, and a min above the max", () => {
  for (const name of ["ring_hash", "ring_hash_experimental"]) {
    for (const field of ["minRingSize", "maxRingSize", "ringSizeCap"]) {
      for (const bad of [0, -1, 1.5, 8_388_609, "x", "", "-1", true, []]) {
        const what = `is ${JSON.stringify(bad)}, must be a whole number from 1 to 8388608`;
        refused(name, { [field]: bad }, field, what);
      }
    }
  }
  const crossed = { minRingSize: 100, maxRingSize: 50 };
  const what = "is 100, must be no more than maxRingSize, which is 50";
  refused("ring_hash", crossed, "minRingSize", what);
});

test("maglev tableSize: 65537 by default, a prime up to 5000011", () => {
  const size = (parameters: object) => parse<MaglevPolicy>("maglev", parameters).config.tableSize;
  assert.equal(size({}), 65_537);
  for (const prime of [2, 3, 251, 5_000_011]) assert.equal(size({ tableSize: prime }), prime);
  assert.equal(size({ tableSize: "251" }), 251, "uint64 as text");
  for (const bad of [4, 9, 65_536, 5_000_009]) {
    refused("maglev", { tableSize: bad }, "tableSize", `is ${bad}, must be a prime number`);
  }
  for (const bad of [0, 1, -7, 5_000_023, 1e21, 7.5, "seven", true]) {
    const what = `is ${JSON.stringify(bad)}, must be a whole number from 2 to 5000011`;
    refused("maglev", { tableSize: bad }, "tableSize", what);
  }
});

for (const name of ["ring_hash", "maglev"]) {
  test(`A76 requestHashHeader of ${name}: a header's name in any case, no binary one`, () => {
    const header = (parameters: object) =>
      parse<RingHashPolicy | MaglevPolicy>(name, parameters).config.requestHashHeader;
    assert.equal(header({}), null);
    assert.equal(header({ requestHashHeader: "" }), null, "unset in protobuf");
    assert.equal(header({ requestHashHeader: "X-Session" }), "x-session");
    const at = "requestHashHeader";
    const wrong = (value: unknown, what: string) => refused(name, { [at]: value }, at, what);
    wrong("a b", 'is "a b": a name may hold a-z, 0-9, _, - and . only');
    wrong(":path", 'is ":path": a name may hold a-z, 0-9, _, - and . only');
    wrong("te", 'is "te": a name is the protocol\'s own');
    wrong("trace-bin", 'is "trace-bin", must be a header without the suffix -bin');
    wrong(7, "is 7, must be a string");
  });
}
