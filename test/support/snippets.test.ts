/** Tests of what counts as TypeScript of ours in a document. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { snippetsOf } from "./snippets.ts";

const DOCUMENT = `Text.

\`\`\`ts
import { a } from "fairlead/grpc-js";
\`\`\`

\`\`\`ts
const other = "is not ours";
\`\`\`

\`\`\`
import { b } from "fairlead";
\`\`\`

- in a list

  \`\`\`ts run
  import { c } from 'fairlead';

  c();
  \`\`\`

\`\`\`ts
import { d } from "fairlead-like";
\`\`\`

\`\`\`ts run once
import { e } from "fairlead";
\`\`\`
`;

test("blocks of TypeScript that import fairlead, with their places, and without their indent", () => {
  const [plain, program] = [
    { isProgram: false, isOnce: false },
    { isProgram: true, isOnce: false },
  ];
  assert.deepEqual(snippetsOf("a.md", DOCUMENT), [
    { place: "a.md:3", text: 'import { a } from "fairlead/grpc-js";\n', ...plain },
    { place: "a.md:17", text: "import { c } from 'fairlead';\n\nc();\n", ...program },
    { place: "a.md:27", text: 'import { e } from "fairlead";\n', ...program, isOnce: true },
  ]);
});
