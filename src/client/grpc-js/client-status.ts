/**
 * CSDS of this process's `xds` channels among the admin services of grpc-js (gRFCs A38, A40): what
 * `addAdminServicesToServer` adds beside channelz. Made of grpc-js' module `experimental`.
 *
 * grpc-js-xds registers the same service for its own channels, and a server takes one of them: so
 * nothing is registered by itself. What speaks xDS is loaded by the first request.
 */
import type { ServerDuplexStream, ServerUnaryCall, sendUnaryData } from "@grpc/grpc-js";
import { Status } from "../../grpc/index.ts";
import { clientProcess } from "../core/index.ts";
import type { GrpcModule } from "./grpc-module.ts";

const SERVICE = "/envoy.service.status.v3.ClientStatusDiscoveryService/";

const registered = new WeakSet<object>();

/** @throws RangeError for a grpc-js without `experimental.registerAdminService`. */
export function registerClientStatusIn(grpc: GrpcModule): void {
  if (registered.has(grpc)) return;
  const { registerAdminService } = grpc.experimental ?? {};
  if (typeof registerAdminService !== "function") {
    throw new RangeError("registerClientStatus: this grpc-js has no registerAdminService");
  }
  registered.add(grpc);
  registerAdminService(
    () => DEFINITION,
    () => ({ FetchClientStatus: fetchStatus, StreamClientStatus: streamStatus }),
  );
}

/** Bytes are read and made by those who know what they mean. */
const same = (bytes: Buffer): Buffer => bytes;
const METHOD = {
  ...{ requestSerialize: same, requestDeserialize: same },
  ...{ responseSerialize: same, responseDeserialize: same },
};
const DEFINITION = {
  FetchClientStatus: {
    path: `${SERVICE}FetchClientStatus`,
    ...{ requestStream: false, responseStream: false, ...METHOD },
  },
  StreamClientStatus: {
    path: `${SERVICE}StreamClientStatus`,
    ...{ requestStream: true, responseStream: true, ...METHOD },
  },
};

async function answerTo(request: Uint8Array): Promise<Buffer> {
  const { loadClientStatus } = await import("../../mesh/index.ts");
  const answer = await loadClientStatus();
  return Buffer.from(answer(request, clientProcess().clusters.xdsStatuses()));
}

/** A refusal has a status; anything else is a bug of ours. */
function problemOf(error: unknown): { code: number; details: string } {
  const { status = Status.INTERNAL, message } = error as { status?: Status; message: string };
  return { code: status, details: message };
}

function fetchStatus(
  { request }: ServerUnaryCall<Buffer, Buffer>,
  done: sendUnaryData<Buffer>,
): void {
  answerTo(request).then(
    (answer) => done(null, answer),
    (error) => done(problemOf(error)),
  );
}

/** An answer for each request, in their order: the next is read when the one before was taken. */
function streamStatus(call: ServerDuplexStream<Buffer, Buffer>): void {
  call.on("data", (request: Buffer) => {
    call.pause();
    answerTo(request).then(
      (answer) => {
        if (call.write(answer)) call.resume();
        else call.once("drain", () => call.resume());
      },
      (error) => call.emit("error", problemOf(error)),
    );
  });
  call.on("end", () => call.end());
}
