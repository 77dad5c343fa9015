/**
 * Whether a target is reached through an HTTP proxy that the environment names. gRFC A1.
 *
 * `grpc_proxy`, `https_proxy` and `http_proxy` name it, the first that is set; `no_grpc_proxy` or
 * `no_proxy` list what is reached without. A Service found through Kubernetes never is: its pods
 * are addresses of the cluster's own network, and a proxy would choose nothing there.
 */
import { BlockList, isIP, isIPv4 } from "node:net";
import { type ParsedTarget, parseTarget } from "../../discovery/index.ts";
import { placeOf, type Tunnel } from "../../transport/index.ts";

/** A proxy, and what it is asked for. */
export interface HttpProxy {
  /** The target that finds the proxy. */
  readonly dialTarget: string;
  readonly tunnel: Tunnel;
}

type Env = Readonly<Record<string, string | undefined>>;

const PROXY_VARIABLES = ["grpc_proxy", "https_proxy", "http_proxy"] as const;
const DEFAULT_PORT = "80";

/**
 * The proxy for a target, or null for none.
 *
 * @throws RangeError when the variable holds no URL of the scheme http: a call that silently went
 *   around a proxy would be worse.
 */
export function httpProxyFor(target: string, env: Env): HttpProxy | null {
  const name = PROXY_VARIABLES.find((each) => (env[each] ?? "") !== "");
  if (name === undefined) return null;
  const server = serverOf(parseTarget(target));
  if (server === null || isExempt(server.host, env)) return null;
  const url = parseProxy(name, env[name]!);
  return {
    dialTarget: `dns:///${url.hostname}:${url.port || DEFAULT_PORT}`,
    tunnel: { ...server, authorization: authorizationOf(url) },
  };
}

function parseProxy(name: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  // A lone "%" in the user or the password is kept as it is by URL, and cannot be decoded.
  const isDecodable = !/%(?![0-9a-f]{2})/i.test(`${url?.username}:${url?.password}`);
  if (url?.protocol === "http:" && url.hostname !== "" && isDecodable) return url;
  // Its value may hold a password.
  throw new RangeError(`the variable ${name} must be a URL such as http://HOST:PORT`);
}

function authorizationOf({ username, password }: URL): string | null {
  // RFC 7617 §2: either may be empty.
  if (username === "" && password === "") return null;
  return `Basic ${unescaped(`${username}:${password}`).toString("base64")}`;
}

/** The bytes behind "%XX", which need be no UTF-8. */
function unescaped(text: string): Buffer {
  const latin1 = text.replace(/%([0-9a-f]{2})/gi, (_, hex) =>
    String.fromCharCode(parseInt(hex, 16)),
  );
  return Buffer.from(latin1, "latin1");
}

/** The one server that the proxy is asked for; null for what a proxy cannot reach. */
function serverOf(parsed: ParsedTarget): { host: string; port: number } | null {
  if (parsed.kind === "dns") {
    const { host, port } = parsed;
    return typeof port === "number" ? { host, port } : null;
  }
  if (parsed.kind !== "static" || parsed.addresses.length !== 1) return null;
  const [address] = parsed.addresses;
  if (address === undefined || address.startsWith("unix:")) return null;
  return placeOf(address);
}

/** "a comma-separated list of hostname suffixes, IP addresses and CIDR blocks" (A1). */
function isExempt(host: string, env: Env): boolean {
  const list = env.no_grpc_proxy || env.no_proxy || "";
  return list.split(",").some((entry) => matches(host, entry.trim().toLowerCase()));
}

function matches(host: string, entry: string): boolean {
  if (entry === "") return false;
  if (entry === "*" || host.endsWith(entry)) return true;
  const [address, bits] = entry.split("/");
  if (bits === undefined || isIP(host) === 0 || isIP(address!) === 0) return false;
  const block = new BlockList();
  const family = isIPv4(address!) ? "ipv4" : "ipv6";
  const length = Number(bits);
  if (!Number.isInteger(length) || length < 0 || length > (family === "ipv4" ? 32 : 128)) {
    return false;
  }
  block.addSubnet(address!, length, family);
  return block.check(host, isIPv4(host) ? "ipv4" : "ipv6");
}
