/**
 * `fairlead control --authorize` with stock grpc-go nodes that show SPIFFE certificates: each gets
 * what its namespace may have; and the control plane's own certificate is renewed while they live.
 */
import assert from "node:assert/strict";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { connect } from "node:tls";
import { eventually } from "../kubernetes/wait.ts";
import { requirePeer } from "../peers/find.ts";
import { freePort } from "../peers/processes.ts";
import { createAuthority } from "../support/certificates.ts";
import { ControlPlane } from "./control-plane.ts";
import { ObjectsDirectory } from "./objects-directory.ts";
import { Pods } from "./pods.ts";
import { failuresOf, peersOf, XdsClient } from "./xds-client.ts";

const TARGET = "xds:///echo.prod:50051";
const IP = "127.0.61.1";

/** What the server at an address shows is of that CA. */
function isOf(address: string, ca: string): Promise<boolean> {
  const [host, port] = address.split(":") as [string, string];
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port), ca, ALPNProtocols: ["h2"] });
    // The certificate that is asked of us comes after the handshake, in TLS 1.3.
    socket.on("secureConnect", () => {
      resolve(true);
      socket.destroy();
    });
    socket.on("error", () => resolve(false));
  });
}

function writeService(objects: ObjectsDirectory, annotations: object): void {
  const ports = [{ name: "grpc", port: 50051, targetPort: 50051 }];
  const spec = { clusterIP: "None", ports };
  objects.put("Service", "v1", "echo", { spec }, { annotations });
}

test("SPIFFE names decide what a node gets, and a renewed certificate cuts nobody", async (t) => {
  const echo = requirePeer(t, "echo-server");
  const program = requirePeer(t, "xds-client");
  if (echo === null || program === null) return;
  const objects = new ObjectsDirectory();
  const ends: (() => Promise<unknown>)[] = [];
  t.after(async () => {
    for (const end of ends.reverse()) await end();
    objects.close();
  });
  writeService(objects, {});
  const pods = new Pods(echo, objects, "echo", await freePort());
  ends.push(() => pods.close());
  await pods.add(IP);

  const [authority, next] = [await createAuthority("first"), await createAuthority("second")];
  // Not `.json` and the like: the directory is read for objects.
  const put = (name: string, text: string): string => {
    const file = join(objects.path, `.${name}`);
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
    return file;
  };
  const own = await authority.issue({ names: ["127.0.0.1"] });
  const [cert, key] = [put("tls.crt", own.cert), put("tls.key", own.key)];
  const ca = put("ca.crt", authority.cert);
  const tls = ["--tls-cert", cert, "--tls-key", key, "--tls-client-ca", ca, "--authorize"];
  const plane = await ControlPlane.startWith(objects.path, tls);
  ends.push(() => plane.kill());

  const nodeOf = async (namespace: string): Promise<XdsClient> => {
    const name = `spiffe://mesh.local/ns/${namespace}/sa/web`;
    const shown = await authority.issue({ names: [name], commonName: "web" });
    const config = {
      certificate_file: put(`${namespace}.crt`, shown.cert),
      private_key_file: put(`${namespace}.key`, shown.key),
      ca_certificate_file: ca,
    };
    const options = { creds: { type: "tls", config }, node: { id: namespace } };
    const node = new XdsClient([program], objects.path, plane.address, TARGET, options);
    ends.push(() => node.stop());
    return node;
  };
  const [prod, dev] = [await nodeOf("prod"), await nodeOf("dev")];
  await prod.ready();
  await eventually("calls in its own namespace", () => peersOf(prod.calls).size === 1);
  await eventually("what is not exported is told", () => /resource refused/.test(plane.output));
  assert.match(plane.output, /"node":"dev".*"name":"echo\.prod:50051"/);
  assert.equal(peersOf(dev.calls).size, 0);
  writeService(objects, { "fairlead.dev/export-to": "dev, other" });
  await eventually("what is exported", () => peersOf(dev.calls).size === 1);

  assert.equal(await isOf(plane.address, next.cert), false);
  const from = prod.calls.length;
  const renewed = await next.issue({ names: ["127.0.0.1"] });
  put("tls.key", renewed.key);
  put("tls.crt", renewed.cert);
  await eventually("the new certificate", () => isOf(plane.address, next.cert));
  await pods.start("127.0.61.2");
  pods.say("127.0.61.2", "ready");
  pods.publish();
  // Their streams began with the old one, and go on.
  await eventually("a new pod", () => peersOf(prod.calls.slice(from)).size === 2);
  assert.deepEqual(failuresOf(prod.calls.slice(from)), []);
  assert.doesNotMatch(plane.output, /"msg":"node gone"/);
});
