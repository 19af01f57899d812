import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { readFile, writeFile } from "node:fs/promises";
import { parse, stringify } from "yaml";
import { east, west } from "../../src/lab/estate.ts";
import { openPatient, type Patient } from "./patient.ts";

let patient: Patient;
beforeAll(async () => {
  patient = await openPatient();
});
afterAll(() => patient.lab.close());

/** A cluster of a kubeconfig, without its authority. */
const without = (cluster: object = {}): object =>
  Object.fromEntries(Object.entries(cluster).filter(([key]) => key !== "certificate-authority-data"));

describe("clusters", () => {
  it("a right that is missing is named, and the others are not", async () => {
    const rules = patient.lab.clusters[west]?.rules ?? [];
    const kept = [...rules];
    const said = await patient.broken(
      () => rules.splice(0, rules.length, ...kept.filter(({ resource }) => resource !== "deployments/scale")),
      () => rules.splice(0, rules.length, ...kept),
    );
    expect(said).toEqual([
      "broken rights in the cluster west: Muster may not scale shop/checkout in the cluster west.",
    ]);
  });

  it("a right that the move of a service without a database would miss", async () => {
    const rules = patient.lab.clusters[west]?.rules ?? [];
    const kept = [...rules];
    const keepsNothing = (yaml: string) => {
      const estate = parse(yaml) as { services: { checkout: object } };
      Object.assign(estate.services.checkout, { databases: [], configs: [] });
      return stringify(estate);
    };
    let check = "";
    const said = await patient.withEstate(keepsNothing, async () => {
      rules.splice(0, rules.length, ...kept.filter(({ resource }) => resource !== "deployments/scale"));
      check = (await patient.lab.types("ana", ["traffic", "check", "checkout"])).text;
    });
    rules.splice(0, rules.length, ...kept);
    expect(said).toEqual([
      "broken rights in the cluster west: Muster may not scale shop/checkout in the cluster west.",
    ]);
    // It is looked at both ways, too.
    expect(check.match(/^To .*: can be done/gm)).toEqual([east, west].map((region) => `To ${region}: can be done`));
  });

  it("things that the estate names and the cluster lacks", async () => {
    const deployment = await patient.withEstate((yaml) =>
      yaml.replace(/(cluster: west\s+namespace: shop\s+name: )checkout/, "$1basket"),
    );
    expect(deployment).toEqual([
      "broken the deployment shop/basket in the cluster west: The cluster west has no deployment shop/basket.",
    ]);
    const key = await patient.withEstate((yaml) => yaml.replace("key: DB_HOST", "key: DATABASE"));
    expect(key).toEqual([
      "broken DATABASE of the config map shop/app-config in the cluster west: The config map shop/app-config has no key DATABASE.",
    ]);
  });

  it("a key that a GitOps controller would put back", async () => {
    const cluster = patient.lab.clusters[west];
    const before = cluster?.config("shop", "app-config")["DB_HOST"] ?? "";
    const said = await patient.broken(
      () => cluster?.editConfig("shop", "app-config", { DB_HOST: "elsewhere" }, "argocd-controller"),
      () => cluster?.editConfig("shop", "app-config", { DB_HOST: before }, "kubectl-edit"),
    );
    expect(said).toEqual([
      "broken DB_HOST of the config map shop/app-config in the cluster west: DB_HOST in shop/app-config is kept by argocd-controller.",
    ]);
  });

  it("a key that holds more than a host name, which is not shown", async () => {
    const cluster = patient.lab.clusters[west];
    const before = cluster?.config("shop", "app-config")["DB_HOST"] ?? "";
    const url = "postgres://shop:hunter22@db.example.com/shop";
    const said = await patient.broken(
      () => cluster?.editConfig("shop", "app-config", { DB_HOST: url }, "kubectl-edit"),
      () => cluster?.editConfig("shop", "app-config", { DB_HOST: before }, "kubectl-edit"),
    );
    expect(said).toEqual([
      "broken DB_HOST of the config map shop/app-config in the cluster west: DB_HOST in shop/app-config holds more than a host name, which Muster neither shows nor replaces.",
    ]);
  });

  it("one that is believed whoever it is", async () => {
    const path = patient.lab.environment["KUBECONFIG"] ?? "";
    const before = await readFile(path, "utf8");
    const config = parse(before) as { clusters: { name: string; cluster: object }[] };
    const at = config.clusters.find(({ name }) => name === "prod-west");
    Object.assign(at ?? {}, { cluster: { ...without(at?.cluster), "insecure-skip-tls-verify": true } });
    const said = await patient.broken(
      () => writeFile(path, stringify(config)),
      () => writeFile(path, before),
    );
    expect(said).toEqual([
      "warning the cluster west: The kubeconfig says insecure-skip-tls-verify of the context prod-west.",
    ]);
  });

  it("one that cannot be reached, or whose context is not there", async () => {
    const { knobs } = patient.lab.clusters[west]!;
    const said = await patient.broken(
      () => (knobs.down = "refuses"),
      () => (knobs.down = false),
    );
    expect(said).toEqual([
      expect.stringMatching(/^broken the cluster west: The cluster west (breaks|refuses) connections\.$/),
    ]);
    const [context] = await patient.withEstate((yaml) => yaml.replace("context: prod-west", "context: prod-north"));
    expect(context).toMatch(/^broken the cluster west: The cluster west: .*prod-north/);
  });
});
