import type { RoleChange } from "../../src/adapters/rds-global.ts";
import type { ClusterEndpoint } from "../../src/adapters/routing-controls.ts";
import {
  clusterHostOf,
  clustersOf,
  control,
  endpointOf,
  east,
  globalOf,
  hostOf,
  instances,
  record,
  routingControls,
  west,
  zone,
} from "../../src/lab/estate.ts";
import { homeOf } from "../../src/lab/gitops.ts";
import type { GitOpsTarget } from "../../src/steps/gitops.ts";
import type { PointConfigInput } from "../../src/steps/point-config.ts";
import type { DatabaseTarget, DeploymentTarget } from "../../src/steps/targets.ts";

const appRole = { env: "CHECKOUT_DB_URL" };
const service = "checkout";

export const from: DatabaseTarget = {
  instance: instances[east],
  region: east,
  host: endpointOf(east),
  port: 5432,
  appRole,
};
export const to: DatabaseTarget = {
  instance: instances[west],
  region: west,
  host: endpointOf(west),
  port: 5432,
  appRole,
};

/** A second service, whose servers nobody manages for it; a test that promotes its standby opens it. */
export const ledger = { name: "ledger", tier: "standard", database: true, driver: "postgres" } as const;
const standby: DatabaseTarget = {
  instance: hostOf(west, ledger.name),
  region: west,
  host: hostOf(west, ledger.name),
  port: 5432,
  appRole,
};

/** A third, in a global cluster of Aurora. */
export const vault = { name: "vault", tier: "standard", database: true, driver: "aurora-postgres" } as const;

/** The change of the roles of such a service's clusters. */
export const roleChange = (service: string, change: RoleChange) => ({
  service,
  global: globalOf(service),
  replica: {
    instance: clustersOf(service)[west],
    region: west,
    host: clusterHostOf(west, service),
    port: 5432,
    aurora: true as const,
    appRole,
  },
  targetArn: `arn:aws:rds:${west}:123456789012:cluster:${clustersOf(service)[west]}`,
  change,
  askedIn: change === "switchover" ? east : west,
});

const deployment = { namespace: "shop", name: "checkout", replicas: 3 };
export const eastern: DeploymentTarget = { cluster: "east", ...deployment };
export const western: DeploymentTarget = { cluster: "west", ...deployment };

const flux = (cluster: string): GitOpsTarget => ({ cluster, tool: "flux", ...homeOf("flux") });
const config = { cluster: "west", namespace: "shop", name: "app-config", key: "DB_HOST" };
const dns = { zone: zone.id, name: record, type: "A" as const, ttl: 60 };
const health = { url: `https://${record}:8080/health`, limitMs: 4000 };

/** The inputs of every step, for the lab's one service on its way from east to west. */
export const inputs = {
  startWave: { wave: 2, before: [] },
  pauseGitops: { service, region: west, objects: [flux("west")] },
  pauseOldGitops: { service, region: east, objects: [flux("east")] },
  trustGit: { service, now: ["DB_HOST of shop/app-config in us-west-2 is west"] },
  resumeGitops: { service, objects: [flux("west")], oldObjects: [flux("east")] },
  pointConfig: {
    service,
    toRegion: west,
    configs: [config],
    host: endpointOf(west),
    deployments: [western],
  } as PointConfigInput,
  scaleDeployment: { service, toRegion: west, deployments: [western], until: "running" as const },
  drainOldSide: { service, fromRegion: east, mode: "graceful" as const, deployments: [eastern] },
  fenceWrites: { service, mode: "graceful" as const, from, to },
  acceptSplitBrain: { service, mode: "graceful" as const, fromInstance: from.instance },
  catchUp: { service, mode: "graceful" as const, from, to },
  acceptLoss: { service, rpoSeconds: 900, shownLossSeconds: 10 },
  promoteReplica: { service, replica: to, from, backupRetentionDays: 7 },
  promoteStandby: { service: ledger.name, replica: standby },
  switchGlobalCluster: roleChange(vault.name, "switchover"),
  openWrites: { service, to },
  verifyDatabase: { service, from, to },
  restartPods: { service, toRegion: west, deployments: [western] },
  awaitPods: { service, toRegion: west, deployments: [western] },
  verifyService: { service, toRegion: west, edge: "https://west.example.com:8080", ...health },
  admitTraffic: { service, toRegion: west },
  shiftDns: { service, dns, toRegion: west },
  swapRecords: { service, dns, fromRegion: east, toRegion: west },
  // Without expected values nobody asks the name servers; who knows the lab's addresses gives them.
  flipControlObject: {
    service,
    toRegion: west,
    object: { ...control },
    wanted: "there" as "there" | "gone",
    dns,
    expected: { values: [] as string[], nameServers: [zone.nameServer] as string[] },
  },
  // Where the endpoints and the edges are, the lab tells.
  setRoutingControls: {
    service,
    fromRegion: east,
    toRegion: west,
    endpoints: [] as ClusterEndpoint[],
    controls: { ...routingControls },
    dns,
    expected: { values: [] as string[], nameServers: [zone.nameServer] as string[] },
  },
  verifyPublic: { service, toRegion: west, dns, ...health },
  watchStability: { service, toRegion: west, ...health, stabilitySeconds: 60 },
  fenceReturned: { service, from, to, deployments: [eastern], baseline: null, replayLsn: null, promotedAt: null },
};
