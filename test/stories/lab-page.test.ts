import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import type { App } from "@slack/bolt";
import type { Browser, Page as Tab } from "playwright-core";
import { Clock } from "../../src/clock.ts";
import { statusPage as ids } from "../../src/lab/estate.ts";
import { openPage, type Page, type Switch, type WorldView } from "../../src/lab/page.ts";
import { RequestLog } from "../../src/lab/request-log.ts";
import { openSlack, type Slack } from "../../src/lab/slack.ts";
import { type LabStatusPage, openStatusPage } from "../../src/lab/statuspage.ts";
import { viewStatusPage } from "../../src/lab/statuspage-view.ts";
import { openBrowser, openTab } from "../plumbing/browser.ts";
import { openApp } from "../plumbing/small-app.ts";
import { eventually } from "../slack/office.ts";

/** Long, because a machine may be busy with other things: no story waits on the wall. */
jest.setTimeout(240_000);

const host = "127.204.0.1";

let slack: Slack;
let statusPage: LabStatusPage;
let app: App;
let page: Page;
let browser: Browser;
let tab: Tab;
const clock = new Clock();
const faults: string[] = [];
let eastDown = false;

const world = (): WorldView => ({
  service: "checkout",
  regions: [
    {
      name: "us-east-1",
      reachable: !eastDown,
      database: { role: "writer", state: "available" },
      pods: { ready: eastDown ? 0 : 3, wanted: 3 },
      ...(!eastDown && { edgeStatus: 200 }),
      configHost: "checkout-db.us-east-1.rds.lab",
      dnsShare: 100,
    },
    {
      name: "us-west-2",
      reachable: true,
      database: { role: "replica", state: "available", lagSeconds: 0.4, lagBytes: 16_384 },
      pods: { ready: 0, wanted: 0 },
      dnsShare: 0,
    },
  ],
  services: [
    {
      name: "checkout",
      tier: "critical",
      regions: [
        { name: "us-east-1", pods: { ready: eastDown ? 0 : 3, wanted: 3 }, dnsShare: 100 },
        { name: "us-west-2", pods: { ready: 1, wanted: 1 }, dnsShare: 0 },
      ],
      ...(!eastDown && { status: 200 }),
    },
    {
      name: "search",
      tier: "standard",
      regions: [
        { name: "us-east-1", pods: { ready: 0, wanted: 0 }, dnsShare: 0 },
        { name: "us-west-2", pods: { ready: 2, wanted: 2 }, dnsShare: 100 },
      ],
      status: 503,
    },
  ],
  dns: {
    name: "checkout.example.com",
    ttlSeconds: 60,
    authoritative: [{ address: "127.204.0.11", region: "us-east-1" }],
    resolver: [{ address: "127.204.0.11", region: "us-east-1" }],
  },
  customers: {
    successRate: eastDown ? 0.02 : 1,
    accepted: 1000,
    failed: eastDown ? 40 : 0,
    chart: {
      now: 100_000,
      seconds: [
        { at: 98_000, answered: 3, failed: 0 },
        { at: 99_000, answered: 1, failed: eastDown ? 2 : 0 },
      ],
    },
  },
  statusPage: viewStatusPage(statusPage),
  mailboxes: [
    {
      person: "ben",
      address: "ben@example.com",
      count: 1,
      mails: [{ key: 0, at: clock.now().toISOString(), subject: "[Muster] ana asks", text: "A <b>plan</b> waits." }],
    },
    { person: "cleo", address: "cleo@example.com", count: 0, mails: [] },
  ],
});

const switches: Switch[] = [
  {
    id: "east",
    label: "us-east-1 down",
    get on() {
      return eastDown;
    },
    set(on) {
      eastDown = on;
    },
  },
];

beforeAll(async () => {
  slack = await openSlack({
    log: new RequestLog(clock),
    clock,
    host,
    persons: [
      { id: "U01", name: "ana", email: "ana@example.com" },
      { id: "U02", name: "ben", email: "ben@example.com" },
    ],
  });
  statusPage = await openStatusPage({ log: new RequestLog(clock), clock, host });
  app = await openApp(slack);
  const usage = "/failover <region> <service>";
  const commands = [{ name: "/failover", usage, summary: "Moves a service." }];
  page = await openPage({ slack, world, switches, clock, commands, host, port: 0 });
  browser = await openBrowser();
  tab = await openTab(browser, page.url, faults);
});

