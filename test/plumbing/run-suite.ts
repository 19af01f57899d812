import { ensurePackages } from "../../src/lab/system-packages.ts";
import { finish, runJest } from "./run-jest.ts";

/** `npm test [-- <jest arguments>]`: installs the servers the tests need where they are missing, then runs the suite. */
await ensurePackages(["postgresql", "redis-server", "chromium"]);
finish(await runJest(process.argv.slice(2)));
