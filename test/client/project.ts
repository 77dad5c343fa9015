/**
 * An empty project of a user's, with fairlead installed from its archive, for tests.
 *
 * fairlead stands alone in its node_modules, as npm puts it there; what a user has besides (grpc-js
 * and the like) is linked from this checkout.
 */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { rootDir } from "../peers/paths.ts";
import { runProcess } from "../peers/processes.ts";
import type { Packed } from "../support/packed.ts";

/** What users of a subpath have installed themselves. */
const USERS_OWN = [
  "@grpc/grpc-js",
  "@connectrpc/connect",
  "@bufbuild/protobuf",
  "@types/node",
  "undici-types",
];

/** As strict as TypeScript gets, with the declarations of packages checked too. */
const COMPILER_OPTIONS = {
  target: "es2024",
  lib: ["es2024", "esnext.disposable"],
  module: "nodenext",
  moduleResolution: "nodenext",
  strict: true,
  exactOptionalPropertyTypes: true,
  verbatimModuleSyntax: true,
  skipLibCheck: false,
  noEmit: true,
  types: ["node"],
};

/** What a program printed and how it ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** See the head of this file. */
export class Project {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  /** Installs the archive into `name`, a new directory beside it. Asks no registry. */
  static async create({ directory, archive }: Packed, name: string): Promise<Project> {
    const project = new Project(join(directory, name));
    mkdirSync(project.directory);
    project.write("package.json", JSON.stringify({ name, private: true, type: "module" }));
    const install = ["install", archive, "--offline", "--no-audit", "--no-fund"];
    const { code, stderr } = await runProcess("npm", install, { cwd: project.directory });
    assert.equal(code, 0, stderr);
    for (const each of USERS_OWN) {
      const link = join(project.directory, "node_modules", each);
      mkdirSync(dirname(link), { recursive: true });
      if (!existsSync(link)) symlinkSync(join(rootDir, "node_modules", each), link);
    }
    return project;
  }

  /** Writes a file; its path. */
  write(name: string, text: string): string {
    const path = join(this.directory, name);
    writeFileSync(path, text);
    return path;
  }

  /** Runs a program of the project under a Node. */
  run(node: string, file: string, env: Readonly<Record<string, string>> = {}): Promise<Ended> {
    return runProcess(node, [file], { cwd: this.directory, env });
  }

  /**
   * What tsc says of these files, with these libraries and other options besides; "" when it is
   * content.
   */
  async compile(
    files: readonly string[],
    libs: readonly string[] = [],
    change: Readonly<Record<string, unknown>> = {},
  ): Promise<string> {
    const lib = [...COMPILER_OPTIONS.lib, ...libs];
    const compilerOptions = { ...COMPILER_OPTIONS, lib, ...change };
    this.write("tsconfig.json", JSON.stringify({ compilerOptions, files }));
    const tsc = join(rootDir, "node_modules", ".bin", "tsc");
    const { code, stdout, stderr } = await runProcess(tsc, ["-p", "."], { cwd: this.directory });
    return code === 0 ? "" : `${stdout}${stderr}`;
  }
}
