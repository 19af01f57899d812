import { describe, expect, it } from "@jest/globals";
import { alivePods, isMadeBy } from "../../src/adapters/kubernetes-pods.ts";
import { selectorText } from "../../src/adapters/label-selector.ts";
import { CannotContinue } from "../../src/errors.ts";
import { selects } from "../../src/lab/kubernetes-selector.ts";

const expression = (operator: string, ...values: string[]) => ({
  matchExpressions: [{ key: "tier", operator, ...(values.length > 0 ? { values } : {}) }],
});

describe("the selector of a deployment", () => {
  it.each([
    [{ matchLabels: { app: "checkout", part: "web" } }, "app=checkout,part=web"],
    [expression("In", "web", "api"), "tier in (web,api)"],
    [expression("NotIn", "batch"), "tier notin (batch)"],
    [expression("Exists"), "tier"],
    [expression("DoesNotExist"), "!tier"],
    [{ matchLabels: { app: "checkout" }, ...expression("In", "web", "api") }, "app=checkout,tier in (web,api)"],
  ])("%j is asked for as %s", (selector, text) => {
    expect(selectorText(selector, "shop/checkout")).toBe(text);
  });

  it.each([{}, { matchLabels: {} }, expression("Near", "web")])(
    "%j would select too much, and is refused",
    (selector) => {
      expect(() => selectorText(selector, "shop/checkout")).toThrow(CannotContinue);
    },
  );
});

describe("pods that count as alive", () => {
  it("are not those that were evicted, or ran to their end", () => {
    const pod = (name: string, phase: string) => ({ metadata: { name, uid: name }, status: { phase } });
    const list = [pod("a", "Running"), pod("b", "Failed"), pod("c", "Pending"), pod("d", "Succeeded")];
    expect(alivePods(list).map(({ name }) => name)).toEqual(["a", "c"]);
  });

  it("are those that are ending, with the moment at which their grace is over", () => {
    const items = [{ metadata: { deletionTimestamp: "2026-11-23T03:00:30Z" as unknown as Date } }, { metadata: {} }];
    expect(alivePods(items)).toMatchObject([
      { terminating: true, endsBy: "2026-11-23T03:00:30Z" },
      { terminating: false },
    ]);
  });
});

describe("pods of a deployment", () => {
  const madeBy = (kind: string, name: string, controller = true) => ({
    ownerReferences: [{ apiVersion: "apps/v1", kind, name, uid: name, controller }],
  });

  it.each([
    ["made by its ReplicaSet", madeBy("ReplicaSet", "shop-api-5d4f8c7b9"), true],
    ["of a longer name that begins like it", madeBy("ReplicaSet", "shop-api-canary-5d4f8c7b9"), false],
    ["of a shorter name", madeBy("ReplicaSet", "shop-5d4f8c7b9"), false],
    ["made by a Job with the same labels", madeBy("Job", "shop-api-29384756"), false],
    ["started by hand", {}, false],
    ["held by a ReplicaSet that is not their controller", madeBy("ReplicaSet", "shop-api-5d4f8c7b9", false), false],
  ])("%s", (_which, metadata, own) => {
    expect(isMadeBy("shop-api", metadata)).toBe(own);
  });
});

describe("the lab's pods", () => {
  it.each([
    ["", true],
    ["app=checkout", true],
    ["app!=checkout", false],
    ["tier in (web,api),app==checkout", true],
    ["tier in (batch)", false],
    ["tier notin (batch,cron)", true],
    ["zone notin (a)", true],
    ["zone in (a)", false],
    ["tier,!zone", true],
    ["!tier", false],
  ])("are selected as Kubernetes does, by %j", (selector, selected) => {
    expect(selects(selector, { app: "checkout", tier: "web" })).toBe(selected);
  });
});
