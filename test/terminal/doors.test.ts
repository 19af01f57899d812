import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { userInfo } from "node:os";
import { sitsAsAna } from "../../src/lab/estate.ts";
import { openLab, type Lab } from "../../src/lab/lab.ts";
import { run, type Ended } from "./process.ts";

/** Long, because a machine may be busy with other things: no story waits on the wall. */
jest.setTimeout(240_000);

const whoami = userInfo().username;

let lab: Lab;
let env: Record<string, string>;
beforeAll(async () => {
  lab = await openLab({
    serve: false,
    // A process of its own on a busy machine: what is to be shown is not how fast it is.
    settings: { CALL_TIMEOUT_MILLISECONDS: "5000" },
    editEstate: (yaml) => sitsAsAna(yaml, whoami),
  });
  env = lab.environment;
});
afterAll(() => lab.close());

const without = (...names: string[]): Record<string, string> =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !names.includes(name)));

/** Says no, in three sentences on standard error, and nothing else anywhere. */
function expectRefusal({ status, signal, out, err }: Ended, happened: RegExp): void {
  expect({ status, signal, out }).toEqual({ status: 1, signal: null, out: "" });
  const lines = err.trimEnd().split("\n");
  expect(lines.slice(0, -2).join("\n")).toMatch(happened);
  expect(lines.at(-2)).toMatch(/(touched nothing|Nothing was (done|changed)|nothing was changed).*\.$/);
  expect(lines.at(-1)).toMatch(/^[A-Z].*$/);
  expect(err).not.toMatch(/\bat .*\.ts:|node:internal|Error:|lab-muster-app|hunter2/);
}

const runs = async () => lab.query("select id from muster.run");

describe("npx muster failover us-west-2 checkout --dry-run", () => {
  it("shows the plan from a clone, with no server, no queue and no Slack, and changes nothing", async () => {
    const nothing = without("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_API_URL", "SMTP_URL");
    const path = `${env["PATH"]}:${process.env["PATH"]}`;
    const words = ["failover", "us-west-2", "checkout", "--dry-run"];
    const { status, out, err } = await run(words, { ...nothing, PATH: path }, ["npx", "muster"]);
    expect({ status, err }).toEqual({ status: 0, err: "" });
    expect(out).toMatch(/^Move checkout to us-west-2, with the old side alive\.\n/);
    expect(out).toMatch(
      /DNS shares of checkout\.example\.com: us-east-1: 100, us-west-2: 0 → us-east-1: 0, us-west-2: 100/,
    );
    expect(out).toMatch(/This was a dry run: nothing was changed, and nothing can be approved\.\n$/);
    expect(await runs()).toEqual([]);
    expect(lab.changes()).toEqual([]);
  });
});

