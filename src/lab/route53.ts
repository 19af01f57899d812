import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Clock } from "../clock.ts";
import { serveCall } from "./api-call.ts";
import type { Answer, Api, ApiCall } from "./api-call.ts";
import { drawDelay, quotas } from "./delays.ts";
import type { Dns } from "./dns.ts";
import { fullName } from "./dns-answers.ts";
import type { ZoneRecord } from "./dns-answers.ts";
import { HealthChecks } from "./health-checks.ts";
import type { HealthCheckConfig, Look } from "./health-checks.ts";
import { History } from "./history.ts";
import { Knobs } from "./knobs.ts";
import { listenHttp, readBody } from "./listening.ts";
import type { LabRequest, RequestLog } from "./request-log.ts";
import { answerHealthCall, healthActionOf, healthActions } from "./route53-health-api.ts";
import { documentedRefusal, readChanges, recordXml, Refused, refusal, reply } from "./route53-replies.ts";
import { hostedZoneXml, pageOf } from "./route53-pages.ts";
import { applyBatch, isSet, same } from "./route53-zone.ts";
import type { Change } from "./route53-zone.ts";
import { TokenBucket } from "./token-bucket.ts";
import { wrap, xml } from "./route53-xml.ts";

export type HostedZone = { id: string; name: string; nameServers: string[]; records: ZoneRecord[] };

type Options = {
  log: RequestLog;
  clock: Clock;
  host: string;
  port?: number;
  zone: HostedZone;
  /** Where accepted changes arrive, gradually, until they are INSYNC. */
  dns: Pick<Dns, "publish"> & Partial<Pick<Dns, "healthy">>;
  random: () => number;
  /** Asks an endpoint as a health checker does; without it every endpoint is well. */
  ask?: (config: HealthCheckConfig) => Promise<Look>;
};

export type Route53 = {
  knobs: Knobs;
  url: string;
  /** Changes that are accepted from now on stay PENDING and never reach a name server. */
  neverInsync: boolean;
  /** Refused batches answer in the older shape of the API reference instead of today's. */
  documentedErrors: boolean;
  /** Calls that the caller's role lacks: "ChangeResourceRecordSets". */
  denied: Set<string>;
  /**
   * Names of records that the caller's policy leaves out. As `ForAllValues` of
   * `route53:ChangeResourceRecordSetsNormalizedRecordNames` has it, a batch with one of them is denied as a whole.
   */
  deniedNames: Set<string>;
  /** The health checks, as the checkers have them. */
  health: HealthChecks;
  /** Refuses so many next batches because a prior one is still being processed. */
  refuseAsBusy(times: number): void;
  /** The records as the control plane holds them. */
  records(): readonly ZoneRecord[];
  /** Changes records behind everybody's back, at once and everywhere: what somebody does in the console. */
  edit(records: readonly ZoneRecord[]): void;
  close(): Promise<void>;
};

