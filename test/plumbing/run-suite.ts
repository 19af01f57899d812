/** `npm test [-- <words for jest>]`: the whole suite, or what the words choose. */
import { runSuite } from "./suite.ts";

// The sweep by itself: its workers have leases of 300 ms, and several plays go on at once.
const whole = [["--testPathIgnorePatterns", "/test/sweep/"], ["test/sweep"]];
const chosen = process.argv.slice(2);

await runSuite(["postgresql", "redis-server", "chromium"], chosen.length > 0 ? [chosen] : whole);
