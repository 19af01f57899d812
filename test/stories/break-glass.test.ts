import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { openLab, type Lab } from "../../src/lab/lab.ts";

jest.setTimeout(240_000);

const reason = '--reason "nobody else is awake"';
const both = `/failover us-west-2 checkout --break-glass two-people,requester ${reason}`;

let lab: Lab;
beforeAll(async () => {
  lab = await openLab({
    patient: true,
    replicas: 2,
    editEstate: (yaml) => `${yaml}breakGlass: [ana]\nregion_approvers: [ben, cleo]\n`,
  });
});
afterAll(() => lab.close());

describe("whoever would break glass", () => {
  it.each([
    ["ben", both, /^ben is not among those who may break glass\.\n.*every rule holds\.\nAsk one of: ana\.$/],
    ["ana", "/failover us-west-2 checkout --break-glass loss", /^Whoever breaks glass says why\.\n/],
    [
      "ana",
      `/failover us-west-2 checkout --break-glass los ${reason}`,
      /^There is no rule "los" to be broken\. Did you mean "loss"\?/,
    ],
    [
      "ana",
      both.replace(" checkout", ""),
      /^ana is not among those who approve this \(ben, cleo\), .*\n.*every rule holds\.\nLeave requester out\.$/,
    ],
    ["ana", `${both} --code 123456`, /^A code is for terminals only\.\n/],
  ])("is refused without a right, a reason, or a rule's name: %s %s", async (person, text, wanted) => {
    expect(await lab.says(person, text)).toMatch(wanted);
    expect(await lab.runs()).toEqual([]);
  });

  it("needs a code in a terminal", async () => {
    const argv = ["failover", "us-west-2", "checkout", "--break-glass", "loss", "--reason", "x"];
    expect((await lab.types("ana", argv)).status).toBe(1);
    expect(await lab.runs()).toEqual([]);
  });
});

describe("ana, alone and awake", () => {
  let runId: string;

  it("breaks two rules by their names, and everyone is told at once, by Slack and mail", async () => {
    expect(await lab.says("ana", both)).toMatch(/Every approver and the executives are told: BREAK GLASS: ana breaks/);
    runId = await lab.newestRun();
    const told = () => lab.slack.messages("#executive-updates").map(({ text }) => text);
    await lab.time.until("the executives hear of it", () => told().length > 0, 60);
    expect(told()[0]).toMatch(
      /BREAK GLASS: ana breaks the rules requester .*, two-people .* Reason: nobody else is awake\./,
    );
    for (const person of ["ana", "ben", "cleo"]) {
      const mails = () =>
        lab.mail.mailbox(`${person}@example.com`).filter(({ subject }) => /BREAK GLASS/.test(subject));
      await lab.time.until(`${person} has mail`, () => mails().length > 0, 60);
      expect(mails()[0]?.text).toContain("nobody else is awake");
    }
    await lab.time.until("the thread says so", async () => (await lab.thread(runId)).length > 0, 60);
    expect((await lab.thread(runId))[0]).toMatch(/BREAK GLASS: ana.*<@U02>/s);
    expect((await lab.card(runId)).text).toMatch(/🔴 BREAK GLASS: ana breaks/);
  });

  it("approves alone, and the run goes to its end under the other rules", async () => {
    await lab.presses("ana", "Approve");
    expect(await lab.untilRests()).toBe("done");
    const { text } = await lab.types("dora", ["runs", "report", runId]);
    expect(text).toMatch(/BREAK GLASS: ana breaks the rules requester/);
    expect(text).toMatch(/- ana approved it\./);
    const [row] = await lab.query<{ broken: { rules: string[] } }>(
      "select payload -> 'breakGlass' as broken from muster.step_event where run = $1 and kind = 'proposed'",
      [runId],
    );
    expect(row?.broken.rules).toEqual(["requester", "two-people"]);
  });

  it("meets the cool-down afterwards, because she did not name that one", async () => {
    await lab.says("ana", both.replace("us-west-2", "us-east-1"));
    const { text, buttons } = await lab.card();
    expect(text).toContain(`run ${runId} moved checkout`);
    expect(text).toContain("break the rule cool-down by its name");
    expect(buttons).toEqual(["Look again"]);
  });
});
