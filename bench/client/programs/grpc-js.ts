/** Program: stock grpc-js, round_robin over the servers. */
import { drive } from "./drive.ts";
import { ROUND_ROBIN } from "./plan.ts";
import { openStub } from "./stub.ts";

await drive(async ({ addresses }) => openStub(addresses, { "grpc.service_config": ROUND_ROBIN }));
