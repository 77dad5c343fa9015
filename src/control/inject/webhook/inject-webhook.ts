/**
 * The mutating webhook: certificates, the server, and what was done, as one thing that a control
 * plane starts and closes.
 *
 * `failurePolicy: Ignore` is what its configuration should say: a pod without a sidecar works as it
 * did before, and a pod that cannot be made does not.
 */
import type { Clock, Logger, Timer } from "../../../base/index.ts";
import type { ObjectWriter } from "../../../discovery/index.ts";
import type { Registry } from "../../../telemetry/index.ts";
import type { InjectOptions } from "../options.ts";
import { CertificateStore, type StorePlace } from "./certificate-store.ts";
import type { WebhookCertificates } from "./certificates.ts";
import { answerReview, type ReviewAnswer } from "./review.ts";
import { WebhookServer } from "./server.ts";

/** What a webhook is told. */
export interface WebhookConfig extends StorePlace {
  readonly listen: { readonly host: string; readonly port: number };
  readonly inject: InjectOptions;
}

/** What it needs. */
export interface WebhookSystem {
  readonly clock: Clock;
  readonly log: Logger;
  readonly registry: Registry;
  readonly writer: ObjectWriter;
}

/** How often the Secret and the configuration are looked at: another replica may have renewed. */
export const LOOK_MS = 60_000;
/** The same when the API server could not be asked. */
const LOOK_AGAIN_MS = 5_000;

/** See the head of this file. */
export class InjectWebhook {
  readonly #config: WebhookConfig;
  readonly #system: WebhookSystem;
  readonly #store: CertificateStore;
  readonly #count: (outcome: ReviewAnswer["outcome"]) => void;
  #server: WebhookServer | null = null;
  #current: WebhookCertificates | null = null;
  #timer: Timer | null = null;
  #isClosed = false;
  /** The last problem that was logged. */
  #problem = "";

  constructor(config: WebhookConfig, system: WebhookSystem) {
    this.#config = config;
    this.#system = system;
    this.#store = new CertificateStore(system.writer, config);
    const outcomes = ["injected", "skipped", "malformed"] as const;
    const help = "Admission reviews of pods, by what became of them.";
    const counters = new Map(
      outcomes.map((outcome) => [
        outcome,
        system.registry.counter("fairlead_inject_reviews_total", help, { outcome }),
      ]),
    );
    this.#count = (outcome) => counters.get(outcome)!.add();
  }

  /**
   * Gets certificates and listens; resolves with the address.
   * Rejects with StoreError when there are no certificates to be had, and with ListenError.
   */
  async start(): Promise<string> {
    const { clock } = this.#system;
    const certificates = await this.#store.ensure(clock.wallMs());
    this.#current = certificates;
    this.#server = new WebhookServer(certificates, (body) => this.#onReview(body));
    const address = await this.#server.listen(this.#config.listen);
    await this.#look();
    return address;
  }

  /** No review is answered after it. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#server?.close();
  }

  #onReview(body: string): ReviewAnswer {
    const answer = answerReview(body, this.#config.inject);
    this.#count(answer.outcome);
    if (answer.outcome === "malformed") {
      this.#system.log.warn("admission review refused", { reason: answer.body.trim() });
    }
    return answer;
  }

  /** Takes up what another replica renewed, renews what is due, and has it trusted. */
  async #look(): Promise<void> {
    const { clock, log } = this.#system;
    let waitMs = LOOK_MS;
    try {
      const found = await this.#store.ensure(clock.wallMs());
      if (await this.#store.trust(found.ca)) log.info("webhook is trusted", {});
      if (found.cert !== this.#current?.cert) {
        this.#current = found;
        this.#server?.renew(found);
        log.info("webhook certificate renewed", {});
      }
      this.#problem = "";
    } catch (error) {
      waitMs = LOOK_AGAIN_MS;
      const reason = (error as Error).message;
      if (reason !== this.#problem) log.warn("webhook certificates", { reason });
      this.#problem = reason;
    }
    if (!this.#isClosed) this.#timer = clock.setTimer(waitMs, () => void this.#look());
  }
}
