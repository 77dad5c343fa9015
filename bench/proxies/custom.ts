/**
 * Any other program as a proxy, from `--extra NAME=COMMAND`: another build of fairlead, a
 * prototype. In COMMAND `{listen}` stands for IP:PORT, `{upstreams}` for all, separated by spaces,
 * `{to}` for all, separated by commas.
 */
import { type BenchProxy, startListening } from "./proxy.ts";

/**
 * The proxy of one `--extra`.
 *
 * @throws RangeError when the text has no `=` or names no command.
 */
export function custom(extra: string): BenchProxy {
  const [, name, command] = /^([\w.-]+)=(\S.*)$/.exec(extra) ?? [];
  if (name === undefined || command === undefined) {
    throw new RangeError(`--extra ${JSON.stringify(extra)}: must be NAME=COMMAND`);
  }
  return {
    name,
    version: command,
    hasTls: false,
    connectionsMax: 18_000,
    start: (plan) => {
      const words = command.split(/\s+/).flatMap((word) => {
        if (word === "{upstreams}") return plan.upstreams;
        return [
          word
            .replace("{listen}", `127.0.0.1:${plan.port}`)
            .replace("{to}", plan.upstreams.join(",")),
        ];
      });
      return startListening(name, words[0] as string, words.slice(1), plan);
    },
  };
}
