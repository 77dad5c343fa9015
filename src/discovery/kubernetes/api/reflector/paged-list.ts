/**
 * A list of everything, page by page: what is asked when the server has no streaming lists.
 *
 * "API Concepts", "Retrieving large results sets in chunks": all pages are of the resourceVersion
 * of the first. An expired `continue` token is 410 and ends the list; the next one begins anew.
 */

import type { ObjectQuery } from "../../source.ts";
import { type ApiFailure, newFailure } from "../http/failure.ts";
import type { ApiRequest, ApiTransport } from "../http/transport.ts";
import { listPath } from "./paths.ts";
import { readPage } from "./wire.ts";

/** Objects on a page. */
export const PAGE_LIMIT = 500;
/** The least that we go down to when pages are too large. */
export const PAGE_LIMIT_MIN = 10;
/** Pages of one list: 500 objects each, far above what a namespace can hold. */
export const PAGES_MAX = 10_000;

/** Hears of one list. Nothing comes after `onListed` or `onFailure`. */
export interface PagedListHandler {
  /** A page that others follow. */
  onPage(items: readonly unknown[]): void;
  /** The last page: the list is whole, as of that version. */
  onListed(items: readonly unknown[], resourceVersion: string): void;
  onFailure(failure: ApiFailure): void;
}

/** One list under way. */
export class PagedList implements ApiRequest {
  readonly #transport: ApiTransport;
  readonly #query: ObjectQuery;
  readonly #limit: number;
  readonly #handler: PagedListHandler;
  #request: ApiRequest | null = null;
  #pageCount = 0;
  #isClosed = false;

  /** Asks for the first page. */
  constructor(
    transport: ApiTransport,
    query: ObjectQuery,
    limit: number,
    handler: PagedListHandler,
  ) {
    this.#transport = transport;
    this.#query = query;
    this.#limit = limit;
    this.#handler = handler;
    this.#ask("");
  }

  close(): void {
    this.#isClosed = true;
    this.#request?.close();
  }

  #ask(continueToken: string): void {
    this.#request = this.#transport.get(listPath(this.#query, this.#limit, continueToken), {
      onDocument: (value) => this.#onDocument(value),
      onFailure: (failure) => this.#handler.onFailure(failure),
    });
  }

  #onDocument(value: unknown): void {
    const page = readPage(value);
    this.#pageCount += 1;
    if (page === null || this.#pageCount > PAGES_MAX) {
      const what = page === null ? "with something that is no list" : "with pages without an end";
      this.#handler.onFailure(newFailure({ reason: `the API server answers a list ${what}` }));
      return;
    }
    if (page.continueToken === "") {
      this.#handler.onListed(page.items, page.resourceVersion);
      return;
    }
    this.#handler.onPage(page.items);
    if (!this.#isClosed) this.#ask(page.continueToken); // else closed by the handler
  }
}
