/**
 * RFC 9113 §8: what makes a request, a response or trailers malformed, and what does not. A
 * malformed message is an error of its stream, is never passed on, and costs the peer a glitch.
 */
import assert from "node:assert/strict";
import {
  data,
  headers,
  join,
  type Pairs,
  paddedData,
  REQUEST,
  RESPONSE,
} from "../../../test/support/http2-frames.ts";
import { literal, plainBlock } from "../../../test/support/http2-hpack-model.ts";
import { type Peer, type WireCase, wireTests } from "../../../test/support/http2-peer.ts";

const text = (pairs: Pairs) => pairs.map((pair) => pair.join("=")).join(" ");

/** The good request with some fields replaced (by name) and some behind it. */
function request(changes: Readonly<Record<string, string | null>>, more: Pairs = []): Pairs {
  const kept = REQUEST.filter(([name]) => changes[name] !== null).map(
    ([name, value]) => [name, changes[name] ?? value] as const,
  );
  return [...kept, ...more];
}

/** A message, and the fault that the engine finds, "" for none. */
interface Message {
  readonly section: string;
  readonly what: string;
  readonly pairs: Pairs;
  readonly fault: string;
}

const NAME = "a header name that is empty, in upper case, or not a token";
const VALUE = "a header value holds a forbidden character";
const SPECIFIC = "a connection-specific header field";
const PATH = "a :path that does not begin with / or holds a forbidden character";

/** Faults that any message can have, as fields behind good ones. */
const FIELD_FAULTS: readonly [string, string, string, string][] = [
  ["8.2.1", "x-Upper", "1", NAME],
  ["8.2.1", "", "1", NAME],
  ["8.2.1", "a b", "1", NAME],
  ["8.2.1", "a:b", "1", NAME],
  ["8.2.1", "a\u007f", "1", NAME],
  ["8.2.1", "a\u00e9", "1", NAME],
  ["8.2.1", "a\0", "1", NAME],
  ["8.2.1", "x", "a\0b", VALUE],
  ["8.2.1", "x", "a\rb", VALUE],
  ["8.2.1", "x", "a\nb", VALUE],
  ["8.2.1", "x", "\r\nx-smuggled: 1", VALUE],
  ["8.2.1", "x", " a", VALUE],
  ["8.2.1", "x", "a ", VALUE],
  ["8.2.1", "x", "\ta", VALUE],
  ["8.2.1", "x", "a\t", VALUE],
  ["8.2.1", "x", " ", VALUE],
  ["8.2.1", "x", "", ""],
  ["8.2.1", "x", "a b\tc", ""],
  ["8.2.1", "x", "\u00ff\u0080\u0001\u007f", ""],
  ["8.2.1", "!#$%&'*+-.^_`|~09az", "1", ""],
  ["8.2.2", "connection", "close", SPECIFIC],
  ["8.2.2", "connection", "", SPECIFIC],
  ["8.2.2", "keep-alive", "1", SPECIFIC],
  ["8.2.2", "proxy-connection", "close", SPECIFIC],
  ["8.2.2", "transfer-encoding", "chunked", SPECIFIC],
  ["8.2.2", "upgrade", "websocket", SPECIFIC],
  ["8.2.2", "te", "trailers", ""],
  ["8.2.2", "te", "gzip", "te with a value other than trailers"],
  ["8.2.2", "te", "trailers, deflate", "te with a value other than trailers"],
  ["8.3", ":late", "1", "a pseudo-header after a regular header"],
];

const fieldFaults = (base: Pairs): Message[] =>
  FIELD_FAULTS.map(([section, name, value, fault]) => ({
    section,
    what: `with ${JSON.stringify(name)}: ${JSON.stringify(value)}`,
    pairs: [...base, ["x-first", "1"], [name, value]],
    fault,
  }));

const row = (section: string, what: string, pairs: Pairs, fault = ""): Message => ({
  section,
  what,
  pairs,
  fault,
});

