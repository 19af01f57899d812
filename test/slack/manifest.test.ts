import { describe, expect, it } from "@jest/globals";
import { parse } from "yaml";
import { commands } from "../../commands/index.ts";
import { slackManifest, slackOwnNames } from "../../src/slack/manifest.ts";
import { UserError } from "../../src/errors.ts";

type Manifest = {
  features: { slash_commands: { command: string; url?: string; description: string; usage_hint: string }[] };
  settings: { socket_mode_enabled: boolean; interactivity: { request_url?: string } };
};
const made = (bareCommands: string[], url?: string) =>
  parse(slackManifest({ commands, bareCommands, url })) as Manifest;

describe("the manifest of the Slack app", () => {
  it("has /muster, and a command for each of the estate's bare ones that Muster knows", () => {
    const { features, settings } = made(["failover", "runs", "failback-one-day"]);
    expect(features.slash_commands.map(({ command }) => command).toSorted()).toEqual(["/failover", "/muster", "/runs"]);
    expect(settings).toMatchObject({ socket_mode_enabled: true, interactivity: {} });
    expect(JSON.stringify(features)).not.toContain("https:");
  });

  it("sends everything to one path where Slack posts to Muster", () => {
    const { features, settings } = made(["failover"], "https://muster.example.com/");
    const to = "https://muster.example.com/slack/events";
    expect(features.slash_commands.map(({ url }) => url)).toEqual([to, to]);
    expect(settings).toMatchObject({ socket_mode_enabled: false, interactivity: { request_url: to } });
  });

  it("says no more than Slack takes", () => {
    const { features } = made(commands.map(({ name }) => name).filter((name) => !slackOwnNames.includes(name)));
    for (const { command, description, usage_hint: hint } of features.slash_commands) {
      expect(command).toMatch(/^\/[a-z0-9-]{1,31}$/);
      expect(description.length).toBeLessThanOrEqual(2000);
      expect(hint.length).toBeLessThanOrEqual(1000);
    }
    expect(features.slash_commands.length).toBeLessThanOrEqual(50);
  });

  it.each<[string[], string | undefined, RegExp]>([
    [["help"], undefined, /Slack would refuse the slash command "\/help": it is one of its own\..*Take "help" out/],
    [["failover"], "http://muster.example.com", /Slack cannot post to "http:\/\/muster\.example\.com"/],
    [["failover"], "https://muster.example.com/slack", /without a path/],
    [["failover"], "muster", /Slack cannot post to "muster"/],
  ])("%j at %s is refused before Slack does", (bareCommands, url, why) => {
    expect(() => made(bareCommands, url)).toThrow(UserError);
    expect(() => made(bareCommands, url)).toThrow(why);
  });

  it("of none of our own names is Slack's", () => {
    expect(slackOwnNames.filter((name) => name === "muster" || name === "failover")).toEqual([]);
    expect(slackOwnNames).toEqual(expect.arrayContaining(["status", "help", "who", "topic", "remind"]));
    expect(new Set(slackOwnNames).size).toBe(slackOwnNames.length);
  });
});
