import { describe, expect, it } from "@jest/globals";
import { loadEstate, parseEstate } from "../src/estate-file.ts";
import { objectives } from "../src/estate.ts";
import { labEstate, sitsAsAna } from "../src/lab/estate.ts";
import { faultsOf } from "./estate-faults.ts";

const whole = labEstate({ replicas: 2, stabilitySeconds: 60 });

/** A second service, the same as the first but for its name and what `change` makes of it. */
const twin = (change: (yaml: string) => string): string => {
  const [before = "", service = ""] = /^([\s\S]*services:\n)([\s\S]*?)(?=^clusters:)/m.exec(whole)?.slice(1) ?? [];
  return whole.replace(before, before + change(service.replace("  checkout:", "  basket:")));
};

describe("the estate file", () => {
  it("is read whole, and fills in what has a default", () => {
    const { services } = parseEstate(whole, "estate.yaml");
    expect(services["checkout"]).toMatchObject({ admission: "automatic", traffic: { type: "A", ttl: 60 } });
  });

  it("gives a service its tier's objectives, unless it has its own", () => {
    const objectivesOf = (text: string) => objectives(parseEstate(text, "estate.yaml").services["checkout"]!);
    expect(objectivesOf(whole)).toEqual({ rtoSeconds: 3600, rpoSeconds: 900 });
    expect(objectivesOf(whole.replace("tier: critical", "tier: critical\n    rpoSeconds: 0"))).toMatchObject({
      rpoSeconds: 0,
    });
  });

  it.each([
    [
      "an unknown key",
      whole.replace("databases:", "databses:"),
      /^estate.yaml:\d+:5 services.checkout.databses: there is no such key$/,
    ],
    [
      "a wrong type",
      whole.replace("replicas: 2", "replicas: many"),
      /services.checkout.deployments.0.replicas: expected number/,
    ],
    ["a key twice", whole.replace("regions:", "regions: []\nregions:"), /^estate.yaml:2:1 .*unique/i],
    ["no YAML at all", "regions: [us-east-1", /^estate.yaml:1:\d+ /],
    [
      "an approver who is nobody",
      whole.replace("  - cleo\n", "  - bob\n"),
      /approvers.2: "bob" is not among the people/,
    ],
    ["an approver twice", whole.replace("  - cleo\n", "  - ben\n"), /approvers.2: "ben" stands here twice/],
    [
      "one Slack id of two people",
      whole.replace("slack: U03", "slack: U01"),
      /^estate.yaml:\d+:5 people.cleo.slack: "U01" belongs to "ana" already$/,
    ],
    [
      "one login of two people",
      whole.replace("terminal: ben", "terminal: ana"),
      /^estate.yaml:\d+:5 people.ben.terminal: "ana" belongs to "ana" already$/,
    ],
    [
      "an approver whom every object has",
      whole.replace("  - cleo\n", "  - constructor\n"),
      /"constructor" is not among/,
    ],
    ["an empty file", "", /^estate.yaml:1:1 expected object/],
    ["a list instead of an estate", "- regions\n", /^estate.yaml:1:1 expected object/],
    ["two documents", `${whole}---\n${whole}`, /^estate.yaml:\d+:1 .*document/i],
    [
      "aliases that multiply for ever",
      `a: &a [x, x, x, x, x, x, x, x, x]\n${["b", "c", "d", "e"].map((name, index) => `${name}: &${name} [${Array(9).fill(`*${"abcd"[index]}`).join(", ")}]\n`).join("")}${whole}`,
      /^estate.yaml:1:1 .*alias/i,
    ],
    ["text that is no text", "\u0000\u0001\u0002", /^estate.yaml:1:\d+ /],
    [
      "a Slack name instead of an id",
      whole.replace("slack: U01", 'slack: "@ana"'),
      /people.ana.slack: expected a Slack user/,
    ],
    ["an address that is none", whole.replace("mail: ana@example.com", "mail: ana"), /people.ana.mail: /],
    [
      "a front door of a region that is not there",
      whole.replace(/us-east-1: https/, "eu-west-1: https"),
      /"eu-west-1" is not/,
    ],
    ["one approver", whole.replace("  - ben\n  - cleo\n", ""), /approvers: .*>=2/],
    [
      "a region that is not there",
      whole.replace("      - region: us-west-2", "      - region: eu-west-1"),
      /"eu-west-1" is not among the regions/,
    ],
    [
      "a cluster that is not there",
      whole.replace("cluster: west", "cluster: north"),
      /"north" is not among the clusters/,
    ],
    [
      "a replica beside its writer",
      whole.replace("          region: us-west-2", "          region: us-east-1"),
      /the replica is in the writer's region/,
    ],
    [
      "a service it depends on that is not there",
      whole.replace("tier: critical", "tier: critical\n    dependsOn: [basket]"),
      /"basket" is not among the services/,
    ],
    [
      "components of a status page that it does not name",
      whole.replace(/^statusPage:\n(  .*\n)+/m, ""),
      /services.checkout.statusComponents: the estate names no statusPage/,
    ],
    ["no replicas", whole.replaceAll(/^ +replicas: 2\n/gm, ""), /deployments.0.replicas/],
  ])("is refused for %s, at its place", (_what, text, expected) => {
    expect(text).not.toBe(whole);
    const faults = faultsOf(text);
    expect(faults).toContainEqual(expect.stringMatching(expected));
    for (const fault of faults) expect(fault).toMatch(/^estate.yaml:\d+:\d+ /);
  });

  it.each([
    ["somebody", ["somebody", "ben"]],
    ["ben", ["ben", "ana"]],
  ])("of a lab takes %s for ana, and is whole", (user, [ana, ben]) => {
    const { people } = parseEstate(sitsAsAna(whole, user), "estate.yaml");
    expect([people["ana"]?.terminal, people["ben"]?.terminal]).toEqual([ana, ben]);
  });

  it("may hold services without a database, which have no key for its host name either", () => {
    const other = (yaml: string) =>
      yaml
        .replaceAll("name: checkout\n", "name: basket\n")
        .replace("name: checkout.example", "name: basket.example")
        .replace("key: DB_HOST", "key: BASKET_DB_HOST");
    const bare = (yaml: string) => yaml.replace(/    databases:\n[\s\S]*?(?=    deployments:)/, "");
    const noKeys = (yaml: string) => yaml.replace(/    configs:\n[\s\S]*?(?=    health:)/, "");
    const { services } = parseEstate(
      twin((yaml) => noKeys(bare(other(yaml)))),
      "estate.yaml",
    );
    expect(services["basket"]).toMatchObject({ databases: [], configs: [] });
    expect(faultsOf(twin((yaml) => bare(other(yaml))))).toEqual([
      expect.stringMatching(/^estate.yaml:\d+:5 services.basket.configs: the service has no database whose host name/),
    ]);
  });

  it("is refused for every circle of services that need one another, where it closes", () => {
    const names = ["a", "b", "c", "d"];
    const needing = (needs: Record<string, string[]>) => {
      const services = names.map((name) => {
        const block = /^  checkout:\n[\s\S]*?(?=^clusters:)/m.exec(whole)?.[0] ?? "";
        return block
          .replace("  checkout:\n", `  ${name}:\n    dependsOn: [${(needs[name] ?? []).join(", ")}]\n`)
          .replaceAll("checkout-db", `${name}-db`)
          .replaceAll("name: checkout\n", `name: ${name}\n`)
          .replaceAll("app-config", `${name}-config`)
          .replace("name: checkout.example", `name: ${name}.example`);
      });
      return whole.replace(/^  checkout:\n[\s\S]*?(?=^clusters:)/m, services.join(""));
    };
    expect(faultsOf(needing({ a: ["b", "c"], b: ["d"], c: ["d"] }))).toEqual([]);
    expect(faultsOf(needing({ a: ["b"], b: ["c"], c: ["d", "b"], d: ["d"] }))).toEqual([
      expect.stringMatching(/^estate.yaml:\d+:17 services.d.dependsOn.0: .* in a circle: d → d$/),
      expect.stringMatching(/^estate.yaml:\d+:20 services.c.dependsOn.1: .* in a circle: b → c → b$/),
    ]);
  });

  it("is refused when two services claim one record, one instance, one deployment, or one config key", () => {
    expect(faultsOf(twin((yaml) => yaml))).toEqual([
      expect.stringContaining("the record checkout.example.com of zone Z0LAB belongs to the service"),
      expect.stringContaining("the instance checkout-db in us-east-1 belongs to the service"),
      expect.stringContaining("the instance checkout-db-west in us-west-2 belongs to the service"),
      expect.stringMatching(
        /deployments\.0\.name: the deployment shop\/checkout in the cluster west belongs to the service/,
      ),
      expect.stringMatching(
        /deployments\.1\.name: the deployment shop\/checkout in the cluster east belongs to the service/,
      ),
      expect.stringContaining("the key DB_HOST of shop/app-config in the cluster west belongs to the service"),
    ]);
    const other = twin((yaml) =>
      yaml
        .replaceAll("checkout-db", "basket-db")
        .replaceAll("name: checkout\n", "name: basket\n")
        .replace("name: checkout.example", "name: basket.example")
        .replace("key: DB_HOST", "key: BASKET_DB_HOST"),
    );
    expect(faultsOf(other)).toEqual([]);
  });

  it("is refused when a service names one deployment, or one config key, twice: for one of them it is in the wrong cluster", () => {
    const twice = whole.replaceAll("cluster: east", "cluster: west");
    expect(faultsOf(twice)).toEqual([
      expect.stringMatching(
        /deployments\.1\.name: the deployment shop\/checkout in the cluster west stands here twice/,
      ),
    ]);
  });

  it("shows twenty faults, and counts the rest", () => {
    const faults = faultsOf(whole + Array.from({ length: 25 }, (_, index) => `key${index}: 1\n`).join(""));
    expect(faults).toHaveLength(21);
    expect(faults.at(-1)).toBe("and 5 more");
  });

  it("that is not there is a sentence, not a stack trace", () => {
    expect(() => loadEstate("no/such/estate.yaml")).toThrow(/"no\/such\/estate.yaml" could not be read \(ENOENT\)/);
  });
});
