import {
  CreateHealthCheckCommand,
  GetHealthCheckCommand,
  GetHealthCheckStatusCommand,
  ListHealthChecksCommand,
} from "@aws-sdk/client-route-53";
import type {
  HealthCheck as Described,
  HealthCheckConfig,
  HealthCheckObservation,
  Route53Client,
} from "@aws-sdk/client-route-53";
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

/** Under how many names a check is tried: Route 53 takes no name of a deleted check again, for days. */
const mostNames = 10;

/**
 * Makes the health check by which an object decides: inverted, so that the object's absence, and the silence of the region
 * it would be in, both leave the check healthy. Only an object that checkers can read makes it unhealthy. Asked twice with
 * the same name it makes one.
 *
 * Route 53 refuses the name of a deleted check for a number of days, whatever the settings. Then the check is made under
 * "name-2", "name-3" and so on, in this order, so that whoever asks again after a crash comes to the same one. Only where
 * Route 53 forgot an earlier name in between is another made; the first is then left, and used by nobody.
 *
 * An inverted check counts as unhealthy until its checkers have looked: wait for `isHealthy` before a record gets it.
 *
 * @throws CannotContinue when the name is another check's, all of its names are of deleted ones, or AWS refuses our rights.
 * @see https://docs.aws.amazon.com/Route53/latest/APIReference/API_CreateHealthCheck.html
 */
export async function createObjectCheck(
  ctx: PacedContext,
  route53: Route53Client,
  { name, host, path }: { name: string; host: string; path: string },
  options?: CallOptions,
): Promise<HealthCheck> {
  const config: HealthCheckConfig = {
    Type: "HTTPS",
    FullyQualifiedDomainName: host,
    Port: 443,
    ResourcePath: path,
    RequestInterval: 10,
    FailureThreshold: 3,
    Inverted: true,
    EnableSNI: true,
  };
  let listed: ReadonlyMap<string, string> | undefined;
  for (let attempt = 1; attempt <= mostNames; attempt += 1) {
    const reference = attempt === 1 ? name : `${name}-${attempt}`;
    const made = await createUnderName(ctx, route53, { reference, config }, options);
    if (made) return made;
    listed ??= await listReferences(ctx, route53, options);
    const id = listed.get(reference);
    if (id !== undefined) throw madeOtherwise(id, reference);
  }
  throw allDeleted(name);
}

/** Makes a check, or finds the one of that name; undefined where Route 53 does not take the name for these settings. */
async function createUnderName(
  ctx: PacedContext,
  route53: Route53Client,
  { reference, config }: { reference: string; config: HealthCheckConfig },
  options?: CallOptions,
): Promise<HealthCheck | undefined> {
  const command = new CreateHealthCheckCommand({ CallerReference: reference, HealthCheckConfig: config });
  const send = (abortSignal: AbortSignal) => route53.send(command, { abortSignal });
  await pace(ctx, route53, options?.signal);
  try {
    const { HealthCheck: made } = await call(ctx, "route53.CreateHealthCheck", send, options);
    return describe(made, made?.Id ?? "");
  } catch (error) {
    if ((error as Error).name === "HealthCheckAlreadyExists") return undefined;
    throw explainDenied(error, "make a health check", "route53:CreateHealthCheck");
  }
}

/** Lists the names that the account's checks were made under, with their ids, a hundred a page. */
async function listReferences(
  ctx: PacedContext,
  route53: Route53Client,
  options?: CallOptions,
): Promise<ReadonlyMap<string, string>> {
  const ids = new Map<string, string>();
  for (let marker: string | undefined, more = true; more;) {
    const command = new ListHealthChecksCommand({ Marker: marker });
    const send = (abortSignal: AbortSignal) => route53.send(command, { abortSignal });
    await pace(ctx, route53, options?.signal);
    const page = await call(ctx, "route53.ListHealthChecks", send, options).catch((error: unknown) => {
      throw explainDenied(error, "list the health checks", "route53:ListHealthChecks");
    });
    for (const { Id, CallerReference } of page.HealthChecks ?? [])
      if (CallerReference && Id) ids.set(CallerReference, Id);
    [marker, more] = [page.NextMarker, page.IsTruncated === true && page.NextMarker !== undefined];
  }
  return ids;
}

const madeOtherwise = (id: string, name: string): CannotContinue =>
  new CannotContinue({
    happened: `The health check ${id} was made before under the name ${name}, and has other settings now.`,
    means: "No record was changed.",
    todo: "Delete it in Route 53 where no record uses it, or give the control object another key, then try again.",
  });

const allDeleted = (name: string): CannotContinue =>
  new CannotContinue({
    happened: `Route 53 takes none of the names ${name} to ${name}-${mostNames}: checks of these names were deleted, and it remembers them for days.`,
    means: "No record was changed.",
    todo: "Give the control object another key, or try again in some days.",
  });

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
