import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { generateSync } from "otplib";
import { openLab, type Lab } from "../../src/lab/lab.ts";

/** Long, because a machine may be busy with other things: no story waits on the wall. */
jest.setTimeout(240_000);

let lab: Lab;
let runId: string;
/** What whoever asked for the run was shown. */
let shown: string[];
const replies: string[] = [];
const secrets: Record<string, string> = {};
beforeAll(async () => {
  lab = await openLab({ patient: true });
  shown = (await lab.types("ana", ["failover", "us-west-2", "checkout"])).text.split("\n");
  runId = await lab.newestRun();
});
afterAll(() => lab.close());

const types = async (person: string, ...argv: string[]) => {
  const { status, text } = await lab.types(person, argv);
  replies.push(text);
  return { status, lines: text.split("\n") };
};
const approves = (person: string, code?: string) =>
  types(person, "runs", "approve", runId, ...(code === undefined ? [] : ["--code", code]));

/** The code that a person's authenticator shows now. */
const codeOf = (person: string) => generateSync({ secret: secrets[person] ?? "" });
/** One that it does not show, nor showed, nor will show soon. */
const wrongCode = (person: string) => {
  const epoch = Math.floor(Date.now() / 1000);
  const near = [-60, -30, 0, 30, 60].map((away) =>
    generateSync({ secret: secrets[person] ?? "", epoch: epoch + away }),
  );
  return ["000000", "000001", "000002", "000003", "000004", "000005"].find((code) => !near.includes(code)) ?? "";
};
const wrong = "The code was wrong, or had been used before.";
const approvals = () =>
  lab.query<{ by: string }>(
    `select payload ->> 'by' as by from muster.step_event where kind = 'approved' order by seq`,
  );
const signals = async () => (await lab.query("select from muster.signal")).length;

it("whoever could approve reads what was seen, as the requester did, what speaks against it, and where there is no way back", async () => {
  const { lines } = await types("ben", "runs", "show", runId);
  // Above it stands which run it is, below it who may approve.
  const seen = shown.slice(1, -1);
  expect(seen.length).toBeGreaterThan(5);
  expect(lines.slice(1, 1 + seen.length)).toEqual(seen);
  expect(lines).toContainEqual(
    expect.stringMatching(/checkout\/promote-replica: .*  ⛔ no way back: a promoted replica cannot follow/),
  );
  const [mail] = await lab.query<{ lines: string[]; warnings: string[] }>(
    `select o.payload -> 'lines' as lines, r.plan -> 'warnings' as warnings from muster.outbox o, muster.run r
      where o.thread = 'mail:ben' and r.id = $1`,
    [runId],
  );
  expect(mail?.warnings).not.toEqual([]);
  expect(mail?.lines).toEqual(expect.arrayContaining((mail?.warnings ?? []).map((warning) => `Warning: ${warning}`)));
});

it("whoever asks for the same again is led to the run, where no card is", async () => {
  const { lines } = await types("dora", "failover", "us-west-2", "checkout");
  expect(lines.at(-1)).toBe(`Look at it: muster runs show ${runId}.`);
});

describe("muster enrol", () => {
  it("shows a secret once, and keeps it encrypted", async () => {
    for (const person of ["ana", "ben", "cleo", "dora"]) {
      const { status, lines } = await types(person, "enrol");
      expect({ status, first: lines[0] }).toEqual({
        status: 0,
        first: `${person} is enrolled. This is the only time the secret is shown:`,
      });
      secrets[person] = new URL(lines[1] ?? "").searchParams.get("secret") ?? "";
      expect(secrets[person]).toMatch(/^[A-Z2-7]{32,}$/);
    }
    const again = await types("ben", "enrol");
    expect(again).toEqual({
      status: 1,
      lines: [
        "ben is enrolled already.",
        "The secret in their authenticator still counts, and nothing was changed.",
        "Add --replace, and --code with the six digits of the old one, to make a new one and void the old.",
      ],
    });
  });

  it("voids the old secret when it makes a new one, for whoever has a code of the old, and tells people", async () => {
    expect((await types("ben", "enrol", "--replace")).lines[0]).toBe("No code was given.");
    expect((await types("ben", "enrol", "--replace", "--code", wrongCode("ben"))).lines[0]).toBe(wrong);
    const old = codeOf("ben");
    const { lines } = await types("ben", "enrol", "--replace", "--code", old);
    const told = await lab.query<{ thread: string }>(
      `select thread from muster.outbox where payload ->> 'subject' = '[Muster] ben has a new authenticator' order by put_at desc limit 3`,
    );
    expect(told.map(({ thread }) => thread)).toContain("mail:ben");
    secrets["ben"] = new URL(lines[1] ?? "").searchParams.get("secret") ?? "";
    expect((await approves("ben", old)).lines[0]).toBe(wrong);
    expect(await approvals()).toEqual([]);
  });

  it("is refused in Slack, where a secret would stay", async () => {
    expect(await lab.says("ben", "/muster enrol")).toMatch(
      "A secret cannot be shown in Slack.\nNothing was changed.\nType muster enrol [--replace --code &lt;code&gt;] in a terminal",
    );
  });

  it("and approving are refused without the key, or with another one", async () => {
    const { MUSTER_KEY: key = "" } = lab.environment;
    lab.environment["MUSTER_KEY"] = "";
    expect((await types("ben", "enrol", "--replace", "--code", codeOf("ben"))).lines[0]).toBe("MUSTER_KEY is not set.");
    expect((await approves("ben", codeOf("ben"))).lines[0]).toBe("MUSTER_KEY is not set.");
    lab.environment["MUSTER_KEY"] = Buffer.alloc(32, 7).toString("base64");
    expect((await approves("ben", codeOf("ben"))).lines).toEqual([
      "The secret of ben was sealed with another MUSTER_KEY than this one.",
      "The code could not be checked. Nothing was approved.",
      "Set the MUSTER_KEY that the other machines have, or approve in Slack.",
    ]);
    lab.environment["MUSTER_KEY"] = key;
    expect(await approvals()).toEqual([]);
  });
});

