/** The mutating webhook of the sidecar injector. */
export { StoreError } from "./certificate-store.ts";
export { InjectWebhook, type WebhookConfig } from "./inject-webhook.ts";