const REQUESTS: readonly Message[] = [
  ...fieldFaults(REQUEST),
  row(
    "8.3",
    "with an unknown pseudo-header",
    [[":x", "1"], ...REQUEST],
    "an unknown pseudo-header",
  ),
  row(
    "8.3",
    "with :protocol",
    request({}, [[":protocol", "websocket"]]),
    "an unknown pseudo-header",
  ),
  row(
    "8.3",
    "with a pseudo-header behind a field",
    [["x", "1"], ...REQUEST],
    "a pseudo-header after a regular header",
  ),
  ...[":method", ":scheme", ":path", ":authority"].map((name) =>
    row(
      "8.3",
      `with two ${name}`,
      request({}, [[name, Object.fromEntries(REQUEST)[name]!]]),
      `more than one ${name}`,
    ),
  ),
  row("8.3.1", "with :status", request({}, [[":status", "200"]]), ":status in a request"),
  row("8.3.1", "without :method", request({ ":method": null }), "no :method"),
  row("8.3.1", "without :scheme", request({ ":scheme": null }), "no :scheme"),
  row("8.3.1", "without :path", request({ ":path": null }), "no :path"),
  row("8.3.1", "without :authority", request({ ":authority": null })),
  row("8.3.1", "with nothing at all", [], "no :method"),
  ...["GET", "PATCH", "M-SEARCH", "x"].map((method) =>
    row("8.3.1", `with the method ${method}`, request({ ":method": method })),
  ),
  ...["", "GE T", "GET/", "G\u00cbT"].map((method) =>
    row(
      "8.3.1",
      `with the method ${JSON.stringify(method)}`,
      request({ ":method": method }),
      "a :method that is not a token",
    ),
  ),
  ...["https", "http", "coap+tcp", "h2c"].map((scheme) =>
    row("8.3.1", `with the scheme ${scheme}`, request({ ":scheme": scheme })),
  ),
  ...["", "1http", "ht tp", "http:", "http://a/"].map((scheme) =>
    row(
      "8.3.1",
      `with the scheme ${JSON.stringify(scheme)}`,
      request({ ":scheme": scheme }),
      "a :scheme that is not one",
    ),
  ),
  ...["/", "/a/b?c=d", "//x", "/%2f", "/./../a", "/a\\b", '/"<>^`{|}', "/~"].map((path) =>
    row("8.3.1", `with the path ${path}`, request({ ":path": path })),
  ),
  ...["", "s/m", "*", "/a b", "/a#b", "/\u0001", "/\u007f", "/\u00e9", "http://a/", "?a"].map(
    (path) =>
      row("8.3.1", `with the path ${JSON.stringify(path)}`, request({ ":path": path }), PATH),
  ),
  row("8.3.1", "OPTIONS *", request({ ":method": "OPTIONS", ":path": "*" })),
  ...["a:1", "[::1]:50051", "", "a_b", "xn--e1a"].map((authority) =>
    row(
      "8.3.1",
      `with the authority ${JSON.stringify(authority)}`,
      request({ ":authority": authority }),
    ),
  ),
  row(
    "8.3.1",
    "with userinfo in :authority",
    request({ ":authority": "me@a" }),
    "an :authority with userinfo",
  ),
  row(
    "8.3.1",
    "with a space in :authority",
    request({ ":authority": "a b" }),
    "an :authority with a forbidden character",
  ),
  row("8.3.1", "with a host that says the same", request({}, [["host", "A"]])),
  row(
    "8.3.1",
    "with a host that differs",
    request({}, [["host", "b"]]),
    "host differs from :authority",
  ),
  row("8.3.1", "with a host alone", request({ ":authority": null }, [["host", "b"]])),
  row(
    "8.3.1",
    "with two hosts",
    request({ ":authority": null }, [
      ["host", "b"],
      ["host", "b"],
    ]),
    "more than one host",
  ),
  row(
    "8.3.1",
    "with userinfo in host",
    request({ ":authority": null }, [["host", "me@b"]]),
    "a host with userinfo",
  ),
  row("8.5", "CONNECT", [
    [":method", "CONNECT"],
    [":authority", "a:1"],
  ]),
  row(
    "8.5",
    "CONNECT with :path and :scheme",
    request({ ":method": "CONNECT" }),
    "CONNECT with :scheme or :path",
  ),
  row("8.5", "CONNECT without :authority", [[":method", "CONNECT"]], "CONNECT without :authority"),
  ...["0", "5", "00005"].map((length) =>
    row("8.1.1", `with content-length ${length}`, request({}, [["content-length", length]])),
  ),
  row(
    "8.1.1",
    "with content-length twice, the same",
    request({}, [
      ["content-length", "5"],
      ["content-length", "5"],
    ]),
  ),
  row(
    "8.1.1",
    "with content-lengths that differ",
    request({}, [
      ["content-length", "5"],
      ["content-length", "6"],
    ]),
    "content-length values that differ",
  ),
  ...["", "-1", "+5", "5,5", "0x5", "1e3", "9".repeat(16)].map((length) =>
    row(
      "8.1.1",
      `with content-length ${JSON.stringify(length)}`,
      request({}, [["content-length", length]]),
      "a content-length that is not a number",
    ),
  ),
];

