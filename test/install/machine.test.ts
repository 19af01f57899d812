import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { sql } from "kysely";
import { openDb } from "../../src/db/connect.ts";
import { labEstate } from "../../src/lab/estate.ts";
import { openMusterDatabase, type MusterDatabase } from "../../src/lab/postgres.ts";
import { until } from "../engine/engine-lab.ts";
import { MusterProcess, run } from "../terminal/process.ts";
import { read } from "./chart.ts";

/** Long, because a machine may be busy with other things. */
jest.setTimeout(120_000);

let database: MusterDatabase;
let folder: string;
beforeAll(async () => {
  database = await openMusterDatabase(undefined, { migrated: true });
  folder = await mkdtemp(join(tmpdir(), "muster-machine-"));
  await writeFile(join(folder, "estate.yaml"), labEstate({ replicas: 1, stabilitySeconds: 60 }));
});
afterAll(async () => {
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

const install = read("docs/install.md");
/** The line that docs/install.md has for a machine. */
const [, typed = ""] = /^```sh\n(exec .+ serve)\n```/m.exec(install) ?? [];
const unit = read("deploy/systemd/muster.service");
const valueOf = (key: string) => new RegExp(`^${key}=(.*)$`, "m").exec(unit)?.[1];

describe("a server on a machine, started as docs/install.md says", () => {
  it("takes SIGHUP and SIGTERM itself: nothing stands between its pid and the server", async () => {
    const settings = { DATABASE_URL: database.url, ESTATE: join(folder, "estate.yaml"), HTTP_PORT: "0" };
    const server = new MusterProcess([], { ...settings, PATH: process.env["PATH"] ?? "" }, ["sh", "-c", typed]);
    const says = (text: string) =>
      until(text, () => Promise.resolve(server.logged.some(({ msg }) => msg === text)), 60_000);
    try {
      await says("Muster is ready");
      server.kill("SIGHUP");
      await says("the estate was read again");
      server.kill("SIGTERM");
      expect(await server.ended()).toMatchObject({ status: 0, signal: null });
    } finally {
      server.kill("SIGKILL");
    }
  });

  it("has the flags that the program itself asks for", () => {
    const [, flags = ""] = /^#!\/usr\/bin\/env -S node (.+)$/m.exec(read("src/cli.ts")) ?? [];
    expect(typed).toBe(`exec node_modules/.bin/node ${flags} src/cli.ts serve`);
  });

  it("is started, told and given its time by systemd in the same way", () => {
    expect(`exec ${valueOf("ExecStart")?.replace(`${valueOf("WorkingDirectory")}/`, "")}`).toBe(typed);
    expect(valueOf("ExecReload")).toBe("/bin/kill -HUP $MAINPID");
    expect([valueOf("KillMode"), valueOf("TimeoutStopSec")]).toEqual(["mixed", "30"]);
    expect(install).toContain("(../deploy/systemd/muster.service)");
  });

  it("is started by npx nowhere in the docs, but for a try in somebody's own terminal", () => {
    for (const page of ["docs/install.md", "docs/start.md", "README.md"])
      expect(read(page)).not.toMatch(/npx muster serve(?! --embedded)/);
  });
});

describe("the SQL that makes Muster's database", () => {
  it("can be typed by an administrator who is no superuser, as on a managed Postgres", async () => {
    await database.server.ask("postgres", "create role admin login createrole createdb password 'lab-admin'");
    const [, block = ""] = /^```sql\n(create role muster [^]*?)```/m.exec(install) ?? [];
    const admin = database.server.url({ user: "admin", password: "lab-admin", database: "postgres" });
    const db = openDb(admin, { max: 1, leaseMs: 60_000, statementTimeoutMs: 60_000 });
    try {
      // On another server of its own; here a database of that name is there already.
      const text = block
        .replace("'...'", "'lab-muster'")
        .replace("create database muster ", "create database muster_own ");
      for (const statement of text.split(/;.*\n/).filter((each) => each.trim() !== ""))
        await sql.raw(statement).execute(db);
    } finally {
      await db.destroy();
    }
    const url = database.server.url({ user: "muster", password: "lab-muster", database: "muster_own" });
    expect(await run(["migrate"], { DATABASE_URL: url })).toMatchObject({ status: 0, err: "" });
  });
});

describe("the set-up for traces in docs/seen.md", () => {
  const seen = read("docs/seen.md");

  it("installs packages by their versions, and runs no scripts of theirs: .npmrc lets none run that is not listed", () => {
    const [, packages = ""] = /^npm install --no-save --ignore-scripts (.+)$/m.exec(seen) ?? [];
    expect(packages.split(" ")).toEqual(
      ["api", "sdk-node", "exporter-trace-otlp-http"].map((name) =>
        expect.stringMatching(new RegExp(`^@opentelemetry/${name}@\\d+\\.\\d+\\.\\d+$`)),
      ),
    );
  });

  it("sends what is left when a terminal ends by itself, which nobody sends a SIGTERM", async () => {
    const [, file = ""] = /^```js\n(\/\/ tracing\.mjs\n[^]*?)```/m.exec(seen) ?? [];
    await writeFile(join(folder, "tracing.mjs"), file);
    await module("@opentelemetry/exporter-trace-otlp-http", "export class OTLPTraceExporter {}");
    // It takes its time, as sending does.
    const shutdown = "shutdown() { return new Promise((r) => setTimeout(r, 50)).then(() => console.log('sent')); }";
    await module("@opentelemetry/sdk-node", `export class NodeSDK { start() {} ${shutdown} }`);
    const words = ["--import", "./tracing.mjs", "-e", "setTimeout(() => console.log('done'), 10)"];
    const { status, stdout } = spawnSync(process.execPath, words, { cwd: folder, encoding: "utf8", env: {} });
    expect({ status, stdout }).toEqual({ status: 0, stdout: "done\nsent\n" });
  });
});

/** A package that stands in for the real one. */
async function module(name: string, text: string): Promise<void> {
  const place = join(folder, "node_modules", name);
  await mkdir(place, { recursive: true });
  await writeFile(join(place, "package.json"), JSON.stringify({ name, type: "module", exports: "./index.js" }));
  await writeFile(join(place, "index.js"), text);
}
