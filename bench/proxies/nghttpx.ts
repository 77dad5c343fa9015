/**
 * nghttpx: one worker, HTTP/2 on both sides.
 */
import { findPeer } from "../../test/peers/find.ts";
import { type BenchProxy, startListening } from "./proxy.ts";

/** nghttpx if it is installed. */
export function nghttpx(): BenchProxy | null {
  const found = findPeer("nghttpx");
  if (found === null) return null;
  return {
    name: "nghttpx",
    version: found.version,
    hasTls: true,
    connectionsMax: 9000,
    start: (plan) => {
      const tls = plan.tls === null ? ";no-tls" : "";
      const args = [
        "--conf=/dev/null",
        "-n1",
        "--log-level=FATAL",
        "--accesslog-file=",
        "--errorlog-file=/dev/stderr",
        "--no-ocsp",
        "--frontend-http2-read-timeout=300s",
        "--stream-read-timeout=300s",
        "--stream-write-timeout=300s",
        "--backend-read-timeout=300s",
        `--frontend=127.0.0.1,${plan.port}${tls}`,
        ...plan.upstreams.map((address) => `--backend=${address.replace(":", ",")};/;proto=h2`),
        ...(plan.tls === null ? [] : [plan.tls.keyFile, plan.tls.certFile]),
      ];
      return startListening("nghttpx", found.path, args, plan);
    },
  };
}