/** A block with a Huffman-coded copy of the values: a value is checked in both codings. */
const huffman = (pairs: Pairs) =>
  Uint8Array.from(
    pairs.flatMap(([name, value]) => literal(name, value, { isHuffman: true, indexing: "with" })),
  );

wireTests(
  REQUESTS.flatMap(({ section, what, pairs, fault }): WireCase[] =>
    [plainBlock(pairs), huffman(pairs)].map((block, i) => ({
      section,
      name: `a request ${what}${i === 1 ? ", Huffman-coded," : ""} is ${fault === "" ? "good" : "malformed"}`,
      script: (peer) => {
        peer.send(headers(1, block));
        if (fault === "") peer.want().heard(`request 1 ${text(pairs)}`);
        else {
          peer.want("RST_STREAM 1 PROTOCOL_ERROR").heard();
          assert.equal(peer.connection.glitchCount, 1);
        }
      },
    })),
  ),
);

const STATUS = "a :status that is not one";
const PSEUDO = "a request's pseudo-header in a response";

const RESPONSES: readonly Message[] = [
  ...fieldFaults(RESPONSE),
  ...["200", "204", "304", "404", "599"].map((status) =>
    row("8.3.2", `with status ${status}`, [[":status", status]]),
  ),
  ...["", "20", "2000", "abc", "000", "600", "+20", "2 0"].map((status) =>
    row("8.3.2", `with status ${JSON.stringify(status)}`, [[":status", status]], STATUS),
  ),
  row("8.3.2", "without :status", [["x", "1"]], "no :status"),
  row("8.3.2", "with two :status", [...RESPONSE, [":status", "200"]], "more than one :status"),
  row("8.6", "with status 101", [[":status", "101"]], "status 101"),
  row("8.3", "with :method", [...RESPONSE, [":method", "GET"]], PSEUDO),
  row("8.3", "with :path", [...RESPONSE, [":path", "/"]], PSEUDO),
  row("8.3", "with :authority", [...RESPONSE, [":authority", "a"]], ":authority in a response"),
  row(
    "8.1.1",
    "with a content-length that is no number",
    [...RESPONSE, ["content-length", "x"]],
    "a content-length that is not a number",
  ),
];

const TRAILERS: readonly Message[] = [
  ...fieldFaults([]),
  row("8.1", "empty", []),
  row("8.1", "with a field", [["grpc-status", "0"]]),
  ...[":status", ":method", ":path", ":scheme", ":authority"].map((name) =>
    row("8.1", `with ${name}`, [[name, "200"]], "a pseudo-header in trailers"),
  ),
];

