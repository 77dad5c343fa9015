/**
 * The search of virtual hosts by authority: whole names, then suffixes, then prefixes, then "*",
 * of each kind the longest (Envoy's VirtualHost.domains, which Gateway API's hostnames agree with).
 *
 * With the port that the authority has first, then without it: "implementations MUST ignore any
 * port value specified in the HTTP Host header" (Gateway API), and who means a port names it. Envoy
 * compares it as it is, or without its port: see `RouteTable.ports`.
 */
import type { PortRule } from "./table.ts";

/** Things by domain, searched by authority. Of two things with one domain the first counts. */
export class DomainMap<T> {
  readonly #whole = new Map<string, T>();
  readonly #suffixes = new Affixes<T>((text, length) => text.slice(-length));
  readonly #prefixes = new Affixes<T>((text, length) => text.slice(0, length));
  readonly #ports: PortRule;
  #any: T | null = null;

  constructor(ports: PortRule = "either") {
    this.#ports = ports;
  }

  /** @param domain in lower case: "*", "*.suffix", "prefix.*" or a whole authority. */
  add(domain: string, thing: T): void {
    if (domain === "*") this.#any ??= thing;
    else if (domain.startsWith("*")) this.#suffixes.add(domain.slice(1), thing);
    else if (domain.endsWith("*")) this.#prefixes.add(domain.slice(0, -1), thing);
    else if (!this.#whole.has(domain)) this.#whole.set(domain, thing);
  }

  /** What an authority, in any case and with or without a port, belongs to; null: nothing. */
  find(authority: string): T | null {
    const given = authority.toLowerCase();
    const bare = this.#ports === "compared" ? given : withoutPort(given);
    return this.#find(this.#ports === "ignored" ? bare : given, bare);
  }

  #find(whole: string, host: string): T | null {
    return (
      this.#whole.get(whole) ??
      this.#whole.get(host) ??
      this.#suffixes.find(whole) ??
      this.#suffixes.find(host) ??
      this.#prefixes.find(whole) ??
      this.#prefixes.find(host) ??
      this.#any
    );
  }
}

/** Ends or beginnings of text, the longest first. */
class Affixes<T> {
  readonly #byLength = new Map<number, Map<string, T>>();
  readonly #cut: (text: string, length: number) => string;
  #lengths: number[] = [];

  constructor(cut: (text: string, length: number) => string) {
    this.#cut = cut;
  }

  add(affix: string, thing: T): void {
    let same = this.#byLength.get(affix.length);
    if (same === undefined) {
      same = new Map();
      this.#byLength.set(affix.length, same);
      this.#lengths = [...this.#byLength.keys()].sort((a, b) => b - a);
    }
    if (!same.has(affix)) same.set(affix, thing);
  }

  /** "*" stands for at least one character. */
  find(text: string): T | undefined {
    for (const length of this.#lengths) {
      if (length >= text.length) continue;
      const found = this.#byLength.get(length)?.get(this.#cut(text, length));
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

/** "a.b:80" -> "a.b", "[::1]:80" -> "[::1]"; what has no port stays. */
function withoutPort(authority: string): string {
  const colon = authority.lastIndexOf(":");
  if (colon === -1 || colon < authority.lastIndexOf("]")) return authority;
  return authority.slice(0, colon);
}
