import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { describe, expect, it } from "@jest/globals";
import { fenceGrant } from "../../src/adapters/postgres-rights.ts";
import type { Check, DoctorContext } from "../../src/doctor/check.ts";
import { judgeClock, judgeDatabaseClock } from "../../src/doctor/clock.ts";
import { examine } from "../../src/doctor/examine.ts";
import { broken, ok, warning } from "../../src/doctor/finding.ts";
import { judgeApprovers, judgeBreakGlass } from "../../src/doctor/people.ts";
import { linesOf, reportOf } from "../../src/doctor/report.ts";
import { judgeServer } from "../../src/doctor/server-rights.ts";
import { judgeStandbys } from "../../src/doctor/standbys.ts";
import type { Estate } from "../../src/estate.ts";

const ctx = { redact: (text: string) => text.replaceAll("hunter22", "[redacted]") } as DoctorContext;
const check = (name: string, look: Check["look"]): Check => ({ name, look });
const said = { happened: "It is not there.", means: "It will not work.", todo: "Make it." };

describe("the examination", () => {
  it("makes all looks at once, and keeps their order", async () => {
    const second = Promise.withResolvers<void>();
    const found = await examine(ctx, [
      check("one", async () => {
        await second.promise;
        return [ok("one", "there")];
      }),
      check("two", () => {
        second.resolve();
        return Promise.resolve([ok("two", "there")]);
      }),
    ]);
    expect(found.map(({ subject }) => subject)).toEqual(["one", "two"]);
  });

  it("makes a finding of a look that hangs, and of one that fails, and holds up no other", async () => {
    const found = await examine(
      ctx,
      [
        check("what hangs", () => new Promise(() => undefined)),
        check("what fails", () => Promise.reject(new Error("wrong password hunter22."))),
        check("what works", () => Promise.resolve([ok("it", "there")])),
      ],
      20,
    );
    expect(found).toMatchObject([
      { subject: "what hangs", state: "broken", happened: "The look at what hangs failed: no end after 0.02 seconds." },
      { subject: "what fails", state: "broken", happened: "The look at what fails failed: wrong password [redacted]." },
      { subject: "it", state: "ok" },
    ]);
  });

  it("keeps what a look had found before it was given up, and gives one that takes longer its time", async () => {
    const found = await examine(
      ctx,
      [
        check("what hangs", (_ctx, soFar) => {
          soFar.push(ok("the first", "there"));
          return new Promise(() => undefined);
        }),
        {
          ...check("what is slow", async () => {
            await setTimeout(100);
            return [ok("it", "there")];
          }),
          extraMs: () => 60_000,
        },
      ],
      20,
    );
    expect(found).toMatchObject([
      { subject: "the first", state: "ok" },
      { subject: "what hangs", state: "broken" },
      { subject: "it", state: "ok" },
    ]);
  });

  it("lets no secret out that a finding quotes", async () => {
    const found = await examine(ctx, [
      check("it", () =>
        Promise.resolve([ok("it", "hunter22"), warning("hunter22", { ...said, todo: "Use hunter22." })]),
      ),
    ]);
    expect(JSON.stringify(found)).not.toContain("hunter22");
  });
});

describe("the report", () => {
  const findings = [
    ok("a", "there"),
    warning("b", said),
    broken("c", { ...said, happened: "Two faults:\n  x\n  y\n" }),
  ];

  it("is well while nothing is broken, whatever it warns of", () => {
    expect(reportOf(findings)).toMatchObject({ ok: false, counts: { ok: 1, warning: 1, broken: 1 } });
    expect(reportOf(findings.slice(0, 2))).toMatchObject({ ok: true });
    expect(reportOf([])).toMatchObject({ ok: true });
  });

  it("has a line for what is well, and says of the rest what will not work, what it means and what to do", () => {
    expect(linesOf(reportOf(findings)).join("\n")).toBe(`\
ok             a: there
warning        b
               It is not there.
               It will not work.
               Make it.
will not work  c
               Two faults:
                 x
                 y
               It will not work.
               Make it.

1 ok, 1 warning, 1 will not work. Nothing was changed.`);
  });
});