/** Opens Route 53's control plane for one zone: its API, not its name servers. */
export async function openRoute53(options: Options): Promise<Route53> {
  const { log, clock, host, port = 0, zone, dns, random, ask } = options;
  const zoneName = fullName(zone.name);
  const records = new History<readonly ZoneRecord[]>(clock, withApex(zoneName, zone));
  const changes = new Map<string, { at: Date; insyncAt: Date | undefined }>();
  const { most: perSecond } = quotas["route53 requests a second"];
  const bucket = new TokenBucket(clock, { perSecond, burst: perSecond });
  const knobs = new Knobs();
  const health = new HealthChecks({ clock, ask: ask ?? (() => Promise.resolve({ ok: true, says: "OK" })) });
  dns.healthy = ({ healthCheckId }) => healthCheckId === undefined || health.isHealthy(healthCheckId);
  let busy = 0;
  dns.publish(zoneName, records.now);

  const findZone = (id: string) => {
    if (id !== zone.id) throw new Refused(404, "NoSuchHostedZone", `No hosted zone found with ID: ${id}`);
  };
  const changeXml = (id: string) => {
    const change = changes.get(id);
    if (!change) throw new Refused(404, "NoSuchChange", `Could not find resource with ID: ${id}`);
    const insync = change.insyncAt !== undefined && clock.now() >= change.insyncAt;
    const status = xml("Status", insync ? "INSYNC" : "PENDING");
    return wrap("ChangeInfo", xml("Id", `/change/${id}`), status, xml("SubmittedAt", change.at.toISOString()));
  };

  const change = (body: string, request: LabRequest): Answer => {
    if (busy > 0) {
      busy -= 1;
      const why = "The request was rejected because Route 53 was still processing a prior request.";
      throw new Refused(400, "PriorRequestNotComplete", why);
    }
    const wanted = readChanges(body);
    const unknown = wanted.find(({ record }) => record.healthCheckId && !health.get(record.healthCheckId));
    if (unknown) {
      const id = unknown.record.healthCheckId ?? "";
      throw new Refused(404, "NoSuchHealthCheck", `No health check exists with the ID ${id}`);
    }
    request.context = conditionsOf(wanted);
    if (wanted.some(({ record }) => self.deniedNames.has(record.name.replace(/\.$/, ""))))
      throw denied("ChangeResourceRecordSets", zone.id);
    const before = records.now;
    const applied = applyBatch(zoneName, before, wanted);
    if ("refused" in applied) {
      if (self.documentedErrors) return documentedRefusal(applied.refused);
      throw new Refused(400, "InvalidChangeBatch", `[${applied.refused.join(", ")}]`);
    }
    const at = clock.now();
    const seconds = drawDelay("route53 change spreads", random);
    const insyncAt = self.neverInsync ? undefined : new Date(at.getTime() + seconds * 1000);
    request.delaySeconds += seconds;
    request.effects.push(...effectsOf(zone.id, before, applied.records, wanted));
    records.write(applied.records);
    dns.publish(zoneName, applied.records, { from: at, everywhereAt: insyncAt });
    const id = `C${randomBytes(10).toString("hex").toUpperCase()}`;
    changes.set(id, { at, insyncAt });
    return reply("ChangeResourceRecordSetsResponse", changeXml(id));
  };

  const list = (query: URLSearchParams): Answer =>
    reply("ListResourceRecordSetsResponse", ...pageOf(records.read(knobs.readLagSeconds), query, recordXml));

  const zoneXml = () => hostedZoneXml(zone.id, zoneName, records.now.length);
  const run = (action: string, id: string, query: URLSearchParams, body: string, request: LabRequest): Answer => {
    if (self.denied.has(action)) throw denied(action, zone.id);
    if (!bucket.take()) throw new Refused(400, "Throttling", "Rate exceeded");
    if (action === "GetChange") return reply("GetChangeResponse", changeXml(id));
    if (action === "ListHostedZonesByName") {
      const zones = wrap("HostedZones", zoneXml());
      return reply("ListHostedZonesByNameResponse", zones, xml("IsTruncated", false), xml("MaxItems", 100));
    }
    if (healthActions.includes(action)) return answerHealthCall(health, action, id, body);
    findZone(id);
    if (action === "ChangeResourceRecordSets") return change(body, request);
    if (action === "ListResourceRecordSets") return list(query);
    const servers = wrap("NameServers", ...zone.nameServers.map((name) => xml("NameServer", name)));
    return reply("GetHostedZoneResponse", zoneXml(), wrap("DelegationSet", servers));
  };

  const api: Api = { server: "route53", log, clock, knobs, failed, throttled };
  const listening = await listenHttp({
    host,
    port,
    knobs,
    handle: async (request, response) => serveCall(api, await readCall(request, run), response),
    onSilence: (caller) => log.unanswered("route53", "connect", "", caller),
  });
  const self: Route53 = {
    knobs,
    url: `http://${host}:${listening.port}`,
    neverInsync: false,
    documentedErrors: false,
    denied: new Set(),
    deniedNames: new Set(),
    health,
    refuseAsBusy: (times) => void (busy = times),
    records: () => records.now,
    edit(edited) {
      const kept = records.now.filter((known) => !edited.some((record) => isSet(record, known)));
      records.write([...kept, ...edited]);
      dns.publish(zoneName, records.now);
    },
    close() {
      health.close();
      return listening.close();
    },
  };
  return self;
}

