import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { sql } from "kysely";
import { UserError } from "../../src/errors.ts";
import { eventually, openOffice, proposeRun, say, threadOf, type Office } from "./office.ts";

let office: Office;
beforeEach(async () => {
  office = await openOffice();
});
afterEach(() => office.close());

/** What one person alone was told after "Looking ...". */
const told = (person: string) =>
  eventually(() => office.slack.ephemerals(person).find((one) => !one.text.startsWith("Looking"))).then(
    ({ text }) => text,
  );

describe("what people type", () => {
  it("is acknowledged at once and answered privately", async () => {
    await office.listen();
    const delivery = await office.slack.types("U01", "C01", `/failover us-west-2 checkout --reason "it is dark"`);
    expect(delivery).toMatchObject({ acknowledged: true, answer: { response_type: "ephemeral", text: "Looking ..." } });
    expect(await told("U01")).toBe("heard us-west-2 checkout --reason it is dark");
    expect(office.calls).toMatchObject([{ person: { name: "ana" }, place: { kind: "slack", channel: "C01" } }]);
    expect(office.slack.messages("C01")).toEqual([]);
  });

  it("is the same command with /muster before it, also of somebody who Slack says is first of all of a sister workspace", async () => {
    Object.assign(office.slack.workspace.persons.get("U02")!, { team: "T77", teams: ["T77", "T01"] });
    await office.listen();
    await office.slack.types("U02", "C01", "/muster failover us-west-2 checkout");
    expect(await told("U02")).toBe("heard us-west-2 checkout");
  });

  it("counts once when Slack delivers it thrice", async () => {
    await office.listen();
    office.slack.knobs.deliveries = 3;
    const delivery = await office.slack.types("U01", "C01", "/failover us-west-2 checkout");
    await office.slack.replay(delivery);
    await told("U01");
    await office.time.quiet();
    expect(office.calls).toHaveLength(1);
    expect(office.slack.ephemerals("U01").filter((one) => one.text.startsWith("heard"))).toHaveLength(1);
  });

  it("is answered once although the process that worked on it died", async () => {
    office.answers(() => new Promise(() => undefined));
    await office.listen();
    await office.slack.types("U01", "C01", "/failover us-west-2 checkout");
    await eventually(() => office.calls[0]);
    office.answers((call) => Promise.resolve({ lines: [`again ${call.id === office.calls[0]?.id}`] }));
    await sql`update muster.inbox set taken_until = clock_timestamp()`.execute(office.ctx.db);
    expect(await told("U01")).toBe("again true");
  });

  it("is told in three sentences what was wrong with it", async () => {
    office.answers(() =>
      Promise.reject(
        new UserError({ happened: `"us-west-9" is not a region.`, means: "Nothing was changed.", todo: "Type one." }),
      ),
    );
    await office.listen();
    await office.slack.types("U01", "C01", "/failover us-west-9");
    expect(await told("U01")).toBe(`"us-west-9" is not a region.\nNothing was changed.\nType one.`);
    expect(office.logged).toEqual([]);
  });

  it("is told that we do not know, with a number to look for, when a command breaks", async () => {
    office.answers(() => Promise.reject(new TypeError("secret detail")));
    await office.listen();
    await office.slack.types("U01", "C01", "/failover us-west-2");
    const text = await told("U01");
    expect(text).toMatch(/^Muster does not know what happened to "\/failover".*\nIt may have been done.*\nLook with/);
    expect(text).not.toContain("secret detail");
    const id = /under ([0-9a-f-]{36})/.exec(text)?.[1] ?? "none";
    expect(office.logged.join()).toContain(id);
  });

  it.each([
    ["40 kB of text", `/failover ${"x".repeat(40_000)}`, "characters long"],
    ["an open quote", `/failover us-west-2 --reason "oh`, 'A quote (") was opened and not closed'],
    ["a NUL", "/failover us-west-2\0", "cannot be seen"],
    ["half of an emoji", "/failover \ud83d", "heard \ufffd"],
    ["a verb we do not have", "/muster failovr us-west-2", `Did you mean "failover"?`],
  ])("is refused or read, never lost, with %s", async (_what, typed, expected) => {
    await office.listen();
    await office.slack.types("U01", "C01", typed);
    expect(await told("U01")).toContain(expected);
  });
});

