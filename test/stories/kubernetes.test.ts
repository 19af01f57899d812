import { describe, expect, it, jest } from "@jest/globals";
import { east, endpointOf, west } from "../../src/lab/estate.ts";
import { openLab } from "../../src/lab/lab.ts";
import { checkout, type ServiceWish } from "../../src/lab/services.ts";
import { clusterCalls } from "../install/lab-calls.ts";
import { ruleFor, shippedRoles, type Role } from "../plumbing/rbac.ts";

/** Long, because a machine may be busy with other things: no story waits on the wall. */
jest.setTimeout(240_000);

/** The Roles of docs/install.md, with the names of this estate put in. */
function rolesFor(names: Record<string, string[]>, ...which: string[]): Role[] {
  const named = (name: string) => names[name] ?? [name];
  return which.flatMap(shippedRoles).map((role) => ({
    ...role,
    rules: role.rules.map((rule) =>
      rule.resourceNames ? { ...rule, resourceNames: rule.resourceNames.flatMap(named) } : rule,
    ),
  }));
}

const names = {
  checkout: ["checkout", "checkout-worker"],
  "app-config": ["app-config", "checkout-worker-config"],
};

describe("a service of two deployments and two keys, that an autoscaler and Flux have in their hands", () => {
  const services: ServiceWish[] = [
    { ...checkout, worker: true, restart: "rollout", autoscaler: { min: 1, max: 5 }, gitops: "flux" },
  ];
  const host = endpointOf(west);
  const keys = [
    ["checkout", "app-config", "DB_HOST"],
    ["checkout-worker", "checkout-worker-config", "DATABASE_HOST"],
  ] as const;

  it("is moved whole, by rights that are handed out: no deployment was emptied, and nothing is put back", async () => {
    await using lab = await openLab({ services, strideSeconds: 15, patient: true });
    const cluster = lab.clusters[west]!;
    const alive = (name: string) => cluster.pods("shop", name).filter(({ deletedAt }) => !deletedAt);
    const before = keys.flatMap(([name]) => alive(name).map(({ uid }) => uid));
    expect(before).toHaveLength(2);

    await lab.asks();
    const { text } = await lab.card();
    for (const person of ["ben", "cleo"]) await lab.presses(person, "Approve");
    const runId = await lab.newestRun();
    expect(text).toContain("the autoscaler checkout keeps 1 to 5");
    expect(text).toContain("Kustomization flux-system/shop: paused for the move, resumed once somebody says");
    expect(await lab.untilRests()).toMatch(
      /^asks: What Git says of checkout comes back once the Kustomization .* are resumed\. Does it say that DB_HOST of/,
    );
    const held = { paused: true, notes: { "paused.muster/checkout": runId } };
    expect([cluster.gitOps(), lab.clusters[east]!.gitOps()]).toEqual([held, held]);
    for (const [name, map, key] of keys) {
      expect(cluster.config("shop", map)).toEqual({ [key]: host });
      expect(alive(name)).toHaveLength(3);
      for (const pod of alive(name)) expect(pod).toMatchObject({ ready: true, databaseHost: host });
      expect(alive(name).filter(({ uid }) => before.includes(uid))).toEqual([]);
    }
    expect(lab.clusters[east]!.replicas("shop", "checkout-worker")).toBe(0);

    for (const [, name, key] of keys)
      cluster.commit({ resource: "configmaps", namespace: "shop", name, data: { [key]: host } });
    await lab.presses("ben", "Approve");
    expect(await lab.untilRests()).toBe("done");
    await lab.time.pass(90);
    const free = { paused: false, notes: {} };
    expect([cluster.gitOps(), lab.clusters[east]!.gitOps()]).toEqual([free, free]);
    for (const [, map, key] of keys) expect(cluster.config("shop", map)).toEqual({ [key]: host });

    const here = lab.changes().flatMap((change) => change.split(`:${west}/`).slice(1));
    expect(here.filter((change) => change.startsWith("shop/")).toSorted()).toEqual([
      `shop/app-config DB_HOST=${host}`,
      "shop/checkout minReplicas=3",
      `shop/checkout muster/restarted-by=${runId}`,
      `shop/checkout-worker muster/restarted-by=${runId}`,
      "shop/checkout-worker replicas=3",
      `shop/checkout-worker-config DATABASE_HOST=${host}`,
    ]);
    expect(here.filter((change) => change.startsWith("flux-system/"))).toEqual([
      `flux-system/shop suspend=true paused.muster/checkout=${runId}`,
      "flux-system/shop suspend= paused.muster/checkout=",
    ]);
    const roles = rolesFor(names, "observe", "act", "rollout", "autoscaler", "gitops");
    expect(clusterCalls(lab.log.all).filter((call) => !ruleFor(roles, call))).toEqual([]);
  });
});
