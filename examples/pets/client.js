// Pings once a second and prints who answered: node client.js [--service TARGET] [--every MS]
//
// With --stock the channel is grpc-js' own: one connection, and so one server.
import { hostname } from "node:os";
import { setInterval } from "node:timers/promises";
import { parseArgs } from "node:util";
import grpc from "@grpc/grpc-js";
import { fairleadChannel } from "fairlead/grpc-js";
import { PetService } from "./service.js";

const { service, every, stock } = parseArgs({
  options: {
    service: { type: "string", default: "kubernetes:///pets:grpc" },
    every: { type: "string", default: "1000" },
    stock: { type: "boolean", default: false },
  },
}).values;
const host = process.env.HOSTNAME ?? hostname();

const client = new PetService(service, grpc.credentials.createInsecure(), {
  ...(stock ? {} : { channelFactoryOverride: fairleadChannel({ policy: "round_robin" }) }),
});

for await (const _ of setInterval(Number(every))) {
  client.Ping({ id: `${host}, ${new Date().getSeconds()}` }, (error, answer) => {
    console.log(error === null ? `resp: ${answer.id}` : `failed: ${error.message}`);
  });
}
