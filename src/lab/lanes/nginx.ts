/**
 * The lane `nginx`: nginx in front of the pods, with `grpc_pass` to a list of them. It balances
 * call by call, and puts one call at a time on a connection to a pod.
 */
import type { Lane } from "./lane.ts";
import { type ListedPlan, openListed } from "./listed-proxy.ts";
import { whyNoPeer } from "./peer-program.ts";

/** The lane. */
export const NGINX: Lane = {
  name: "nginx",
  title: "nginx",
  how: "stock grpc-js, one connection to nginx: grpc_pass to a list, reloaded when it changes",
  whyNot: () => whyNoPeer("nginx"),
  open: (env) =>
    openListed(
      {
        name: "nginx",
        config: configOf,
        args: (file, directory) => ["-p", directory, "-e", "stderr", "-c", file],
        reloadSignal: "SIGHUP",
      },
      env,
    ),
};

/**
 * As its documentation has it for gRPC, with kept connections to the pods. A worker that was told
 * to end by a reload gives its clients some seconds, as is done in practice: it would stay as long
 * as they do.
 */
function configOf({ directory, listen, pods }: ListedPlan): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (use) => `  ${use}_temp_path ${directory}/${use};\n`,
  );
  return `daemon off;
pid ${directory}/nginx.pid;
error_log stderr warn;
worker_processes 1;
worker_shutdown_timeout 5s;
events { worker_connections 1024; }
http {
  access_log off;
${temporary.join("")}  keepalive_requests 1000000;
  upstream pods {
${pods.map((address) => `    server ${address};\n`).join("")}    keepalive 100;
  }
  server {
    listen ${listen} http2;
    location / {
      grpc_pass grpc://pods;
    }
  }
}
`;
}
