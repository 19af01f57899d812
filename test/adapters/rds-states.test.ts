import { describe, expect, it } from "@jest/globals";
import { stateOf } from "../../src/adapters/rds-states.ts";
import { promoteReplica, type PromoteReplicaSeen } from "../../src/steps/promote-replica.ts";
import { inputs } from "../steps/inputs.ts";

const input = inputs.promoteReplica;
const replica = (status: string): PromoteReplicaSeen => ({
  status,
  sourceId: "checkout-db",
  replication: "replicating",
  inRecovery: true,
  promotedAt: null,
});
const promoted = (status: string): PromoteReplicaSeen => ({
  ...replica(status),
  sourceId: null,
  replication: null,
  inRecovery: false,
});

describe("a status of an RDS instance", () => {
  it.each([
    ["available", "yes", true, false],
    ["storage-optimization", "yes", true, false],
    ["storage-initialization", "yes", true, false],
    ["backing-up", "later", true, false],
    ["modifying", "later", false, false],
    ["configuring-enhanced-monitoring", "later", false, false],
    ["storage-config-upgrade", "later", false, false],
    ["storage-full", "no", false, true],
    ["incompatible-network", "no", false, true],
    ["stopped", "no", false, true],
    ["a word of next year", "no", false, false],
  ] as const)("%s", (status, promotes, serves, isHopeless) => {
    expect(stateOf(status)).toEqual({ promotes, serves, isHopeless });
    // What the card calls fit the step promotes, and it waits for nothing else; what serves ends it.
    expect(promoteReplica.notYet?.(replica(status), input, {}) === undefined).toBe(promotes === "yes");
    expect(promoteReplica.missing(promoted(status), input, {}) === undefined).toBe(serves);
  });
});
