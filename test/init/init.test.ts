import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { loadEstate } from "../../src/estate-file.ts";
import { UserError } from "../../src/errors.ts";
import { runCli } from "../../src/terminal.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "muster-init-"));
  path = join(folder, "estate.yaml");
});
afterEach(async () => {
  await chmod(folder, 0o700);
  await rm(folder, { recursive: true, force: true });
});

/** Types `muster init` and these answers, a line each. Returns what was printed, or the three sentences of a refusal. */
async function answers(...lines: string[]): Promise<string[]> {
  const printed: string[] = [];
  const input = Readable.from(lines.map((line) => `${line}\n`));
  try {
    const terminal = { env: { ESTATE: path }, user: "nobody", print: (line: string) => printed.push(line), input };
    expect(await runCli(["init"], terminal)).toBe(0);
    return printed;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const { happened, means, todo } = error.explanation;
    return [...printed, happened, means, todo];
  }
}

const places = ["us-east-1, us-west-2", "", "", ""];
const ana = ["ana", "U01AAAAAA", "ana@example.com", "ana", ""];
const ben = ["ben", "U02BBBBBB", "", "", "yes"];
const cleo = ["cleo", "", "", "cleo", "no"];
const people = [...ana, ...ben, ...cleo, ""];
const record = ["Z0123456789", "checkout.example.com", "", ""];
const databases = ["", "", "checkout-db", "", "checkout-db-west", ""];
const eastern = ["east", "prod-east", "shop", "", "10", ""];
const western = ["west", "prod-west", "shop", "", "10", "app-config", ""];
const health = ["", "https://east.example.com", "https://west.example.com"];
const service = ["checkout", "", ...record, ...databases, ...eastern, ...western, ...health];
const whole = [...places, ...people, ...service];

