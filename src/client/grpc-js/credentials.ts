/**
 * Channel credentials of grpc-js as what our connections and calls need of them.
 *
 * They make sockets secure by themselves (`_createSecureConnector`, which grpc-js calls too), so
 * every kind works: `createSsl`, one's own secure context, certificate providers, composed ones,
 * and whatever a library derives.
 */
import type { Socket } from "node:net";
import type { CallCredentials, ChannelCredentials, experimental } from "@grpc/grpc-js";
import type { SocketSecurity } from "../../transport/index.ts";
import type { ChannelArgs } from "./channel-args.ts";
import type { GrpcModule } from "./grpc-module.ts";

/** What a channel has of its credentials. */
export interface ParsedCredentials {
  /** Null for plaintext. */
  readonly secure: SocketSecurity | null;
  /** Call credentials that were composed in; null for none. */
  readonly call: CallCredentials | null;
}

type SecureConnector = experimental.SecureConnector;

/** Arguments that decide how a connection is made secure. */
const TLS_ARGS = ["grpc.ssl_target_name_override", "grpc-node.tls_enable_trace"] as const;

/** One for credentials and names that are equal, so that channels can share connections. */
interface Known {
  readonly credentials: ChannelCredentials;
  readonly name: string;
  readonly parsed: ParsedCredentials;
}

const known = new Set<WeakRef<Known & object>>();
const byCredentials = new WeakMap<ChannelCredentials, Map<string, Known>>();

/**
 * @param authority whose host is verified unless an argument says otherwise.
 * @throws TypeError when `credentials` are none.
 */
export function parseCredentials(
  grpc: GrpcModule,
  credentials: unknown,
  authority: string,
  args: ChannelArgs,
): ParsedCredentials {
  if (!isChannelCredentials(credentials)) {
    throw new TypeError(
      "credentials must be ChannelCredentials of @grpc/grpc-js: credentials.createInsecure(), ...",
    );
  }
  if (!credentials._isSecure()) return { secure: null, call: null };
  const name = JSON.stringify([authority, ...TLS_ARGS.map((arg) => args[arg] ?? null)]);
  const own = byCredentials.get(credentials)?.get(name) ?? findEqual(credentials, name);
  if (own !== null && own !== undefined) return own.parsed;
  const made: Known = {
    credentials,
    name,
    parsed: connectorOf(grpc, credentials, authority, args),
  };
  const byName = byCredentials.get(credentials) ?? new Map<string, Known>();
  byCredentials.set(credentials, byName.set(name, made));
  known.add(new WeakRef(made));
  return made.parsed;
}

/** By what they can do: a program may have more than one copy of grpc-js. */
function isChannelCredentials(value: unknown): value is ChannelCredentials {
  const { _isSecure, _createSecureConnector } = Object(value) as Partial<ChannelCredentials>;
  return typeof _isSecure === "function" && typeof _createSecureConnector === "function";
}

function findEqual(credentials: ChannelCredentials, name: string): Known | null {
  for (const reference of known) {
    const each = reference.deref();
    if (each === undefined) known.delete(reference);
    else if (each.name === name && each.credentials._equals(credentials)) return each;
  }
  return null;
}

function connectorOf(
  grpc: GrpcModule,
  credentials: ChannelCredentials,
  authority: string,
  args: ChannelArgs,
): ParsedCredentials {
  // A name without a scheme is looked up by grpc-js for nothing but the host to verify.
  const target = { scheme: "dns", authority: "", path: authority };
  const connector = credentials._createSecureConnector(target, { ...args });
  const call = connector.getCallCredentials();
  const isEmpty = call._equals(grpc.CallCredentials.createEmpty());
  return { secure: new CredentialsSecurity(connector), call: isEmpty ? null : call };
}

/** See the head of this file. */
class CredentialsSecurity implements SocketSecurity {
  readonly #connector: SecureConnector;

  constructor(connector: SecureConnector) {
    this.#connector = connector;
  }

  async connect(socket: Socket): Promise<Socket> {
    // Certificates of a provider may not have been read yet.
    await this.#connector.waitForReady();
    const { socket: secured } = await this.#connector.connect(socket);
    return secured;
  }
}
