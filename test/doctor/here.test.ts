import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { readFile } from "node:fs/promises";
import { parse, stringify } from "yaml";
import { east, statusPage, west } from "../../src/lab/estate.ts";
import { openMailServer } from "../adapters/mail-server.ts";
import { openPatient, without, type Patient } from "./patient.ts";

let patient: Patient;
beforeAll(async () => {
  patient = await openPatient();
});
afterAll(() => patient.lab.close());

describe("Muster's own database", () => {
  it("that is not migrated", async () => {
    const client = await patient.lab.musterDatabase.server.connect("muster");
    await client.query("create database fresh owner muster_app");
    await client.end();
    const DATABASE_URL = (patient.lab.environment["DATABASE_URL"] ?? "").replace(/\/muster$/, "/fresh");
    expect(await patient.troubles({ DATABASE_URL })).toEqual([
      expect.stringMatching(/^broken Muster's database: Muster's database lacks \d+ of \d+ migrations, first 0001-/),
      expect.stringMatching(/^warning the queue \(Postgres\): The queue: /),
    ]);
  });

  it("that takes no writes", async () => {
    const said = await patient.broken(
      () => patient.lab.query("alter role muster_app set default_transaction_read_only = on"),
      () => patient.lab.query("alter role muster_app reset default_transaction_read_only"),
    );
    expect(said).toEqual([
      expect.stringMatching(
        /^broken Muster's database: Muster's database takes no writes \(.*read-only transaction\)\.$/,
      ),
    ]);
  });

  it("on another machine is not to be spoken to in clear, unless somebody decided so", async () => {
    const at = async (tail: string) => {
      const { findings } = await patient.report({
        DATABASE_URL: `postgres://muster:hunter22@db.invalid/muster${tail}`,
      });
      return findings.find(({ subject }) => subject === "the line to Muster's database");
    };
    expect(await at("")).toMatchObject({
      state: "warning",
      happened: "DATABASE_URL names another machine, and has no sslmode.",
    });
    expect(await at("?sslmode=disable")).toMatchObject({ state: "ok", seen: expect.stringMatching(/^in clear, as /) });
  });

  it("that does not answer: the rest is looked at all the same", async () => {
    const said = await patient.troubles({ DATABASE_URL: "postgres://muster:hunter22@127.0.0.1:1/muster" });
    expect(said).toEqual([
      "broken Muster's database: Muster's database refuses connections.",
      "warning the queue (Postgres): The queue refuses connections.",
    ]);
  });
});

describe("a release that was gone back from", () => {
  it("has left runs behind, which this one leaves alone", async () => {
    const { lab } = patient;
    const said = await patient.broken(
      () =>
        lab.query(`insert into muster.run (id, job, title, plan, facts, plan_hash, engine_version, requested_by, place, approve_until)
                   values ('fo-new', 'failover', 'move', '{}', '{}', 'x', 1000, 'ana', '{}', now())`),
      () => lab.query("delete from muster.run where id = 'fo-new'"),
    );
    expect(said).toEqual(["warning live runs: Run fo-new was in the hands of a newer Muster."]);
  });
});

describe("clocks", () => {
  it.each([
    [20, "warning", "20 seconds behind"],
    [-20, "warning", "20 seconds ahead of"],
    [600, "broken", "600 seconds behind"],
  ])(
    "this machine's, %d seconds away from everybody's, is measured against two others",
    async (seconds, toAws, away) => {
      const said = await patient.troubles({}, () => new Date(Date.now() - seconds * 1000));
      const near = new RegExp(String.raw`\d+ seconds`);
      expect(said.map((line) => line.replace(near, away.replace(/ (behind|ahead of)$/, "")))).toEqual([
        `broken this machine's clock against that of Muster's database: The clock of this host is ${away} that of Muster's database.`,
        `${toAws} this machine's clock against that of AWS: This machine's clock is ${away} that of AWS.`,
      ]);
    },
  );
});

describe("the status page", () => {
  it("that does not answer, does not know the key, or lacks a component", async () => {
    const { knobs } = patient.lab.statusPage;
    const said = [
      await patient.broken(
        () => (knobs.down = "silent"),
        () => (knobs.down = false),
      ),
      await patient.broken(
        () => (knobs.tokenRefused = 401),
        () => (knobs.tokenRefused = false),
      ),
      await patient.withEstate((yaml) => yaml.replace(/h1cj7kmnnx3p/, "h1cj7kmnnx3q")),
    ];
    expect(said).toEqual([
      [expect.stringMatching(/^broken the status page: The status page does not answer\.$/)],
      [expect.stringMatching(/^broken the status page: .*401/)],
      ["broken the status page: The page has no component h1cj7kmnnx3q, which checkout names."],
    ]);
  });
});

