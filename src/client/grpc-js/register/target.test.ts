/** Tests of targets that grpc-js took apart, and of the names that servers are called by. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTarget } from "../../../discovery/index.ts";
import { defaultAuthority, targetText } from "./target.ts";

/** As grpc-js 1.14 parses it, with its rule for targets of no known scheme. */
function uri(target: string) {
  const [, scheme, authority, path] = /^(?:([A-Za-z0-9+.-]+):)?(?:\/\/([^/]*)\/)?(.+)$/.exec(
    target,
  )!;
  const isKnown = scheme !== undefined && ["kubernetes", "static", "dns"].includes(scheme);
  return isKnown ? { scheme, authority, path } : { scheme: "dns", path: target };
}

test("a kubernetes or static target is what it was before grpc-js took it apart", () => {
  for (const target of [
    "kubernetes:///echo.prod:grpc",
    "kubernetes://prod/echo:80",
    "kubernetes://echo.prod:80/",
    "kubernetes://echo.prod:80",
    "kubernetes:echo",
    "static:///127.0.0.1:1,[::1]:2",
    "static:127.0.0.1:1",
  ]) {
    assert.equal(targetText(uri(target)), target);
  }
});

test("dns: a missing port is 443, as gRPC has it", () => {
  for (const [target, text] of [
    ["echo", "dns:echo:443"],
    ["echo:50051", "dns:echo:50051"],
    ["echo:grpc", "dns:echo:grpc"],
    ["dns:///echo.prod", "dns:///echo.prod:443"],
    ["dns://127.0.0.1:53/echo", "dns://127.0.0.1:53/echo:443"],
    ["dns:[::1]", "dns:[::1]:443"],
    ["[::1]:50051", "dns:[::1]:50051"],
    ["::1", "dns:[::1]:443"],
    ["dns:///127.0.0.1", "dns:///127.0.0.1:443"],
  ]) {
    assert.equal(targetText(uri(target)), text);
    parseTarget(text);
  }
});

test("the authority is what a certificate of the server carries", () => {
  for (const [target, authority] of [
    ["kubernetes:///echo.prod:50051", "echo.prod.svc:50051"],
    ["kubernetes://prod/echo:50051", "echo.prod.svc:50051"],
    ["kubernetes:///echo.prod.svc.cluster.local:50051", "echo.prod.svc:50051"],
    ["kubernetes:///echo.prod:grpc", "echo.prod.svc"],
    ["kubernetes:///echo.prod", "echo.prod.svc"],
    ["kubernetes:///echo:50051", "echo:50051"],
    ["dns:///echo.prod:50051", "echo.prod:50051"],
    ["dns:///Echo", "Echo"],
    ["dns:///echo.prod:grpc", "echo.prod"],
    ["dns:///bad..name:1", "bad..name:1"],
    ["[::1]:50051", "[::1]:50051"],
    ["dns:[::1]", "[::1]"],
    ["::1", "::1"],
    ["127.0.0.1:50051", "127.0.0.1:50051"],
    ["static:///name:1,127.0.0.1:2", "name:1"],
    ["static:///127.0.0.1:1", "127.0.0.1:1"],
  ]) {
    assert.equal(defaultAuthority(uri(target)), authority, target);
  }
});

test("a malformed kubernetes or static target throws", () => {
  for (const target of ["kubernetes:///a.b.c", "static:///x", "kubernetes:///"]) {
    assert.throws(() => defaultAuthority(uri(target)), /^TargetError: target/, target);
  }
});
