/** Tests of `kubernetes` targets: each form with its meaning, each mistake with its sentence. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTarget, TargetError } from "../target.ts";
import type { TargetPort } from "./target.ts";

const ACCEPTED: readonly (readonly [target: string, means: string])[] = [
  ["kubernetes:///echo.prod:50051", "echo in prod, port 50051"],
  ["kubernetes:///echo.prod:grpc", 'echo in prod, port "grpc"'],
  ["kubernetes:///echo.prod", "echo in prod, port the first"],
  ["kubernetes:///echo.prod.", "echo in prod, port the first"],
  ["kubernetes:///echo", "echo in null, port the first"],
  ["kubernetes:///echo:50051", "echo in null, port 50051"],
  ["kubernetes:///echo:grpc", 'echo in null, port "grpc"'],
  ["kubernetes:///echo.prod.svc:80", "echo in prod, port 80"],
  ["kubernetes:///echo.prod.svc.cluster.local", "echo in prod, port the first"],
  ["kubernetes:///echo.prod.svc.cluster.local:50051", "echo in prod, port 50051"],
  ["kubernetes:///echo.prod.svc.cluster.local.:50051", "echo in prod, port 50051"],
  ["kubernetes:///echo.prod.svc.cluster_name", "echo in prod, port the first"],
  ["kubernetes:///echo.prod.svc.cluster_name:8080", "echo in prod, port 8080"],
  ["kubernetes://prod/echo", "echo in prod, port the first"],
  ["kubernetes://prod/echo:50051", "echo in prod, port 50051"],
  ["kubernetes://prod/echo.prod:grpc", 'echo in prod, port "grpc"'],
  ["kubernetes://echo", "echo in null, port the first"],
  ["kubernetes://echo/", "echo in null, port the first"],
  ["kubernetes://echo:80", "echo in null, port 80"],
  ["kubernetes://echo:80/", "echo in null, port 80"],
  ["kubernetes://echo.prod:80/", "echo in prod, port 80"],
  ["kubernetes://echo.prod:grpc/", 'echo in prod, port "grpc"'],
  ["kubernetes://echo.prod.svc.cluster_name", "echo in prod, port the first"],
  ["kubernetes://echo.prod.svc.cluster_name:8080", "echo in prod, port 8080"],
  ["kubernetes:echo.prod:80", "echo in prod, port 80"],
  ["Kubernetes:///Echo.Prod:GRPC", 'echo in prod, port "grpc"'],
  ["kubernetes:///1echo.2prod:3g", '1echo in 2prod, port "3g"'],
];

/** "50051", '"grpc"' or "the first". */
function shown(port: TargetPort): string {
  if (port.kind === "first") return "the first";
  return port.kind === "number" ? String(port.number) : JSON.stringify(port.name);
}

for (const [target, means] of ACCEPTED) {
  test(`${target} means ${means}`, () => {
    const parsed = parseTarget(target);
    assert.ok(parsed.kind === "kubernetes");
    assert.equal(parsed.target, target);
    assert.equal(`${parsed.service} in ${parsed.namespace}, port ${shown(parsed.port)}`, means);
  });
}

const REFUSED: readonly (readonly [target: string, says: RegExp])[] = [
  ["kubernetes:", /the service is missing: write kubernetes:\/\/\/SERVICE.NAMESPACE:PORT/],
  ["kubernetes:///", /the service is missing/],
  ["kubernetes:///:80", /the service is missing/],
  ["kubernetes:///.prod:80", /"" is not the name of a service/],
  ["kubernetes:///echo..svc", /"" is not a namespace/],
  ["kubernetes:///echo:", /the port is missing after ":"/],
  ["kubernetes:///echo:0", /port "0" must be a number from 1 to 65535, or a name/],
  ["kubernetes:///echo:65536", /port "65536" must be a number/],
  ["kubernetes:///echo:-1", /port "-1" must be a number/],
  ["kubernetes:///echo:000080", /port "000080" must be a number/],
  ["kubernetes:///echo:g_rpc", /port "g_rpc" is neither a number nor the name of a port/],
  ["kubernetes:///echo:-grpc", /port "-grpc" is neither a number nor/],
  ["kubernetes:///a:b:1", /"a:b" is not the name of a service/],
  ["kubernetes:///e_cho.prod", /"e_cho" is not the name of a service/],
  ["kubernetes:///[::1]:80", /"\[::1\]" is not the name of a service/],
  ["kubernetes:///echo.pr_od", /"pr_od" is not a namespace/],
  [`kubernetes:///${"a".repeat(64)}`, /is not the name of a service/],
  ["kubernetes:///echo-0.echo.prod", /after SERVICE.NAMESPACE may come .svc .* not "prod"/],
  ["kubernetes:///echo.prod.svc.a..b", /"a..b" is not the name of a cluster/],
  ["kubernetes:///prod/echo", /"prod\/echo" has a slash too many/],
  ["kubernetes:///a.prod:1,b.prod:1", /kubernetes takes one service/],
  ["kubernetes://prod:80/echo", /a port belongs after the service, not in "prod:80"/],
  ["kubernetes://echo.prod/echo", /"echo.prod" is not a namespace/],
  ["kubernetes://prod/echo.test:1", /it names two namespaces, "prod" and "test"/],
];

for (const [target, says] of REFUSED) {
  test(`${JSON.stringify(target.slice(0, 40))} is refused: ${says.source.slice(0, 40)}`, () => {
    assert.throws(
      () => parseTarget(target),
      (error) => {
        assert.ok(error instanceof TargetError);
        assert.match(error.message, says);
        assert.ok(error.message.startsWith(`target ${JSON.stringify(target)}: `));
        return true;
      },
    );
  });
}
