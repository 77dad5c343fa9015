// A greeter in Nest: LISTEN=0.0.0.0:50051 node dist/server.js
import "reflect-metadata";
import { hostname } from "node:os";
import { Controller, Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { GrpcMethod, type MicroserviceOptions, Transport } from "@nestjs/microservices";
import { map, type Observable, range } from "rxjs";
import { GREET_PROTO, type HelloReply, type HelloRequest } from "./greeter.js";

// In a pod HOSTNAME is its name.
const server = process.env.HOSTNAME ?? hostname();

@Controller()
class GreeterController {
  @GrpcMethod("Greeter", "SayHello")
  sayHello({ name }: HelloRequest): HelloReply {
    return { message: `hello ${name}`, server };
  }

  @GrpcMethod("Greeter", "SayHellos")
  sayHellos({ name, count }: HelloRequest): Observable<HelloReply> {
    return range(1, count ?? 0).pipe(map(() => ({ message: `hello ${name}`, server })));
  }
}

@Module({ controllers: [GreeterController] })
class ServerModule {}

const url = process.env.LISTEN ?? "0.0.0.0:50051";
const app = await NestFactory.createMicroservice<MicroserviceOptions>(ServerModule, {
  transport: Transport.GRPC,
  options: { ...GREET_PROTO, url },
  logger: ["error"],
});
app.enableShutdownHooks();
await app.listen();
console.log(`${server} listens on ${url}`);
