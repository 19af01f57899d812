import type { Clock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import { AwsRefusal, xmlList, type Xml } from "./aws-wire.ts";
import { drawDelay, type DelayName } from "./delays.ts";
import { History } from "./history.ts";
import type { Query, RdsAction } from "./rds-api.ts";
import { clusterActions, tagsXml, type ClusterSeen, type HiddenWriter } from "./rds-clusters.ts";
import type { LabRequest, RequestLog } from "./request-log.ts";

/** One cluster of a global cluster, and the real server behind it. */
export type MemberOptions = {
  id: string;
  region: string;
  host: string;
  readHost: string;
  stop(): Promise<void>;
  promote(): Promise<void>;
  /** Makes a stopped server a follower of the new primary. */
  follow(): Promise<void>;
  /** Makes a server that was left behind anew, from the new primary, as its follower. */
  rebuild(): Promise<void>;
  /** Whether it receives from the primary at this moment. */
  streams(): Promise<boolean>;
};

export type GlobalOptions = {
  id: string;
  /** The primary of the beginning first. */
  members: readonly [MemberOptions, MemberOptions];
  /** Told whenever the primary is another one: its writer endpoint is the only one that answers. */
  onPrimary(member: MemberOptions): void;
};

export type GlobalNeeds = {
  clock: Clock;
  log: RequestLog;
  random: () => number;
  signal: AbortSignal;
  inBackground(work: Promise<void>): void;
  readLagSeconds(): number;
  isDown(region: string): boolean;
  /** Clusters whose writer endpoint is not told while they are secondaries. */
  hiddenWriters: ReadonlyMap<string, HiddenWriter>;
  /** Clusters and global clusters without a tag. */
  untagged: ReadonlySet<string>;
};

/** What RDS does about global clusters. */
export type GlobalApi = {
  actions: ReadonlyMap<string, RdsAction>;
  /** Looks again who is there. To be told when a region is back. */
  regionIsBack(): void;
};

type Moving = { status: string; from: string; to: string; lossAllowed: boolean };
type State = { status: string; primary: string; moving: Moving | undefined };

const account = "123456789012";
const arnOf = ({ id, region }: { id: string; region: string }): string =>
  `arn:aws:rds:${region}:${account}:cluster:${id}`;

/**
 * Makes the actions of RDS about global clusters of Aurora that a failover calls.
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_FailoverState.html
 */
export function globalApi(options: readonly GlobalOptions[], needs: GlobalNeeds): GlobalApi {
  const globals = options.map((each) => new Global(each, needs));
  const findGlobal = ({ region, words }: Query) => {
    const id = words.get("GlobalClusterIdentifier") ?? "";
    const found = globals.find((one) => one.options.id === id.toLowerCase() && one.isIn(region));
    if (!found) throw new AwsRefusal("GlobalClusterNotFoundFault", `Global cluster ${id} not found.`, 404);
    return found;
  };
  const change = (lossAllowed: boolean): RdsAction => ({
    changes: true,
    run: async (query) => {
      const found = findGlobal(query);
      if (lossAllowed && query.words.get("AllowDataLoss") !== "true") {
        throw new AwsRefusal("InvalidParameterCombination", "Specify AllowDataLoss or Switchover.");
      }
      await found.begin(query.words.get("TargetDbClusterIdentifier") ?? "", { lossAllowed, request: query.request });
      return { GlobalCluster: await found.describe(0) };
    },
  });
  const actions = new Map<string, RdsAction>([
    [
      "DescribeGlobalClusters",
      {
        changes: false,
        run: async (query) => ({
          GlobalClusters: xmlList("GlobalClusterMember", [await findGlobal(query).describe(needs.readLagSeconds())]),
        }),
      },
    ],
    ["SwitchoverGlobalCluster", change(false)],
    ["FailoverGlobalCluster", change(true)],
    ...clusterActions((region, id) => globals.flatMap((one) => one.clusterOf(region, id) ?? [])[0], {
      hidden: needs.hiddenWriters,
      untagged: needs.untagged,
    }),
  ]);
  return {
    actions,
    regionIsBack: () => {
      for (const one of globals) one.rejoin();
    },
  };
}

class Global {
  readonly options: GlobalOptions;
  readonly #needs: GlobalNeeds;
  readonly #history: History<State>;
  /** The primary that a failover left behind. */
  #left: MemberOptions | undefined;
  #rejoins = false;

  constructor(options: GlobalOptions, needs: GlobalNeeds) {
    this.options = options;
    this.#needs = needs;
    const [primary] = options.members;
    this.#history = new History(needs.clock, { status: "available", primary: arnOf(primary), moving: undefined });
    options.onPrimary(primary);
  }

  isIn = (region: string): boolean => this.options.members.some((member) => member.region === region);

  /** Refuses what RDS refuses, and begins the rest. */
  async begin(
    targetArn: string,
    { lossAllowed, request }: { lossAllowed: boolean; request: LabRequest },
  ): Promise<void> {
    const { status, primary, moving } = this.#history.now;
    const to = this.options.members.find((member) => arnOf(member) === targetArn);
    const from = this.options.members.find((member) => arnOf(member) === primary);
    if (!to || !from) throw new AwsRefusal("DBClusterNotFoundFault", `DBCluster ${targetArn} not found.`, 404);
    if (status !== "available" || moving) {
      throw new AwsRefusal(
        "InvalidGlobalClusterStateFault",
        `Global cluster ${this.options.id} is in ${status} state.`,
      );
    }
    if (to === from) {
      throw new AwsRefusal(
        "InvalidDBClusterStateFault",
        `DBCluster ${to.id} is already the primary of the global cluster.`,
      );
    }
    if (to === this.#left) {
      throw new AwsRefusal("InvalidDBClusterStateFault", `DBCluster ${to.id} is not yet a secondary again.`);
    }
    // "This operation is intended for controlled environments": both sides must be there.
    if (!lossAllowed && (this.#needs.isDown(from.region) || !(await to.streams()))) {
      throw new AwsRefusal("InvalidGlobalClusterStateFault", `Global cluster ${this.options.id} is not synchronized.`);
    }
    const ends = { from: primary, to: targetArn, lossAllowed };
    this.#write({ moving: { ...ends, status: "pending" } });
    this.#needs.inBackground(this.#change({ from, to, ends, request }));
  }

  async #change({
    from,
    to,
    ends,
    request,
  }: {
    from: MemberOptions;
    to: MemberOptions;
    ends: Omit<Moving, "status">;
    request: LabRequest;
  }): Promise<void> {
    const { clock, log, random, signal } = this.#needs;
    const wait = async (name: DelayName) => {
      const seconds = drawDelay(name, random);
      request.delaySeconds += seconds;
      await clock.sleep(seconds, signal);
    };
    const status = ends.lossAllowed ? "failing-over" : "switching-over";
    try {
      await wait("aurora verifies the clusters");
      this.#write({ status, moving: { ...ends, status } });
      await wait("aurora changes roles");
      if (!ends.lossAllowed) await this.#work("stop", from, () => from.stop());
      await this.#work("promote", to, () => to.promote());
      request.effects.push({ target: `rds:${to.region}/${to.id}`, wanted: `primary of ${this.options.id}` });
      this.#write({ primary: arnOf(to) });
      this.options.onPrimary(to);
      if (!ends.lossAllowed) await this.#work("follow", from, () => from.follow());
      this.#write({ status: "available", moving: undefined });
      if (!ends.lossAllowed) return;
      this.#left = from;
      this.rejoin();
    } catch (error) {
      if (signal.aborted) return;
      this.#write({ status: "failed", moving: undefined });
      log.close(log.begin("rds-machine", "change of roles failed", to.id), messageOf(error));
    }
  }

  async describe(lagSeconds: number): Promise<Xml> {
    const { id, members } = this.options;
    const { status, primary, moving } = this.#history.read(lagSeconds);
    const shown = members.map(async (member) => {
      const isWriter = arnOf(member) === primary;
      const others = members.filter((other) => other !== member).map(arnOf);
      return {
        DBClusterArn: arnOf(member),
        Readers: xmlList("member", isWriter ? others : []),
        IsWriter: isWriter,
        GlobalWriteForwardingStatus: isWriter ? undefined : "disabled",
        SynchronizationStatus: isWriter || (await member.streams()) ? "connected" : "pending-resync",
      };
    });
    return {
      GlobalClusterIdentifier: id,
      GlobalClusterResourceId: "cluster-lab0123456789",
      GlobalClusterArn: `arn:aws:rds::${account}:global-cluster:${id}`,
      Status: status,
      Engine: "aurora-postgresql",
      EngineVersion: "15.18",
      StorageEncrypted: true,
      DeletionProtection: true,
      TagList: tagsXml(id, this.#needs.untagged),
      GlobalClusterMembers: xmlList("GlobalClusterMember", await Promise.all(shown)),
      FailoverState: moving && {
        Status: moving.status,
        FromDbClusterArn: moving.from,
        ToDbClusterArn: moving.to,
        IsDataLossAllowed: moving.lossAllowed,
      },
    };
  }

  clusterOf(region: string, id: string): ClusterSeen | undefined {
    const member = this.options.members.find((each) => each.region === region && [each.id, arnOf(each)].includes(id));
    if (!member) return undefined;
    const arn = arnOf(member);
    const { host, readHost } = member;
    const isPrimary = arn === this.#history.now.primary;
    return { id: member.id, arn, global: this.options.id, isPrimary, host, readHost };
  }

  /**
   * Makes the primary that a failover left behind a secondary, once its region is there: on a new volume, so that what had not
   * arrived elsewhere is gone. Meanwhile it is listed as a secondary out of step.
   * @see https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-global-database-disaster-recovery.html
   */
  rejoin(): void {
    const member = this.#left;
    if (!member || this.#rejoins || this.#needs.isDown(member.region)) return;
    this.#rejoins = true;
    this.#needs.inBackground(
      this.#rebuild(member).finally(() => {
        this.#rejoins = false;
      }),
    );
  }

  async #rebuild(member: MemberOptions): Promise<void> {
    const { clock, log, random, signal } = this.#needs;
    try {
      await clock.sleep(drawDelay("aurora rebuilds a secondary", random), signal);
      if (this.#needs.isDown(member.region)) return;
      await this.#work("rebuild", member, () => member.rebuild());
      this.#left = undefined;
    } catch (error) {
      if (!signal.aborted) log.close(log.begin("rds-machine", "rebuild failed", member.id), messageOf(error));
    }
  }

  /** Work on a real server takes wall time; while it is noted as open, no story jumps its clock over it. */
  async #work(name: string, { id }: MemberOptions, deed: () => Promise<void>): Promise<void> {
    const { log } = this.#needs;
    const entry = log.begin("rds-machine", name, id);
    await deed().finally(() => log.close(entry, "done"));
  }

  #write(change: Partial<State>): void {
    this.#history.write({ ...this.#history.now, ...change });
  }
}