afterAll(async () => {
  await browser.close();
  await page.close();
  await app.stop();
  await statusPage.close();
  await slack.close();
});

describe("the lab's page", () => {
  it("completes a command, and shows the card that answers it, with its thread", async () => {
    const box = tab.getByRole("textbox", { name: "Message" }).first();
    await box.fill("/fa");
    expect(await tab.locator(".completion").first().innerText()).toContain("/failover <region> <service>");
    await box.press("Enter");
    await box.pressSequentially("us-west-2 checkout");
    await box.press("Enter");
    await tab.locator(".plan-card").first().waitFor();
    expect(await tab.locator(".plan-card .task").allInnerTexts()).toEqual(["fence writes", "promote checkout-db-west"]);
    await tab.getByRole("button", { name: /1 reply/ }).click();
    await tab.locator("#replies", { hasText: "asked by @ana" }).waitFor();
    await tab.getByRole("button", { name: "Close the thread" }).click();
  });

  it("shows what people wrote as text, whatever they wrote", async () => {
    const nasty = '<img src=x onerror="document.title=1"> &lt;b&gt; *bold* <javascript:alert(1)|click>';
    await slack.writes("U02", "C01", nasty);
    const row = tab.locator(".message", { hasText: "onerror" });
    await row.waitFor();
    expect(await row.locator("img, b, a").count()).toBe(0);
    expect(await row.locator("strong").allInnerTexts()).toContain("bold");
    expect(await tab.title()).toBe("Muster lab");
  });

  it("lets one be somebody else, press a button, be asked, and see only one's own answers", async () => {
    await tab.getByRole("button", { name: "Approve" }).click();
    await tab.getByRole("alertdialog").getByRole("button", { name: "Yes" }).click();
    await tab.getByText("Somebody else has to approve.").waitFor();
    await tab.getByLabel("You are").selectOption("ben");
    expect(await tab.getByText("Somebody else has to approve.").count()).toBe(0);
    await tab.getByRole("button", { name: "Approve" }).click();
    await tab.getByRole("alertdialog").getByRole("button", { name: "Yes" }).click();
    await tab.locator(".task.complete").first().waitFor();
    expect(await tab.locator(".task.in_progress").innerText()).toBe("promote checkout-db-west");
  });

  it("opens modals, and shows what is wrong with an answer under it", async () => {
    await tab.getByRole("button", { name: "Say why" }).click();
    const form = tab.getByRole("dialog");
    await form.getByRole("button", { name: "Save" }).click();
    await form.getByText("Please complete this required field.").waitFor();
    await form.getByRole("textbox").fill("no");
    await form.getByRole("button", { name: "Save" }).click();
    await form.getByText("Say a little more.").waitFor();
    await form.getByRole("textbox").fill("the region is dark");
    await form.getByRole("button", { name: "Save" }).click();
    await tab.getByText("Reason: the region is dark").waitFor();
    expect(await tab.getByRole("dialog").count()).toBe(0);
  });

  it("lists every service, with its region, its pods and what its customers get", async () => {
    const services = tab.getByRole("region", { name: "Services" });
    expect(await services.locator("dt").allInnerTexts()).toEqual(["checkout", "search"]);
    expect(await services.locator("dd").allInnerTexts()).toEqual([
      "us-east-1, pods 3/3 1/1, healthy",
      "us-west-2, pods 0/0 2/2, answers 503",
    ]);
  });

  it("shows both regions, breaks one, and moves the clock", async () => {
    const east = tab.getByRole("region", { name: "us-east-1" });
    expect(await east.innerText()).toMatch(/writer[\s\S]*3 of 3 ready[\s\S]*healthy[\s\S]*100 %/);
    expect(await tab.getByRole("region", { name: "us-west-2" }).innerText()).toMatch(/replica[\s\S]*0\.4 s, 16 kB/);
    await tab.getByRole("switch", { name: "us-east-1 down" }).click();
    await east.getByText("0 of 3 ready").waitFor();
    await tab.locator("#success-rate", { hasText: "2 %" }).waitFor();
    const before = clock.now().getTime();
    await tab.getByRole("button", { name: "+10 min" }).click();
    await tab.getByRole("button", { name: "10×", exact: true }).click();
    await tab.locator('[aria-pressed="true"]', { hasText: "10×" }).waitFor();
    // One press may overtake the other on its way.
    await eventually(() => clock.now().getTime() - before >= 600_000 || undefined);
    expect(clock.rate).toBe(10);
  });

  it("takes orders from nobody but itself, and loads nothing from elsewhere", async () => {
    const body = JSON.stringify({ id: "east", on: false });
    const post = (headers: Record<string, string>) => fetch(`${page.url}do/switch`, { method: "POST", headers, body });
    expect((await post({ "content-type": "application/json", origin: "https://elsewhere.example" })).status).toBe(403);
    expect((await post({ "content-type": "text/plain", origin: page.url.slice(0, -1) })).status).toBe(403);
    expect(eastDown).toBe(true);
    const policy = (await fetch(page.url)).headers.get("content-security-policy");
    expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self'/);
    expect(faults).toEqual([]);
  });
});

