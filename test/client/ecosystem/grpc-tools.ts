/** Static stubs as grpc-tools makes them, with google-protobuf's messages. */
import { type ClientOptions, credentials } from "@grpc/grpc-js";
import services from "./generated/grpc-tools/greet_grpc_pb.js";
import messages from "./generated/grpc-tools/greet_pb.js";
import { type Greeting, greetingOver, type Stub } from "./greeting.ts";

interface Request {
  setName(name: string): void;
  setCount(count: number): void;
}

interface Reply {
  getMessage(): string;
  getServer(): string;
}

const { HelloRequest } = messages as unknown as { readonly HelloRequest: new () => Request };

/** A stub of that kind. */
export function connect(target: string, options: ClientOptions): Greeting {
  const client = new services.GreeterClient(target, credentials.createInsecure(), options);
  return greetingOver<Request, Reply>(client as unknown as Stub<Request, Reply>, {
    request(name, count) {
      const message = new HelloRequest();
      message.setName(name);
      message.setCount(count);
      return message;
    },
    reply: (reply) => ({ message: reply.getMessage(), server: reply.getServer() }),
  });
}
