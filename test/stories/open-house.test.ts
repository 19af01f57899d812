import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import type { Browser, Page as Tab } from "playwright-core";
import { type OpenHouse, openHouse } from "../../src/lab/open-house.ts";
import { openBrowser, openTab } from "../plumbing/browser.ts";

/** Long, because a machine may be busy with other things: no story waits on the wall. */
jest.setTimeout(240_000);

let house: OpenHouse;
let browser: Browser;
let tab: Tab;
const faults: string[] = [];

beforeAll(async () => {
  [house, browser] = await Promise.all([openHouse({ port: 0, user: "somebody" }), openBrowser()]);
  tab = await openTab(browser, house.url, faults);
});

afterAll(async () => {
  await browser?.close();
  await house?.close();
});

const region = (name: string) => tab.getByRole("region", { name });
const button = (name: string | RegExp) => tab.getByRole("button", { name }).last();
const flip = (name: string | RegExp) => tab.getByRole("switch", { name }).click();

async function type(text: string) {
  const box = tab.getByRole("textbox", { name: "Message" }).first();
  await box.fill(text);
  await box.press("Enter");
}

async function approveAs(person: string) {
  await tab.getByLabel("You are").selectOption(person);
  await button("Approve").click();
  await tab.getByRole("alertdialog").getByRole("button").last().click();
}

/** A minute every two seconds on the wall: what runs at a server's own pace gets some of that too. */
async function forwardUntil(text: string) {
  const told = tab.getByText(text).first();
  for (let minutes = 0; minutes < 90 && !(await told.isVisible()); minutes += 1) {
    await button("+1 min").click();
    await tab.waitForTimeout(2000);
  }
  await told.waitFor();
}

/** One story from the first order to the last step: each test goes on where the one before it ended. */
describe("npm run lab", () => {
  it("shows a service that is served from us-east-1, and its replica that follows", async () => {
    await region("us-east-1").getByText("4 of 4 ready").waitFor();
    await region("us-east-1").getByText("writer", { exact: true }).waitFor();
    await region("us-west-2").getByText("replica", { exact: true }).waitFor();
    await tab.locator("#success-rate", { hasText: "100 %" }).waitFor();
    expect(await region("us-east-1").innerText()).toMatch(/DNS\s*100 %/);
  });

  it("shows what a planned move would change, to whoever asks", async () => {
    await type("/failover us-west-2 checkout --dry-run");
    await tab.getByText("This was a dry run: nothing was changed").waitFor();
    expect(await tab.getByRole("button", { name: "Approve" }).count()).toBe(0);
    expect(house.lab.changes()).toEqual([]);
  });

  it("shows the region go dark, and the customers with it", async () => {
    await flip("us-east-1 down");
    await region("us-east-1").getByText("0 of 4 ready").waitFor();
    await button("10×").click();
    await tab.locator("#success-rate", { hasText: /^\d %/ }).waitFor();
    await tab.getByRole("img", { name: /^Requests each second.*: \d+ answered, [1-9]\d* failed$/ }).waitFor();
  });

  it("moves the service when two others approved, though one of Muster's servers is killed", async () => {
    await type("/failover us-west-2 checkout");
    await button("Approve").waitFor();
    const mailboxes = region("Mailboxes");
    await mailboxes.getByText("ben@example.com").click();
    await mailboxes.getByText("[Muster] ana asks to move checkout to us-west-2").first().click();
    await mailboxes
      .getByText(/unless 2 approvers other than ana say so within 15 minutes/)
      .first()
      .waitFor();
    await approveAs("ben");
    await tab.getByText("1 of 2 approvals are in").waitFor();
    await approveAs("cleo");
    await tab.locator(".plan-card .task.complete").first().waitFor();
    await flip(/servers killed/);
    await forwardUntil("Done: move checkout to us-west-2");
    await region("us-west-2").getByText("writer", { exact: true }).waitFor();
    expect(await region("us-west-2").innerText()).toMatch(/4 of 4 ready[\s\S]*DNS\s*100 %/);
    await tab.locator("#success-rate", { hasText: "100 %" }).waitFor();
    await button(/\d+ replies/).click();
    const chart = tab.locator("figure.file img").last();
    await chart.waitFor();
    expect(await chart.evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth)).toBe(2400);
    await button("Close the thread").click();
  }, 400_000);

  it("shows the old writer fenced as soon as its region is back, on its own card and on the one that left it", async () => {
    await flip("us-east-1 down");
    await region("us-east-1").getByText("fenced", { exact: true }).waitFor();
    await tab
      .locator(".block-header", { hasText: "Done: fence checkout-db of checkout, which answers again" })
      .first()
      .waitFor();
    await tab
      .getByText(/checkout-db came back, and was fenced by run rf-/)
      .first()
      .waitFor();
    expect(faults).toEqual([]);
  });
});
