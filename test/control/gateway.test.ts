/**
 * Envoy as the proxy of a Gateway, driven by `fairlead control`: plaintext and TLS by server name,
 * routes, a route that is wrong, a listener that Envoy cannot open (NACK), and a rollout.
 */
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { eventually } from "../kubernetes/wait.ts";
import { requirePeer } from "../peers/find.ts";
import { freePort, freePorts, startProcess } from "../peers/processes.ts";
import { createAuthority } from "../support/certificates.ts";
import { ControlPlane } from "./control-plane.ts";
import { envoyArgs } from "./envoy.ts";
import { ObjectsDirectory } from "./objects-directory.ts";
import { Pods } from "./pods.ts";

const asIs = (bytes: Buffer): Buffer => bytes;

/** One call: the pod that answered, or "CODE message". */
function say(client: Client, headers: Record<string, string> = {}): Promise<string> {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  const options = { deadline: Date.now() + 2_000 };
  return new Promise((done) => {
    let peer = "";
    const end = (error: ServiceError | null) =>
      done(error === null ? peer : `${error.code} ${error.details}`);
    const method = "/echo.Echo/Say";
    client
      .makeUnaryRequest(method, asIs, asIs, Buffer.from("x"), metadata, options, end)
      .on("metadata", (found) => {
        peer = String(found.get("x-served-by")[0] ?? "");
      });
  });
}

/** Waits for an answer that is as wanted. */
async function answers(client: Client, want: RegExp, headers = {}): Promise<void> {
  let last = "";
  try {
    await eventually(String(want), async () => {
      last = await say(client, headers);
      return want.test(last);
    });
  } catch {
    assert.match(last, want);
  }
}

test("Envoy as gateway: routes, TLS by server name, a bad route, NACK, rollout", async (t) => {
  const [envoy, echo] = ["envoy", "echo-server"].map((name) => requirePeer(t, name));
  if (!envoy || !echo) return;
  const objects = new ObjectsDirectory();
  const pods = new Pods(echo, objects, "echo", await freePort());
  const fresh = new Pods(echo, objects, "v2", await freePort());
  const [plain, tls, adminPort, taken] = await freePorts(4);
  const authority = await createAuthority("a test CA");
  const { cert, key } = await authority.issue({ names: ["echo.example"] });
  objects.put("Secret", "v1", "cert", {
    type: "kubernetes.io/tls",
    stringData: { "tls.crt": cert, "tls.key": key },
  });
  for (const name of ["echo", "v2"]) objects.service(name);
  await pods.add("127.0.60.1", "127.0.60.2");
  await fresh.add("127.0.60.9");
  const listeners = [
    { name: "http", port: plain, protocol: "HTTP" },
    {
      name: "https",
      port: tls,
      protocol: "HTTPS",
      hostname: "echo.example",
      tls: { certificateRefs: [{ name: "cert" }] },
    },
  ];
  objects.gateway("edge", listeners);
  const parent = { kind: "Gateway", name: "edge" } as const;
  const toEcho = [{ name: "echo", port: 50051 }];
  const toFresh = [{ name: "v2", port: 50051 }];
  const headers = [{ name: "x-to", value: "v2" }];
  objects.route("echo", parent, [
    { backendRefs: toEcho },
    { matches: [{ headers }], backendRefs: toFresh },
  ]);
  const plane = await ControlPlane.start(objects.path);
  const metadata = {
    "fairlead.kind": "gateway",
    "fairlead.gateway": "prod/edge",
    "fairlead.listen-host": "127.0.0.1",
  };
  const args = envoyArgs({
    control: plane.address,
    adminPort: adminPort!,
    metadata,
    isDelta: true,
  });
  const proxy = startProcess(envoy, args, { name: "envoy" });
  const client = new Client(`127.0.0.1:${plain}`, credentials.createInsecure());
  const secure = new Client(
    `127.0.0.1:${tls}`,
    credentials.createSsl(Buffer.from(authority.cert)),
    { "grpc.ssl_target_name_override": "echo.example", "grpc.default_authority": "echo.example" },
  );
  const holder = createServer();
  t.after(async () => {
    client.close();
    secure.close();
    holder.close();
    await proxy.stop();
    await plane.kill();
    await Promise.all([pods.close(), fresh.close()]);
    objects.close();
  });

  await answers(client, /^127\.0\.60\.[12]:/);
  await answers(client, /^127\.0\.60\.9:/, { "x-to": "v2" });
  await answers(secure, /^127\.0\.60\.[12]:/);

  // A route that is wrong is refused by itself; everything else stays in force.
  const bad = [{ name: "x-bad", value: "(?=x)", type: "RegularExpression" }];
  objects.route("bad", parent, [{ matches: [{ headers: bad }], backendRefs: toFresh }]);
  objects.route("nobody", parent, [
    {
      matches: [{ headers: [{ name: "x-to", value: "nobody" }] }],
      backendRefs: [{ name: "nobody", port: 1 }],
    },
  ]);
  await answers(client, /^14 /, { "x-to": "nobody" });
  await answers(client, /^127\.0\.60\.[12]:/, { "x-bad": "x" });

  // Envoy rejects a listener whose port is taken; what it had stays, and the reason is shown.
  await new Promise<void>((done) => holder.listen(taken, "127.0.0.1", done));
  objects.gateway("edge", [...listeners, { name: "taken", port: taken, protocol: "HTTP" }]);
  await eventually("a NACK in the log", () => /node rejected resources/.test(plane.output));
  assert.match(plane.output, /Address already in use/i);
  await answers(client, /^127\.0\.60\.[12]:/);
  objects.gateway("edge", listeners);

  let isOver = false;
  const failed: string[] = [];
  const load = (async () => {
    while (!isOver) {
      const answer = await say(client);
      if (!answer.startsWith("127.")) failed.push(answer);
    }
  })();
  const pause = () => new Promise((done) => setTimeout(done, 400));
  await pods.replace(
    [
      ["127.0.60.1", "127.0.60.11"],
      ["127.0.60.2", "127.0.60.12"],
    ],
    pause,
  );
  await plane.kill();
  await pause();
  isOver = true;
  await load;
  assert.deepEqual(failed, []);
  await answers(client, /^127\.0\.60\.1[12]:/);
});
