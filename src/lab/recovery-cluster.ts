import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "../clock.ts";
import { serveCall, type Answer } from "./api-call.ts";
import { AwsRefusal, readSignature } from "./aws-wire.ts";
import { History } from "./history.ts";
import { Knobs } from "./knobs.ts";
import { listenHttp, readBody, type Listening } from "./listening.ts";
import { failed, jsonAnswer, refusalJson, ResourceRefusal, throttled } from "./recovery-answers.ts";
import { refusingRule, type RoutingControl, type SafetyRule } from "./recovery-rules.ts";
import type { LabRequest, RequestLog } from "./request-log.ts";

/** The regions in which every recovery cluster has an endpoint. */
export const clusterRegions = ["us-east-1", "us-west-2", "eu-west-1", "ap-northeast-1", "ap-southeast-2"] as const;

/** So many endpoints must be up for a change: the cluster agrees by majority. */
const majority = 3;

type Options = {
  log: RequestLog;
  clock: Clock;
  host: string;
  /** The control panel's name: what its changes are logged under. */
  panel: string;
  controls: readonly RoutingControl[];
  rules: SafetyRule[];
};

/** A recovery cluster of ARC: routing controls behind five endpoints, one a region, over AWS JSON 1.0. */
export type RecoveryCluster = {
  endpoints: { region: string; url: string }[];
  /** By region. What an endpoint did not take itself it shows after `readLagSeconds`. */
  knobs: Record<string, Knobs>;
  /** Calls that the caller's role lacks: "UpdateRoutingControlStates". */
  denied: Set<string>;
  rules: SafetyRule[];
  /** Takes one region's endpoint down, or brings it back. */
  setRegion(region: string, down: Knobs["down"]): void;
  /** Whether a control is On; undefined where there is none. */
  isOn(arn: string): boolean | undefined;
  /** Switches a control behind everybody's back, past every rule: what somebody does in the console. */
  set(arn: string, on: boolean): void;
  close(): Promise<void>;
};

/** What is agreed on, and at which endpoint it was last changed. */
type Agreed = { controls: readonly RoutingControl[]; via: string | undefined };

/**
 * Opens a recovery cluster on an address of the lab.
 * @see https://docs.aws.amazon.com/r53recovery/latest/dg/introduction-regions-routing.html
 */
