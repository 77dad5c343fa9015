/** Scripts that make and remove the rules of netfilter by which connections are captured. */
import { unreachable } from "../../../base/index.ts";
import { iptablesScript } from "./iptables.ts";
import { nftablesScript } from "./nftables.ts";
import type { RulesFlavour, RulesScript, RulesSpec } from "./spec.ts";

export {
  PROXY_UID,
  type RulesFlavour,
  type RulesSpec,
  tryParseCidr,
  tryParsePorts,
} from "./spec.ts";

/** The scripts of a spec, in either language. */
export function rulesScript(spec: RulesSpec, flavour: RulesFlavour): RulesScript {
  if (flavour === "nftables") return nftablesScript(spec);
  return flavour === "iptables" ? iptablesScript(spec) : unreachable(flavour);
}
