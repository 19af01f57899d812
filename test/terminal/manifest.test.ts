import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { labEstate } from "../../src/lab/estate.ts";
import { runCli } from "../../src/terminal.ts";

let folder: string;
let ESTATE: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "muster-manifest-"));
  ESTATE = join(folder, "estate.yaml");
  await writeFile(ESTATE, `bareCommands: [runs]\n${labEstate({ replicas: 3, stabilitySeconds: 60 })}`);
});
afterAll(() => rm(folder, { recursive: true }));

async function prints(argv: string[], env: Record<string, string>): Promise<string> {
  const lines: string[] = [];
  expect(await runCli(argv, { env, user: "anybody", print: (line) => lines.push(line) })).toBe(0);
  return lines.join("\n");
}

describe("muster manifest", () => {
  it("needs the estate and nothing else: whoever makes the app has no database and no tokens yet", async () => {
    const manifest = parse(await prints(["manifest"], { ESTATE })) as { features: { slash_commands: object[] } };
    expect(manifest.features.slash_commands).toMatchObject([{ command: "/muster" }, { command: "/runs" }]);
  });

  it("names the address that Slack is to post to", async () => {
    const text = await prints(["manifest", "--url", "https://muster.example.com"], { ESTATE });
    expect(text).toContain("request_url: https://muster.example.com/slack/events");
  });

  it.each([
    [["manifest", "--url", "http://muster.example.com"], /Slack cannot post to/],
    [["manifest", "--url"], /argument missing/],
    [["manifest", "--uri", "x"], /[Uu]nknown option/],
  ])("%j is refused in words", async (argv, why) => {
    await expect(prints(argv, { ESTATE })).rejects.toThrow(why);
  });

  it("says what is wrong with the estate", async () => {
    await expect(prints(["manifest"], { ESTATE: join(folder, "none.yaml") })).rejects.toThrow(/none\.yaml/);
  });
});
