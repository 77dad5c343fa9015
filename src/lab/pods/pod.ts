/**
 * A pod of the lab as the lab holds it: where it serves, and what can be done to it, whether it has
 * a process to itself or shares one with others.
 */
import type { PodConduct } from "../messages.ts";

/** A pod that serves. */
export interface Pod {
  readonly name: string;
  /** ip:port */
  readonly address: string;
  /** ip:port of its HTTP/1.1 server. */
  readonly http1Address: string;
  /** Of its process, which may have other pods, too. */
  readonly pid: number;
  /** Resolves once it serves nobody any more, for whatever reason. */
  readonly ended: Promise<void>;
  /** How it serves from now on. */
  behave(conduct: PodConduct): void;
  /** Its end at once: nobody listens any more, and its connections are reset. */
  kill(): void;
  /** SIGTERM: no new connection, GOAWAY on the open ones, and an end when their calls are over. */
  end(): Promise<void>;
}
