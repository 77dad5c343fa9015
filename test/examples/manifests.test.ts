/**
 * The manifests of the examples: that their objects fit together, which a cluster would not say
 * before a pod is missing.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { rootDir } from "../peers/paths.ts";
import { readManifest } from "./greeters.ts";

interface Container {
  readonly command?: readonly string[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
}

interface Deployment {
  readonly spec: {
    readonly replicas: number;
    readonly selector: { readonly matchLabels: object };
    readonly template: {
      readonly metadata: { readonly labels: object };
      readonly spec: {
        readonly serviceAccountName?: string;
        readonly containers: readonly [Container];
      };
    };
  };
}

interface Service {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly selector: object;
    readonly ports: readonly [{ readonly name: string; readonly targetPort: string }];
  };
}

interface Binding {
  readonly subjects: readonly [{ readonly kind: string; readonly name: string }];
  readonly roleRef: { readonly kind: string; readonly name: string };
}

const EXAMPLES = ["pets", "nest", "nice-grpc", "connect", "plain"];

for (const name of EXAMPLES) {
  test(`${name}: Service, servers, clients and rights fit together`, () => {
    const folder = join(rootDir, "examples", name);
    const objects = readManifest(join(folder, "kubernetes.yaml"));
    const all = <T>(kind: string) => objects.filter((each) => each.kind === kind) as unknown as T[];
    const [service] = all<Service>("Service") as [Service];
    const [servers, clients] = all<Deployment>("Deployment") as [Deployment, Deployment];
    for (const { spec } of [servers, clients]) {
      assert.deepEqual(spec.selector.matchLabels, spec.template.metadata.labels);
    }
    assert.deepEqual(service.spec.selector, servers.spec.template.metadata.labels);
    const [port] = service.spec.ports;
    const [container] = servers.spec.template.spec.containers;
    assert.equal(container.ports?.[0]?.name, port.targetPort);
    assert.equal(servers.spec.replicas, 3);

    const account = clients.spec.template.spec.serviceAccountName;
    const names = (kind: string) => all<Service>(kind).map(({ metadata }) => metadata.name);
    assert.deepEqual(names("ServiceAccount"), [account]);
    const [binding] = all<Binding>("RoleBinding") as [Binding];
    assert.equal(binding.subjects[0].name, account);
    assert.deepEqual([binding.roleRef.name], names("Role"));

    const [client] = clients.spec.template.spec.containers;
    const program = client.command![1]!.replace(/^dist\/(.*)\.js$/, "src/$1.ts");
    const dialing = name === "nest" ? "src/client.module.ts" : program;
    const target = `"kubernetes:///${service.metadata.name}:${port.name}"`;
    assert.ok(readFileSync(join(folder, dialing), "utf8").includes(target), target);
    for (const file of [program, "Dockerfile", "README.md", "package.json"]) {
      assert.ok(existsSync(join(folder, file)), file);
    }
  });
}