it.each([
  [0, "ok", "ok"],
  [3.4, "ok", "ok"],
  [-3.4, "ok", "ok"],
  [4, "warning", "warning"],
  [-4.9, "warning", "warning"],
  [5, "warning", "broken"],
  [-29, "warning", "broken"],
  [30, "broken", "broken"],
  [-301, "broken", "broken"],
])("a clock %d seconds away from that of AWS is %s, from that of Muster's database %s", (seconds, aws, database) => {
  expect(judgeClock("AWS", seconds).state).toBe(aws);
  expect(judgeDatabaseClock(seconds).state).toBe(database);
});

describe("approvers", () => {
  const inSlack = { slack: "U01" };
  const atTerminal = { terminal: "someone" };
  it.each([
    [[inSlack, inSlack, inSlack], true, "ok"],
    [[inSlack, inSlack, atTerminal], true, "ok"],
    [[inSlack, inSlack, {}], true, "warning"],
    [[inSlack, {}, {}], true, "broken"],
    [[{}, {}], true, "broken"],
    [[inSlack, inSlack, inSlack], false, "broken"],
    [[atTerminal, atTerminal, inSlack], false, "warning"],
  ])("%j, with Slack: %p, are %s", (persons, withSlack, state) => {
    const people = Object.fromEntries(persons.map((person, index) => [`p${index}`, person]));
    const estate = { people, approvers: Object.keys(people) } as unknown as Estate;
    expect(judgeApprovers(estate, withSlack).map((finding) => finding.state)).toEqual([state]);
    // Whoever may approve the move of a region is looked at too, where the estate has a list of them.
    const both = {
      people: { ...people, ana: inSlack, ben: inSlack, cleo: atTerminal },
      region_approvers: estate.approvers,
    };
    const findings = judgeApprovers({ ...estate, ...both, approvers: ["ana", "ben", "cleo"] }, withSlack);
    expect(findings.map((finding) => [finding.subject, finding.state])).toEqual([
      ["approvers", withSlack ? "ok" : "broken"],
      ["region_approvers", state],
    ]);
  });
});

it.each<[string, string[], string[] | undefined, string[]]>([
  ["nobody breaks glass", [], ["ben", "cleo"], []],
  ["everybody approves everything", ["ana"], undefined, []],
  ["whoever does approves regions too", ["ben"], ["ben", "cleo"], []],
  [
    "one does not",
    ["ana", "ben"],
    ["ben", "cleo"],
    ["ana may break glass, and cannot approve the move of a whole region."],
  ],
])("where %s, a region stays for its approvers, and that is said", (_name, breakGlass, regionApprovers, wanted) => {
  const estate = { breakGlass, region_approvers: regionApprovers } as Estate;
  expect(judgeBreakGlass(estate).map((finding) => finding.state !== "ok" && finding.happened)).toEqual(wanted);
});

