/**
 * How a method is described: its path, and how messages become bytes and back.
 *
 * Two forms, of which the second is what grpc-tools, proto-loader and ts-proto generate. Messages
 * are whatever the two functions take and give; nothing here knows protobuf.
 */
import { show } from "../core/index.ts";

/** A method of a service. */
export interface Method<Req, Res> {
  /** "/package.Service/Method". */
  readonly path: string;
  encode(message: Req): Uint8Array;
  /** `bytes` are the method's own: they may be kept. */
  decode(bytes: Buffer): Res;
}

/** A method as the definitions of `@grpc/grpc-js` describe it; what else they have is not used. */
export interface GrpcJsMethod<Req, Res> {
  readonly path: string;
  requestSerialize(message: Req): Uint8Array;
  responseDeserialize(bytes: Buffer): Res;
}

/** Either form. */
export type AnyMethod<Req, Res> = Method<Req, Res> | GrpcJsMethod<Req, Res>;

/** "Path -> "/" Service-Name "/" {method name}"; printable ASCII without spaces. */
const PATH = /^\/[!-.0-~]+\/[!-~]+$/;

const known = new WeakMap<object, Method<unknown, unknown>>();

/**
 * The one form that calls use.
 *
 * @throws TypeError when it is neither form.
 */
export function methodOf<Req, Res>(given: AnyMethod<Req, Res>): Method<Req, Res> {
  const found = known.get(given) as Method<Req, Res> | undefined;
  return found ?? check(given);
}

function check<Req, Res>(given: AnyMethod<Req, Res>): Method<Req, Res> {
  if (typeof given !== "object" || given === null) {
    throw new TypeError("a method must be an object { path, encode, decode }");
  }
  const { path } = given;
  if (typeof path !== "string" || !PATH.test(path)) {
    throw new TypeError(`a method's path is ${show(path)}, must be as /package.Service/Method`);
  }
  const method = "requestSerialize" in given ? fromGrpcJs(given) : given;
  if (typeof method.encode !== "function" || typeof method.decode !== "function") {
    throw new TypeError(`method ${path} must have the functions encode and decode`);
  }
  known.set(given, method as Method<unknown, unknown>);
  return method;
}

function fromGrpcJs<Req, Res>(given: GrpcJsMethod<Req, Res>): Method<Req, Res> {
  return { path: given.path, encode: given.requestSerialize, decode: given.responseDeserialize };
}
