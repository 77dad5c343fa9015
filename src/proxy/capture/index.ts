/**
 * Captured connections: sidecar and node mode. What Node cannot ask the kernel is in `native.ts`,
 * which loads the optional `koffi`.
 */
export type { CaptureView } from "./capture.ts";
export {
  CAPTURE_DEFAULTS,
  type CaptureConfig,
  type CaptureMode,
  CaptureRelay,
} from "./capture-relay.ts";
export type { CaptureBy } from "./lookup.ts";
export { CaptureError, loadSocketOptions } from "./native.ts";
export {
  PROXY_UID,
  type RulesFlavour,
  type RulesSpec,
  rulesScript,
  tryParseCidr,
  tryParsePorts,
} from "./rules/index.ts";
