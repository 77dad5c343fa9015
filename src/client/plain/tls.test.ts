/** Tests of the plain API over TLS, and that its channels keep no process alive. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import * as grpc from "@grpc/grpc-js";
import { writeCertificates } from "../../../test/support/certificates.ts";
import { createChannel, GrpcError, type TlsOptions } from "./public.ts";

const SAY = {
  path: "/echo.Echo/Say",
  encode: (message: string) => Buffer.from(message),
  decode: (bytes: Uint8Array) => String(bytes),
};

function listen(credentials: grpc.ServerCredentials): Promise<[grpc.Server, number]> {
  const server = new grpc.Server();
  const bytes = (value: Buffer) => value;
  const definition: grpc.MethodDefinition<Buffer, Buffer> = {
    ...{ path: SAY.path, requestStream: false, responseStream: false },
    ...{ requestSerialize: bytes, requestDeserialize: bytes },
    ...{ responseSerialize: bytes, responseDeserialize: bytes },
  };
  server.addService(
    { say: definition },
    {
      say: (call: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) =>
        done(null, Buffer.from(`${call.request} ${call.metadata.get("token")}`)),
    },
  );
  return new Promise((done, failed) => {
    server.bindAsync("127.0.0.1:0", credentials, (error, port) =>
      error === null ? done([server, port]) : failed(error),
    );
  });
}

test("mutual TLS by PEM and by files, a token beside it, and names that do not fit", async () => {
  const dir = mkdtempSync(join(tmpdir(), "fairlead-plain-"));
  const files = await writeCertificates(dir, ["echo.test"]);
  const [ca, cert, key] = [files.caFile, files.certFile, files.keyFile].map((file) =>
    readFileSync(file),
  ) as [Buffer, Buffer, Buffer];
  const pair = [{ private_key: key, cert_chain: cert }];
  const [server, port] = await listen(grpc.ServerCredentials.createSsl(ca, pair, true));
  const run = async (tls: TlsOptions, authority = "echo.test"): Promise<string> => {
    const callMetadata = async () => ({ token: "secret" });
    using channel = createChannel(`127.0.0.1:${port}`, { tls, authority, callMetadata });
    return await channel.unary(SAY, "hello");
  };
  try {
    assert.equal(await run({ ca, cert: cert.toString(), key }), "hello secret");
    assert.equal(await run(files), "hello secret");
    assert.equal(await run({ ...files, serverName: "echo.test" }, "other.test"), "hello secret");
    const isUnavailable = (error: unknown) => error instanceof GrpcError && error.code === 14;
    await assert.rejects(run(files, "other.test"), (error) => {
      const said = isUnavailable(error) ? (error as GrpcError).message : "";
      // In the words of somebody who has an API, not the flags of the proxy.
      assert.match(
        said,
        /other\.test but for DNS:echo\.test.*; the channel's authority says which/,
      );
      return true;
    });
    await assert.rejects(run({ cert, key }), isUnavailable);
  } finally {
    server.forceShutdown();
    rmSync(dir, { recursive: true });
  }
});

/** Runs a program that has `createChannel` and `method`, to its end; what it printed. */
async function run(body: string): Promise<string> {
  const program = `
    import { createChannel } from ${JSON.stringify(new URL("public.ts", import.meta.url).href)};
    const method = { path: "${SAY.path}", encode: (m) => Buffer.from(m), decode: String };
    ${body}`;
  const args = ["--input-type=module", "-e", program];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let out = "";
  child.stdout.on("data", (part) => {
    out += part;
  });
  try {
    const [code] = await once(child, "close", { signal: AbortSignal.timeout(20_000) });
    assert.equal(code, 0);
  } finally {
    child.kill("SIGKILL");
  }
  return out;
}

test("a program with an open channel ends, and one with a call in flight waits for it", async () => {
  const [server, port] = await listen(grpc.ServerCredentials.createInsecure());
  const out = await run(`
    const channel = createChannel("127.0.0.1:${port}");
    channel.unary(method, "hello").then(console.log);`);
  server.forceShutdown();
  assert.equal(out, "hello \n");
});

test("a call that was given up while call metadata was made holds no program", async () => {
  // The story: its deadline, an hour away, stayed until the provider answered, which it never did.
  const out = await run(`
    const callMetadata = () => new Promise(() => {});
    const options = { callMetadata, allowPlaintextCallMetadata: true };
    const channel = createChannel("127.0.0.1:1", options);
    const given = AbortSignal.timeout(50);
    setTimeout(() => {}, 100);
    channel.unary(method, "hello", { timeoutMs: 3_600_000, signal: given })
      .catch(({ codeName }) => console.log(codeName));`);
  assert.equal(out, "CANCELLED\n");
});
