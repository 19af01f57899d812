import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { chmod, mkdir, mkdtemp, readdir, rm, stat, readFile, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { openEmbedded } from "../../src/embedded/embedded.ts";
import { serverPid } from "../../src/embedded/processes.ts";
import { UserError } from "../../src/errors.ts";
import { labEstate, sitsAsAna } from "../../src/lab/estate.ts";
import { eventually } from "../slack/office.ts";
import { MusterProcess, run } from "./process.ts";

/** Generous: a server starts in a second or two where the machine has nothing else to do. */
const patienceMs = 45_000;

let folder: string;
let environment: Record<string, string>;
const running: MusterProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "muster-embedded-"));
  // Where this is root, the server runs as somebody else, who must get through.
  await chmod(folder, 0o755);
  const estate = sitsAsAna(labEstate({ replicas: 2, stabilitySeconds: 60 }), userInfo().username);
  await writeFile(join(folder, "estate.yaml"), estate);
  environment = {
    PATH: process.env["PATH"] ?? "",
    HOME: folder,
    ESTATE: join(folder, "estate.yaml"),
    HTTP_PORT: "0",
    LOG_LEVEL: "info",
  };
});
afterAll(async () => {
  for (const each of running) each.kill("SIGTERM");
  await Promise.all(running.map((each) => each.ended()));
  await rm(folder, { recursive: true, force: true });
});

const data = () => join(folder, "data");
const urlFile = () => join(data(), "database-url");

async function serves(): Promise<MusterProcess> {
  const server = new MusterProcess(["serve", "--embedded", data()], environment);
  running.push(server);
  await eventually(() => server.logged.find(({ msg }) => msg === "Muster is ready"), patienceMs);
  return server;
}

it("serves on a Postgres of its own, which outlives a kill, has one owner, and leaves nothing running", async () => {
  const first = await serves();
  expect(first.out).toContain(`export DATABASE_URL=$(cat ${urlFile()})`);
  expect((await stat(urlFile())).mode & 0o777).toBe(0o600);
  const url = (await readFile(urlFile(), "utf8")).trim();
  const listed = await run(["runs"], { ...environment, DATABASE_URL: url });
  expect([listed.status, listed.err]).toEqual([0, ""]);

  const second = await run(["serve", "--embedded", data()], environment);
  expect(second.status).toBe(1);
  expect(second.err.trim().split("\n")).toEqual([
    expect.stringMatching(/^Another Muster \(process \d+\) has .*data\.$/),
    "Nothing was started; that one goes on.",
    expect.stringContaining("set DATABASE_URL to what"),
  ]);

  const before = serverPid(join(data(), "postgres"));
  first.kill("SIGKILL");
  await first.ended();
  const third = await serves();
  expect(serverPid(join(data(), "postgres"))).not.toBe(before);
  // The same password, and so the same data.
  const again = new URL((await readFile(urlFile(), "utf8")).trim());
  expect(again.password).toBe(new URL(url).password);

  third.kill("SIGTERM");
  expect((await third.ended()).status).toBe(0);
  expect(serverPid(join(data(), "postgres"))).toBeUndefined();
  await expect(stat(urlFile())).rejects.toThrow("ENOENT");
  expect(third.err + third.out).not.toContain(again.password);
}, 120_000);

it("refuses a folder that cannot be one", async () => {
  const { status, err } = await run(["serve", "--embedded", join(folder, "estate.yaml")], environment);
  expect(status).toBe(1);
  expect(err).toMatch(/cannot be used as a data folder \((EEXIST|ENOTDIR)\)\.\nNothing was started\.\nName a folder/);
}, 60_000);

/** A folder that somebody has, with rights of its own. */
async function foreign(name: string, mode: number): Promise<string> {
  const path = join(folder, name);
  await mkdir(path);
  await chmod(path, mode);
  return path;
}

it("leaves alone what somebody else has in a folder called postgres, and the folder's rights", async () => {
  const theirs = await foreign("theirs", 0o755);
  await mkdir(join(theirs, "postgres"));
  await writeFile(join(theirs, "postgres", "orders.dump"), "all orders");
  const refused = await openEmbedded(theirs, environment["PATH"]).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(UserError);
  expect((refused as UserError).explanation).toEqual({
    happened: `${theirs}/postgres is there already, and no Muster made it: ${theirs} has no password for it.`,
    means: "Nothing was started, and what is in it was left alone.",
    todo: "Name a folder that is empty or not there yet. If a Muster was stopped while it made this one, remove it yourself.",
  });
  expect(await readFile(join(theirs, "postgres", "orders.dump"), "utf8")).toBe("all orders");
  expect(await readdir(theirs)).toEqual(["postgres"]);
  expect((await stat(theirs)).mode & 0o777).toBe(0o755);
});

it("makes anew what a Muster that was killed had begun to make, and changes nobody's folder", async () => {
  const ours = await foreign("half", 0o755);
  await writeFile(join(ours, "initialising"), "");
  await mkdir(join(ours, "postgres"));
  await writeFile(join(ours, "postgres", "PG_VERSION"), "");
  const embedded = await openEmbedded(ours, environment["PATH"]);
  await embedded.close();
  expect((await readdir(ours)).toSorted()).toEqual(["password", "postgres"]);
  expect((await stat(ours)).mode & 0o777).toBe(0o755);
}, 60_000);

it("asks for a folder that Postgres can get into, where this is root and it runs as somebody else", async () => {
  const closed = await foreign("closed", 0o700);
  const opened = await openEmbedded(closed, environment["PATH"]).then(
    async (embedded) => {
      await embedded.close();
      return "opened";
    },
    (error: UserError) => error.explanation.todo,
  );
  const root = process.getuid?.() === 0;
  expect(opened).toBe(root ? `Name a folder that is not there yet, or type chmod o+x ${closed}.` : "opened");
  expect((await stat(closed)).mode & 0o777).toBe(0o700);
}, 60_000);
