/** `npm test [-- <words for jest>]`: the whole suite, or what the words choose. */
import { runSuite } from "./suite.ts";

await runSuite(["postgresql", "redis-server", "chromium"], process.argv.slice(2));
