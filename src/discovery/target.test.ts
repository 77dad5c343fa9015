/** Tests of parsing targets: what is accepted, and the sentence that each mistake gets. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTarget, TargetError } from "./target.ts";

const ACCEPTED: readonly (readonly [target: string, means: string])[] = [
  ["127.0.0.1:50051", "127.0.0.1:50051"],
  ["127.0.0.1:50051,127.0.0.2:50051", "127.0.0.1:50051 127.0.0.2:50051"],
  ["[::1]:50051", "[::1]:50051"],
  ["[0:0:0:0:0:0:0:1]:50051,[2001:DB8::00a]:1", "[::1]:50051 [2001:db8::a]:1"],
  ["[fe80::1%eth0]:1", "[fe80::1%eth0]:1"],
  ["static:///127.0.0.1:1,127.0.0.2:2", "127.0.0.1:1 127.0.0.2:2"],
  ["static:127.0.0.1:1", "127.0.0.1:1"],
  ["static:///a:1,B.example:65535", "a:1 b.example:65535"],
  ["ipv4:10.0.0.1:80,10.0.0.2:81", "10.0.0.1:80 10.0.0.2:81"],
  ["ipv4:///10.0.0.1:80", "10.0.0.1:80"],
  ["ipv6:[::1]:1,[::2]:2", "[::1]:1 [::2]:2"],
  ["unix:/run/a.sock", "unix:/run/a.sock"],
  ["unix:///run/a.sock", "unix:/run/a.sock"],
  ["unix:a.sock", "unix:a.sock"],
  ["UNIX:/run/A.sock", "unix:/run/A.sock"],
  ["localhost:50051", "dns localhost 50051"],
  ["echo.prod.svc.cluster.local.:1", "dns echo.prod.svc.cluster.local. 1"],
  ["_grpc._tcp.a_b:80", "dns _grpc._tcp.a_b 80"],
  ["1password.com:443", "dns 1password.com 443"],
  ["dns:echo:50051", "dns echo 50051"],
  ["dns:///Echo.Prod:50051", "dns echo.prod 50051"],
  ["dns:///127.0.0.1:50051", "127.0.0.1:50051"],
  ["dns:///[::1]:50051", "[::1]:50051"],
  ["dns://10.96.0.10/echo:1", "dns echo 1 via 10.96.0.10:53"],
  ["dns://10.96.0.10:5353/echo:1", "dns echo 1 via 10.96.0.10:5353"],
  ["dns://[fd00::a]/echo:1", "dns echo 1 via [fd00::a]:53"],
  ["dns://[fd00::a]:54/echo:1", "dns echo 1 via [fd00::a]:54"],
  ["dns:///echo.prod:grpc", "dns echo.prod grpc"],
  ["dns:Echo.prod.:H2-c", "dns echo.prod. h2-c"],
  ["dns://10.96.0.10/echo.prod:8080tcp", "dns echo.prod 8080tcp via 10.96.0.10:53"],
];

for (const [target, means] of ACCEPTED) {
  test(`${target} means ${means}`, () => {
    const parsed = parseTarget(target);
    assert.equal(parsed.target, target);
    if (parsed.kind === "static") {
      assert.equal(parsed.addresses.join(" "), means);
    } else {
      assert.equal(parsed.kind, "dns");
      const via = parsed.server === null ? "" : ` via ${parsed.server}`;
      assert.equal(`dns ${parsed.host} ${parsed.port}${via}`, means);
    }
  });
}

const REFUSED: readonly (readonly [target: string, says: RegExp])[] = [
  ["", /it is empty: allowed are HOST:PORT/],
  ["  ", /it is empty/],
  ["a b:1", /white space/],
  ["echo", /the port is missing in "echo"/],
  ["echo:", /the port is missing/],
  ["127.0.0.1", /the port is missing/],
  ["[::1]", /the port is missing/],
  ["dns:///echo", /the port is missing in "echo"/],
  ["static:///a:1,b", /the port is missing in "b"/],
  [":50051", /the host is missing/],
  ["dns:///", /the host is missing/],
  ["static:///", /empty entry/],
  ["static:", /empty entry/],
  ["127.0.0.1:1,", /empty entry/],
  ["echo:0", /port "0" must be a number from 1 to 65535/],
  ["echo:65536", /port "65536" must be a number/],
  ["echo:http", /port "http" must be a number from 1 to 65535: write dns:\/\/\/HOST:NAME/],
  ["static:///echo:http", /port "http" must be a number from 1 to 65535: write dns:/],
  ["dns:///echo:-grpc", /port "-grpc" must be a number from 1 to 65535 or the name of a port$/],
  ["dns:///echo:a_b", /port "a_b" must be a number from 1 to 65535 or the name/],
  [`dns:///echo:${"a".repeat(64)}`, /must be a number from 1 to 65535 or the name/],
  ["dns:///10.0.0.1:grpc", /the address "10.0.0.1" needs a port number/],
  ["dns:///[::1]:grpc", /the address "::1" needs a port number/],
  ["dns:///:grpc", /the host is missing/],
  ["dns:///a..b:grpc", /is not a host name/],
  ["dns:///a:b:grpc", /"a:b:grpc" is not HOST:PORT/],
  ["dns:///echo:1-2", /port "1-2" must be a number from 1 to 65535$/],
  ["echo:+1", /port "\+1"/],
  ["echo:000001", /port "000001"/],
  ["echo:-1", /port "-1"/],
  ["::1:50051", /is not HOST:PORT: write \[IPV6\]:PORT/],
  ["a:b:1", /"a:b:1" is not HOST:PORT$/],
  ["[::g]:1", /"::g" is not an IPv6 address/],
  ["[127.0.0.1]:1", /is not an IPv6 address/],
  ["[]:1", /"" is not an IPv6 address/],
  ["127.0.0.256:1", /"127.0.0.256" is not an IPv4 address/],
  ["127.1:1", /is not an IPv4 address/],
  ["-a:1", /"-a" is not a host name/],
  ["a..b:1", /is not a host name/],
  ["bücher:1", /is not a host name/],
  [`${"a".repeat(64)}:1`, /is not a host name/],
  [`${"a.".repeat(127)}a:1`, /is not a host name/],
  ["a/b:1", /is not a host name/],
  ["a:1,b:2", /takes IP addresses only, "a:1" is none: write static:/],
  ["http://echo:80", /unknown scheme "http"/],
  ["dns://echo:1", /the name is missing: write dns:\/\/\/echo:1/],
  ["dns:///a:1,b:2", /dns takes one name/],
  ["dns://ns.example/a:1", /the DNS server "ns.example" must be an IP/],
  ["static://a:1", /static takes no authority: write static:\/\/\/a:1/],
  ["ipv4:[::1]:1", /"::1" is not an ipv4 address/],
  ["ipv4:a:1", /"a" is not an ipv4 address/],
  ["ipv6:10.0.0.1:1", /"10.0.0.1" is not an ipv6 address/],
  ["unix:", /the path of the socket is empty/],
  ["unix:///", /the path of the socket is empty/],
  ["unix://host/p", /unix takes no host/],
];

for (const [target, says] of REFUSED) {
  test(`${JSON.stringify(target.slice(0, 40))} is refused: ${says.source.slice(0, 40)}`, () => {
    assert.throws(
      () => parseTarget(target),
      (error) => {
        assert.ok(error instanceof TargetError);
        assert.match(error.message, says);
        assert.ok(error.message.startsWith(`target ${JSON.stringify(target)}: `));
        assert.doesNotMatch(error.message, /\n/);
        return true;
      },
    );
  });
}

test("A27: an xds target is the name of a listener; an authority (A47) is refused", () => {
  const target = "xds:///echo.prod:50051";
  assert.deepEqual(parseTarget(target), { kind: "xds", target, name: "echo.prod:50051" });
  assert.throws(() => parseTarget("xds://echo.prod"), /takes no authority .*write xds:\/\/\/echo/);
  assert.throws(() => parseTarget("xds:///"), /the name is missing/);
});
