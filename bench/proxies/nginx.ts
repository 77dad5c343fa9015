/**
 * nginx: one process, `grpc_pass` with kept connections. It sends one request at a time on each
 * upstream connection, as its gRPC module does.
 */
import { findPeer } from "../../test/peers/find.ts";
import { type BenchProxy, type ProxyPlan, startListening, writeConfig } from "./proxy.ts";

/** nginx if it is installed. */
export function nginx(): BenchProxy | null {
  const found = findPeer("nginx");
  if (found === null) return null;
  return {
    name: "nginx",
    version: found.version,
    hasTls: true,
    connectionsMax: 9000,
    start: (plan) => {
      const args = [
        "-p",
        plan.dir,
        "-e",
        "stderr",
        "-c",
        writeConfig(plan, "nginx.conf", config(plan)),
      ];
      return startListening("nginx", found.path, args, plan);
    },
  };
}

function config(plan: ProxyPlan): string {
  const isTls = plan.tls !== null;
  return `daemon off;
master_process off;
pid ${plan.dir}/nginx.pid;
error_log stderr crit;
worker_rlimit_nofile 20000;
events { worker_connections 19000; }
http {
  access_log off;
  client_body_temp_path ${plan.dir}/body;
  proxy_temp_path ${plan.dir}/proxy;
  fastcgi_temp_path ${plan.dir}/fastcgi;
  uwsgi_temp_path ${plan.dir}/uwsgi;
  scgi_temp_path ${plan.dir}/scgi;
  keepalive_requests 1000000000;
  client_max_body_size 0;
  upstream out {
${plan.upstreams.map((address) => `    server ${address};\n`).join("")}    keepalive 1000;
    keepalive_requests 1000000000;
  }
  server {
    listen 127.0.0.1:${plan.port} ${isTls ? "ssl " : ""}http2;
${isTls ? `    ssl_certificate ${plan.tls?.certFile};\n    ssl_certificate_key ${plan.tls?.keyFile};\n` : ""}    location / {
      grpc_pass grpc://out;
      grpc_read_timeout 300s;
      grpc_send_timeout 300s;
    }
  }
}
`;
}