describe("muster init", () => {
  it("writes an estate that its own reader loads, from what was typed and what stands in brackets", async () => {
    const said = await answers(...whole);
    expect(said.at(-1)).toBe(`${path} was written, with the service checkout. Now type: muster doctor`);
    expect(loadEstate(path)).toEqual({
      regions: ["us-east-1", "us-west-2"],
      channels: { incidents: "#incident-response" },
      people: {
        ana: { slack: "U01AAAAAA", mail: "ana@example.com", terminal: "ana" },
        ben: { slack: "U02BBBBBB" },
        cleo: { terminal: "cleo" },
      },
      approvers: ["ana", "ben"],
      services: {
        checkout: {
          tier: "critical",
          dependsOn: [],
          traffic: {
            driver: "route53-weighted",
            zone: "Z0123456789",
            name: "checkout.example.com",
            type: "A",
            ttl: 60,
          },
          databases: [
            {
              driver: "rds-postgres",
              writer: { region: "us-east-1", instance: "checkout-db", appRole: { env: "CHECKOUT_DB_URL" } },
              replica: { region: "us-west-2", instance: "checkout-db-west", appRole: { env: "CHECKOUT_DB_URL" } },
            },
          ],
          deployments: [
            {
              region: "us-east-1",
              cluster: "east",
              namespace: "shop",
              name: "checkout",
              replicas: 10,
              restart: "at-once",
            },
            {
              region: "us-west-2",
              cluster: "west",
              namespace: "shop",
              name: "checkout",
              replicas: 10,
              restart: "at-once",
            },
          ],
          configs: [{ region: "us-west-2", cluster: "west", namespace: "shop", name: "app-config", key: "DB_HOST" }],
          health: {
            url: "https://checkout.example.com/health",
            edges: { "us-east-1": "https://east.example.com", "us-west-2": "https://west.example.com" },
            limitMs: 1000,
          },
          gitops: [],
          resumeGitops: "person",
          stabilitySeconds: 600,
          statusComponents: [],
          admission: "automatic",
        },
      },
      clusters: { east: { context: "prod-east" }, west: { context: "prod-west" } },
      bareCommands: ["failover", "failback", "incident", "page", "ack"],
      breakGlass: [],
      coolDownMinutes: 30,
    });
    expect(await readFile(path, "utf8")).toMatch(/^# What Muster looks after\..*\n# yaml-language-server: /);
  });

  it.each([
    ["a region that is none", 0, "us-east", "expected a region such as us-west-2"],
    ["a single region", 0, "us-east-1", "Too small: expected array to have >=2 items"],
    ["a region twice", 0, "us-east-1 us-east-1", "a region stands there twice"],
    ["a name with a blank", 4, "Ana B", "expected a short name: lower-case letters, digits and dashes, at most 63"],
    ["a Slack name for an id", 5, "@ana", "expected a Slack user id such as U012AB3CD"],
    ["half a mail address", 6, "ana@", "Invalid email address"],
    ["neither yes nor no", 8, "perhaps", "expected yes or no"],
    ["somebody who is there", 9, "ana", "ana is there already"],
    ["somebody else's Slack id", 10, "U01AAAAAA", "that belongs to ana already"],
    ["somebody else's login", 12, "ana", "that belongs to ana already"],
    [
      "a service with capitals",
      20,
      "Checkout",
      "expected a short name: lower-case letters, digits and dashes, at most 63",
    ],
    ["a tier that is none", 21, "vital", `expected one of "critical"|"important"|"standard"`],
    ["no zone", 22, "", "This one is needed"],
    ["a record that is no address", 24, "TXT", `expected one of "A"|"AAAA"|"CNAME"`],
    ["a TTL in words", 25, "a minute", "expected number, received NaN"],
    ["a driver that is none", 26, "mysql", "expected one of rds-postgres, aurora-postgres, postgres"],
    ["a region elsewhere", 27, "eu-west-1", "expected one of us-east-1, us-west-2"],
    ["a replica beside its writer", 29, "us-east-1", "the writer is there; a replica there would be lost with it"],
    [
      "the secret instead of its name",
      31,
      "postgres://app:hunter22@db/shop",
      "expected the name of a variable, and never the URL itself",
    ],
    ["no pods", 36, "0", "Too small: expected number to be >=1"],
    ["an address that is none", 45, "checkout.example.com", "Invalid URL"],
    ["no front door, without which every plan is blocked", 47, "", "This one is needed"],
  ])("asks once more after %s, and takes the next answer", async (_what, at, wrong, says) => {
    const said = await answers(...whole.slice(0, at), wrong, ...whole.slice(at));
    expect(said.filter((line) => line.endsWith("Once more:"))).toEqual([`${says}. Once more:`]);
    expect(Object.keys(loadEstate(path).services)).toEqual(["checkout"]);
    expect(await readFile(path, "utf8")).not.toContain("hunter22");
  });

  it("does not let people go before two may approve", async () => {
    const said = await answers(...places, ...ana, "", ...ben, ...cleo, "", ...service);
    expect(said).toContain("Fewer than two may approve so far: nothing could ever be moved.");
    expect(loadEstate(path).approvers).toEqual(["ana", "ben"]);
  });

  it("takes one cluster for both regions, in which each has what is its own", async () => {
    const one = ["prod", "prod", "", "", "3", "app-config", ""];
    const other = ["prod", "prod", "", "basket", "", "3", "app-config", "DB_HOST", ""];
    const said = await answers(
      ...places,
      ...people,
      "basket",
      "standard",
      ...record,
      ...databases,
      ...one,
      ...other,
      ...health,
    );
    const once = "the other region has that one; each needs its own. Once more:";
    expect(said.filter((line) => line.endsWith("Once more:"))).toEqual([once, once]);
    const { deployments, configs } = loadEstate(path).services["basket"]!;
    expect(deployments.map(({ name }) => name)).toEqual(["basket", "basket-us-west-2"]);
    expect(configs.map(({ key }) => key)).toEqual(["DB_HOST", "DB_HOST_US_WEST_2"]);
  });

  it("takes no config map", async () => {
    const one = ["prod", "prod", "", "", "3", ""];
    const said = await answers(
      ...places,
      ...people,
      "basket",
      "standard",
      ...record,
      ...databases,
      ...one,
      ...one,
      ...health,
    );
    expect(said.at(-1)).toMatch(/with the service basket/);
    const { services, clusters } = loadEstate(path);
    expect(clusters).toEqual({ prod: { context: "prod" } });
    expect(services["basket"]).toMatchObject({ tier: "standard", configs: [] });
    expect(services["basket"]?.databases[0]?.writer.appRole).toEqual({ env: "BASKET_DB_URL" });
  });

  it.each([
    [
      "a global cluster of Aurora",
      ["aurora-postgres", "shop-global", "", "shop-east", "", "shop-west", ""],
      {
        driver: "aurora-postgres",
        global: "shop-global",
        writer: { cluster: "shop-east" },
        replica: { cluster: "shop-west" },
      },
    ],
    [
      "servers of one's own",
      ["postgres", "", "db-east.example.com", "", "db-west.example.com", ""],
      {
        driver: "postgres",
        writer: { host: "db-east.example.com", port: 5432 },
        replica: { host: "db-west.example.com" },
      },
    ],
  ])("asks for %s by its own names", async (_what, given, expected) => {
    await answers(...places, ...people, "checkout", "", ...record, ...given, ...eastern, ...western, ...health);
    expect(loadEstate(path).services["checkout"]?.databases).toMatchObject([expected]);
  });

  it("never touches a file that is there", async () => {
    await writeFile(path, "mine");
    expect(await answers(...whole)).toEqual([
      `There is a file "${path}" already.`,
      "It was not touched, and nothing was changed.",
      "Edit that one, or set ESTATE to a path where there is none.",
    ]);
    expect(await readFile(path, "utf8")).toBe("mine");
  });

  it("writes nothing when the answers end too early", async () => {
    for (const length of [0, 1, 12, whole.length - 1]) {
      expect((await answers(...whole.slice(0, length))).slice(-3)).toEqual([
        "The answers ended before the questions did.",
        "No estate file was written.",
        "Type muster init again, and answer to the end.",
      ]);
    }
    expect(await readdir(folder)).toEqual([]);
  });

  it("shows the answers where they cannot be written, so that nobody gives them twice", async () => {
    path = join(folder, "no", "such", "folder.yaml");
    const said = await answers(...whole);
    expect(said.slice(-3)).toEqual([
      `The estate file "${path}" could not be written (ENOENT).`,
      "What was answered stands above, and nowhere else.",
      "Copy it into a file, and set ESTATE to that file's path.",
    ]);
    expect(said.at(-4)).toContain("instance: checkout-db-west");
  });
});
