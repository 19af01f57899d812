import type { Answer } from "./api-call.ts";
import type { HealthCheck, HealthCheckConfig, HealthChecks } from "./health-checks.ts";
import { Refused, reply } from "./route53-replies.ts";
import { childrenOf, parseXml, textOf, wrap, xml } from "./route53-xml.ts";
import type { Element } from "./route53-xml.ts";

/** The calls about health checks that the lab's Route 53 takes. */
export const healthActions = ["CreateHealthCheck", "GetHealthCheck", "GetHealthCheckStatus", "ListHealthChecks"];

/** Names the call of a request to /healthcheck; undefined for one that the lab does not take. */
export function healthActionOf(method: string, id: string, part: string | undefined): string | undefined {
  if (id === "") return { POST: "CreateHealthCheck", GET: "ListHealthChecks" }[method];
  if (method !== "GET") return undefined;
  return part === "status" ? "GetHealthCheckStatus" : part === undefined ? "GetHealthCheck" : undefined;
}

/**
 * Answers one call about health checks.
 * @see https://docs.aws.amazon.com/Route53/latest/APIReference/API_CreateHealthCheck.html
 */
export function answerHealthCall(checks: HealthChecks, action: string, id: string, body: string): Answer {
  if (action === "CreateHealthCheck") return create(checks, body);
  if (action === "ListHealthChecks") {
    const list = wrap("HealthChecks", ...checks.all.map(checkXml));
    return reply("ListHealthChecksResponse", list, xml("Marker", ""), xml("IsTruncated", false), xml("MaxItems", 100));
  }
  const check = checks.get(id);
  if (!check) throw new Refused(404, "NoSuchHealthCheck", `No health check exists with the ID ${id}`);
  if (action === "GetHealthCheck") return reply("GetHealthCheckResponse", checkXml(check));
  return reply("GetHealthCheckStatusResponse", wrap("HealthCheckObservations", ...observations(check)));
}

/** The same reference with the same settings is the same check; with others, or that of a deleted check, it is refused. */
function create(checks: HealthChecks, body: string): Answer {
  const root = parseXml(body);
  const reference = textOf(root, "CallerReference") ?? "";
  const config = readConfig(childrenOf(root, "HealthCheckConfig")[0]);
  if (checks.wasDeleted(reference)) {
    const why = `A health check with the caller reference ${reference} was created and deleted before`;
    throw new Refused(409, "HealthCheckAlreadyExists", why);
  }
  const known = checks.all.find((check) => check.reference === reference);
  if (known && JSON.stringify(known.config) !== JSON.stringify(config)) {
    const why = `A health check with the caller reference ${reference} already exists, and its settings differ`;
    throw new Refused(409, "HealthCheckAlreadyExists", why);
  }
  const check = known ?? checks.create(reference, config);
  return { ...reply("CreateHealthCheckResponse", checkXml(check)), status: 201 };
}

function readConfig(element: Element | undefined): HealthCheckConfig {
  const text = (name: string) => textOf(element, name);
  const type = text("Type") ?? "";
  if (!isType(type)) throw new Refused(400, "InvalidInput", `The lab has no health checks of type ${type}`);
  const intervalSeconds = Number(text("RequestInterval") ?? 30);
  if (intervalSeconds !== 10 && intervalSeconds !== 30) {
    throw new Refused(400, "InvalidInput", `Invalid parameter : RequestInterval must be 10 or 30`);
  }
  const [host, path, routingControl] = [
    text("FullyQualifiedDomainName"),
    text("ResourcePath"),
    text("RoutingControlArn"),
  ];
  return {
    type,
    intervalSeconds,
    failureThreshold: Number(text("FailureThreshold") ?? 3),
    inverted: text("Inverted") === "true",
    disabled: text("Disabled") === "true",
    ...(host ? { host } : {}),
    ...(type === "RECOVERY_CONTROL" ? {} : { port: Number(text("Port") ?? (type === "HTTPS" ? 443 : 80)) }),
    ...(path ? { path } : {}),
    ...(routingControl ? { routingControl } : {}),
  };
}

const isType = (type: string): type is HealthCheckConfig["type"] =>
  ["HTTP", "HTTPS", "RECOVERY_CONTROL"].includes(type);

function checkXml({ id, reference, version, config }: HealthCheck): string {
  const { type, intervalSeconds, failureThreshold, inverted, disabled, host, port, path, routingControl } = config;
  return wrap(
    "HealthCheck",
    xml("Id", id),
    xml("CallerReference", reference),
    wrap(
      "HealthCheckConfig",
      xml("Port", port),
      xml("Type", type),
      xml("ResourcePath", path),
      xml("FullyQualifiedDomainName", host),
      xml("RequestInterval", type === "RECOVERY_CONTROL" ? undefined : intervalSeconds),
      xml("FailureThreshold", type === "RECOVERY_CONTROL" ? undefined : failureThreshold),
      xml("Inverted", inverted),
      xml("Disabled", disabled),
      xml("RoutingControlArn", routingControl),
    ),
    xml("HealthCheckVersion", version),
  );
}

/** Real checkers are fifteen or more, and do not agree at every moment; these three do. They tell of the endpoint, not of the inversion. */
function observations({ last }: HealthCheck): string[] {
  if (!last) return [];
  return ["us-east-1", "us-west-2", "eu-west-1"].map((region, index) =>
    wrap(
      "HealthCheckObservation",
      xml("Region", region),
      xml("IPAddress", `15.177.${index}.1`),
      wrap(
        "StatusReport",
        xml("Status", `${last.ok ? "Success" : "Failure"}: ${last.says}`),
        xml("CheckedTime", last.at.toISOString()),
      ),
    ),
  );
}
