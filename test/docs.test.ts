import { describe, expect, it } from "@jest/globals";
import { existsSync, globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { floors } from "./plumbing/house.ts";
import { anchorsOf, brokenLinks, typedIn, type Pages } from "./plumbing/markdown.ts";
import { referenceFiles } from "./plumbing/reference.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const files = [...globSync("*.md", { cwd: root }), ...globSync("docs/**/*.md", { cwd: root })];
const pages: Pages = new Map(files.map((file) => [file, readFileSync(root + file, "utf8")]));
const { scripts } = JSON.parse(readFileSync(root + "package.json", "utf8")) as { scripts: Record<string, string> };

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
