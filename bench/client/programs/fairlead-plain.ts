/** Program: fairlead's own API, without grpc-js. */
import { drive } from "./drive.ts";
import { importEntry, poolOptions } from "./fairlead.ts";
import { openPlain, type PlainEntry } from "./plain.ts";

await drive(async (plan) => {
  const entry = await importEntry<PlainEntry>(plan, "fairlead");
  return openPlain(entry, plan.addresses, poolOptions(plan));
});
