import { promoteReplica } from "./promote-replica.ts";
import { promoteStandby } from "./promote-standby.ts";
import { switchGlobalCluster } from "./switch-global-cluster.ts";

/** The steps that make a replica the writer, one a way; journals are searched for them. Each says when in `promotedAt`. */
export const promotionSteps: readonly string[] = [promoteReplica.name, promoteStandby.name, switchGlobalCluster.name];
