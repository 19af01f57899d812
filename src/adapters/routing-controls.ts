import {
  GetRoutingControlStateCommand,
  UpdateRoutingControlStatesCommand,
  type Route53RecoveryClusterClient,
} from "@aws-sdk/client-route53-recovery-cluster";
import { call, type CallContext, type CallOptions } from "../call.ts";
import { CannotContinue, endTheRun, messageOf } from "../errors.ts";
import { explainDenied, isRefusal } from "./aws-errors.ts";
import { neverLeft, whyUnreachable } from "./unreachable.ts";

/** One of the five endpoints of a recovery cluster; what is asked of it is signed for its region. */
export type ClusterEndpoint = { region: string; url: string };

/** The ARN of a routing control, by the region that customers are sent to while it is On. */
export type Controls = Record<string, string>;

export type ControlState = "On" | "Off";

/** By the same regions. */
export type ControlStates = Record<string, ControlState>;

/** What one endpoint told, or why it did not: the end of a sentence about it. */
export type Reading = { states: ControlStates } | { failed: string };

/** By the endpoint's region. */
export type Readings = Record<string, Reading>;

type ClientOf = (endpoint: ClusterEndpoint) => Route53RecoveryClusterClient;

/** Each a call of its own, so that the breaker of one endpoint learns nothing of another. */
const optionsFor = ({ region }: ClusterEndpoint, options?: CallOptions) => ({ ...options, target: `arc ${region}` });

/**
 * Reads routing controls at one endpoint. The five agree within 5 seconds on average, and after 15 at most; until then one
 * may tell what was before.
 *
 * @throws CannotContinue when AWS refuses our rights, or the cluster has no such routing control.
 * @see https://docs.aws.amazon.com/r53recovery/latest/dg/introduction-regions-routing.html
 */
export async function readControls(
  ctx: CallContext,
  client: Route53RecoveryClusterClient,
  { endpoint, controls }: { endpoint: ClusterEndpoint; controls: Controls },
  options?: CallOptions,
): Promise<ControlStates> {
  const read = async ([region, arn]: [string, string]) => {
    const command = new GetRoutingControlStateCommand({ RoutingControlArn: arn });
    const send = (abortSignal: AbortSignal) => client.send(command, { abortSignal });
    const { RoutingControlState: state } = await call(
      ctx,
      "arc.GetRoutingControlState",
      send,
      optionsFor(endpoint, options),
    ).catch((error: unknown) => {
      throw explain(error, `read the routing control of ${region}`, "route53-recovery-cluster:GetRoutingControlState");
    });
    return [region, state ?? "Off"] as const;
  };
  return Object.fromEntries(await Promise.all(Object.entries(controls).map(read)));
}

/**
 * Reads routing controls at as many endpoints as are enough, in the order they are given: so many are asked at once, and
 * for each that does not answer one more.
 *
 * @throws CannotContinue when nobody answered, and one refused for a reason that people can put right.
 */
export async function readEnough(
  ctx: CallContext,
  clientOf: ClientOf,
  { endpoints, controls, enough }: { endpoints: readonly ClusterEndpoint[]; controls: Controls; enough: number },
  options?: CallOptions,
): Promise<Readings> {
  const queue = [...endpoints];
  const readings: Readings = {};
  const refusals: CannotContinue[] = [];
  const ask = async (): Promise<void> => {
    const endpoint = queue.shift();
    if (!endpoint) return;
    try {
      const states = await readControls(ctx, clientOf(endpoint), { endpoint, controls }, options);
      readings[endpoint.region] = { states };
    } catch (error) {
      options?.signal?.throwIfAborted();
      if (error instanceof CannotContinue) refusals.push(error);
      readings[endpoint.region] = { failed: whyNot(error) };
      await ask();
    }
  };
  await Promise.all(Array.from({ length: enough }, ask));
  const nobody = Object.values(readings).every((reading) => "failed" in reading);
  if (nobody && refusals[0]) throw refusals[0];
  return readings;
}

/**
 * Sets routing controls, all in one change that ARC takes whole or not at all, at the first endpoint of the given order
 * that takes it. ARC has no condition for "as I saw it"; set twice, they are as set once. Safety rules are never overridden:
 * `SafetyRulesToOverride` is not sent.
 *
 * @throws CannotContinue when a safety rule refuses (`isConflict`), or every endpoint refuses for a reason that people can
 * put right. AggregateError when no endpoint took it: whether one did all the same, only a look can tell (`changedNothing`).
 * @see https://docs.aws.amazon.com/routing-control/latest/APIReference/API_UpdateRoutingControlStates.html
 */
