import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { whyNoMember } from "../../src/adapters/slack-directory.ts";
import { openPatient, without, type Patient } from "./patient.ts";

let patient: Patient;
beforeAll(async () => {
  patient = await openPatient();
});
afterAll(() => patient.lab.close());

describe("Slack", () => {
  it("a scope that the token lacks is named", async () => {
    const { scopes } = patient.lab.slack.knobs;
    const said = await patient.broken(
      () => scopes.delete("groups:read"),
      () => scopes.add("groups:read"),
    );
    expect(said).toEqual([
      "broken Slack's scopes: The bot's token lacks the scope groups:read.",
      "broken the channels of the estate: Slack did not show its channels (missing_scope).",
    ]);
  });

  it("a token that is refused is told with Slack's own word, once for each thing that needs it", async () => {
    const { knobs } = patient.lab.slack;
    const said = await patient.broken(
      () => (knobs.tokenRefused = "token_revoked"),
      () => (knobs.tokenRefused = false),
    );
    expect(said).toEqual([
      "broken Slack's bot token: Slack did not take the bot's token (token_revoked).",
      "broken Slack's Socket Mode: Slack did not let the app-level token open a connection (token_revoked).",
      "broken the channels of the estate: Slack did not show its channels (token_revoked).",
      ...["ana U01", "ben U02", "cleo U03", "dora U04"].map((person) => {
        const [name, id] = person.split(" ");
        return `broken ${name} in Slack: Slack did not tell who ${id} is (token_revoked).`;
      }),
    ]);
  });

  it("a bot's token in the place of the app's is found before anybody types in vain", async () => {
    expect(await patient.troubles({ SLACK_APP_TOKEN: patient.lab.environment["SLACK_BOT_TOKEN"] ?? "" })).toEqual([
      "broken Slack's Socket Mode: Slack did not let the app-level token open a connection (not_allowed_token_type).",
    ]);
  });

  it("a channel that is not there, is archived, or lacks the app", async () => {
    const { channels } = patient.lab.slack.workspace;
    const [incidents, backup] = [channels.get("C01")!, channels.get("C02")!];
    const said = await patient.broken(
      () => {
        channels.delete("C01");
        channels.set("C02", { ...backup, isArchived: true });
        channels.get("C03")!.botIsMember = false;
      },
      () => {
        channels.set("C01", incidents).set("C02", backup);
        channels.get("C03")!.botIsMember = true;
      },
    );
    expect(said).toEqual([
      "broken the channel #incident-response: Slack shows no channel #incident-response to the app.",
      "broken the channel #emergency-backup: The channel #emergency-backup is archived.",
      "broken the channel #executive-updates: The app is not in the channel #executive-updates.",
    ]);
  });

  it("channels may be named by their ids", async () => {
    const said = await patient.withEstate((yaml) =>
      yaml.replace(`"#incident-response"`, "C01").replace(`"#emergency-backup"`, "C77"),
    );
    expect(said).toEqual(["broken the channel C77: Slack shows no channel C77 to the app."]);
  });

  it("another workspace than the estate's", async () => {
    expect(await patient.withEstate((yaml) => `${yaml}workspace: T99\n`)).toEqual([
      "broken Slack's bot token: The bot's token is of the workspace Lab (T01), and the estate says T99.",
    ]);
  });

  it("people without an id, unknown ones, and guests", async () => {
    const said = await patient.withEstate((yaml) =>
      without(yaml, "slack: U01").replace("slack: U02", "slack: U05").replace("slack: U03", "slack: U0NOBODY"),
    );
    expect(said.map((line) => line.replace(/^(\w+ \w+) .*: /, "$1: "))).toEqual([
      "warning ana: The estate has no Slack id of ana.",
      "broken ben: U05 is a guest of the workspace.",
      "broken cleo: Slack knows nobody with the id U0NOBODY.",
    ]);
  });

  it("somebody of another workspace, whom commands refuse", async () => {
    const cleo = patient.lab.slack.workspace.persons.get("U03")!;
    const said = await patient.broken(
      () => (cleo.team = "T77"),
      () => delete cleo.team,
    );
    expect(said).toEqual(["broken cleo in Slack: U03 is of another workspace (T77)."]);
  });

  // In an organisation of many workspaces, who is of a sister is no stranger to Slack.
  it.each([
    [{}, undefined],
    [{ teams: ["T77"] }, "of another workspace (T77)"],
    [{ teams: ["T77", "T78"], guest: true }, "of another workspace (T77, T78)"],
    [{ teams: ["T77", "T01"] }, undefined],
    [{ teams: ["T77", "T01"], guest: true }, "a guest of the workspace"],
    [{ teams: [] }, "of another workspace (Slack does not say which)"],
    [{ guest: true }, "a guest of the workspace"],
    [{ bot: true }, "a bot"],
    [{ active: false }, "deactivated in Slack"],
  ])("%j is %s", (differs, why) => {
    const user = { id: "U03", teams: ["T01"], active: true, bot: false, guest: false };
    expect(whyNoMember({ ...user, ...differs }, "T01")).toBe(why);
  });

  it("is a warning where it is not configured at all", async () => {
    expect(await patient.troubles({ SLACK_BOT_TOKEN: "", SLACK_APP_TOKEN: "" })).toEqual([
      "warning Slack: No Slack is configured.",
    ]);
  });
});