export async function openRecoveryCluster(options: Options): Promise<RecoveryCluster> {
  const { log, clock, host, panel, rules } = options;
  const agreed = new History<Agreed>(clock, { controls: options.controls, via: undefined });
  const changedAt = new Map<string, number>();
  const denied = new Set<string>();
  const knobs: Record<string, Knobs> = {};
  const endpoints: { region: string; url: string }[] = [];
  const listenings: Listening[] = [];

  const shownIn = (region: string): readonly RoutingControl[] => {
    const { now } = agreed;
    const lagSeconds = now.via === region ? 0 : (knobs[region]?.readLagSeconds ?? 0);
    return agreed.read(lagSeconds).controls;
  };
  const find = (controls: readonly RoutingControl[], arn: string) => {
    const found = controls.find((control) => control.arn === arn);
    if (found) return found;
    const resource = { resourceId: arn, resourceType: "RoutingControl" };
    throw new ResourceRefusal("ResourceNotFoundException", `The routing control ${arn} was not found`, resource);
  };

  const get = (region: string, arn: string): Answer => {
    const { name, on } = find(shownIn(region), arn);
    return jsonAnswer(200, {
      RoutingControlArn: arn,
      RoutingControlName: name,
      RoutingControlState: on ? "On" : "Off",
    });
  };

  const update = (region: string, entries: readonly Entry[], request: LabRequest): Answer => {
    if (Object.values(knobs).filter(({ down }) => !down).length < majority) {
      throw new AwsRefusal("EndpointTemporarilyUnavailableException", "The cluster endpoint is not available");
    }
    const before = agreed.now.controls;
    for (const { RoutingControlArn: arn } of entries) find(before, arn);
    const wanted = new Map(entries.map((entry) => [entry.RoutingControlArn, entry.RoutingControlState === "On"]));
    const after = before.map((control) => ({ ...control, on: wanted.get(control.arn) ?? control.on }));
    const now = clock.now().getTime();
    const refusing = refusingRule(rules, { before, after, arns: [...wanted.keys()], changedAt, now });
    if (refusing) {
      const resource = { resourceId: refusing.rule.arn, resourceType: "SafetyRule" };
      throw new ResourceRefusal("ConflictException", refusing.why, resource);
    }
    const changed = after.filter(({ on }, index) => on !== before[index]?.on);
    for (const { arn } of changed) changedAt.set(arn, now);
    if (changed.length > 0) {
      agreed.write({ controls: after, via: region });
      const states = changed.map(({ name, on }) => `${name}=${on ? "On" : "Off"}`);
      request.effects.push({ target: `arc:controls/${panel}`, wanted: states.toSorted().join(" ") });
    }
    return jsonAnswer(200, {});
  };

  const answer = (http: IncomingMessage, { region, action, input, request }: Call): Answer => {
    try {
      const signature = readSignature(http);
      if (!signature) throw new AwsRefusal("MissingAuthenticationTokenException", "Missing Authentication Token", 403);
      if (signature.service !== "route53-recovery-cluster" || signature.region !== region) {
        throw new AwsRefusal("InvalidSignatureException", `Credential should be scoped to ${region}`, 403);
      }
      if (denied.has(action)) {
        const who = "User: arn:aws:iam::123456789012:user/lab is not authorized to perform";
        throw new AwsRefusal("AccessDeniedException", `${who}: route53-recovery-cluster:${action}`);
      }
      const { RoutingControlArn: arn = "", UpdateRoutingControlStateEntries: entries = [] } = input;
      if (action === "GetRoutingControlState") return get(region, arn);
      if (action === "UpdateRoutingControlStates") return update(region, entries, request);
      throw new AwsRefusal("UnknownOperationException", `The lab has no operation ${action}`);
    } catch (error) {
      if (error instanceof ResourceRefusal) return refusalJson(error, error.resource);
      if (error instanceof AwsRefusal) return refusalJson(error);
      throw error;
    }
  };

  for (const region of clusterRegions) {
    const own = (knobs[region] = new Knobs());
    const handle = async (http: IncomingMessage, response: ServerResponse) => {
      const input = JSON.parse((await readBody(http)) || "{}") as Input;
      const action = String(http.headers["x-amz-target"] ?? "").replace(/^ToggleCustomerAPI\./, "");
      const run = (request: LabRequest) => {
        if (input.UpdateRoutingControlStateEntries) request.context = conditionsOf(input);
        return answer(http, { region, action, input, request });
      };
      const call = { action, resource: arnsOf(input), changes: action.startsWith("Update"), run };
      await serveCall({ server: "arc", log, clock, knobs: own, failed, throttled }, call, response);
    };
    const onSilence = (caller: Parameters<RequestLog["unanswered"]>[3]) =>
      log.unanswered("arc", "connect", region, caller);
    const listening = await listenHttp({ host, knobs: own, handle, onSilence });
    listenings.push(listening);
    endpoints.push({ region, url: `http://${host}:${listening.port}/v1` });
  }
  return {
    endpoints,
    knobs,
    denied,
    rules,
    setRegion(region, down) {
      const own = knobs[region];
      if (own) own.down = down;
    },
    isOn: (arn) => agreed.now.controls.find((control) => control.arn === arn)?.on,
    set(arn, on) {
      const controls = agreed.now.controls.map((control) => (control.arn === arn ? { ...control, on } : control));
      agreed.write({ controls, via: undefined });
    },
    async close() {
      await Promise.all(listenings.map((listening) => listening.close()));
    },
  };
}

type Entry = { RoutingControlArn: string; RoutingControlState: string };
type Input = {
  RoutingControlArn?: string;
  UpdateRoutingControlStateEntries?: Entry[];
  SafetyRulesToOverride?: string[];
};
type Call = { region: string; action: string; input: Input; request: LabRequest };

/** On what a call is, as IAM asks: every control, with spaces between. */
function arnsOf({ RoutingControlArn: arn, UpdateRoutingControlStateEntries: entries = [] }: Input): string {
  return [...(arn ? [arn] : []), ...entries.map((entry) => entry.RoutingControlArn)].join(" ");
}

/** What IAM would know of a change. */
const conditionsOf = ({ SafetyRulesToOverride: rules = [] }: Input): Record<string, string[]> => ({
  "route53-recovery-cluster:AllowSafetyRulesOverrides": [String(rules.length > 0)],
});
