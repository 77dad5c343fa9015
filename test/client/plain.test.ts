/** The channel suite against fairlead's plain API. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type CreateChannel, plainDriver } from "./drivers/plain.ts";
import { channelSuite } from "./suite/suite.ts";

const DOOR = join(import.meta.dirname, "../../src/client/plain/public.ts");

if (existsSync(DOOR)) {
  const { createChannel } = (await import(DOOR)) as { createChannel: CreateChannel };
  channelSuite(plainDriver(createChannel));
} else {
  test("fairlead", (t) => t.skip("this tree has no src/client/plain/public.ts"));
}
