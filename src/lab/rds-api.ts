import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Answer } from "./api-call.ts";
import { AwsRefusal, readSignature, refusalAnswer, toXml, xmlAnswer, xmlList, type Xml } from "./aws-wire.ts";
import { arnOf, type Instance } from "./rds-instance.ts";
import type { LabRequest } from "./request-log.ts";

/** One query as it came: its words, and the region of its signature. */
export type Query = { region: string; words: URLSearchParams; request: LabRequest };

export type RdsAction = { changes: boolean; run(query: Query): Promise<Xml> };

const namespace = "http://rds.amazonaws.com/doc/2014-10-31/";

/** RDS's own answers for "it broke" and "slow down". */
export const failed = refuse(new AwsRefusal("InternalFailure", "The request processing has failed.", 500));
export const throttled = refuse(new AwsRefusal("Throttling", "Rate exceeded"));

/** Makes the two actions that a failover calls. `promote` is told of a promotion that was accepted. */
export function rdsActions(
  instances: readonly Instance[],
  readLagSeconds: () => number,
  promote: (instance: Instance, request: LabRequest) => void,
): ReadonlyMap<string, RdsAction> {
  const find = (region: string, given: string) => {
    const id = given.toLowerCase();
    const isIt = ({ options: each }: Instance) => each.region === region && [each.id, arnOf(each)].includes(id);
    const found = instances.find(isIt);
    if (!found) throw new AwsRefusal("DBInstanceNotFound", `DBInstance ${given} not found.`, 404);
    return found;
  };
  const describe = async ({ region, words }: Query): Promise<Xml> => {
    if ([...words.keys()].some((key) => key.startsWith("Filters."))) {
      throw new AwsRefusal("InvalidParameterValue", "Unrecognized filter name");
    }
    const id = words.get("DBInstanceIdentifier");
    const wanted = id ? [find(region, id)] : instances.filter((each) => each.options.region === region);
    const shown = await Promise.all(wanted.map((instance) => instance.describe(readLagSeconds())));
    return { DBInstances: xmlList("DBInstance", shown) };
  };
  const promoteReadReplica = async ({ region, words, request }: Query): Promise<Xml> => {
    const instance = find(region, words.get("DBInstanceIdentifier") ?? "");
    const backup = readBackup(words);
    instance.checkPromotable();
    instance.promoting = true;
    instance.change(backup);
    promote(instance, request);
    return { DBInstance: await instance.describe() };
  };
  return new Map([
    ["DescribeDBInstances", { changes: false, run: describe }],
    ["PromoteReadReplica", { changes: true, run: promoteReadReplica }],
  ]);
}

/** Answers one query, refusals included. `denied` are actions that the caller's role may not do. */
export async function answerQuery(
  http: IncomingMessage,
  words: URLSearchParams,
  request: LabRequest,
  { actions, denied }: { actions: ReadonlyMap<string, RdsAction>; denied: ReadonlySet<string> },
): Promise<Answer> {
  try {
    const region = readRegion(http);
    const name = words.get("Action") ?? "";
    const action = actions.get(name);
    if (!action) throw new AwsRefusal("InvalidAction", `Could not find operation ${name} for version 2014-10-31`);
    if (denied.has(name)) {
      const message = `User: arn:aws:iam::123456789012:user/lab is not authorized to perform: rds:${name}`;
      throw new AwsRefusal("AccessDenied", message, 403);
    }
    const result = await action.run({ region, words, request });
    const holds = { [`${name}Result`]: result, ResponseMetadata: { RequestId: randomUUID() } };
    return xmlAnswer(200, toXml(`${name}Response`, holds, ` xmlns="${namespace}"`));
  } catch (error) {
    if (error instanceof AwsRefusal) return refuse(error);
    throw error;
  }
}

function readRegion(http: IncomingMessage): string {
  const signature = readSignature(http);
  if (!signature) throw new AwsRefusal("MissingAuthenticationToken", "Missing Authentication Token", 403);
  if (signature.service === "rds") return signature.region;
  throw new AwsRefusal("SignatureDoesNotMatch", "Credential should be scoped to correct service: 'rds'.", 403);
}

/** Reads how backups are to be after a promotion, as RDS takes it. */
function readBackup(words: URLSearchParams): { backupDays: number; backupWindow?: string } {
  const backupDays = Number(words.get("BackupRetentionPeriod") ?? 1);
  if (!Number.isInteger(backupDays) || backupDays < 0 || backupDays > 35) {
    throw new AwsRefusal("InvalidParameterValue", `Invalid backup retention period: ${backupDays}. Must be 0 to 35.`);
  }
  const backupWindow = words.get("PreferredBackupWindow");
  if (backupWindow === null) return { backupDays };
  if (/^\d\d:\d\d-\d\d:\d\d$/.test(backupWindow)) return { backupDays, backupWindow };
  throw new AwsRefusal("InvalidParameterValue", `The parameter PreferredBackupWindow is not valid: ${backupWindow}.`);
}

/** Names what a query is about, for the log. */
export const resourceOf = (words: URLSearchParams): string =>
  words.get("DBInstanceIdentifier") ??
  words.get("TargetDbClusterIdentifier")?.split(":").at(-1) ??
  words.get("DBClusterIdentifier") ??
  words.get("GlobalClusterIdentifier") ??
  "*";

function refuse(refusal: AwsRefusal): Answer {
  return refusalAnswer(refusal, namespace);
}
