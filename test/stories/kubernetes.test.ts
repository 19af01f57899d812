import { describe, expect, it, jest } from "@jest/globals";
import { east, endpointOf, west } from "../../src/lab/estate.ts";
import { openLab, type Lab } from "../../src/lab/lab.ts";
import { checkout, type ServiceWish } from "../../src/lab/services.ts";
import { clusterCalls } from "../install/lab-calls.ts";
import { ruleFor, shippedRoles, type Role } from "../plumbing/rbac.ts";

/** Long, because a machine may be busy with other things: no story waits on the wall. */
jest.setTimeout(240_000);

const uids = (lab: Lab, name: string) =>
  lab.clusters[west]!.pods("shop", name)
    .filter(({ deletedAt }) => !deletedAt)
    .map(({ uid }) => uid);

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

describe("a service of two deployments and two keys, whose pods are restarted by a rollout", () => {
  const services: ServiceWish[] = [{ ...checkout, worker: true, restart: "rollout", autoscaler: { min: 1, max: 5 } }];

  it("is moved whole, under the hand of its autoscaler, by rights that are handed out: no pod of before is left, and no deployment was emptied", async () => {
    await using lab = await openLab({ services, strideSeconds: 15, patient: true });
    const before = [...uids(lab, "checkout"), ...uids(lab, "checkout-worker")];
    expect(before).toHaveLength(2);
    const runId = await lab.starts();
    expect(await lab.untilRests()).toBe("done");
    const host = endpointOf(west);
    for (const [name, map, key] of [
      ["checkout", "app-config", "DB_HOST"],
      ["checkout-worker", "checkout-worker-config", "DATABASE_HOST"],
    ] as const) {
      expect(lab.clusters[west]!.config("shop", map)).toEqual({ [key]: host });
      const pods = lab.clusters[west]!.pods("shop", name).filter(({ deletedAt }) => !deletedAt);
      expect(pods).toHaveLength(3);
      for (const pod of pods) expect(pod).toMatchObject({ ready: true, databaseHost: host });
      expect(pods.filter(({ uid }) => before.includes(uid))).toEqual([]);
    }
    const here = lab.changes().filter((change) => change.includes(`:${west}/shop/`));
    expect(here.map((change) => change.slice(change.indexOf("/shop/") + 6)).toSorted()).toEqual([
      `app-config DB_HOST=${host}`,
      "checkout minReplicas=3",
      `checkout muster/restarted-by=${runId}`,
      `checkout-worker muster/restarted-by=${runId}`,
      "checkout-worker replicas=3",
      `checkout-worker-config DATABASE_HOST=${host}`,
    ]);
    expect(lab.clusters[east]!.replicas("shop", "checkout-worker")).toBe(0);
    const roles = rolesFor(names, "observe", "act", "rollout", "autoscaler");
    expect(clusterCalls(lab.log.all).filter((call) => !ruleFor(roles, call))).toEqual([]);
  });
});
