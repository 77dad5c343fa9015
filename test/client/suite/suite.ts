/**
 * The channel suite: what every gRPC client channel of Node must do, one promise a test.
 *
 * Written once over `ChannelDriver`; run against stock grpc-js, which is the reference, and against
 * each of fairlead's APIs. Where fairlead differs on purpose there is a row in `DIFFERENCES`.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { answerCases } from "./cases/answers.ts";
import { cancelCases } from "./cases/cancels.ts";
import { compressionCases } from "./cases/compression.ts";
import { connectionCases } from "./cases/connections.ts";
import { credentialCases } from "./cases/credentials.ts";
import { deadlineCases } from "./cases/deadlines.ts";
import { flowCases } from "./cases/flow.ts";
import { messageCases } from "./cases/messages.ts";
import { metadataCases } from "./cases/metadata.ts";
import { policyCases } from "./cases/retries.ts";
import { statusCases } from "./cases/statuses.ts";
import { wireCases } from "./cases/wire.ts";
import { unassertedDifferences } from "./differences.ts";
import type { ChannelDriver } from "./driver.ts";
import { type Case, defineCase, lackOf } from "./scene.ts";

const CASES: readonly Case[] = [
  ...statusCases,
  ...metadataCases,
  ...answerCases,
  ...deadlineCases,
  ...cancelCases,
  ...messageCases,
  ...compressionCases,
  ...wireCases,
  ...connectionCases,
  ...credentialCases,
  ...flowCases,
  ...policyCases,
];

/** Defines all cases for one driver, but for those that its API has no words for. */
export function channelSuite(driver: ChannelDriver): void {
  const unsaid = CASES.filter((one) => lackOf(driver, one) !== null);
  for (const one of CASES) if (!unsaid.includes(one)) defineCase(driver, one);
  test(`${driver.name}: what its API has no words for is named with the reason`, (t) => {
    for (const one of unsaid) t.diagnostic(`not said: ${one.name}: ${lackOf(driver, one)}`);
    assert.equal(unsaid.length, driver.unsaidCount, "no case is left out by mistake");
  });
  if (!driver.isReference) return;
  test(`${driver.name}: each row of the table of differences is asserted`, () => {
    assert.deepEqual(unassertedDifferences(), []);
  });
}