describe("a database server", () => {
  const role = { canLogIn: true, mayFence: true, mayEndSessions: true };
  const writer = { takesWrites: true, hearsWriter: false, guard: true, role };
  const replica = { takesWrites: false, hearsWriter: true, guard: true, role };
  type Facts = (typeof writer & { guardIsOlder?: true }) | (typeof replica & { role: typeof role | null });
  const server = { service: "checkout", name: "db", role: "app", user: "muster_guard" };
  const findingsOf = (facts: Facts, shouldWrite: boolean) =>
    judgeServer({ ...server, shouldWrite, writes: facts.takesWrites }, facts);
  const judge = (facts: Facts, shouldWrite: boolean) =>
    findingsOf(facts, shouldWrite).map(
      (finding) => `${finding.state}${finding.state === "ok" ? "" : `: ${finding.happened}`}`,
    );

  it.each([
    ["a writer", writer, true, ["ok"]],
    ["a replica", replica, false, ["ok"]],
    ["a fenced replica", { ...replica, role: { ...role, canLogIn: false } }, false, ["ok"]],
    [
      "a fenced writer",
      { ...writer, role: { ...role, canLogIn: false } },
      true,
      ["warning: The role app may not log in to db, which takes writes."],
    ],
    [
      "a replica that writes",
      writer,
      false,
      ["broken: RDS calls db a replica, and the server says that it is a writer."],
    ],
    [
      "a replica that hears nothing",
      { ...replica, hearsWriter: false },
      false,
      ["broken: db hears nothing of its writer."],
    ],
    [
      "a replica that is late on purpose",
      { ...replica, applyDelaySeconds: 300 },
      false,
      ["warning: db applies what it receives 5 minutes late, on purpose (recovery_min_apply_delay)."],
    ],
    [
      "a replica that no graceful move outwaits",
      { ...replica, applyDelaySeconds: 900 },
      false,
      ["broken: db applies what it receives 15 minutes late, on purpose (recovery_min_apply_delay)."],
    ],
    ["one without the guard", { ...writer, guard: false }, true, ["warning: db has no schema muster_guard."]],
    [
      "one with an older guard",
      { ...writer, guardIsOlder: true as const },
      true,
      ["warning: The schema muster_guard of db is an older Muster's: it has no table journal."],
    ],
    ["one without the role", { ...writer, role: null }, true, ["broken: db has no role app."]],
    [
      "one whose sessions stay",
      { ...writer, role: { ...role, mayEndSessions: false } },
      true,
      ["broken: Muster may not end the sessions of the role app in db."],
    ],
    [
      "one with no right at all",
      { ...writer, role: { ...role, mayFence: false, mayEndSessions: false } },
      true,
      ["broken: Muster may not take the login of the role app in db."],
    ],
  ])("%s", (_what, facts, shouldWrite, states) => {
    expect(judge(facts as typeof writer, shouldWrite)).toEqual(states);
  });

  it("is told the grant that guard.sql and preflight tell, for the role that Muster has there", () => {
    const [finding] = findingsOf({ ...writer, role: { ...role, mayFence: false } }, true);
    const grant = "grant app to muster_guard with admin option, inherit false, set false";
    expect(finding).toMatchObject({ todo: expect.stringContaining(grant) });
    const sql = readFileSync(new URL("../../src/adapters/guard.sql", import.meta.url), "utf8");
    expect(sql).toContain(`"${fenceGrant("<application role>", "muster")}"`);
  });
});

describe("a pair that no RDS knows", () => {
  const standby = { role: "muster", systemId: "71", mayPromote: true, replayPaused: false, waitsFor: "" };
  const writes = { name: "db-east", facts: { takesWrites: true, hearsWriter: false, standby } };
  const follows = { name: "db-west", facts: { takesWrites: false, hearsWriter: true, standby } };
  type Standing = typeof writes;
  const but = ({ name, facts }: Standing, own: Partial<typeof standby>): Standing => ({
    name,
    facts: { ...facts, standby: { ...standby, ...own } },
  });

  it.each([
    ["a writer and its standby", [writes, follows], ["ok: db-west stands by, and lets Muster promote it"]],
    ["the other way round", [follows, writes], ["ok: db-west stands by, and lets Muster promote it"]],
    ["two writers", [writes, { ...writes, name: "db-west" }], ["broken: Both of db-east and db-west take writes."]],
    ["no writer", [{ ...follows, name: "db-east" }, follows], ["broken: Neither of db-east and db-west takes writes."]],
    [
      "two strangers",
      [writes, but(follows, { systemId: "72" })],
      ["broken: Neither of db-east and db-west is a copy of the other: their system identifiers differ."],
    ],
    [
      "one that Muster may not promote",
      [writes, but(follows, { mayPromote: false })],
      ["broken: muster may not call pg_promote() at db-west."],
    ],
    [
      "one that holds back what it received, and would wait for others",
      [but(writes, { waitsFor: "s1" }), but(follows, { replayPaused: true, waitsFor: "s1" })],
      ["warning: The replay of db-west is paused.", "warning: db-west has synchronous_standby_names = 's1'."],
    ],
  ] as [string, [Standing, Standing], string[]][])("%s", (_what, pair, said) => {
    expect(
      judgeStandbys("checkout", pair).map((finding) =>
        finding.state === "ok" ? `ok: ${finding.seen}` : `${finding.state}: ${finding.happened}`,
      ),
    ).toEqual(said);
  });
});
