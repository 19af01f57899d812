import { describe, expect, it, jest } from "@jest/globals";
import { east, endpointOf, west } from "../../src/lab/estate.ts";
import { openLab, type Lab } from "../../src/lab/lab.ts";

/** Long, because a machine may be busy with other things: no story waits on the wall. */
jest.setTimeout(240_000);

/** Asks for the move and reads the card, which must offer nothing but another look. */
async function blocked(lab: Lab, text = "/failover us-west-2 checkout"): Promise<string> {
  expect(await lab.says("ana", text)).toContain("It cannot be approved as things are; the card says why.");
  const card = await lab.card();
  expect(card.buttons).toEqual(["Look again"]);
  expect(lab.changes()).toEqual([]);
  return card.text;
}

describe("a configuration that somebody else keeps", () => {
  const edited = { DB_HOST: `${endpointOf(east)}.` };

  it("is shown with its keeper beside the change, and may be approved", async () => {
    await using lab = await openLab({ patient: true });
    lab.clusters[west]?.editConfig("shop", "app-config", edited, "helm");
    await lab.says("ana", "/failover us-west-2 checkout");
    const { text, buttons } = await lab.card();
    expect(text).toMatch(
      /DB_HOST of shop\/app-config \(us-west-2\)\*.*checkout-db-west\.us-west-2\.rds\.lab`  \(kept by helm\)/,
    );
    expect(buttons).toContain("Approve");
  });

  it("blocks the move where its keeper is a GitOps controller, until that one lets go", async () => {
    await using lab = await openLab({ patient: true });
    for (const [manager, kind] of [
      ["argocd-controller", "Application"],
      ["kustomize-controller", "Kustomization"],
      ["helm-controller", "HelmRelease"],
    ] as const) {
      lab.clusters[west]?.editConfig("shop", "app-config", { DB_HOST: `${manager}.example` }, manager);
      expect(await blocked(lab)).toContain(
        `DB_HOST in shop/app-config is kept by ${manager}, which would put the old value back; name its ${kind} under gitops in the estate, and the move pauses it`,
      );
    }
    lab.clusters[west]?.editConfig("shop", "app-config", edited, "kubectl-edit");
    await lab.presses("ben", "Look again");
    expect((await lab.card()).buttons).toContain("Approve");
  });
});

describe("a right that Muster lacks", () => {
  it("is found before anybody approves, and the card names it", async () => {
    await using lab = await openLab({ patient: true });
    lab.rds.denied.add("DescribeDBInstances");
    expect(await blocked(lab)).toContain(
      "AWS did not let Muster look at the instance checkout-db-west (rds:DescribeDBInstances: AccessDenied)",
    );
    lab.rds.denied.clear();
    lab.route53.denied.add("ListResourceRecordSets");
    expect(await blocked(lab)).toMatch(
      /Route 53's control plane cannot be used \(AWS did not let Muster read the zone Z0LAB \(route53:ListResourceRecordSets: AccessDenied\)/,
    );
    lab.route53.denied.clear();
    const rules = lab.clusters[west]?.rules ?? [];
    const kept = rules.splice(0, rules.length, ...rules.filter(({ resource }) => resource !== "deployments/scale"));
    expect(await blocked(lab)).toContain("Muster may not scale shop/checkout in the cluster west");
    rules.splice(0, rules.length, ...kept);
    await lab.presses("ben", "Look again");
    expect((await lab.card()).buttons).toContain("Approve");
  });

  it("to promote is missed before anything is past undoing, and the run goes on once it is given", async () => {
    await using lab = await openLab({ strideSeconds: 10, patient: true });
    lab.rds.denied.add("PromoteReadReplica");
    await lab.starts();
    expect(await lab.untilRests()).toMatch(
      /^parked: AWS did not let Muster promote checkout-db-west \(rds:PromoteReadReplica: AccessDenied\)/,
    );
    expect(await lab.dig()).toEqual([lab.edges[east]?.address]);
    lab.rds.denied.clear();
    await lab.presses("cleo", "Continue");
    expect(await lab.untilRests()).toBe("done");
    expect(await lab.dig()).toEqual([lab.edges[west]?.address]);
  });

  it("to promote is no promotion: Undo opens the old writer again", async () => {
    await using lab = await openLab({ strideSeconds: 10, patient: true });
    lab.rds.denied.add("PromoteReadReplica");
    const runId = await lab.starts();
    expect(await lab.untilRests()).toMatch(/^parked: AWS did not let Muster promote checkout-db-west/);
    expect((await lab.asItIs()).writers).toEqual([]);
    await lab.presses("ben", "Undo");
    expect(await lab.untilRests()).toBe("cancelled");
    expect(await lab.asItIs()).toMatchObject({ writers: [east], shares: { [east]: 100, [west]: 0 } });
    expect((await lab.thread(runId)).join("\n")).toContain("ben pressed Undo. What this run has changed is taken back");
    expect(await lab.dig()).toEqual([lab.edges[east]?.address]);
  });
});
