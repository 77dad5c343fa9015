/** Static stubs as ts-proto makes them for grpc-js. */
import { type ClientOptions, credentials } from "@grpc/grpc-js";
import { GreeterClient, type HelloReply, type HelloRequest } from "./generated/ts-proto/greet.ts";
import { type Greeting, greetingOver } from "./greeting.ts";

/** A stub of that kind. */
export function connect(target: string, options: ClientOptions): Greeting {
  const client = new GreeterClient(target, credentials.createInsecure(), options);
  return greetingOver<HelloRequest, HelloReply>(client, {
    request: (name, count) => ({ name, count }),
    reply: (reply) => reply,
  });
}