describe("approving in a terminal", () => {
  it("needs a code, a right one, and whose it is", async () => {
    expect((await approves("ben")).lines[0]).toBe("No code was given.");
    for (const code of [wrongCode("ben"), codeOf("cleo"), "", "12345", "1234567", "abcdef"]) {
      const { status, lines } = await approves("ben", code);
      expect({ status, said: lines[0] }).toEqual({
        status: 1,
        said: code === "" ? `"--code" needs a value.` : wrong,
      });
      // Four wrong ones in a row are allowed.
      await lab.query("update muster.totp set tries = 0 where person = 'ben'");
    }
    expect(await signals()).toBe(0);
    expect(await approvals()).toEqual([]);
  });

  it("is not for whoever asked for the run, nor for somebody who approves nothing", async () => {
    const own = await approves("ana", codeOf("ana"));
    expect(own.lines[0]).toMatch(/^"approve" was refused: .*own/);
    const dora = await approves("dora", codeOf("dora"));
    expect(dora.lines[0]).toMatch(/^"approve" was refused: dora is not among those who decide here/);
    expect(await approvals()).toEqual([]);
  });

  it("counts once: the code is used up, and the same person in Slack is the same person", async () => {
    const code = codeOf("ben");
    const { status, lines } = await approves("ben", code);
    expect({ status, said: lines[0] }).toEqual({
      status: 0,
      said: `Noted: ben says "approve" to run ${runId}. Its thread tells what comes of it.`,
    });
    expect(await approvals()).toEqual([{ by: "ben" }]);
    expect((await types("ben", "enrol", "--replace", "--code", code)).lines[0]).toBe(wrong);
    expect(await lab.says("ben", `/muster runs approve ${runId}`)).toMatch(
      /"approve" was refused: you have approved it already\./,
    );
    expect(await approvals()).toEqual([{ by: "ben" }]);
  });

  it("is locked for 15 minutes after five wrong codes in a row, also for the right one", async () => {
    for (let tries = 0; tries < 5; tries += 1) {
      expect((await approves("cleo", wrongCode("cleo"))).lines[0]).toBe(wrong);
    }
    expect((await approves("cleo", codeOf("cleo"))).lines).toEqual([
      "cleo gave five wrong codes in a row.",
      "Nothing was approved, and no code counts for up to 15 minutes.",
      "Wait, or approve in Slack.",
    ]);
    // A new secret would be the way around.
    expect((await types("cleo", "enrol", "--replace", "--code", codeOf("cleo"))).lines[0]).toBe(
      "cleo gave five wrong codes in a row.",
    );
    expect(await approvals()).toEqual([{ by: "ben" }]);
    await lab.time.pass(15 * 60);
    // The code counts again; by now the plan has expired, and that is what is said.
    expect((await approves("cleo", codeOf("cleo"))).lines[0]).toMatch(/^"approve" was refused: /);
    expect(lab.changes()).toEqual([]);
  });
});

it("no secret of an authenticator stands anywhere in clear, nor was one said twice", async () => {
  const tables = await lab.query<{ name: string }>(
    `select table_name as name from information_schema.tables where table_schema = 'muster' and table_type = 'BASE TABLE'`,
  );
  expect(tables.length).toBeGreaterThan(8);
  const rows = await Promise.all(
    tables.map(({ name }) => lab.query<{ row: string }>(`select t::text as row from muster.${name} t`)),
  );
  const kept = rows.flat().map(({ row }) => row);
  expect(kept.some((row) => row.startsWith("(ben,"))).toBe(true);
  for (const secret of Object.values(secrets)) {
    const hex = Buffer.from(secret).toString("hex");
    expect(kept.filter((row) => row.includes(secret) || row.includes(hex))).toEqual([]);
    expect(replies.filter((text) => text.includes(secret))).toHaveLength(1);
    expect(JSON.stringify(lab.slack.messages("C01"))).not.toContain(secret);
    expect(JSON.stringify(lab.mail.all)).not.toContain(secret);
  }
});
