/** Stubs made at run time of the .proto file. */
import { fileURLToPath } from "node:url";
import {
  type ClientOptions,
  credentials,
  loadPackageDefinition,
  type ServiceClientConstructor,
} from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { type Greeting, greetingOver, type Stub } from "./greeting.ts";

const PROTO = fileURLToPath(new URL("greet.proto", import.meta.url));

interface Request {
  readonly name: string;
  readonly count: number;
}

interface Reply {
  readonly message: string;
  readonly server: string;
}

interface Loaded {
  readonly greet: { readonly v1: { readonly Greeter: ServiceClientConstructor } };
}

/** A stub of that kind. */
export function connect(target: string, options: ClientOptions): Greeting {
  const { greet } = loadPackageDefinition(loadSync(PROTO)) as unknown as Loaded;
  const client = new greet.v1.Greeter(target, credentials.createInsecure(), options);
  return greetingOver<Request, Reply>(client as unknown as Stub<Request, Reply>, {
    request: (name, count) => ({ name, count }),
    reply: (reply) => reply,
  });
}
