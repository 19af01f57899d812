import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { sitsAsAna } from "../../src/lab/estate.ts";
import { openLab, type Lab } from "../../src/lab/lab.ts";
import { eventually } from "../slack/office.ts";
import { MusterProcess, run } from "./process.ts";

/** Long, because a machine may be busy with other things: no story waits on the wall. */
jest.setTimeout(240_000);

/** Generous: a server starts in a second or two where the machine has nothing else to do. */
const patienceMs = 45_000;

let lab: Lab;
let server: MusterProcess;
let port: number;
beforeAll(async () => {
  lab = await openLab({
    serve: false,
    settings: { CALL_TIMEOUT_MILLISECONDS: "5000", LOG_LEVEL: "info" },
    editEstate: (yaml) => sitsAsAna(yaml, userInfo().username),
  });
  server = new MusterProcess(["serve"], { ...lab.environment, DATABASE_URL: asIfElsewhere() });
  port = await eventually(() => server.logged.find(({ msg }) => msg === "Muster is ready")?.port, patienceMs);
  await eventually(() => lab.slack.sockets.connections > 0 || undefined, patienceMs);
});
afterAll(async () => {
  server.kill("SIGKILL");
  await server.ended();
  await lab.close();
});

/** The database's address, written as a number: it leads to this machine, and does not look like it. */
function asIfElsewhere(): string {
  const url = new URL(lab.environment["DATABASE_URL"] ?? "");
  url.hostname = String(url.hostname.split(".").reduce((number, part) => number * 256 + Number(part), 0));
  return url.href;
}

const get = async (path: string) => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  return { status: response.status, text: await response.text() };
};

/** Types something wrong in Slack and returns the regions that the answer offers: those of the estate in force. */
async function regionsKnown(): Promise<string> {
  for (;;) {
    const before = lab.slack.ephemerals("U01").length;
    const { answer } = await lab.slack.types("U01", "#incident-response", "/failover nowhere");
    // On a busy machine it may take too long to be recorded: who is told so types it again.
    if (answer.text !== "Looking ...") continue;
    const said = await eventually(
      () =>
        lab.slack
          .ephemerals("U01")
          .slice(before)
          .find(({ text }) => text.includes("with one of")),
      patienceMs,
    );
    return /with one of: (.*)\.$/.exec(said.text)?.[1] ?? said.text;
  }
}

describe("muster serve, as a process", () => {
  it("says once that its database is on another machine and spoken to in clear", () => {
    expect(server.logged.filter(({ msg }) => msg?.includes("spoken to in clear"))).toHaveLength(1);
  });

  it("answers for its health, and not for what its database cannot do", async () => {
    expect(await get("/healthz")).toEqual({ status: 200, text: "alive\n" });
    expect(await get("/readyz")).toEqual({ status: 200, text: "ready\n" });
    expect((await get("/nothing")).status).toBe(404);
    await lab.musterDatabase.stop("immediate");
    expect(await get("/healthz")).toEqual({ status: 200, text: "alive\n" });
    const refused = { status: 503, text: "Muster's database takes no writes\n" };
    // One look answers whoever asks within a second.
    const unready = async () => {
      const answer = await get("/readyz");
      return answer.status === 503 ? answer : undefined;
    };
    expect(await eventually(unready, patienceMs)).toEqual(refused);
    await lab.musterDatabase.start();
    await eventually(async () => (await get("/readyz")).status === 200 || undefined, patienceMs);
  });

  it("leaves the terminal as it is: a dry run beside it shows the same plan", async () => {
    const { status, out } = await run(["failover", "us-west-2", "checkout", "--dry-run"], lab.environment);
    expect(status).toBe(0);
    expect(out).toContain("Move checkout to us-west-2, with the old side alive.");
  });

  it("reads the estate again at SIGHUP; one with a fault is refused at its place, and the old one stays", async () => {
    expect(await regionsKnown()).toBe("us-east-1, us-west-2");
    const whole = await readFile(lab.estatePath, "utf8");
    const wider = whole.replace("  - us-west-2\n", "  - us-west-2\n  - eu-west-1\n");
    const refused = () => server.logged.filter(({ msg }) => msg.startsWith("the estate was not read again"));

    await writeFile(lab.estatePath, wider.replace("databases:", "databses:"));
    server.kill("SIGHUP");
    await eventually(() => refused()[0], patienceMs);
    expect(refused()[0]?.why).toMatch(/estate\.yaml:\d+:5 services\.checkout\.databses: there is no such key/);
    expect(await regionsKnown()).toBe("us-east-1, us-west-2");

    await writeFile(lab.estatePath, "regions: [us-east-1");
    server.kill("SIGHUP");
    await eventually(() => refused()[1], patienceMs);
    expect(await regionsKnown()).toBe("us-east-1, us-west-2");

    await writeFile(lab.estatePath, wider);
    server.kill("SIGHUP");
    const reread = () => server.logged.find(({ msg }) => msg === "the estate was read again");
    // Whoever edited the file can tell which one was read.
    const sha256 = createHash("sha256").update(wider).digest("hex");
    expect(await eventually(reread, patienceMs)).toMatchObject({ services: 1, sha256: sha256.slice(0, 12) });
    expect(await regionsKnown()).toBe("us-east-1, us-west-2, eu-west-1");
  });

  it("ends by itself at SIGTERM, and says nothing that is secret on the way", async () => {
    server.kill("SIGTERM");
    const { status, signal, out, err } = await server.ended();
    expect({ status, signal, out }).toEqual({ status: 0, signal: null, out: "" });
    expect(err).not.toMatch(/xoxb-|xapp-|lab-muster|lab-app|lab-token/);
    await expect(get("/healthz")).rejects.toThrow("fetch failed");
  });
});
