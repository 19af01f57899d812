import { describe, expect, it } from "@jest/globals";
import { existsSync, globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { commands } from "../commands/index.ts";
import { parseEstate } from "../src/estate-file.ts";
import { floors } from "./plumbing/house.ts";
import { anchorsOf, brokenLinks, typedIn, unknownCommands, type Pages } from "./plumbing/markdown.ts";
import { referenceFiles } from "./plumbing/reference.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const files = [...globSync("*.md", { cwd: root }), ...globSync("docs/**/*.md", { cwd: root })];
const pages: Pages = new Map(files.map((file) => [file, readFileSync(root + file, "utf8")]));
const { scripts } = JSON.parse(readFileSync(root + "package.json", "utf8")) as { scripts: Record<string, string> };

/** The command that docs/extending.md writes as its example is not there. */
const newCommand = /`\/muster regions` and `npx muster regions`/;

const yamlBlocks = (page: string): string[] =>
  [...page.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map((match) => match[1] ?? "");

describe("the docs", () => {
  it("every link leads somewhere", () => {
    expect(brokenLinks(pages, (file) => existsSync(root + file))).toEqual([]);
  });

  it("every npm script they name is there", () => {
    const named = [...pages].flatMap(([file, page]) =>
      typedIn(page).flatMap((line) =>
        [...line.matchAll(/\bnpm run (?:-s )?([\w:-]+)/g)].map(([, name = ""]) => ({ file, name })),
      ),
    );
    expect(named.filter(({ name }) => !(name in scripts))).toEqual([]);
    expect(named.length).toBeGreaterThan(0);
  });

  it("every command they tell people to type is there, with its options", () => {
    const usages = new Map(commands.map(({ name, usage }) => [name, usage]));
    usages.set("serve", "muster serve [--embedded <folder>]");
    usages.set("manifest", "muster manifest [--url <address>]");
    for (const verb of ["migrate", "follow", "init", "--help"]) usages.set(verb, "");
    usages.set("doctor", "muster doctor [--json]");
    const real = new Map([...pages].map(([file, page]) => [file, page.replace(newCommand, "")]));
    expect(unknownCommands(real, usages)).toEqual([]);
  });

  it("every estate they show is a whole one", () => {
    const estates = [...pages.values()].flatMap((page) => yamlBlocks(page).filter((text) => /^regions:/m.test(text)));
    expect(estates.length).toBeGreaterThan(0);
    for (const text of estates) expect(parseEstate(text, "docs").approvers).toHaveLength(3);
  });

  it.each([...referenceFiles()])("%s says what the schema says (else: npm run docs)", (path, text) => {
    expect(readFileSync(root + path, "utf8")).toBe(text);
  });

  it("the house they show is the house the rule holds", () => {
    expect(pages.get("docs/house.md")).toContain(`\n${floors.map((rooms) => rooms.join(", ")).join("\n")}\n`);
  });
});

describe("the rules for docs can be broken", () => {
  it.each([
    ["[a](b.md)", ["docs/a.md: b.md leads to no file"]],
    ["[a](../README.md#nothing)", ["docs/a.md: ../README.md#nothing leads to no heading"]],
    ["[a](#nothing)", ["docs/a.md: #nothing leads to no heading"]],
    ['<img src="a.svg">', ["docs/a.md: a.svg leads to no file"]],
    ["[a](../README.md#two-words) and [b](https://example.com/b.md)", []],
    ["`[a](b.md)`\n\n```text\n[a](b.md)\n```\n", []],
  ])("%j", (page, expected) => {
    const some: Pages = new Map([
      ["docs/a.md", page],
      ["README.md", "# Two words"],
    ]);
    expect(brokenLinks(some, (file) => some.has(file))).toEqual(expected);
  });

  it.each([
    ["`npx muster fail us-west-2`", ["a.md: npx muster fail us-west-2"]],
    ["`/failover us-west-2 --dryrun`", ["a.md: /failover us-west-2 --dryrun"]],
    ["```sh\nmuster runs --code 1   # a --comment\nnpx muster failover a b --dry-run\n```\n", []],
  ])("%j", (page, expected) => {
    const usages = new Map([
      ["failover", "/failover <region> [--dry-run]"],
      ["runs", "/muster runs"],
    ]);
    expect(unknownCommands(new Map([["a.md", page]]), usages)).toEqual(expected);
  });

  it("knows GitHub's anchors and what people are told to type", () => {
    expect(anchorsOf("## What `a.ts` does, and why?\n")).toEqual(["what-ats-does-and-why"]);
    expect(typedIn("Type `npm test`:\n\n```sh\nnpm ci\nnpm run demo\n```\n")).toEqual([
      "npm ci",
      "npm run demo",
      "",
      "npm test",
    ]);
  });
});