type Run = (action: string, id: string, query: URLSearchParams, body: string, request: LabRequest) => Answer;

async function readCall(incoming: IncomingMessage, run: Run): Promise<ApiCall> {
  const url = new URL(incoming.url ?? "/", "http://lab");
  const body = await readBody(incoming);
  const [, , kind = "", id = "", part] = url.pathname.split("/");
  const action = actionOf(incoming.method ?? "GET", kind, id, part);
  return {
    action,
    resource: id,
    changes: action === "ChangeResourceRecordSets" || action === "CreateHealthCheck",
    run(request) {
      try {
        if (!incoming.headers.authorization) throw new Refused(403, "MissingAuthenticationToken", "Missing token");
        return run(action, decodeURIComponent(id), url.searchParams, body, request);
      } catch (error) {
        if (error instanceof Refused) return refusal(error);
        throw error;
      }
    },
  };
}

function actionOf(method: string, kind: string, id: string, part: string | undefined): string {
  if (kind === "healthcheck") return healthActionOf(method, id, part) ?? "UnknownOperation";
  if (kind === "change") return "GetChange";
  if (kind === "healthcheck") return "GetHealthCheck";
  if (kind === "hostedzonesbyname") return "ListHostedZonesByName";
  if (part !== "rrset") return "GetHostedZone";
  return method === "POST" ? "ChangeResourceRecordSets" : "ListResourceRecordSets";
}

/** What IAM would know of a batch, in its own spelling. */
function conditionsOf(wanted: readonly Change[]): Record<string, string[]> {
  const all = (of: (change: Change) => string) => [...new Set(wanted.map(of))];
  return {
    "route53:ChangeResourceRecordSetsNormalizedRecordNames": all(({ record }) => record.name.replace(/\.$/, "")),
    "route53:ChangeResourceRecordSetsRecordTypes": all(({ record }) => record.type),
    "route53:ChangeResourceRecordSetsActions": all(({ action }) => action),
  };
}

/** One effect for each name whose weights or values the batch moved. */
function effectsOf(id: string, before: readonly ZoneRecord[], after: readonly ZoneRecord[], wanted: Change[]) {
  const names = [...new Set(wanted.map((change) => change.record.name))];
  return names
    .map((name) => ({ was: named(before, name), is: named(after, name), name }))
    .filter(({ was, is }) => was.length !== is.length || !is.every((record) => was.some((old) => same(old, record))))
    .map(({ is, name }) => ({ target: `route53:${id}/${name.replace(/\.$/, "")}`, wanted: is.map(brief).join(" ") }));
}

function named(records: readonly ZoneRecord[], name: string): ZoneRecord[] {
  return records.filter((record) => record.name === name).toSorted((one, other) => rank(other) - rank(one));
}

const rank = ({ weight = 0, failover }: ZoneRecord): number => (failover === "PRIMARY" ? 1 : weight);

function brief({ setIdentifier, weight, failover, values }: ZoneRecord): string {
  return setIdentifier === undefined ? values.join(",") : `${setIdentifier}=${failover ?? weight}`;
}

function withApex(zone: string, { nameServers, records }: HostedZone): ZoneRecord[] {
  const [first = "ns.lab"] = nameServers;
  const soa = `${fullName(first)} awsdns-hostmaster.amazon.com. 1 7200 900 1209600 60`;
  return [
    { name: zone, type: "NS", ttl: 172_800, values: nameServers.map(fullName) },
    { name: zone, type: "SOA", ttl: 60, values: [soa] },
    ...records.map((record) => ({ ...record, name: fullName(record.name) })),
  ];
}

function denied(action: string, zone: string): Refused {
  const who = "User: arn:aws:iam::000000000000:user/muster is not authorized to perform";
  const why = `because no identity-based policy allows the route53:${action} action`;
  return new Refused(
    403,
    "AccessDenied",
    `${who}: route53:${action} on resource: arn:aws:route53:::hostedzone/${zone} ${why}`,
  );
}

const failed = refusal(new Refused(503, "ServiceUnavailable", "Service is unavailable; try again later."));
const throttled = refusal(new Refused(400, "Throttling", "Rate exceeded"));