describe("beside the workspace", () => {
  it("customers are drawn second by second, the failed on top of the answered", async () => {
    const chart = tab.getByRole("img", { name: /^Requests each second of the last 5 minutes/ });
    await chart.waitFor();
    const bars = await chart.locator("path.answered").getAttribute("d");
    expect(bars?.match(/M/g)).toHaveLength(2);
    // Two seconds ago and one second ago, counted from the right edge.
    expect(bars).toMatch(/^M297 .*M298 /);
  });

  it("the status page reads as customers read it: components, and what was told of an incident, newest first", async () => {
    const shown = tab.getByRole("region", { name: "Status page" });
    await shown.getByText("No incidents reported.").waitFor();
    const tell = async (method: string, path: string, incident: object) => {
      const headers = { authorization: `OAuth ${statusPage.token}`, "content-type": "application/json" };
      const url = `${statusPage.url}/pages/${ids.page}/incidents${path}`;
      const response = await fetch(url, { method, headers, body: JSON.stringify({ incident }) });
      return ((await response.json()) as { id: string }).id;
    };
    const components = { [ids.components.basket]: "partial_outage" };
    const name = "Baskets <i>fail</i>";
    const id = await tell("POST", "", { name, status: "investigating", body: "We look into it.", components });
    await tell("PATCH", `/${id}`, { status: "identified", body: "A region is <b>dark</b>." });
    const updates = shown.getByRole("listitem").locator("p");
    await updates.nth(1).waitFor();
    expect(await updates.allInnerTexts()).toEqual([
      "Identified A region is <b>dark</b>.",
      "Investigating We look into it.",
    ]);
    expect(await shown.locator("dd").allInnerTexts()).toEqual(["Partial outage", "Operational", "Operational"]);
    expect(await shown.locator("strong").innerText()).toBe(name);
    const healed = { [ids.components.basket]: "operational" };
    await tell("PATCH", `/${id}`, { status: "resolved", body: "All is well.", components: healed });
    // One that is over is a line, until somebody opens it.
    await shown.locator("summary", { hasText: "Resolved" }).click();
    await updates.first().waitFor();
    expect(await updates.first().innerText()).toBe("Resolved All is well.");
    expect(faults).toEqual([]);
  });

  it("each person's mails can be read, stay open, and are text only", async () => {
    const box = tab.getByRole("region", { name: "Mailboxes" });
    await box.getByText("ben@example.com").click();
    await box.getByText("[Muster] ana asks").click();
    const text = box.getByText("A <b>plan</b> waits.");
    await text.waitFor();
    // The box is drawn anew with every look at the world, because its mail's time moves here.
    const drawn = await box.elementHandle();
    await tab.waitForFunction((node) => !(node as unknown as { isConnected: boolean }).isConnected, drawn);
    expect(await text.isVisible()).toBe(true);
    await box.getByText("cleo@example.com").click();
    await box.getByText("No mail yet.").waitFor();
  });
});
