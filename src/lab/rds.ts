import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "../clock.ts";
import { serveCall } from "./api-call.ts";
import { readSignature } from "./aws-wire.ts";
import { Knobs } from "./knobs.ts";
import { listenHttp, readBody } from "./listening.ts";
import { answerQuery, failed, rdsActions, resourceOf, throttled } from "./rds-api.ts";
import type { HiddenWriter } from "./rds-clusters.ts";
import { globalApi, type GlobalOptions } from "./rds-global.ts";
import { arnOf, Instance, type InstanceOptions } from "./rds-instance.ts";
import { runPromotion } from "./rds-promotion.ts";
import type { LabRequest, RequestLog } from "./request-log.ts";

export type { InstanceOptions, RdsMachine } from "./rds-instance.ts";

/** RDS, as far as a failover calls it. One endpoint serves all regions: it reads the region from the signature. */
export type Rds = {
  url: string;
  knobs: Knobs;
  /** Actions that the caller's role may not do: "PromoteReadReplica". */
  denied: Set<string>;
  /** Clusters of Aurora whose writer endpoint is not told while they are secondaries, by their ids. */
  hiddenWriters: Map<string, HiddenWriter>;
  /** Clusters of Aurora and global clusters that have no tag, by their ids; the others have dr-managed=true. */
  untagged: Set<string>;
  /** Takes one region's control plane down, or brings it back. */
  setRegion(region: string, down: Knobs["down"]): void;
  /** Instances that get into this status stay in it until `unstick`. */
  stuckIn(status: string): void;
  unstick(): void;
  /** Puts an instance into a status; it is available again after so many lab seconds, or never. */
  setStatus(id: string, status: string, forSeconds?: number): void;
  /** Gives an instance these tags, and takes away those it has. */
  setTags(id: string, tags: Readonly<Record<string, string>>): void;
  /** Tells what is true of an instance now, whatever reads show. */
  get(id: string): { status: string; source: string | undefined; promoting: boolean; backupDays: number };
  close(): Promise<void>;
};

export type RdsOptions = {
  log: RequestLog;
  clock: Clock;
  address: string;
  port?: number;
  instances: readonly InstanceOptions[];
  /** Global clusters of Aurora; none, when left out. */
  globals?: readonly GlobalOptions[];
  random?: () => number;
};

/** Opens RDS on an address of the lab. */
export async function openRds(options: RdsOptions): Promise<Rds> {
  const { log, clock, address, port = 0, random = Math.random } = options;
  const knobs = new Knobs();
  const denied = new Set<string>();
  const regionsDown = new Map<string, Knobs["down"]>();
  const stuck = new Stuck();
  const closing = new AbortController();
  const background = new Set<Promise<void>>();
  const instances = options.instances.map((each) => new Instance(each, replicasOf(each, options.instances), clock));

  const find = (id: string) => {
    const found = instances.find((instance) => instance.options.id === id);
    if (!found) throw new Error(`The lab's RDS has no instance ${id}.`);
    return found;
  };
  const inBackground = (work: Promise<void>) => {
    background.add(work);
    void work.finally(() => background.delete(work));
  };
  const promote = (instance: Instance, request: LabRequest) => {
    const name = instance.state.source;
    const source = instances.find(({ options: each }) => name === each.id || name === arnOf(each));
    const unstuck = () => stuck.wait(instance, closing.signal);
    inBackground(runPromotion(instance, request, { clock, log, random, signal: closing.signal, unstuck, source }));
  };
  const returnToAvailable = async (instance: Instance, status: string, seconds: number) => {
    await clock.sleep(seconds, closing.signal).catch((error: unknown) => {
      if (!closing.signal.aborted) throw error;
    });
    if (instance.state.status === status) instance.change({ status: "available" });
  };

  const hiddenWriters = new Map<string, HiddenWriter>();
  const untagged = new Set<string>();
  const aurora = globalApi(options.globals ?? [], {
    clock,
    log,
    random,
    signal: closing.signal,
    inBackground,
    readLagSeconds: () => knobs.readLagSeconds,
    isDown: (region) => Boolean(regionsDown.get(region)),
    hiddenWriters,
    untagged,
  });
  const actions = new Map([...rdsActions(instances, () => knobs.readLagSeconds, promote), ...aurora.actions]);
  const api = { server: "rds", log, clock, knobs, failed, throttled };
  const handle = async (http: IncomingMessage, response: ServerResponse) => {
    const words = new URLSearchParams(await readBody(http));
    const action = words.get("Action") ?? "";
    const region = readSignature(http)?.region ?? "nowhere";
    const resource = `${region}/${resourceOf(words)}`;
    const down = regionsDown.get(region);
    if (down) {
      if (down === "silent") return log.unanswered("rds", action, resource, response);
      log.close(log.begin("rds", action, resource), down);
      http.socket.destroy();
      return;
    }
    const run = (request: LabRequest) => answerQuery(http, words, request, { actions, denied });
    await serveCall(api, { action, resource, changes: actions.get(action)?.changes ?? false, run }, response);
  };
  const listening = await listenHttp({
    host: address,
    port,
    knobs,
    handle,
    onSilence: (caller) => log.unanswered("rds", "connect", "", caller),
  });

  return {
    url: `http://${address}:${listening.port}`,
    knobs,
    denied,
    hiddenWriters,
    untagged,
    setRegion: (region, down) => {
      regionsDown.set(region, down);
      if (!down) aurora.regionIsBack();
    },
    stuckIn: (status) => stuck.add(status),
    unstick: () => stuck.free(),
    setStatus: (id, status, forSeconds) => {
      find(id).change({ status });
      if (forSeconds !== undefined) inBackground(returnToAvailable(find(id), status, forSeconds));
    },
    setTags: (id, tags) => find(id).change({ tags }),
    get: (id) => ({ ...find(id).state, promoting: find(id).promoting }),
    close: async () => {
      closing.abort();
      stuck.free();
      await listening.close();
      await Promise.allSettled(background);
    },
  };
}

/** The statuses that instances do not leave by themselves. */
class Stuck {
  #statuses = new Set<string>();
  #freed = Promise.withResolvers<void>();

  add(status: string): void {
    this.#statuses.add(status);
  }

  free(): void {
    this.#statuses.clear();
    this.#freed.resolve();
    this.#freed = Promise.withResolvers();
  }

  async wait({ state }: Instance, signal: AbortSignal): Promise<void> {
    while (this.#statuses.has(state.status)) await this.#freed.promise;
    signal.throwIfAborted();
  }
}

function replicasOf(source: InstanceOptions, all: readonly InstanceOptions[]): string[] {
  const replicas = all.filter((each) => each.source?.id === source.id && each.source.region === source.region);
  return replicas.map((each) => (each.region === source.region ? each.id : arnOf(each)));
}