describe("muster as a process", () => {
  it.each([["serve"], ["runs"]])("%s says that DATABASE_URL is not set", async (...argv) => {
    expectRefusal(
      await run(argv, without("DATABASE_URL")),
      /^1 setting is missing or wrong:\n {2}DATABASE_URL: not set$/,
    );
  });

  it("names every wrong setting at once, and none of their values", async () => {
    const wrong = {
      DATABASE_URL: "hunter2",
      LEASE_MILLISECONDS: "hunter2",
      SMTP_URL: "hunter2",
      EXTRA_CA_FILE: "hunter2",
    };
    const said =
      /^3 settings are missing or wrong:\n {2}DATABASE_URL: .*\n {2}SMTP_URL: .*\n {2}LEASE_MILLISECONDS: .*$/;
    expectRefusal(await run(["serve"], { ...env, ...wrong }), said);
  });

  it("says where the database does not answer", async () => {
    const away = { DATABASE_URL: "postgres://muster:hunter2@127.0.0.1:1/muster" };
    expectRefusal(await run(["serve"], { ...env, ...away }), /^Muster's database refuses connections\.$/);
    expectRefusal(await run(["migrate"], { ...env, ...away }), /^Muster's database refuses connections\.$/);
  });

  it("says what the database says to a wrong password, without the password", async () => {
    const DATABASE_URL = (env["DATABASE_URL"] ?? "").replace("muster_app:", "nobody:");
    expectRefusal(await run(["runs"], { ...env, DATABASE_URL }), /^Muster's database says: .*nobody/);
  });

  it("says when its port is taken, and does not stay", async () => {
    const other: Server = createServer();
    await new Promise<void>((resolve) => other.listen(0, resolve));
    const { port } = other.address() as AddressInfo;
    const refused = await run(["serve"], { ...env, HTTP_PORT: String(port) });
    await new Promise((resolve) => other.close(resolve));
    expectRefusal(refused, new RegExp(`^Port ${port} could not be listened at \\(EADDRINUSE\\)\\.$`));
  });

  it("takes a command as Slack spells it, and spells what is typed next as a shell takes it", async () => {
    const { status, text } = await lab.types("ben", ["/failover", "us-west-9", "checkout"]);
    expect([status, text.split("\n")]).toEqual([
      1,
      [
        expect.stringMatching(/^"us-west-9" is not a region in the estate file\./),
        "Nothing was changed.",
        expect.stringMatching(/^Type muster failover <region> /),
      ],
    ]);
    expect((await lab.types("ben", ["runs", "show", "fo-none"])).text).toMatch(/\nType muster runs for the list\.$/);
  });

  it("takes no words that a verb of its own does not want, and guesses those too", async () => {
    const said = async (...argv: string[]) => (await lab.types("ben", argv)).text.split("\n");
    expect(await said("serv")).toEqual([
      `"serv" is nothing Muster can be told. Did you mean "serve"?`,
      "Nothing was changed.",
      expect.stringMatching(/^Type muster help, or one of: muster failover, muster runs, /),
    ]);
    for (const argv of [["serve", "now"], ["migrate", "--x"], ["follow"], ["follow", "no-such-run"], ["follow", ""]]) {
      const [happened, ...rest] = await said(...argv);
      expect(happened).toMatch(
        /^(Too many arguments|Unknown option|Missing required argument|There is no run|No run).*\.$/,
      );
      expect(rest).toEqual(["Nothing was changed.", expect.stringMatching(/^Type .*\.$/)]);
    }
  });

  it("goes on when something fails that nobody waited for, and tells of it without a secret", async () => {
    const secret = env["GUARD_PASSWORD"] ?? "";
    // The moment it has begun to hear of such; never, if it does not.
    const slip = `process.on("newListener", (event) => event === "unhandledRejection" && setImmediate(() => {
      Promise.reject();
      Promise.reject(new Error("${secret}"));
    }))`;
    const slipping = ["--import", `data:text/javascript,${encodeURIComponent(slip)}`, "src/cli.ts"];
    const ended = await Promise.all(
      ["runs", "doctor"].map((verb) => run([verb], env, [process.execPath, ...slipping])),
    );
    for (const { status, err } of ended) {
      expect(status).toBe(0);
      const lines = err.trimEnd().split("\n");
      const msg = "something failed that nobody waited for";
      expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
        { msg, error: "undefined" },
        { msg, error: "[redacted]" },
      ]);
      expect(err).not.toContain(secret);
    }
  });

  it.each([
    [`new Error("hunter2")`, /^Error: \[redacted\]\n +at /],
    [`"hunter2"`, /^\[redacted\]\n$/],
    ["undefined", /^undefined\n$/],
    ["null", /^null\n$/],
  ])("ends when %s is thrown where nobody catches it, without a secret", async (thrown, said) => {
    const code = `import { hearSlips } from "./src/slips.ts";
      hearSlips({ log: {}, redact: (text) => text.replaceAll("hunter2", "[redacted]") });
      setImmediate(() => { throw ${thrown}; });`;
    const { status, err } = await run(["--input-type=module", "--eval", code], {}, [process.execPath]);
    expect({ status, err }).toEqual({ status: 1, err: expect.stringMatching(said) });
    expect(err).not.toContain("hunter2");
  });

  it("tells somebody who is in no estate nothing but that", async () => {
    for (const argv of [["failover", "us-west-2", "checkout", "--dry-run"], ["runs"], ["follow", "x"], ["enrol"]]) {
      expect(await lab.types("mallory", argv)).toEqual({
        status: 1,
        text: [
          `The login name "mallory" belongs to nobody in the estate file.`,
          "Nothing was changed.",
          `Give the person it belongs to "terminal: mallory" there.`,
        ].join("\n"),
      });
    }
  });
});

describe("muster migrate", () => {
  it("makes the tables once, however often and by however many it is run", async () => {
    const client = await lab.musterDatabase.server.connect("muster");
    await client.query("create database fresh owner muster_app");
    await client.end();
    const fresh = { ...env, DATABASE_URL: (env["DATABASE_URL"] ?? "").replace(/\/muster$/, "/fresh") };
    expectRefusal(await run(["runs"], fresh), /^Muster's database lacks \d+ of \d+ migrations, first 0001-/);
    const both = await Promise.all([run(["migrate"], fresh), run(["migrate"], fresh)]);
    expect(both.map(({ status, err }) => ({ status, err }))).toEqual([
      { status: 0, err: "" },
      { status: 0, err: "" },
    ]);
    expect(both.map(({ out }) => out).toSorted()).toEqual([
      expect.stringMatching(/^Migrated: 0001-.*\.\n$/),
      "The tables are up to date.\n",
    ]);
    expect(await run(["migrate"], fresh)).toMatchObject({ status: 0, out: "The tables are up to date.\n" });
    expect(await run(["runs"], fresh)).toMatchObject({ status: 0, out: "There are no runs yet.\n" });
  });
});
