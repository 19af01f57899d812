import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { Clock } from "../../src/clock.ts";
import { statusPage } from "../../src/lab/estate.ts";
import { RequestLog } from "../../src/lab/request-log.ts";
import { openStatusPage, type LabStatusPage } from "../../src/lab/statuspage.ts";

const { basket, payment } = statusPage.components;
let clock: Clock;
let log: RequestLog;
let page: LabStatusPage;

beforeEach(async () => {
  clock = new Clock({ shows: new Date("2026-11-23T03:00:00Z"), rate: 1 });
  log = new RequestLog(clock);
  page = await openStatusPage({ log, clock, host: "127.203.0.1" });
});
afterEach(() => page.close());

type Asked = { token?: string; body?: unknown };

async function ask(method: string, path: string, { token = page.token, body }: Asked = {}) {
  const response = await fetch(`${page.url}/pages/${statusPage.page}${path}`, {
    method,
    headers: { authorization: `OAuth ${token}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return {
    status: response.status,
    wait: response.headers.get("retry-after"),
    answer: (await response.json()) as Answer,
  };
}

type Answer = { id: string; status: string; message: string; components: { id: string; status: string }[] } & Answer[];

const incident = { name: "Down", status: "investigating", body: "We look.", metadata: { ours: { key: "1" } } };

describe("the lab's status page", () => {
  it("opens, changes and lists incidents, with the components they set", async () => {
    const components = { [basket]: "major_outage" };
    const opened = await ask("POST", "/incidents", { body: { incident: { ...incident, components } } });
    expect(opened).toMatchObject({
      status: 201,
      answer: { status: "investigating", metadata: { ours: { key: "1" } } },
    });
    expect(opened.answer.components).toMatchObject([{ id: basket, status: "major_outage" }]);
    const { id } = opened.answer;
    await ask("PATCH", `/incidents/${id}`, { body: { incident: { status: "monitoring", body: "It is back." } } });
    expect((await ask("GET", "/incidents/unresolved")).answer).toMatchObject([{ id, status: "monitoring" }]);
    const over = { status: "resolved", body: "Over.", components: { [basket]: "operational" } };
    expect((await ask("PATCH", `/incidents/${id}`, { body: { incident: over } })).status).toBe(200);
    expect((await ask("GET", "/incidents/unresolved")).answer).toEqual([]);
    expect((await ask("GET", `/incidents/${id}`)).answer).toMatchObject({ status: "resolved", name: "Down" });
    const updates = page.incidents()[0]?.incident_updates ?? [];
    expect(updates.map(({ body }) => body)).toEqual(["Over.", "It is back.", "We look."]);
    expect(updates[0]?.affected_components).toMatchObject([{ old_status: "major_outage", new_status: "operational" }]);
    expect(log.of("statuspage", "POST incidents")[0]?.effects).toHaveLength(2);
  });

  it("naming a component alone changes no status", async () => {
    await ask("POST", "/incidents", { body: { incident: { ...incident, component_ids: [payment] } } });
    expect(page.statusOf(payment)).toBe("operational");
    expect(page.incidents()[0]?.component_ids).toEqual([payment]);
  });

  it("shows components, whole or in pages, and sets one", async () => {
    expect((await ask("GET", "/components")).answer).toHaveLength(3);
    expect((await ask("GET", "/components?page=2&per_page=2")).answer).toHaveLength(1);
    await ask("PATCH", `/components/${basket}`, { body: { component: { status: "degraded_performance" } } });
    expect((await ask("GET", `/components/${basket}`)).answer.status).toBe("degraded_performance");
  });

  it.each([
    ["another token", "GET", "/components", { token: "x" }, 401, "Could not authenticate"],
    [
      "an incident that is not there",
      "PATCH",
      "/incidents/none",
      { body: { incident: {} } },
      404,
      "could not be found",
    ],
    ["no name", "POST", "/incidents", { body: { incident: { ...incident, name: "" } } }, 422, "blank"],
    [
      "a status it does not know",
      "POST",
      "/incidents",
      { body: { incident: { ...incident, status: "gone" } } },
      422,
      "Status",
    ],
    [
      "metadata that is no object",
      "POST",
      "/incidents",
      { body: { incident: { ...incident, metadata: { a: 1 } } } },
      422,
      "Metadata",
    ],
    [
      "a component it does not have",
      "POST",
      "/incidents",
      { body: { incident: { ...incident, components: { x: "operational" } } } },
      422,
      "x",
    ],
  ])("refuses %s", async (_what, method, path, asked, status, message) => {
    const refused = await ask(method, path, asked);
    expect(refused.status).toBe(status);
    expect(refused.answer.message).toContain(message);
    expect(page.incidents()).toEqual([]);
  });

  it.each([420, 429] as const)("takes sixty requests in any minute, and answers the next %i", async (status) => {
    page.knobs.throttledStatus = status;
    for (let count = 0; count < 60; count += 1) expect((await ask("GET", "/components?per_page=1")).status).toBe(200);
    expect(await ask("GET", "/components?per_page=1")).toMatchObject({ status, wait: "60" });
    clock.set({ shows: new Date(clock.now().getTime() + 61_000), rate: 1 });
    expect((await ask("GET", "/components?per_page=1")).status).toBe(200);
  });

  it("fails before and after the effect, and shows late what was written", async () => {
    page.knobs.next("POST incidents", "fail-before");
    page.knobs.next("POST incidents", "fail-after");
    page.knobs.readLagSeconds = 10;
    const body = { incident };
    expect((await ask("POST", "/incidents", { body })).status).toBe(500);
    expect(page.incidents()).toHaveLength(0);
    expect((await ask("POST", "/incidents", { body })).status).toBe(500);
    expect(page.incidents()).toHaveLength(1);
    expect((await ask("GET", "/incidents/unresolved")).answer).toEqual([]);
    clock.set({ shows: new Date(clock.now().getTime() + 11_000), rate: 1 });
    expect((await ask("GET", "/incidents/unresolved")).answer).toHaveLength(1);
  });
});