export async function setControls(
  ctx: CallContext,
  clientOf: ClientOf,
  { endpoints, controls, states }: { endpoints: readonly ClusterEndpoint[]; controls: Controls; states: ControlStates },
  options?: CallOptions,
): Promise<void> {
  const entries = Object.entries(states).map(([region, state]) => ({
    RoutingControlArn: controls[region],
    RoutingControlState: state,
  }));
  const command = new UpdateRoutingControlStatesCommand({ UpdateRoutingControlStateEntries: entries });
  const deed = `set ${spellStates(states)}`;
  const failures: { region: string; error: unknown }[] = [];
  for (const endpoint of endpoints) {
    const send = (abortSignal: AbortSignal) => clientOf(endpoint).send(command, { abortSignal });
    try {
      await call(ctx, "arc.UpdateRoutingControlStates", send, optionsFor(endpoint, options));
      return;
    } catch (error) {
      options?.signal?.throwIfAborted();
      const explained = explain(error, deed, "route53-recovery-cluster:UpdateRoutingControlStates");
      const isKnown = failures.every((failure) => changedNothing(failure.error));
      failures.push({ region: endpoint.region, error: explained });
      if (!isConflict(explained)) continue;
      // All five hold the same rules. But one lets nobody change anything for some seconds after a change, and that may be
      // ours, taken where nobody answered.
      if (isKnown) throw explained;
      break;
    }
  }
  const errors = failures.map(({ error }) => error);
  const refusal = errors.find((error) => error instanceof CannotContinue);
  if (refusal && errors.every(changedNothing)) throw refusal;
  const reasons = failures.map(({ region, error }) => `${region} ${whyNot(error)}`);
  throw new AggregateError(errors, `no endpoint of the recovery cluster took the change: ${reasons.join("; ")}`);
}

/** Tells whether a failed change is known to have changed nothing. */
export function changedNothing(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.every(changedNothing);
  return error instanceof CannotContinue || isRefusal(error) || neverLeft(error);
}

/** Tells whether a safety rule refused a change. One that has just been met may rest: some seconds later it may not. */
export const isConflict = (error: unknown): boolean =>
  error instanceof CannotContinue && nameOf(error.cause) === "ConflictException";

/** Writes states as people say them: "us-west-2 On and us-east-1 Off". */
const spellStates = (states: ControlStates): string =>
  Object.entries(states)
    .toSorted(([, left], [, right]) => (left === right ? 0 : left === "On" ? -1 : 1))
    .map(([region, state]) => `${region} ${state}`)
    .join(" and ");

/** Why an endpoint did not do what it was asked, as the end of a sentence about it. */
function whyNot(error: unknown): string {
  const said = error instanceof CannotContinue ? error.explanation.happened : messageOf(error);
  return whyUnreachable(error) ?? `says: ${said.replace(/\.+$/, "")}`;
}

const nameOf = (error: unknown): string => (Object(error) as Partial<Error>).name ?? "";

function explain(error: unknown, deed: string, permission: string): unknown {
  const { resourceId, resourceType } = Object(error) as { resourceId?: string; resourceType?: string };
  const says = messageOf(error).replace(/\.+$/, "");
  if (nameOf(error) === "ConflictException") {
    const rule = [resourceType, resourceId].filter(Boolean).join(" ") || "ConflictException";
    return new CannotContinue(
      {
        happened: `A safety rule of the recovery cluster refused to ${deed}: ${says} (${rule}).`,
        means: "No routing control was changed, and Muster never overrides a safety rule.",
        todo: "Meet the rule, by its gating control or by changing it, then press Continue; or override it yourself in ARC, then press Continue.",
      },
      { cause: error },
    );
  }
  if (nameOf(error) === "ResourceNotFoundException") {
    return new CannotContinue(
      {
        happened: `The recovery cluster does not have ${resourceId ?? "one of the routing controls"} (ResourceNotFoundException).`,
        means: "This call changed nothing.",
        todo: `Where a run is under way ${endTheRun}. Then correct traffic.controls or traffic.endpoints in the estate and type the command anew.`,
      },
      { cause: error },
    );
  }
  return explainDenied(error, deed, permission);
}