describe("the turn to ask the status page", () => {
  const { page } = statusPage;
  const taken = (seconds: number) =>
    patient.lab.query(`insert into muster.turn (duty, holder, until)
                       values ('statuspage:${page}', 'a server', muster.now() + interval '${seconds} seconds')`);
  const given = () => patient.lab.query("delete from muster.turn");

  it("is waited for, as a run's updates wait for it, and for the next one", async () => {
    await given();
    await taken(4);
    const [before] = await patient.lab.query<{ until: Date }>("select until from muster.turn");
    expect(await patient.troubles()).toEqual([]);
    const [after] = await patient.lab.query<{ until: Date }>("select until from muster.turn");
    const [asked] = patient.lab.log.of("statuspage", "GET components").slice(-1);
    expect(after!.until.getTime()).toBeGreaterThanOrEqual(before!.until.getTime() + 1100);
    expect(asked!.at.getTime()).toBeGreaterThan(after!.until.getTime() - 2000);
    await given();
  });

  it("that is far off, or a page that wants to be left alone, is a warning: nothing is told of the page", async () => {
    const warns = "warning the status page: The status page was not looked at: it";
    expect(await patient.broken(() => taken(60), given)).toEqual([`${warns} asked to be left alone.`]);
    const { knobs } = patient.lab.statusPage;
    const busy = () => knobs.next("*", "throttle");
    expect(await patient.broken(busy, given)).toEqual([expect.stringContaining(`${warns} answers 429`)]);
  });
});

describe("mail", () => {
  it("that refuses connections, or says nothing for six times as long as any other", async () => {
    const { knobs } = patient.lab.mail;
    for (const [down, says] of [
      ["refuses", /^broken mail: The mail server/],
      ["silent", /^broken mail: .* does not answer\.$/],
    ] as const) {
      knobs.down = down;
      const said = await patient.troubles({ CALL_TIMEOUT_MILLISECONDS: "1000" });
      knobs.down = false;
      expect(said.filter((one) => / mail: /.test(one))).toEqual([expect.stringMatching(says)]);
    }
  });

  it("that would hear the password in clear", async () => {
    using server = await openMailServer("STARTTLS", "502 5.5.1 not implemented");
    expect(await patient.troubles({ SMTP_URL: server.elsewhere })).toEqual([
      "broken mail: The mail server offers no STARTTLS.",
    ]);
    expect(server.heard).not.toContain("AUTH");
  });

  it("that is not configured, and people without an address", async () => {
    expect(await patient.troubles({ SMTP_URL: "" })).toEqual(["warning mail: SMTP_URL is not set."]);
    expect(await patient.withEstate((yaml) => without(yaml, "mail: dora@example.com"))).toEqual([
      "warning mail addresses: The estate has no mail address of dora.",
    ]);
  });
});

describe("the regions of a service", () => {
  type Checkout = { deployments: { region: string }[]; health: { edges: Record<string, string> } };
  type Shop = { services: { checkout: Checkout } };
  const withCheckout = (edit: (checkout: Checkout) => void) =>
    patient.withEstate((yaml) => {
      const estate = parse(yaml) as Shop;
      edit(estate.services.checkout);
      return stringify(estate);
    });

  it("without what every plan is blocked without, and a front door that has no address", async () => {
    const { services } = parse(await readFile(patient.lab.estatePath, "utf8")) as Shop;
    const { edges } = services.checkout.health;
    expect(await withCheckout(({ health }) => Object.assign(health, { edges: { [east]: edges[east] } }))).toEqual([
      "broken the service checkout in us-west-2: The estate names no front door of checkout in us-west-2 (health.edges).",
    ]);
    const bare = await withCheckout((checkout) => {
      checkout.deployments = checkout.deployments.filter(({ region }) => region === east);
      Object.assign(checkout.health, { edges: {} });
    });
    expect(bare).toEqual([
      "broken the service checkout in us-east-1: The estate names no front door of checkout in us-east-1 (health.edges).",
      "broken the service checkout in us-west-2: The estate names no front door of checkout in us-west-2 (health.edges), and the estate names no deployment of checkout in us-west-2.",
    ]);
    const nowhere = { ...edges, [west]: "https://nowhere.example.com" };
    expect(await withCheckout(({ health }) => Object.assign(health, { edges: nowhere }))).toEqual([
      "warning the front door nowhere.example.com: The front door nowhere.example.com has no address.",
    ]);
  });
});

describe("what is wrong before anything is looked at", () => {
  it("faults of the estate are told with their places, and what needs none is looked at", async () => {
    const yaml = await readFile(patient.lab.estatePath, "utf8");
    const said = await patient.withEstate((whole) => whole.replace("tier: critical", "tear: critical"));
    const line = yaml.split("\n").findIndex((text) => text.includes("tier: critical")) + 1;
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(
      new RegExp(
        `^broken the estate: The estate file has a fault:\\n .*estate\\.yaml:${line}:5 services\\.checkout\\.tear: there is no such key`,
      ),
    );
    expect((await patient.report({ ESTATE: "/nowhere.yaml" })).counts).toMatchObject({ broken: 1 });
  });

  it("faults of the settings are told all at once, and the process ends with status 1", async () => {
    expect(await patient.troubles({ DATABASE_URL: "hunter22", SLACK_APP_TOKEN: "" })).toEqual([
      expect.stringMatching(/^broken the settings: \d settings? (is|are) missing or wrong:\n {2}DATABASE_URL: /),
    ]);
    const { DATABASE_URL: url = "" } = patient.lab.environment;
    patient.lab.environment["DATABASE_URL"] = "hunter22";
    const { status, text } = await patient.lab.types("nobody", ["doctor"]);
    patient.lab.environment["DATABASE_URL"] = url;
    expect(status).toBe(1);
    expect(text).not.toContain("hunter22");
    expect(text).toMatch(/^will not work +the settings\n +1 setting is missing or wrong:\n +DATABASE_URL: /);
  });
});
