import { writeFileSync } from "node:fs";
import { states } from "../slack/card-states.ts";

// Writes what cards look like now as what they shall look like: node test/golden/write-cards.ts
writeFileSync(new URL("cards.json", import.meta.url), `${JSON.stringify(states, undefined, 2)}\n`);
