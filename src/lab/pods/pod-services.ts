/**
 * What a lab pod answers beside health: the lab's own `Say`, and the methods of the systems that
 * the lab's rows are taken from, so that what was written for them finds a server here.
 *
 *     fairlead.lab.Echo/Say                   the pod's name
 *     api.Echo/Echo, api.Reverse/Reverse      the text, or the text reversed; header `hostname`
 *     pet.service.v1.PetService/Ping          the id that came, and the pod's name
 *
 * `api` is of the tutorial that has Envoy behind an L4 balancer, the pets are in examples/pets.
 * Each message is a string in field 1. Not a place for methods that stream.
 */
import { ECHO_SERVICE } from "./echo.ts";
import { decodeText, encodeText } from "./wire.ts";

/** How grpc-js is told of a method. */
interface Definition<Request, Response> {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly requestSerialize: (message: Request) => Buffer;
  readonly requestDeserialize: (bytes: Buffer) => Request;
  readonly responseSerialize: (message: Response) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Response;
}

/** An object, since grpc-js takes a request that is "" for none at all. */
export interface TextRequest {
  readonly text: string;
}

/** A method whose messages are texts. */
export interface PodMethod {
  readonly definition: Definition<TextRequest, string>;
  /** Its answer comes with the pod's name in the header `hostname`. */
  readonly namesHost: boolean;
  /** What it answers, by the request and the name of the pod. */
  answer(request: string, pod: string): string;
}

function ofTexts(path: string): Definition<TextRequest, string> {
  return {
    ...{ path, requestStream: false, responseStream: false },
    requestSerialize: ({ text }) => encodeText(text),
    requestDeserialize: (bytes) => ({ text: decodeText(bytes) }),
    ...{ responseSerialize: encodeText, responseDeserialize: decodeText },
  };
}

/** All of them. */
export const METHODS: readonly PodMethod[] = [
  { definition: ofTexts(ECHO_SERVICE.say.path), namesHost: false, answer: (_request, pod) => pod },
  { definition: ofTexts("/api.Echo/Echo"), namesHost: true, answer: (request) => request },
  {
    definition: ofTexts("/api.Reverse/Reverse"),
    namesHost: true,
    answer: (request) => [...request].toReversed().join(""),
  },
  {
    definition: ofTexts("/pet.service.v1.PetService/Ping"),
    namesHost: false,
    answer: (request, pod) => `${request}, ${pod}`,
  },
];

/** What is used of a stream of reflection: messages as bytes. */
export interface ReflectionStream {
  on(event: "data", listener: (request: Buffer) => void): unknown;
  on(event: "end", listener: () => void): unknown;
  write(response: Buffer): unknown;
  end(): unknown;
}

const asIs = (bytes: Buffer): Buffer => bytes;

/** Reflection in its two versions, which differ in their name alone; `reflection.ts` answers. */
export const REFLECTION_METHODS: readonly Definition<Buffer, Buffer>[] = ["v1", "v1alpha"].map(
  (version) => ({
    path: `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
    ...{ requestStream: true, responseStream: true },
    ...{ requestSerialize: asIs, requestDeserialize: asIs },
    ...{ responseSerialize: asIs, responseDeserialize: asIs },
  }),
);
