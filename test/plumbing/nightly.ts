/** `npm run test:nightly -- --pairs N [--seed S]`: the crash sweep, with N sampled pairs of crash points. */
import { parseArgs } from "node:util";
import { runSuite } from "./suite.ts";

const { values } = parseArgs({ options: { pairs: { type: "string", default: "600" }, seed: { type: "string" } } });
if (!/^[1-9]\d*$/.test(values.pairs)) {
  console.error(`"${values.pairs}" is not a number of pairs. Nothing was run. Give a whole number above 0.`);
  process.exit(2);
}
const env = { SWEEP_PAIRS: values.pairs, ...(values.seed ? { SWEEP_SEED: values.seed } : {}) };
await runSuite(["postgresql", "redis-server"], [["test/sweep"]], env);
