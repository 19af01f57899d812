/** `npm run docs`: writes the pages that are made from the schemas. test/docs.test.ts checks that they are current. */
import { writeFileSync } from "node:fs";
import { referenceFiles } from "./reference.ts";

for (const [path, text] of referenceFiles()) {
  writeFileSync(path, text);
  console.log(`${path} was written.`);
}
