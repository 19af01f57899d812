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

  const unknown = "Look whether their access key still exists";
  const signed = "Look whether the clock of Muster's host is right";
  it.each([
    ["InvalidClientTokenId", unknown],
    ["UnrecognizedClientException", unknown],
    ["InvalidAccessKeyId", unknown],
    ["InvalidToken", unknown],
    ["SignatureDoesNotMatch", signed],
    ["InvalidSignatureException", signed],
    ["RequestTimeTooSkewed", signed],
  ])("%s is of credentials that AWS does not take, and speaks of no right", (name, todo) => {
    const error = explain(refusal(name)) as CannotContinue;
    expect(error).toBeInstanceOf(CannotContinue);
    expect(error.explanation.happened).toBe(
      `AWS did not promote checkout-db-west: it does not take Muster's credentials (${name}).`,
    );
    expect(error.explanation.todo).toMatch(new RegExp(`^${todo}.* give the process others`));
    expect(error.message).not.toContain("rds:PromoteReadReplica");
  });

  it.each(["SignatureDoesNotMatch", "InvalidSignatureException", "RequestTimeTooSkewed"])(
    "%s by a clock that is off, which the SDK has seen, is tried again by AWS's clock",
    (name) => {
      const thrown = refusal(name);
      Object.assign(thrown.$metadata, { clockSkewCorrected: true });
      expect(explain(thrown)).toBe(thrown);
      expect(messageOf(thrown)).toBe(
        `AWS did not promote checkout-db-west, because the clock of Muster's host is off (${name}); it is tried again by AWS's clock`,
      );
      for (const step of changing) expect([step.name, step.hadNoEffect?.(thrown)]).toEqual([step.name, true]);
    },
  );

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
