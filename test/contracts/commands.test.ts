import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { commands } from "../../commands/index.ts";
import { openLab, type Lab } from "../../src/lab/lab.ts";
import { inShell } from "../../src/spelling.ts";

/** Texts that no command may understand, typed after its name. */
const nonsense: Record<string, string> = {
  "an option nobody has": "--frobnicate",
  "an option nobody has, with a value": "--frobnicate=yes",
  "an option every object has": "--constructor",
  "too many words": "nothing like this exists anywhere",
  "40 kB of text": "x".repeat(40_000),
  "40 kB of words": Array(8_000).fill("word").join(" "),
  "a control character": "us-west-2\u0007",
  "text that runs backwards": "us-west-2 \u202echeckout",
  "markup of Slack": "--<!channel>",
  "a word that is cut in the middle of an emoji": `--${"x".repeat(57)}🔥🔥🔥`,
};
/** These mean something to a shell, or cannot be typed into one. */
const inSlackOnly: Record<string, string> = {
  "a quote that is not closed": `us-west-2 "checkout`,
  "a quote of a phone that is not closed": "us-west-2 “checkout",
  "a NUL": "us-west-2\0",
};

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab.close());

/** What somebody is told in Slack, as they read it. */
const inSlack = async (text: string): Promise<string> =>
  (await lab.says("ana", text))
    .replace(/^Looking \.\.\.\n/, "")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");

/** The same words, with commands as a shell takes them. */
const asTyped = (text: string): string =>
  inShell(
    text,
    commands.map(({ name }) => name),
  );

/** Three sentences: what happened, what that means, what to do. No trace, no code, nothing unspoken. */
function expectThreeSentences(text: string): void {
  const [happened = "", means = "", todo = "", ...more] = text.split("\n");
  expect({ text, more }).toEqual({ text, more: [] });
  expect(happened).toMatch(/^.*[.?]("?)$/);
  expect(means).toMatch(/^(Nothing was (changed|done|approved)|.*nothing was changed).*\.$/);
  expect(todo).toMatch(/^[A-Z].*[.)]$/);
  expect(text).not.toMatch(/\bat .*\.ts:|Error:|undefined|\[object|node:|sorry|please/i);
  expect(text.length).toBeLessThan(900);
}

async function written(): Promise<unknown> {
  const [row] = await lab.query(
    `select (select count(*) from muster.run) as runs, (select count(*) from muster.signal) as signals,
            (select count(*) from muster.totp) as secrets, (select count(*) from muster.step_event) as events`,
  );
  return row;
}
const nothing = { runs: "0", signals: "0", secrets: "0", events: "0" };

describe.each(commands.map((command) => [command.name, command] as const))("%s", (name, { usage, summary }) => {
  it("is in the help with its usage and a summary, in Slack and in a terminal", async () => {
    const typed = await lab.types("ana", ["help"]);
    expect(typed.status).toBe(0);
    expect(asTyped(await inSlack("/muster help"))).toBe(typed.text);
    expect(typed.text).not.toMatch(/(^|\s)\/\w/m);
    expect(usage).toMatch(new RegExp(`^(/|/muster |muster )${name}( |$)`));
    expect(summary).toMatch(/^[A-Z].*\.$/);
    if (name !== "help") expect(typed.text).toContain(`${asTyped(usage)}\n    ${summary}`);
    expect((await lab.types("ana", ["help", name])).text).toMatch(`${asTyped(usage)}\n    ${summary}\n`);
    expect((await lab.types("ana", ["--help"])).text).toContain(`\n  ${name} [words...]`);
  });

  it.each(Object.keys(nonsense))(
    "answers %s in three sentences, the same in Slack and, but for how commands are typed there, in a terminal",
    async (what) => {
      const text = nonsense[what] ?? "";
      const told = await inSlack(`/muster ${name} ${text}`);
      expectThreeSentences(told);
      const typed = await lab.types("ana", [name, ...text.split(" ")]);
      expect(typed).toEqual({ status: 1, text: asTyped(told) });
      expect(await written()).toEqual(nothing);
      expect(lab.changes()).toEqual([]);
    },
  );

  const options = [...usage.matchAll(/--([\w-]+)( <)?/g)].map(([, option, value]) => `--${option}${value ? " x" : ""}`);
  if (options.length > 0) {
    it.each(options)("refuses %s when it stands there twice", async (option) => {
      const text = `${option} ${option}`;
      const told = await inSlack(`/muster ${name} ${text}`);
      expectThreeSentences(told);
      expect(told).toMatch(/^"--[\w-]+" was given twice\.\n/);
      expect(await lab.types("ana", [name, ...text.split(" ")])).toEqual({ status: 1, text: asTyped(told) });
      expect(await written()).toEqual(nothing);
    });
  }

  it.each(Object.keys(inSlackOnly))("answers %s in three sentences", async (what) => {
    expectThreeSentences(await inSlack(`/muster ${name} ${inSlackOnly[what]}`));
    expect(await written()).toEqual(nothing);
    expect(lab.changes()).toEqual([]);
  });
});
