/** `npm test [-- <words for jest>]`: the whole suite, or what the words choose. */
import { runSuite } from "./suite.ts";

// Those whose leases are a few hundred milliseconds go by themselves, three at a time, with several plays each; of the rest four
// files go at once, because most of them wait for something most of the time.
const shortLeases = ["test/sweep/", "test/engine/(leases|crashes)\\.test"];
const whole = [
  ["--maxWorkers=4", `--testPathIgnorePatterns=${shortLeases.join("|")}`],
  ["--maxWorkers=3", shortLeases.join("|")],
];
const chosen = process.argv.slice(2);

await runSuite(["postgresql", "redis-server", "chromium"], chosen.length > 0 ? [chosen] : whole);
