// The messages of greet.proto, as proto-loader gives them, and where that file is.
import { fileURLToPath } from "node:url";
import type { Observable } from "rxjs";

export const GREET_PROTO = {
  package: "greet.v1",
  protoPath: fileURLToPath(new URL("../greet.proto", import.meta.url)),
};

export interface HelloRequest {
  readonly name?: string;
  readonly count?: number;
}

export interface HelloReply {
  readonly message: string;
  readonly server: string;
}

export interface Greeter {
  sayHello(request: HelloRequest): Observable<HelloReply>;
  sayHellos(request: HelloRequest): Observable<HelloReply>;
}
