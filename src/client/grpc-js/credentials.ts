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
  /** Once, with the channel. */
  release(): void;
}

type SecureConnector = experimental.SecureConnector;

/** Arguments that decide how a connection is made secure. */
const TLS_ARGS = ["grpc.ssl_target_name_override", "grpc-node.tls_enable_trace"] as const;

/** One for credentials and names that are equal, so that channels can share connections. */
interface Shared {
  readonly credentials: ChannelCredentials;
  readonly connector: SecureConnector;
  readonly secure: SocketSecurity;
  readonly call: CallCredentials | null;
  users: number;
}

/** Those in use, by the name that they verify and what else decides. */
const shared = new Map<string, Shared[]>();

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
  if (!credentials._isSecure()) return { secure: null, call: null, release: () => {} };
  const name = JSON.stringify([authority, ...TLS_ARGS.map((arg) => args[arg] ?? null)]);
  const sameName = shared.get(name) ?? [];
  let entry = sameName.find((each) => each.credentials._equals(credentials));
  if (entry === undefined) {
    entry = newShared(grpc, credentials, authority, args);
    shared.set(name, [...sameName, entry]);
  }
  const used = entry;
  used.users += 1;
  return { secure: used.secure, call: used.call, release: () => release(name, used) };
}

/** The last channel's ends it: providers of certificates look at their files until then. */
function release(name: string, entry: Shared): void {
  entry.users -= 1;
  if (entry.users > 0) return;
  entry.connector.destroy();
  const others = (shared.get(name) ?? []).filter((each) => each !== entry);
  if (others.length === 0) shared.delete(name);
  else shared.set(name, others);
}

/** By what they can do: a program may have more than one copy of grpc-js. */
function isChannelCredentials(value: unknown): value is ChannelCredentials {
  const { _isSecure, _createSecureConnector } = Object(value) as Partial<ChannelCredentials>;
  return typeof _isSecure === "function" && typeof _createSecureConnector === "function";
}

function newShared(
  grpc: GrpcModule,
  credentials: ChannelCredentials,
  authority: string,
  args: ChannelArgs,
): Shared {
  // A name without a scheme is looked up by grpc-js for nothing but the host to verify.
  const target = { scheme: "dns", authority: "", path: authority };
  const connector = credentials._createSecureConnector(target, { ...args });
  const call = connector.getCallCredentials();
  const isEmpty = call._equals(grpc.CallCredentials.createEmpty());
  const secure = new CredentialsSecurity(connector);
  return { credentials, connector, secure, call: isEmpty ? null : call, users: 0 };
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
