import { Inject, Injectable, Module, type OnModuleInit } from "@nestjs/common";
import { type ClientGrpc, ClientsModule, Transport } from "@nestjs/microservices";
import { fairleadChannel } from "fairlead/grpc-js";
import { firstValueFrom, type Observable } from "rxjs";
import { GREET_PROTO, type Greeter, type HelloReply } from "./greeter.js";

const GREETER = Symbol("greeter");

@Injectable()
export class GreeterClient implements OnModuleInit {
  #greeter!: Greeter;

  constructor(@Inject(GREETER) private readonly client: ClientGrpc) {}

  onModuleInit(): void {
    this.#greeter = this.client.getService<Greeter>("Greeter");
  }

  sayHello(name: string): Promise<HelloReply> {
    return firstValueFrom(this.#greeter.sayHello({ name }));
  }

  sayHellos(name: string, count: number): Observable<HelloReply> {
    return this.#greeter.sayHellos({ name, count });
  }
}

@Module({
  imports: [
    ClientsModule.register([
      {
        name: GREETER,
        transport: Transport.GRPC,
        options: {
          ...GREET_PROTO,
          url: process.env.GREETER ?? "kubernetes:///greeter:grpc",
          // The one line: Nest hands its channel options to grpc-js as they are.
          channelOptions: { channelFactoryOverride: fairleadChannel() },
        },
      },
    ]),
  ],
  providers: [GreeterClient],
})
export class ClientModule {}
