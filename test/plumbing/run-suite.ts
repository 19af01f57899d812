/** `npm test [-- <words for jest>]`: the whole suite, or what the words choose. */
import { runSuite } from "./suite.ts";

// Those whose leases are a few hundred milliseconds go by themselves, after the rest. Three files go at once, because most of them
// wait for something some of the time; a fourth would be quicker by half a minute, and late where a test looks at the clock.
const shortLeases = ["test/sweep/", "test/engine/(leases|crashes)\\.test"];
const whole = [
  ["--maxWorkers=3", `--testPathIgnorePatterns=${shortLeases.join("|")}`],
  ["--maxWorkers=3", shortLeases.join("|")],
];
const chosen = process.argv.slice(2);

await runSuite(["postgresql", "redis-server", "chromium"], chosen.length > 0 ? [chosen] : whole);
