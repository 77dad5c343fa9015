/** Program: grpc-js's stub over fairlead's channel: the one line that changes in a user's code. */
import type { ClientOptions } from "@grpc/grpc-js";
import { drive } from "./drive.ts";
import { importEntry, poolOptions } from "./fairlead.ts";
import { openStub } from "./stub.ts";

/** What is used of `fairlead/grpc-js`. */
interface Entry {
  fairleadChannel(options: object): NonNullable<ClientOptions["channelFactoryOverride"]>;
}

await drive(async (plan) => {
  const { fairleadChannel } = await importEntry<Entry>(plan, "fairlead/grpc-js");
  const channelFactoryOverride = fairleadChannel(poolOptions(plan));
  return openStub(plan.addresses, { channelFactoryOverride });
});