wireTests([
  ...RESPONSES.map(
    ({ section, what, pairs, fault }): WireCase => ({
      section,
      name: `a response ${what} is ${fault === "" ? "good" : "malformed"}`,
      role: "client",
      script: (peer) => {
        peer.open(true);
        peer.said();
        peer.send(headers(1, pairs));
        if (fault === "") peer.want().heard(`headers 1 ${text(pairs)}`);
        else {
          peer
            .want("RST_STREAM 1 PROTOCOL_ERROR")
            .heard(`reset 1 PROTOCOL_ERROR by library "${fault}"`);
        }
      },
    }),
  ),
  ...TRAILERS.flatMap(({ section, what, pairs, fault }): WireCase[] =>
    (["server", "client"] as const).map((role) => ({
      section,
      name: `trailers ${what}, to a ${role}, are ${fault === "" ? "good" : "malformed"}`,
      role,
      script: (peer) => {
        if (role === "client") peer.open(true);
        peer.send(headers(1, role === "client" ? RESPONSE : REQUEST)).said();
        peer.user.take();
        peer.send(headers(1, pairs, 1));
        if (fault === "") peer.want().heard(`trailers 1 ${text(pairs)}`);
        else {
          peer
            .want("RST_STREAM 1 PROTOCOL_ERROR")
            .heard(`reset 1 PROTOCOL_ERROR by library "${fault}"`);
        }
      },
    })),
  ),
]);

const MISMATCH = "a body that differs from its content-length";
const withLength = (pairs: Pairs, length: number): Pairs => [
  ...pairs,
  ["content-length", `${length}`],
];

/** What is sent behind a message that announces 5 bytes, and whether it is malformed. */
const BODIES: readonly [string, (id: number) => Uint8Array, boolean][] = [
  ["5 bytes", (id) => data(id, "abcde", 1), true],
  ["5 bytes in parts", (id) => join(data(id, "ab"), data(id, ""), data(id, "cde", 1)), true],
  ["5 bytes and padding", (id) => paddedData(id, "abcde", 20, 1), true],
  ["5 bytes and an empty end", (id) => join(data(id, "abcde"), data(id, "", 1)), true],
  ["5 bytes and trailers", (id) => join(data(id, "abcde"), headers(id, [["x", "1"]], 1)), true],
  ["4 bytes", (id) => data(id, "abcd", 1), false],
  ["4 bytes and trailers", (id) => join(data(id, "abcd"), headers(id, [["x", "1"]], 1)), false],
  ["6 bytes", (id) => data(id, "abcdef", 1), false],
  ["6 bytes and more", (id) => join(data(id, "abcdef"), data(id, "g")), false],
  ["no bytes and an end", (id) => data(id, "", 1), false],
  ["trailers alone", (id) => headers(id, [["x", "1"]], 1), false],
];

/** Whether stream 1 was reset for its length. */
function wantBody(peer: Peer, isGood: boolean): void {
  peer.want(...(isGood ? [] : ["RST_STREAM 1 PROTOCOL_ERROR"]));
  const { failure, isEnded } = peer.on(1);
  assert.equal(failure?.reason ?? "", isGood ? "" : MISMATCH);
  assert.equal(isEnded, isGood);
  peer.user.take(); // what came before the fault shows depends on the cut
}

