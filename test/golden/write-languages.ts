import { readFileSync, writeFileSync } from "node:fs";
import { eventKinds } from "../../src/engine/events.ts";
import { engineVersion } from "../../src/engine/lease.ts";
import { steps } from "../../src/steps/index.ts";
import { version } from "../../src/version.ts";

// Keeps what runs of this version hold, when it is released: node test/golden/write-languages.ts
const file = new URL("languages.json", import.meta.url);
const kept = JSON.parse(readFileSync(file, "utf8")) as object;
const now = { engineVersion, kinds: eventKinds, steps: steps.map(({ name }) => name) };
writeFileSync(file, `${JSON.stringify({ ...kept, [version]: now }, undefined, 2)}\n`);
