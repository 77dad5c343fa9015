/** The client that `@nestjs/microservices` makes of a .proto file. */
import "reflect-metadata";
import { fileURLToPath } from "node:url";
import type { ClientOptions } from "@grpc/grpc-js";
import { ClientGrpcProxy } from "@nestjs/microservices";
import { from, lastValueFrom, map, type Observable, Subject, toArray } from "rxjs";
import type { Greeting } from "./greeting.ts";

interface Request {
  readonly name: string;
  readonly count?: number;
}

interface Reply {
  readonly message: string;
  readonly server: string;
}

interface Greeter {
  sayHello(request: Request): Observable<Reply>;
  sayHellos(request: Request): Observable<Reply>;
  greetAll(requests: Observable<Request>): Observable<Reply>;
  chat(requests: Observable<Request>): Observable<Reply>;
}

/** A stub of that kind. */
export function connect(target: string, options: ClientOptions): Greeting {
  const proxy = new ClientGrpcProxy({
    ...{ url: target, package: "greet.v1" },
    protoPath: fileURLToPath(new URL("greet.proto", import.meta.url)),
    channelOptions: options as Record<string, unknown>,
  });
  const greeter = proxy.getService<Greeter>("Greeter");
  const messages = (replies: Observable<Reply>) =>
    lastValueFrom(
      replies.pipe(
        map(({ message }) => message),
        toArray(),
      ),
    );
  return {
    sayHello: async (name) => (await lastValueFrom(greeter.sayHello({ name }))).server,
    sayHellos: (name, count) => messages(greeter.sayHellos({ name, count })),
    async greetAll(names) {
      const requests = from(names.map((name) => ({ name })));
      return (await lastValueFrom(greeter.greetAll(requests))).message;
    },
    chat(names) {
      const left = [...names];
      const requests = new Subject<Request>();
      const next = () => {
        const name = left.shift();
        if (name === undefined) requests.complete();
        else requests.next({ name });
      };
      const replies = greeter.chat(requests);
      return new Promise((done, failed) => {
        const all: string[] = [];
        replies.subscribe({
          next({ message }) {
            all.push(message);
            next();
          },
          error: failed,
          complete: () => done(all),
        });
        next();
      });
    },
    close: () => proxy.close(),
  };
}