wireTests([
  ...BODIES.flatMap(([what, body, isGood]): WireCase[] => [
    {
      section: "8.1.1",
      name: `a request that announces 5 bytes, with ${what}, is ${isGood ? "good" : "malformed"}`,
      script: (peer) => wantBody(peer.send(headers(1, withLength(REQUEST, 5)), body(1)), isGood),
    },
    {
      section: "8.1.1",
      name: `a response that announces 5 bytes, with ${what}, is ${isGood ? "good" : "malformed"}`,
      role: "client",
      script: (peer) => {
        peer.open(true);
        peer.said();
        wantBody(peer.send(headers(1, withLength(RESPONSE, 5)), body(1)), isGood);
      },
    },
  ]),
  {
    section: "8.1.1",
    name: "a request that announces a body and ends with its headers is malformed",
    script: (peer) =>
      peer
        .send(headers(1, withLength(REQUEST, 5), 1))
        .want("RST_STREAM 1 PROTOCOL_ERROR")
        .send(headers(3, withLength(REQUEST, 0), 1))
        .want(),
  },
  ...["HEAD", "GET"].flatMap((method): WireCase[] =>
    ["200", "304", "204"].flatMap((status) =>
      ["with its headers", "with empty data"].map((how): WireCase => {
        const isGood = method === "HEAD" || status !== "200";
        const verdict = isGood ? "good" : "malformed";
        return {
          section: "8.1.1",
          name: `${status} to ${method} that announces a body and ends ${how} is ${verdict}`,
          role: "client",
          script: (peer) => {
            peer.open(true, request({ ":method": method }));
            peer.said();
            const fields = withLength([[":status", status]], 5);
            if (how === "with its headers") peer.send(headers(1, fields, 1));
            else peer.send(headers(1, fields), data(1, "", 1));
            wantBody(peer, isGood);
          },
        };
      }),
    ),
  ),
  {
    section: "8.1",
    name: "trailers without END_STREAM are malformed",
    script: (peer) =>
      peer
        .send(headers(1, REQUEST), headers(1, [["x", "1"]]))
        .want("RST_STREAM 1 PROTOCOL_ERROR")
        .heard(
          `request 1 ${text(REQUEST)}`,
          'reset 1 PROTOCOL_ERROR by library "trailers without END_STREAM"',
        ),
  },
  {
    section: "8.1",
    name: "a call has headers, data and trailers, and nothing behind them",
    role: "client",
    script: (peer) => {
      peer.open(true);
      peer.said();
      peer
        .send(headers(1, RESPONSE), data(1, "abc"), headers(1, [["grpc-status", "0"]], 1))
        .want()
        .heard(`headers 1 ${text(RESPONSE)}`, 'data 1 "abc"', "trailers 1 grpc-status=0")
        .send(headers(1, [["x", "1"]], 1))
        .want('GOAWAY last=0 code=STREAM_CLOSED "HEADERS on a closed stream"');
    },
  },
  {
    section: "8.1",
    name: "informational responses come before the final one, as often as allowed",
    role: "client",
    script: (peer) => {
      peer.open(true);
      peer.said();
      const early: Pairs = [
        [":status", "103"],
        ["link", "x"],
      ];
      peer
        .send(headers(1, [[":status", "100"]]), headers(1, early), headers(1, RESPONSE, 1))
        .want()
        .heard(
          "informational 1 :status=100",
          `informational 1 ${text(early)}`,
          `headers 1 ${text(RESPONSE)} END`,
        );
    },
  },
  {
    section: "8.1",
    name: "an informational response that ends the stream is malformed",
    role: "client",
    script: (peer) => {
      peer.open(true);
      peer.said();
      peer
        .send(headers(1, [[":status", "103"]], 1))
        .want("RST_STREAM 1 PROTOCOL_ERROR")
        .heard('reset 1 PROTOCOL_ERROR by library "END_STREAM on an informational response"');
    },
  },
  {
    section: "8.1",
    name: "an informational response behind the final one is malformed",
    role: "client",
    script: (peer) => {
      peer.open(true);
      peer.said();
      peer.send(headers(1, RESPONSE), headers(1, [[":status", "103"]], 1));
      peer.want("RST_STREAM 1 PROTOCOL_ERROR");
    },
  },
  {
    section: "8.2.3",
    name: "cookie crumbs are passed on as they came",
    script: (peer) => {
      const crumbs: Pairs = [...REQUEST, ["cookie", "a=1"], ["cookie", "b=2"]];
      peer
        .send(headers(1, crumbs))
        .want()
        .heard(`request 1 ${text(crumbs)}`);
    },
  },
  {
    section: "8.2.1",
    name: "a malformed field that came from the dynamic table is refused each time",
    script: (peer) => {
      const insert = literal("x", "a\nb", { indexing: "with" });
      peer
        .send(headers(1, join(plainBlock(REQUEST), insert), 1))
        .want("RST_STREAM 1 PROTOCOL_ERROR");
      for (const id of [3, 5, 7]) {
        peer
          .send(headers(id, join(plainBlock(REQUEST), [0xbe]), 1))
          .want(`RST_STREAM ${id} PROTOCOL_ERROR`);
      }
    },
  },
]);
