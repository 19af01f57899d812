import type { AnyGate, AnyStep } from "../engine/step.ts";
import { acceptLoss } from "./accept-loss.ts";
import { acceptSplitBrain } from "./accept-split-brain.ts";
import { admitTraffic } from "./admit-traffic.ts";
import { awaitPods } from "./await-pods.ts";
import { catchUp } from "./catch-up.ts";
import { drainOldSide } from "./drain-old-side.ts";
import { fenceReturned } from "./fence-returned.ts";
import { fenceWrites } from "./fence-writes.ts";
import { flipControlObject } from "./flip-control-object.ts";
import { openWrites } from "./open-writes.ts";
import { pauseGitOps } from "./pause-gitops.ts";
import { pauseOldGitOps } from "./pause-old-gitops.ts";
import { pointConfig } from "./point-config.ts";
import { promoteReplica } from "./promote-replica.ts";
import { promoteStandby } from "./promote-standby.ts";
import { restartPods } from "./restart-pods.ts";
import { resumeGitOps } from "./resume-gitops.ts";
import { scaleDeployment } from "./scale-deployment.ts";
import { setRoutingControls } from "./set-routing-controls.ts";
import { shiftDns } from "./shift-dns.ts";
import { startWave } from "./start-wave.ts";
import { swapRecords } from "./swap-records.ts";
import { switchGlobalCluster } from "./switch-global-cluster.ts";
import { trustGit } from "./trust-git.ts";
import { verifyDatabase } from "./verify-database.ts";
import { verifyPublic } from "./verify-public.ts";
import { verifyService } from "./verify-service.ts";
import { watchStability } from "./watch-stability.ts";

/** Every step and gate, in the order a failover meets them. A new one is a file and a line here. */
export const steps: readonly (AnyStep | AnyGate)[] = [
  startWave,
  pauseGitOps,
  pauseOldGitOps,
  pointConfig,
  scaleDeployment,
  drainOldSide,
  fenceWrites,
  acceptSplitBrain,
  catchUp,
  acceptLoss,
  promoteReplica,
  promoteStandby,
  switchGlobalCluster,
  openWrites,
  verifyDatabase,
  restartPods,
  awaitPods,
  verifyService,
  admitTraffic,
  shiftDns,
  swapRecords,
  flipControlObject,
  setRoutingControls,
  verifyPublic,
  watchStability,
  trustGit,
  resumeGitOps,
  fenceReturned,
];
