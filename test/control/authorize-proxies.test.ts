/**
 * `fairlead control --authorize` with the proxies of a Gateway, Envoy and ours: one that shows a
 * certificate of the Gateway's namespace gets its listeners and its Secret; one of another
 * namespace, or without a certificate, nothing.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { FAIRLEAD, logLines } from "../cli/harness.ts";
import { eventually } from "../kubernetes/wait.ts";
import { requirePeer } from "../peers/find.ts";
import { freePorts, startProcess } from "../peers/processes.ts";
import { type Authority, createAuthority } from "../support/certificates.ts";
import { ControlPlane } from "./control-plane.ts";
import { envoyArgs } from "./envoy.ts";
import { ObjectsDirectory } from "./objects-directory.ts";
import { Pods } from "./pods.ts";

const HOSTNAME = "echo.example";

/** The pod that answers a call over TLS, or what is wrong. */
function say(client: Client): Promise<string> {
  const asIs = (bytes: Buffer): Buffer => bytes;
  const options = { deadline: Date.now() + 2_000 };
  return new Promise((done) => {
    let peer = "";
    const end = (error: ServiceError | null): void => done(error?.message ?? peer);
    client
      .makeUnaryRequest(
        "/echo.Echo/Say",
        asIs,
        asIs,
        Buffer.from("x"),
        new Metadata(),
        options,
        end,
      )
      .on("metadata", (found) => {
        peer = String(found.get("x-served-by")[0] ?? "");
      });
  });
}

/** Files of a node's certificate. */
interface Files {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** A Gateway with a listener of TLS, a route and a pod, and `fairlead control --authorize`. */
async function prepare(t: TestContext, echo: string, gatewayPort: number, podPort: number) {
  const objects = new ObjectsDirectory();
  const pods = new Pods(echo, objects, "echo", podPort);
  const [authority, edge] = [await createAuthority("mesh"), await createAuthority("edge")];
  const { cert, key } = await edge.issue({ names: [HOSTNAME] });
  const stringData = { "tls.crt": cert, "tls.key": key };
  objects.put("Secret", "v1", "cert", { type: "kubernetes.io/tls", stringData });
  const tls = { certificateRefs: [{ name: "cert" }] };
  const listener = { name: "https", port: gatewayPort, protocol: "HTTPS", hostname: HOSTNAME, tls };
  objects.gateway("edge", [listener]);
  objects.service("echo");
  const backendRefs = [{ name: "echo", port: 50051 }];
  objects.route("echo", { kind: "Gateway", name: "edge" }, [{ backendRefs }]);
  await pods.add("127.0.79.1");
  const filesOf = async (name: string, of: Authority, sans: string[]): Promise<Files> => {
    const made = await of.issue({ names: sans });
    // Not `.json` and the like: the directory is read for objects.
    const put = (ending: string, text: string): string => {
      const file = join(objects.path, `.${name}.${ending}`);
      writeFileSync(file, text);
      return file;
    };
    return {
      ca: put("ca", authority.cert),
      cert: put("crt", made.cert),
      key: put("key", made.key),
    };
  };
  const own = await filesOf("control", authority, ["127.0.0.1"]);
  const flags = ["--tls-cert", own.cert, "--tls-key", own.key, "--tls-client-ca", own.ca];
  const plane = await ControlPlane.startWith(objects.path, [...flags, "--authorize"]);
  t.after(async () => {
    await plane.kill();
    await pods.close();
    objects.close();
  });
  const ofNamespace = (namespace: string, by = authority): Promise<Files> =>
    filesOf(namespace, by, [`spiffe://mesh.local/ns/${namespace}/sa/edge`]);
  const clientOf = (address: string): Client => {
    const client = new Client(address, credentials.createSsl(Buffer.from(edge.cert)), {
      "grpc.ssl_target_name_override": HOSTNAME,
      "grpc.default_authority": HOSTNAME,
    });
    t.after(() => client.close());
    return client;
  };
  return { plane, ofNamespace, clientOf, ca: own.ca };
}

test("proxies of a Gateway by mTLS: who is of its namespace gets all of it, others nothing", async (t) => {
  const [envoy, echo] = ["envoy", "echo-server"].map((name) => requirePeer(t, name));
  if (!envoy || !echo) return;
  const ports = (await freePorts(6)) as [number, number, number, number, number, number];
  const [port, podPort, ...adminPorts] = ports;
  const { plane, ofNamespace, clientOf, ca } = await prepare(t, echo, port, podPort);
  const startEnvoy = (id: number, tls: Files) => {
    const gateway = { "fairlead.kind": "gateway", "fairlead.gateway": "prod/edge" };
    const metadata = { ...gateway, "fairlead.listen-host": "127.0.0.1" };
    const adminPort = adminPorts[id]!;
    const args = envoyArgs({ control: plane.address, adminPort, metadata, isDelta: id > 0, tls });
    const started = startProcess(envoy, args, { name: "envoy" });
    t.after(() => started.stop());
    return started;
  };
  const startOurs = async (flags: readonly string[]) => {
    const what = ["--gateway", "prod/edge", "--listen", `${port}=127.0.0.1:0`];
    const args = ["proxy", ...what, "--control", plane.address, ...flags];
    const started = startProcess(FAIRLEAD, args);
    t.after(() => started.stop());
    return started;
  };
  const flagsOf = ({ ca, cert, key }: Files): readonly string[] => [
    ...["--control-ca", ca, "--control-cert", cert, "--control-key", key],
  ];
  const [prod, dev] = [await ofNamespace("prod"), await ofNamespace("dev")];
  const strange = await ofNamespace("strange", await createAuthority("another"));

  // Those that get nothing come first: whatever answers at the port later is not theirs.
  const denied = [startEnvoy(1, dev), startEnvoy(2, strange)];
  const ours = await Promise.all([
    startOurs(flagsOf(dev)),
    startOurs(["--control-ca", ca]),
    startOurs(flagsOf(strange)),
  ]);
  // Ours says its own namespace first, Envoy only its Gateway's name.
  const isOfDev = "its certificate is of dev";
  await ours[0]!.waitFor(new RegExp(`the node says that it is in namespace prod: ${isOfDev}`));
  const refusal = new RegExp(`the node asks for Gateway prod/edge: ${isOfDev}`);
  await eventually("Envoy is refused", () => refusal.test(plane.output));
  await ours[1]!.waitFor(/the server asks for a client certificate/);
  await ours[2]!.waitFor(/no configuration yet/);
  assert.match(await say(clientOf(`127.0.0.1:${port}`)), /UNAVAILABLE/);
  assert.ok(ours.every((each) => logLines(each).every(({ msg }) => msg !== "listening")));

  const good = [startEnvoy(0, prod), await startOurs(flagsOf(prod))] as const;
  await good[1].waitFor(/"msg":"listening"/);
  const { address } = logLines(good[1]).find(({ msg }) => msg === "listening")!;
  for (const at of [`127.0.0.1:${port}`, String(address)]) {
    const client = clientOf(at);
    await eventually(`calls by ${at}`, async () => (await say(client)) === `127.0.79.1:${podPort}`);
  }
  assert.ok([...denied, ...good].every(({ exit }) => exit === null));
});
