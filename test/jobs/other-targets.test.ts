import { describe, expect, it } from "@jest/globals";
import { otherTargets } from "../../jobs/propose/other-targets.ts";
import type { Plan } from "../../src/engine/plan.ts";
import type { Estate, Service, Traffic } from "../../src/estate.ts";
import { routingControls } from "../../src/lab/estate.ts";
import { estate, healthy } from "./facts.ts";
import { by, east, planOf, west } from "./traffic-facts.ts";

const { checkout } = estate.services;
if (!checkout) throw new Error("the lab's estate has no checkout");
const { zone, name, type, ttl } = checkout.traffic;
const record = { zone, name, type, ttl };
const endpoints = [east, west].map((region) => ({ region, url: `https://${region}.example.com/v1` }));

const weighted: Traffic = { driver: "route53-weighted", ...record };
const object = { region: west, bucket: "control-west", key: "go-west" };
const bySwitch: Traffic = { driver: "route53-switch", ...record, primary: east, control: object };
const byControls: Traffic = { driver: "arc-routing-control", ...record, endpoints, controls: routingControls };

/** What a plan is told once somebody changed the service in the estate file, and Muster read that anew. */
const told = (plan: Plan, change: Partial<Pick<Service, "traffic" | "configs">>): string[] => {
  // A plan is read from a jsonb column, which keeps no order of keys.
  const kept = JSON.parse(JSON.stringify(plan)) as Plan;
  const now: Estate = { ...estate, services: { checkout: { ...checkout, ...change } } };
  return otherTargets(now, kept);
};

describe("a plan whose estate was changed since", () => {
  it("holds where customers are moved by the same object, controls and keys", () => {
    expect(told(planOf(healthy), { traffic: weighted })).toEqual([]);
    const pair: Traffic = { driver: "route53-failover", ...record };
    expect(told(planOf(by("route53-failover")), { traffic: pair })).toEqual([]);
    expect(told(planOf(by("route53-switch")), { traffic: bySwitch })).toEqual([]);
    const reversed = Object.fromEntries(Object.entries(routingControls).toReversed());
    expect(told(planOf(by("arc-routing-control")), { traffic: { ...byControls, controls: reversed } })).toEqual([]);
  });

  it("holds no more once another object moves customers: it would put the old one, and nobody would move", () => {
    const traffic = { ...bySwitch, control: { ...object, key: "go-west-2" } };
    expect(told(planOf(by("route53-switch")), { traffic })).toEqual([
      "the plan of checkout is about the control object s3://control-west/go-west in us-west-2, and the estate names the control object s3://control-west/go-west-2 in us-west-2 now",
    ]);
  });

  it("holds no more once another routing control moves them, or a region has one more or one less", () => {
    const planned = planOf(by("arc-routing-control"));
    const other = `${routingControls[west]}2`;
    expect(told(planned, { traffic: { ...byControls, controls: { ...routingControls, [west]: other } } })).toEqual([
      `the plan of checkout is about the routing control ${routingControls[west]} for us-west-2, and the estate names the routing control ${other} for us-west-2 now`,
    ]);
    const controls = { [west]: routingControls[west], "eu-west-1": other };
    expect(told(planned, { traffic: { ...byControls, controls } })).toEqual([
      `the plan of checkout is about no routing control for eu-west-1, and the estate names the routing control ${other} for eu-west-1 now`,
      `the plan of checkout is about the routing control ${routingControls[east]} for us-east-1, and the estate names no routing control for us-east-1 now`,
    ]);
  });

  it("holds no more once they are moved in another way: it would change weights that the controls overrule", () => {
    expect(told(planOf(healthy), { traffic: byControls })).toEqual([
      "the plan of checkout is about traffic.driver route53-weighted, and the estate names traffic.driver arc-routing-control now",
    ]);
    expect(told(planOf(by("route53-switch")), { traffic: weighted })).toEqual([
      "the plan of checkout is about traffic.driver route53-switch, and the estate names traffic.driver route53-weighted now",
    ]);
  });

  it("holds no more once another key tells the pods of their database: they would stay at the old one", () => {
    const [config] = checkout.configs.filter(({ region }) => region === west);
    if (!config) throw new Error("the lab's estate has no config");
    const other = { ...config, key: "DATABASE_HOST" };
    expect(told(planOf(healthy), { configs: [config, { ...config, region: east, cluster: "east" }] })).toEqual([]);
    expect(told(planOf(healthy), { configs: [other] })).toEqual([
      "the plan of checkout is about DB_HOST of shop/app-config in the cluster west, and the estate names DATABASE_HOST of shop/app-config in the cluster west now",
    ]);
    expect(told(planOf(healthy), { configs: [] })).toEqual([
      "the plan of checkout is about DB_HOST of shop/app-config in the cluster west, and the estate names no config key in us-west-2 now",
    ]);
  });
});