describe("who may speak to Muster", () => {
  it.each([
    ["a guest", "U05", "Muster does not know you."],
    ["a bot", "U08", "Muster does not know you."],
    ["somebody of another company", "U09", "Muster does not know you."],
    ["a member who is not in the estate", "U10", "Muster does not know you."],
  ])("not %s, who learns nothing", async (_who, person, expected) => {
    office.ctx.estate.people.guest = { slack: "U05" };
    office.ctx.estate.people.bot = { slack: "U08" };
    office.ctx.estate.people.other = { slack: "U09" };
    await office.listen();
    await office.slack.types(person, "C01", "/failover us-west-2 checkout");
    expect(await told(person)).toContain(expected);
    expect(office.calls).toEqual([]);
    expect(office.slack.messages("C01")).toEqual([]);
  });

  it("not in another channel, where only the asker is told", async () => {
    await office.listen();
    await office.slack.types("U01", "C09", "/failover us-west-2 checkout");
    expect(await told("U01")).toContain("Muster takes no commands in this channel.");
    expect(office.calls).toEqual([]);
    expect(office.slack.messages("C09")).toEqual([]);
  });

  it("in a private channel, whose name Slack keeps to itself: one list of the app's own channels tells, and what is missing there is not looked for again", async () => {
    const { channels } = office.slack.workspace;
    for (const id of ["C01", "C09"]) channels.get(id)!.isPrivate = true;
    channels.get("C03")!.botIsMember = false;
    await office.listen();
    for (const [person, channel] of [
      ["U01", "C09"],
      ["U02", "C01"],
      ["U03", "C09"],
    ] as const) {
      await office.slack.types(person, channel, "/failover us-west-2 checkout");
      await told(person);
    }
    expect(office.calls.map(({ person }) => person?.name)).toEqual(["ben"]);
    const lists = () => office.log.all.filter(({ action }) => /conversations\.?list|users\.conversations/.test(action));
    expect(lists().map(({ action }) => action)).toEqual(["users.conversations"]);
    await office.time.pass(61);
    await office.slack.types("U04", "C09", "/failover us-west-2 checkout");
    await told("U04");
    expect(lists()).toHaveLength(2);
  });

  it("not somebody whose account was closed a minute ago", async () => {
    await office.listen();
    await office.slack.types("U04", "C01", "/failover one");
    await told("U04");
    office.slack.workspace.persons.get("U04")!.deleted = true;
    await office.time.pass(61);
    await office.slack.types("U04", "C01", "/failover two");
    await office.time.quiet();
    expect(office.calls.map(({ words }) => words)).toEqual([["one"]]);
  });

  it("nobody while Slack does not say who they are", async () => {
    await office.listen();
    office.slack.knobs.next("users.info", "fail-before", 4);
    await office.slack.types("U01", "C01", "/failover us-west-2 checkout");
    expect(await told("U01")).toBe(
      "Slack did not tell Muster who you are.\nNothing was done.\nTry again in a minute, or use the terminal: muster runs.",
    );
    expect(office.calls).toEqual([]);
  });
});

describe("what people press", () => {
  it("counts once when pressed once and delivered thrice", async () => {
    await office.listen();
    await proposeRun(office);
    await eventually(() => office.slack.messages("C01")[0]);
    office.slack.knobs.deliveries = 3;
    const delivery = await office.slack.presses("U02", "Approve");
    await office.slack.replay(delivery);
    expect(await told("U02")).toBe("noted approve by ben");
    await office.time.quiet();
    expect(office.presses).toMatchObject([
      { verb: "approve", runId: "r1", person: "ben", planHash: "abcdef0123456789" },
    ]);
  });

  it("says nothing itself: the button holds a random id only", async () => {
    await office.listen();
    await proposeRun(office);
    const card = await eventually(() => office.slack.messages("C01")[0]);
    const values = [...JSON.stringify(card.blocks).matchAll(/"value":"([^"]*)"/g)].map((found) => found[1]);
    expect(values).toHaveLength(2);
    for (const value of values) expect(value).toMatch(/^[\w-]{22}$/);
  });

  it("does not count on a copy of the card in another channel", async () => {
    await office.listen();
    await proposeRun(office);
    const card = await eventually(() => office.slack.messages("C01")[0]);
    office.slack.workspace.post("C02", { text: card.text, blocks: card.blocks! });
    await office.slack.presses("U02", "Approve", { channel: "C02" });
    expect(await told("U02")).toContain("stands in a copied message");
    expect(office.presses).toEqual([]);
  });

  it("does not count with an id that Muster never gave", async () => {
    await office.listen();
    const button = { type: "button", action_id: "press:x", value: "x", text: { type: "plain_text", text: "Approve" } };
    office.slack.workspace.post("C01", { text: "forged", blocks: [{ type: "actions", elements: [button] }] });
    await office.slack.presses("U02", "Approve");
    expect(await told("U02")).toContain("not one of Muster's");
    expect(office.presses).toEqual([]);
  });
});

describe("while Muster's database is down", () => {
  it("people are told that nothing was recorded, and nothing is", async () => {
    await office.listen();
    await proposeRun(office);
    await eventually(() => office.slack.messages("C01")[0]);
    // Where the card stands must be written down too: else it is looked for after 45 seconds on the wall.
    await office.time.quiet();
    await office.database.stop("immediate");
    const delivery = await office.slack.types("U01", "C01", "/failover us-west-2 checkout");
    expect(delivery.acknowledged).toBe(true);
    expect(delivery.answer.text).toMatch(/so nothing was recorded\. Nothing was changed\. Try again in a minute/);
    await office.slack.presses("U02", "Approve");
    expect((await eventually(() => office.slack.ephemerals("U02")[0])).text).toContain("nothing was recorded");
    await office.database.start();
    await say(office, ["back"]);
    await eventually(() => threadOf(office).includes("back") || undefined);
    expect(office.calls).toEqual([]);
    expect(office.presses).toEqual([]);
  });

  it("a database that hangs is not waited for, and what comes through late is taken back", async () => {
    await office.listen();
    office.database.server.freeze();
    const delivery = await office.slack.types("U01", "C01", "/failover us-west-2 checkout");
    office.database.server.thaw();
    expect(delivery.acknowledged).toBe(true);
    expect(delivery.milliseconds).toBeLessThan(2900);
    expect(delivery.answer.text).toContain("nothing was recorded");
    await office.time.quiet();
    expect(office.calls).toEqual([]);
  });
});
