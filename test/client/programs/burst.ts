/**
 * A program with a grpc-js client that has its first calls all at once, as one that starts under
 * load has: makes them before there is a connection, and prints as one line of JSON how many each
 * server answered.
 *
 * `node burst.ts --target T --calls N [--channel grpc-js|fairlead]`
 */
import { parseArgs } from "node:util";
import { Client, credentials, type Metadata, type ServiceError } from "@grpc/grpc-js";
import { register } from "../../../src/client/grpc-js/public.ts";
import { type ChannelName, channelOptions } from "../../peers/node/channel-options.ts";

const { values } = parseArgs({
  options: {
    target: { type: "string", default: "" },
    calls: { type: "string", default: "1" },
    channel: { type: "string", default: "grpc-js" },
  },
});
const channel = values.channel as ChannelName;
// Stock grpc-js has no such resolver; the policy is its own.
if (channel === "grpc-js") register();
const ROUND_ROBIN = {
  "grpc.service_config": JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
};

const same = (bytes: Buffer) => bytes;
const client = new Client(values.target, credentials.createInsecure(), {
  ...(channel === "grpc-js" ? ROUND_ROBIN : channelOptions(channel)),
});
const servers: Record<string, number> = {};

function call(): Promise<void> {
  return new Promise((done, failed) => {
    const onAnswer = (error: ServiceError | null) => (error === null ? done() : failed(error));
    client
      .makeUnaryRequest("/echo.Echo/Say", same, same, Buffer.from("hello"), onAnswer)
      .on("metadata", (header: Metadata) => {
        const server = String(header.get("x-served-by")[0]);
        servers[server] = (servers[server] ?? 0) + 1;
      });
  });
}

await Promise.all(Array.from({ length: Number(values.calls) }, call));
client.close();
console.log(JSON.stringify(servers));
