/** The mutating webhook of the sidecar injector. */
export { InjectWebhook, type WebhookConfig } from "./inject-webhook.ts";
