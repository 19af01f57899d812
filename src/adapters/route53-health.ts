import { CreateHealthCheckCommand, GetHealthCheckCommand, GetHealthCheckStatusCommand } from "@aws-sdk/client-route-53";
import type { HealthCheck as Described, HealthCheckObservation, Route53Client } from "@aws-sdk/client-route-53";
import { call, type CallOptions } from "../call.ts";
import { CannotContinue } from "../errors.ts";
import { explainDenied } from "./aws-errors.ts";
import { pace, type PacedContext } from "./route53-pace.ts";

/** A health check as the control plane in us-east-1 describes it. */
export type HealthCheck = {
  id: string;
  /** "HTTPS", "CALCULATED", "RECOVERY_CONTROL"... */
  type: string;
  /** It says the opposite of what its endpoint is. */
  inverted: boolean;
  /** Route 53 takes it for healthy, always; inverted, for unhealthy. */
  disabled: boolean;
  /** Seconds between two looks, and how many in a row change its mind. */
  intervalSeconds: number;
  failureThreshold: number;
  host?: string;
  path?: string;
  /** The ARN of the routing control it follows. */
  routingControl?: string;
};

/** Route 53 takes an endpoint for healthy when more than this share of its checkers do. */
const healthyShare = 0.18;

/** Looks at one health check. @throws NoSuchHealthCheck as it is when it is not there. */
export async function getHealthCheck(
  ctx: PacedContext,
  route53: Route53Client,
  id: string,
  options?: CallOptions,
): Promise<HealthCheck> {
  const send = (abortSignal: AbortSignal) =>
    route53.send(new GetHealthCheckCommand({ HealthCheckId: id }), { abortSignal });
  await pace(ctx, route53, options?.signal);
  const found = await call(ctx, "route53.GetHealthCheck", send, options).catch((error: unknown) => {
    throw explainDenied(error, `look at the health check ${id}`, "route53:GetHealthCheck");
  });
  return describe(found.HealthCheck, id);
}

/**
 * Tells what DNS makes of a health check now, its inversion included; undefined before any checker has told. For people who
 * look: AWS asks that nothing in a loop stands on this call.
 * @see https://docs.aws.amazon.com/Route53/latest/APIReference/API_GetHealthCheckStatus.html
 */
export async function isHealthy(
  ctx: PacedContext,
  route53: Route53Client,
  check: HealthCheck,
  options?: CallOptions,
): Promise<boolean | undefined> {
  if (check.disabled) return !check.inverted;
  const command = new GetHealthCheckStatusCommand({ HealthCheckId: check.id });
  const send = (abortSignal: AbortSignal) => route53.send(command, { abortSignal });
  await pace(ctx, route53, options?.signal);
  const found = await call(ctx, "route53.GetHealthCheckStatus", send, options).catch((error: unknown) => {
    throw explainDenied(error, `ask the health check ${check.id}`, "route53:GetHealthCheckStatus");
  });
  const share = shareOf(found.HealthCheckObservations ?? []);
  return share === undefined ? undefined : share > healthyShare !== check.inverted;
}

/**
 * Makes the health check by which an object decides: inverted, so that the object's absence, and the silence of the region
 * it would be in, both leave the check healthy. Only an object that checkers can read makes it unhealthy. Asked twice with
 * the same name it makes one.
 *
 * An inverted check counts as unhealthy until its checkers have looked: wait for `isHealthy` before a record gets it.
 *
 * @throws CannotContinue when the name was used for another check, or AWS refuses our rights.
 * @see https://docs.aws.amazon.com/Route53/latest/APIReference/API_CreateHealthCheck.html
 */
export async function createObjectCheck(
  ctx: PacedContext,
  route53: Route53Client,
  { name, host, path }: { name: string; host: string; path: string },
  options?: CallOptions,
): Promise<HealthCheck> {
  const command = new CreateHealthCheckCommand({
    CallerReference: name,
    HealthCheckConfig: {
      Type: "HTTPS",
      FullyQualifiedDomainName: host,
      Port: 443,
      ResourcePath: path,
      RequestInterval: 10,
      FailureThreshold: 3,
      Inverted: true,
      EnableSNI: true,
    },
  });
  const send = (abortSignal: AbortSignal) => route53.send(command, { abortSignal });
  try {
    const { HealthCheck: made } = await call(ctx, "route53.CreateHealthCheck", send, options);
    return describe(made, made?.Id ?? "");
  } catch (error) {
    if ((error as Error).name !== "HealthCheckAlreadyExists") {
      throw explainDenied(error, "make a health check", "route53:CreateHealthCheck");
    }
    const happened = `A health check was made before under the name ${name}, with other settings.`;
    const todo = "Delete it in Route 53, or give the control object another key, then try again.";
    throw new CannotContinue({ happened, means: "No record was changed.", todo }, { cause: error });
  }
}

function describe(found: Described | undefined, id: string): HealthCheck {
  const config = found?.HealthCheckConfig;
  const [host, path] = [config?.FullyQualifiedDomainName ?? config?.IPAddress, config?.ResourcePath];
  return {
    id,
    type: config?.Type ?? "unknown",
    inverted: config?.Inverted ?? false,
    disabled: config?.Disabled ?? false,
    intervalSeconds: config?.RequestInterval ?? 30,
    failureThreshold: config?.FailureThreshold ?? 3,
    ...(host ? { host } : {}),
    ...(path ? { path } : {}),
    ...(config?.RoutingControlArn ? { routingControl: config.RoutingControlArn } : {}),
  };
}

/** The share of checkers to whom the endpoint is well, whatever the check makes of it. */
function shareOf(observations: readonly HealthCheckObservation[]): number | undefined {
  const told = observations.flatMap(({ StatusReport }) => (StatusReport?.Status ? [StatusReport.Status] : []));
  if (told.length === 0) return undefined;
  return told.filter((status) => status.startsWith("Success")).length / told.length;
}
