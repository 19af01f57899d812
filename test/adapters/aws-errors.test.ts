import { describe, expect, it } from "@jest/globals";
import { explainDenied, isRefusal } from "../../src/adapters/aws-errors.ts";
import { CannotContinue, messageOf } from "../../src/errors.ts";
import { flipControlObject } from "../../src/steps/flip-control-object.ts";
import { promoteReplica } from "../../src/steps/promote-replica.ts";
import { setRoutingControls } from "../../src/steps/set-routing-controls.ts";
import { shiftDns } from "../../src/steps/shift-dns.ts";
import { swapRecords } from "../../src/steps/swap-records.ts";
import { switchGlobalCluster } from "../../src/steps/switch-global-cluster.ts";

/** An error as the SDK throws it. */
const refusal = (name: string, httpStatusCode = 403) =>
  Object.assign(new Error("The security token included in the request is not valid."), {
    name,
    $metadata: { httpStatusCode },
  });
const explain = (error: unknown) => explainDenied(error, "promote checkout-db-west", "rds:PromoteReadReplica");

const changing = [promoteReplica, switchGlobalCluster, shiftDns, swapRecords, flipControlObject, setRoutingControls];

describe("a refusal by AWS", () => {
  it.each([
    ["AccessDenied", true],
    ["AccessDeniedException", true],
    ["UnauthorizedOperation", true],
    ["InvalidClientTokenId", true],
    ["SignatureDoesNotMatch", true],
    ["ExpiredToken", false],
    ["ExpiredTokenException", false],
    ["Throttling", false],
    ["InvalidDBInstanceState", false],
    ["InternalFailure", false],
  ])("%s is for a person: %s", (name, forPerson) => {
    const error = explain(refusal(name));
    expect(error instanceof CannotContinue).toBe(forPerson);
    expect((error as Error).message.includes("Give Muster's role rds:PromoteReadReplica")).toBe(forPerson);
  });

  it.each(["ExpiredToken", "ExpiredTokenException"])(
    "%s says that the credentials have expired, and changed nothing: each step tries again",
    (name) => {
      const thrown = refusal(name, 400);
      const error = explain(thrown);
      expect(error).toBe(thrown);
      expect(isRefusal(error)).toBe(true);
      expect(messageOf(error)).toBe(
        `AWS did not promote checkout-db-west, because Muster's credentials have expired (${name}); it is tried again with fresh credentials`,
      );
      for (const step of changing) expect([step.name, step.hadNoEffect?.(error)]).toEqual([step.name, true]);
    },
  );
});
