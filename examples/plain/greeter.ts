// The methods of greet.proto: a path, and how messages become bytes and back.
import { HelloReply, HelloRequest } from "./generated/greet.ts";

function method(name: string) {
  return {
    path: `/greet.v1.Greeter/${name}`,
    encode: (message: Partial<HelloRequest>) =>
      HelloRequest.encode({ name: "", count: 0, ...message }).finish(),
    decode: (bytes: Uint8Array) => HelloReply.decode(bytes),
  };
}

export const sayHello = method("SayHello");
export const sayHellos = method("SayHellos");
export const greetAll = method("GreetAll");
