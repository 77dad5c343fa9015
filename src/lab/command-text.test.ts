/** Tests of the command line that repeats a run. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { commandText } from "./command-text.ts";
import { parseLabOptions, type RawLabOptions } from "./options.ts";

const SHOWN: readonly [RawLabOptions, string][] = [
  [{}, "bin/fairlead lab --pods 12 --lanes clusterip,headless,client,proxy"],
  [
    { once: true, lanes: "client", page: "none", output: "json" },
    "bin/fairlead lab --once --seconds 10 --pods 12 --lanes client --page none -o json",
  ],
  [
    { scale: "3,12", events: "2.5s:slow=echo-1,3s:lane=-client", lanes: "client,proxy" },
    "bin/fairlead lab --scale 3,12 --scale-every 10 --lanes client,proxy " +
      "--events 2.5s:slow=echo-1,3s:lane=-client",
  ],
  [
    { load: "50", inFlight: "3", policy: "round_robin", peers: true, lanes: "nested" },
    "bin/fairlead lab --pods 12 --lanes nested --load 50 --in-flight 3 " +
      "--policy round_robin --peers",
  ],
  [
    { seconds: "60", page: "[::1]:8080", lanes: "client" },
    "bin/fairlead lab --seconds 60 --pods 12 --lanes client --page [::1]:8080",
  ],
];

for (const [raw, text] of SHOWN) {
  test(text, () => assert.equal(commandText(parseLabOptions(raw)), text));
}
