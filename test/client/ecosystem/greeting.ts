/**
 * What each kind of stub is asked to do, and how a stub of grpc-js' own style (callbacks and
 * streams) does it, whatever its messages are.
 */
import type {
  ClientDuplexStream,
  ClientReadableStream,
  ClientWritableStream,
  ServiceError,
} from "@grpc/grpc-js";

/** All four kinds of call. */
export interface Greeting {
  /** Unary. Returns who answered. */
  sayHello(name: string): Promise<string>;
  /** Server streaming. Returns the messages. */
  sayHellos(name: string, count: number): Promise<readonly string[]>;
  /** Client streaming. Returns the message. */
  greetAll(names: readonly string[]): Promise<string>;
  /** Bidirectional. Returns the messages. */
  chat(names: readonly string[]): Promise<readonly string[]>;
  close(): void;
}

type Answer<A> = (error: ServiceError | null, reply?: A) => void;

/** A stub of grpc-js' style for requests `Q` and replies `A`. */
export interface Stub<Q, A> {
  sayHello(request: Q, answer: Answer<A>): unknown;
  sayHellos(request: Q): ClientReadableStream<A>;
  greetAll(answer: Answer<A>): ClientWritableStream<Q>;
  chat(): ClientDuplexStream<Q, A>;
  close(): void;
}

/** How messages of a stub are made and read. */
export interface Messages<Q, A> {
  request(name: string, count: number): Q;
  reply(reply: A): { readonly message: string; readonly server: string };
}

/** The calls over a stub. */
export function greetingOver<Q, A>(stub: Stub<Q, A>, messages: Messages<Q, A>): Greeting {
  const request = (name: string, count = 0): Q => messages.request(name, count);
  const message = (reply: A): string => messages.reply(reply).message;
  return {
    async sayHello(name) {
      const reply = await byCallback<A>((answer) => stub.sayHello(request(name), answer));
      return messages.reply(reply).server;
    },
    async sayHellos(name, count) {
      return (await readAll(stub.sayHellos(request(name, count)))).map(message);
    },
    async greetAll(names) {
      const reply = await byCallback<A>((answer) => {
        const call = stub.greetAll(answer);
        for (const name of names) call.write(request(name));
        call.end();
      });
      return message(reply);
    },
    async chat(names) {
      const requests = names.map((name) => request(name));
      return (await inTurn(stub.chat(), requests)).map(message);
    },
    close: () => stub.close(),
  };
}

function byCallback<T>(start: (answer: Answer<T>) => void): Promise<T> {
  return new Promise((done, failed) => {
    start((error, reply) => (error === null ? done(reply as T) : failed(error)));
  });
}

async function readAll<T>(stream: ClientReadableStream<T>): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const each of stream) all.push(each as T);
  return all;
}

/** Writes each message when the one before is answered, and ends. */
async function inTurn<Q, A>(
  stream: ClientDuplexStream<Q, A>,
  requests: readonly Q[],
): Promise<readonly A[]> {
  const answers: A[] = [];
  const left = [...requests];
  stream.write(left.shift() as Q);
  for await (const answer of stream) {
    answers.push(answer as A);
    const next = left.shift();
    if (next === undefined) stream.end();
    else stream.write(next);
  }
  return answers;
}
