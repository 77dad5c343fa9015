/**
 * The sidecar injector: manifests and admission reviews in which pods get the proxy.
 */
export {
  injectManifest,
  MANIFEST_BYTES_MAX,
  ManifestError,
  type ManifestNote,
  type Rewritten,
  uninjectManifest,
} from "./manifest.ts";
export { type ControlTls, INJECT_DEFAULTS, type InjectOptions } from "./options.ts";
export { InjectWebhook, type WebhookConfig } from "./webhook/index.ts";
