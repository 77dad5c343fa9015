/** nice-grpc's client, over a channel that is made as its own `createChannel` does or by ours. */
import { type Channel, type ClientOptions, credentials } from "@grpc/grpc-js";
import { createChannel, createClient } from "nice-grpc";
import { GreeterService } from "./generated/ts-proto/greet.ts";
import type { Greeting } from "./greeting.ts";

/** A stub of that kind. */
export function connect(target: string, options: ClientOptions): Greeting {
  const { channelFactoryOverride: make, ...rest } = options;
  const creds = credentials.createInsecure();
  const channel =
    make === undefined
      ? createChannel(target, creds, rest)
      : (make(target, creds, rest) as Channel);
  const client = createClient(GreeterService, channel);
  async function* requests(names: readonly string[]) {
    for (const name of names) yield { name, count: 0 };
  }
  return {
    sayHello: async (name) => (await client.sayHello({ name, count: 0 })).server,
    async sayHellos(name, count) {
      return Array.fromAsync(client.sayHellos({ name, count }), ({ message }) => message);
    },
    greetAll: async (names) => (await client.greetAll(requests(names))).message,
    chat: (names) => Array.fromAsync(client.chat(requests(names)), ({ message }) => message),
    close: () => channel.close(),
  };
}
