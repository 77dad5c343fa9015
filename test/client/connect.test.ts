/** The channel suite against `fairlead/connect`. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type CreateTransport, connectDriver } from "./drivers/connect.ts";
import { channelSuite } from "./suite/suite.ts";

const DOOR = join(import.meta.dirname, "../../src/client/connect/public.ts");

if (existsSync(DOOR)) {
  const { createFairleadTransport } = (await import(DOOR)) as {
    createFairleadTransport: CreateTransport;
  };
  channelSuite(connectDriver(createFairleadTransport));
} else {
  test("fairlead/connect", (t) => t.skip("this tree has no src/client/connect/public.ts"));
}
