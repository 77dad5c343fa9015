/**
 * The HTTP/1.1 side of a pod: `GET /` is answered with the pod's name, as text, after the time that
 * a call takes there. For the lane that shows why HTTP/1.1 is balanced by a ClusterIP and gRPC is
 * not: here a connection carries one request at a time (RFC 9112 section 9.3).
 */
import http from "node:http";
import type { AddressInfo } from "node:net";

/** What a pod makes of a request: a status and a line of text. */
export interface Http1Answer {
  readonly status: number;
  readonly text: string;
}

/** Port of HTTP/1.1 beside a port of gRPC; 0, any, beside 0. */
export function http1Port(grpcPort: number): number {
  // Beyond those that are tried for gRPC.
  return grpcPort === 0 ? 0 : grpcPort + 10;
}

/** A server that answers whatever is asked. */
export class Http1Server {
  readonly #server: http.Server;
  #isDraining = false;

  /** @param answer calls back with the answer once the pod has it. */
  constructor(answer: (reply: (answer: Http1Answer) => void) => void) {
    // Kept connections are the experiment: they end with the pod or the client.
    this.#server = http.createServer({ keepAliveTimeout: 0 }, (_request, response) => {
      answer(({ status, text }) => {
        if (this.#isDraining) response.setHeader("connection", "close");
        response.writeHead(status, { "content-type": "text/plain" }).end(`${text}\n`);
      });
    });
  }

  /** Resolves with its port: another one where somebody has `port`. Rejects as `net` does. */
  async listen(host: string, port: number): Promise<number> {
    try {
      return await this.#tryListen(host, port);
    } catch (error) {
      if (port === 0 || (error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
      return this.#tryListen(host, 0);
    }
  }

  #tryListen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, () => {
        this.#server.off("error", reject);
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  /**
   * Takes no connection any more, and ends those that are idle, and the others with their answer.
   * Resolves when none is left.
   */
  drain(): Promise<void> {
    this.#isDraining = true;
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}
