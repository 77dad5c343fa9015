/** Tests of the environment's HTTP proxies. gRFC A1. */
import assert from "node:assert/strict";
import test from "node:test";
import { httpProxyFor } from "./http-proxy.ts";

const PROXY = "http://proxy.test:3128";

test("the first variable that is set names the proxy", () => {
  const env = { grpc_proxy: "", https_proxy: PROXY, http_proxy: "http://other.test" };
  const found = httpProxyFor("dns:///echo.test:50051", env);
  assert.equal(found?.dialTarget, "dns:///proxy.test:3128");
  assert.deepEqual(found?.tunnel, { host: "echo.test", port: 50_051, authorization: null });
  const first = httpProxyFor("dns:///echo.test:1", { ...env, grpc_proxy: "http://grpc.test" });
  assert.equal(first?.dialTarget, "dns:///grpc.test:80");
});

test("a password is bytes, whatever they mean", () => {
  const { tunnel } = httpProxyFor("echo.test:1", { https_proxy: "http://a:%ff%25@proxy.test" })!;
  assert.equal(
    tunnel.authorization,
    `Basic ${Buffer.from("a:\xff%", "latin1").toString("base64")}`,
  );
  const unicode = httpProxyFor("echo.test:1", { https_proxy: "http://\u00e4:b@proxy.test" })!;
  assert.equal(unicode.tunnel.authorization, `Basic ${Buffer.from("\u00e4:b").toString("base64")}`);
});

test("a user and password become Basic, decoded", () => {
  const found = httpProxyFor("echo.test:1", { https_proxy: "http://a%40b:p%3Aq@proxy.test:1" });
  const expected = `Basic ${Buffer.from("a@b:p:q").toString("base64")}`;
  assert.equal(found?.tunnel.authorization, expected);
});

test("a password without a user is sent, and so is a user without a password", () => {
  const sent = (url: string) => httpProxyFor("echo.test:1", { https_proxy: url })?.tunnel;
  const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;
  assert.equal(sent("http://:pw@proxy.test")?.authorization, basic(":pw"));
  assert.equal(sent("http://user@proxy.test")?.authorization, basic("user:"));
  assert.equal(sent("http://@proxy.test")?.authorization, null);
});

const EXEMPT: readonly (readonly [noProxy: string, target: string, isExempt: boolean])[] = [
  ["*", "echo.test:1", true],
  ["other.test, echo.test", "echo.test:1", true],
  [".test", "echo.test:1", true],
  ["echo.test", "echo.test.example:1", false],
  ["127.0.0.0/8", "127.9.9.9:1", true],
  ["127.0.0.0/16", "127.9.9.9:1", false],
  ["127.0.0.0/99", "127.9.9.9:1", false],
  ["::1/128", "[::1]:1", true],
  ["", "echo.test:1", false],
];

for (const [noProxy, target, isExempt] of EXEMPT) {
  test(`no_proxy ${JSON.stringify(noProxy)}: ${target} is ${isExempt ? "" : "not "}exempt`, () => {
    const found = httpProxyFor(target, { https_proxy: PROXY, no_proxy: noProxy });
    assert.equal(found === null, isExempt);
  });
}

test("no_grpc_proxy comes before no_proxy", () => {
  const env = { https_proxy: PROXY, no_grpc_proxy: "other.test", no_proxy: "*" };
  assert.notEqual(httpProxyFor("echo.test:1", env), null);
});

test("Services of Kubernetes, lists and sockets go around every proxy", () => {
  for (const target of [
    "kubernetes:///echo.shop:50051",
    "127.0.0.1:1,127.0.0.2:1",
    "unix:/run/echo.sock",
  ]) {
    assert.equal(httpProxyFor(target, { https_proxy: PROXY }), null, target);
  }
});

test("a value that is no URL of http is refused without being shown", () => {
  for (const bad of [
    "https://user:secret@proxy.test",
    "proxy secret",
    "socks5://secret.test",
    "http://a:secret%@proxy.test",
  ]) {
    assert.throws(
      () => httpProxyFor("echo.test:1", { https_proxy: bad }),
      (error: Error) => error instanceof RangeError && !error.message.includes("secret"),
    );
  }
});
