import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { readFile, writeFile } from "node:fs/promises";
import { west } from "../../src/lab/estate.ts";
import { openLab, type Lab } from "../../src/lab/lab.ts";
import { inShell } from "../../src/spelling.ts";

/** Long, because a machine may be busy with other things: no story waits on the wall. */
jest.setTimeout(240_000);

let lab: Lab;
beforeAll(async () => {
  lab = await openLab({ patient: true });
});
afterAll(() => lab.close());

const inSlack = async (person: string, text: string, channel?: string) =>
  (await lab.says(person, text, channel))
    .replace(/^Looking \.\.\.\n/, "")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">");

/** What ana is told, in Slack and, but for how commands are typed there, in a terminal alike. */
async function told(line: string): Promise<string[]> {
  const said = await inSlack("ana", `/failover ${line}`);
  expect(await lab.types("ana", ["failover", ...line.split(" ")])).toEqual({
    status: 1,
    text: inShell(said, ["failover", "runs"]),
  });
  return said.split("\n");
}

async function expectNothingChanged(): Promise<void> {
  expect(await lab.query("select from muster.run")).toEqual([]);
  expect(await lab.query("select from muster.signal")).toEqual([]);
  expect(await lab.query("select from muster.card")).toEqual([]);
  expect(lab.changes()).toEqual([]);
  expect(lab.slack.messages("C01")).toEqual([]);
}

const usage =
  "/failover <region> [<service>] [--dry-run] [--ungraceful] [--reason <text>] [--break-glass <rules>] [--code <code>]";

describe("words that make no sense", () => {
  it.each([
    [
      "us-west-3 checkout",
      `"us-west-3" is not a region in the estate file. Did you mean "us-west-2"?`,
      `Type ${usage}, with one of: us-east-1, us-west-2.`,
    ],
    [
      "mars checkout",
      `"mars" is not a region in the estate file.`,
      `Type ${usage}, with one of: us-east-1, us-west-2.`,
    ],
    [
      "checkout us-west-2",
      `"checkout" is not a region in the estate file.`,
      `Type ${usage}, with one of: us-east-1, us-west-2.`,
    ],
    [
      "us-west-2 chekout",
      `"chekout" is not a service in the estate file. Did you mean "checkout"?`,
      `Type ${usage}, with one of: checkout.`,
    ],
    ["us-west-2 checkout --dryrun", `There is no option "--dryrun".`, `Type ${usage}. Did you mean "--dry-run"?`],
    ["us-west-2 checkout --dry-run --dry-run", `"--dry-run" was given twice.`, `Type ${usage}.`],
    ["us-west-2 checkout --dry-run=yes", `"--dry-run" takes no value.`, `Type ${usage}.`],
    ["us-west-2 checkout --reason --dry-run", `"--reason" needs a value.`, `Type ${usage}.`],
    [
      "us-west-2 checkout because it is dark",
      `"because" is one word too many.`,
      `Type ${usage}. A text of several words needs quotes.`,
    ],
  ])("/failover %s", async (line, happened, todo) => {
    expect(await told(line)).toEqual([happened, "Nothing was changed.", todo]);
    await expectNothingChanged();
  });
});

describe("words in the wrong mouth, or the wrong place", () => {
  it("a guest learns nothing, and nobody else sees it", async () => {
    expect(await inSlack("gus", "/failover us-west-2 checkout")).toBe(
      "Muster does not know you.\nNothing was done.\nAsk the people who run Muster if you should have access.",
    );
    await expectNothingChanged();
  });

  it("another channel gets a private refusal", async () => {
    expect((await inSlack("ana", "/failover us-west-2 checkout", "C09")).split("\n")).toEqual([
      "Muster takes no commands in this channel.",
      "Nothing was done, and nobody else saw what you typed.",
      "Go to #incident-response, #emergency-backup, #executive-updates and type it there.",
    ]);
    expect(lab.slack.messages("C09")).toEqual([]);
    await expectNothingChanged();
  });

  it("somebody who may ask, but not decide, cannot say anything to a run that is not there", async () => {
    expect((await inSlack("dora", "/muster runs approve fo-none")).split("\n")).toEqual([
      `There is no run whose id is, or begins with, "fo-none".`,
      "Nothing was changed.",
      "Type /muster runs for the list.",
    ]);
    await expectNothingChanged();
  });
});

describe("words that make sense, in a world that does not", () => {
  it("there is nothing left to do", async () => {
    expect(await told("us-east-1 checkout")).toEqual([
      "checkout is in us-east-1 already: checkout-db takes its writes, and every DNS answer leads there.",
      "Nothing was changed.",
      "There is nothing left to move; name another region, or look at /muster runs.",
    ]);
    await expectNothingChanged();
  });

  /** Shows the plan to ana, in both places, and returns why nobody could approve it. */
  async function whyNot(): Promise<string[]> {
    const line = "us-west-2 checkout --dry-run";
    const seen = await inSlack("ana", `/failover ${line}`);
    const typed = await lab.types("ana", ["failover", ...line.split(" ")]);
    const reasons = (text: string) => text.split("\n").filter((one) => one.includes("Cannot be approved: "));
    expect(reasons(typed.text)).toEqual(reasons(seen));
    expect(typed.text).toMatch(/\nThis was a dry run: nothing was changed, and nothing can be approved\.$/);
    expect(typed.text).not.toMatch(/\bat .*\.ts:|<!doctype|Error:/i);
    await expectNothingChanged();
    return reasons(seen).map((one) => one.replace(/^ *Cannot be approved: /, ""));
  }

  async function withEstate(edit: (yaml: string) => string, work: () => Promise<void>): Promise<void> {
    const whole = await readFile(lab.estatePath, "utf8");
    expect(edit(whole)).not.toBe(whole);
    await writeFile(lab.estatePath, edit(whole));
    lab.musters[0]?.reload();
    await work();
    await writeFile(lab.estatePath, whole);
    lab.musters[0]?.reload();
  }

  it("the zone has no such record", () =>
    withEstate(
      (yaml) => yaml.replace("name: checkout.example.com", "name: basket.example.com"),
      async () => {
        expect(await whyNot()).toEqual([
          "the zone Z0LAB has no weighted A record basket.example.com for us-east-1.",
          "the zone Z0LAB has no weighted A record basket.example.com for us-west-2.",
        ]);
      },
    ));

  it("there is no such zone", () =>
    withEstate(
      (yaml) => yaml.replace("zone: Z0LAB", "zone: Z0NONE"),
      async () => {
        expect(await whyNot()).toEqual([expect.stringMatching(/^Route 53's .*Z0NONE.*\.$/)]);
      },
    ));

  it("the cluster's door shows a login page", async () => {
    lab.clusters[west]?.misbehave("html", 200);
    const reasons = await whyNot();
    expect(reasons).toContainEqual(
      "the deployment shop/checkout in us-west-2 cannot be seen: the cluster west: the API server answered with something that is not JSON: a login page, it seems.",
    );
    for (const reason of reasons) expect(reason).toMatch(/^[^<>{}]+\.$/);
  });
});
