import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLab, type Lab } from "../../src/lab/lab.ts";

/** Long, because a machine may be busy with other things: no story waits on the wall. */
jest.setTimeout(240_000);

let lab: Lab;
let folder: string;
let runId: string;
beforeAll(async () => {
  lab = await openLab({ replicas: 2, patient: true });
  folder = await mkdtemp(join(tmpdir(), "muster-report-"));
  runId = await lab.starts();
  expect(await lab.untilRests()).toBe("done");
});
afterAll(async () => {
  await lab.close();
  await rm(folder, { recursive: true, force: true });
});

const isPng = (bytes: Buffer | undefined) => bytes?.subarray(0, 8).toString("latin1") === "\u0089PNG\r\n\u001a\n";

describe("when a run is over", () => {
  it("its chart stands in its thread, behind the last line", async () => {
    const [card] = lab.slack.messages("C01").slice(-1);
    const shown = () => lab.slack.thread("C01", card?.ts ?? "").filter(({ files }) => files !== undefined);
    await lab.time.until("the chart is there", () => shown().length > 0, 300);
    expect(shown()).toHaveLength(1);
    expect(shown()[0]?.text).toBe(`What happened when, in run ${runId}.`);
    expect(isPng(lab.slack.picture(shown()[0]?.files?.[0]?.id ?? ""))).toBe(true);
    const lines = lab.slack.thread("C01", card?.ts ?? "").map(({ text }) => text);
    expect(lines.findIndex((line) => line.startsWith("Done: move checkout"))).toBeLessThan(lines.length - 1);
  });

  it("its report is told in Slack, and files are refused there", async () => {
    const told = await lab.says("ana", `/muster runs report ${runId}`);
    expect(told).toContain("Move checkout to us-west-2: done.");
    expect(told).toMatch(/Database writable: 2\d{3}-/);
    expect(await lab.says("ana", `/muster runs report ${runId} --format html`)).toMatch(
      /^Files are written where a terminal is.*\nNothing was written\.\nType /,
    );
  });

  it("its report is printed in a terminal, as Markdown and as a page", async () => {
    const markdown = await lab.types("ana", ["runs", "report", runId]);
    expect(markdown.text).toMatch(/^# Move checkout to us-west-2: done\n/);
    const page = await lab.types("ana", ["runs", "report", runId, "--format", "html"]);
    expect(page.text).toMatch(/^<!doctype html>\n/);
    expect(page.status).toBe(0);
  });

  it("its chart and its page are written to new files, and to no file that is there", async () => {
    const chart = join(folder, "run.png");
    expect(await lab.types("ana", ["runs", "report", runId, "--out", chart])).toEqual({
      status: 0,
      text: `Wrote ${chart}.`,
    });
    expect(isPng(await readFile(chart))).toBe(true);
    const again = await lab.types("ana", ["runs", "report", runId, "--out", chart]);
    expect(again.text).toBe(
      `There is a file ${chart} already.\nNothing was written.\nName another with --out, or move that one away.`,
    );
    await lab.types("ana", ["runs", "report", runId, "--out", join(folder, "run.html")]);
    expect(await readFile(join(folder, "run.html"), "utf8")).toContain("<svg ");
  });

  it.each([
    [["--format", "gantt"], "A picture cannot be shown in a terminal.\nNothing was written.\nAdd --out"],
    [["--format", "markdwon"], 'There is no format "markdwon". Did you mean "markdown"?'],
    [["--code", "123456"], 'There is no option "--code".'],
  ])("asks for what it needs: %j", async (words, wanted) => {
    const { status, text } = await lab.types("ana", ["runs", "report", runId, ...words]);
    expect(status).toBe(1);
    expect(text).toContain(wanted);
  });
});
