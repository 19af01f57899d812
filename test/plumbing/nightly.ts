import { parseArgs } from "node:util";
import { ensurePackages } from "../../src/lab/system-packages.ts";
import { finish, runJest } from "./run-jest.ts";

/** `npm run test:nightly -- --pairs N`: the crash sweep with N sampled pairs of crash points instead of the suite's 60. */
const { values } = parseArgs({ options: { pairs: { type: "string", default: "600" }, seed: { type: "string" } } });
const pairs = Number(values.pairs);
if (!Number.isInteger(pairs) || pairs < 1) {
  console.error(`"${values.pairs}" is not a number of pairs. Nothing was run. Give a whole number above 0.`);
  process.exit(2);
}
await ensurePackages(["postgresql", "redis-server"]);
const env = { SWEEP_PAIRS: String(pairs), ...(values.seed ? { SWEEP_SEED: values.seed } : {}) };
finish(await runJest(["test/sweep"], env));
