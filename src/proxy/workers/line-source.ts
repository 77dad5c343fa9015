/** The source of a worker's configurations: it repeats what the primary's one says. */
import type { Resolver } from "../../discovery/index.ts";
import type { MeshListener, MeshSource } from "../../mesh/index.ts";
import { MeshReader } from "./mesh-text.ts";

/** Holds the last news until the proxy listens, then passes on each. */
export class LineSource implements MeshSource {
  readonly #reader: MeshReader;
  #listener: MeshListener | null = null;
  #text: string | null = null;
  #error: string | null = null;

  /** @param newResolver of a cluster, by its key. */
  constructor(newResolver: (key: string) => Resolver) {
    this.#reader = new MeshReader(newResolver);
  }

  start(listener: MeshListener): void {
    this.#listener = listener;
    if (this.#text !== null) listener.onConfig(this.#reader.read(this.#text));
    if (this.#error !== null) listener.onError(this.#error);
  }

  close(): void {
    this.#listener = null;
  }

  /** News from the primary. */
  onText(text: string): void {
    this.#text = text;
    this.#error = null;
    this.#listener?.onConfig(this.#reader.read(text));
  }

  /** News from the primary: the source is away. */
  onError(reason: string): void {
    this.#error = reason;
    this.#listener?.onError(reason);
  }
}
