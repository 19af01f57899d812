import { describe, expect, it } from "@jest/globals";
import { wantedRights } from "../../src/facts/rights.ts";
import { targetsOf } from "../../src/facts/targets.ts";
import { checkout } from "../../src/lab/services.ts";
import { estate, estateWith } from "../jobs/facts.ts";

const wanted = (of: typeof estate) =>
  wantedRights(targetsOf(of, "checkout", "us-west-2")).map(({ cluster, right, needed }) => {
    const resource = [right.resource, right.subresource].filter(Boolean).join("/");
    return `${cluster}: ${right.verb} ${resource} ${right.name ?? "*"}${needed ? "" : ", if it can"}`;
  });

describe("the rights that a move needs", () => {
  const least = [
    "west: patch deployments/scale checkout",
    "east: patch deployments/scale checkout, if it can",
    "west: list pods *",
    "west: patch configmaps app-config",
  ];

  it("are the least, unless the estate asks for more", () => {
    expect(wanted(estate)).toEqual(least);
  });

  it("are the deployment itself only where its pods are restarted by a rollout", () => {
    const rolling = estateWith({ services: [{ ...checkout, restart: "rollout" }] });
    expect(wanted(rolling).filter((one) => !least.includes(one))).toEqual(["west: patch deployments checkout"]);
  });
});
