import type { Clock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import { drawDelay, type DelayName } from "./delays.ts";
import { arnOf, type Instance } from "./rds-instance.ts";
import type { LabRequest, RequestLog } from "./request-log.ts";

export type PromotionNeeds = {
  clock: Clock;
  log: RequestLog;
  random: () => number;
  /** Ends the promotion where it stands, when the lab closes. */
  signal: AbortSignal;
  /** Waits while the instance is made to stay in the status it has. */
  unstuck: () => Promise<void>;
  /** Where the promoted instance streamed from, if the lab has it. */
  source: Instance | undefined;
};

/**
 * Takes a replica through its promotion, after the request was answered: available for a while yet, modifying (here the
 * real server becomes a writer), rebooting (nobody gets through), backing-up, and available with no source.
 */
export async function runPromotion(instance: Instance, request: LabRequest, needs: PromotionNeeds): Promise<void> {
  const { clock, log, random, signal, unstuck, source } = needs;
  const { id, region, machine } = instance.options;
  const wait = async (name: DelayName) => {
    const seconds = drawDelay(name, random);
    // The backup is no part of the promotion's delay: the server takes writes meanwhile.
    if (name !== "rds backs up") request.delaySeconds += seconds;
    await clock.sleep(seconds, signal);
  };
  const enter = async (status: string, also: Parameters<Instance["change"]>[0] = {}) => {
    instance.change({ ...also, status });
    await unstuck();
  };
  /** Work on the real server takes wall time; while it is noted as open, no story jumps its clock over it. */
  const work = async (name: string, deed: () => Promise<void>) => {
    const entry = log.begin("rds-machine", name, id);
    await deed().finally(() => log.close(entry, "done"));
  };
  try {
    await wait("rds promotion is taken up");
    await enter("modifying");
    await wait("rds replication stops");
    await work("promote", () => machine.promote());
    request.effects.push({ target: `rds:${region}/${id}`, wanted: "promoted" });
    const arn = arnOf(instance.options);
    source?.change({ replicas: source.state.replicas.filter((replica) => replica !== id && replica !== arn) });
    await work("stop", () => machine.stop());
    await enter("rebooting");
    await wait("rds reboots");
    await work("start", () => machine.start());
    if (instance.state.backupDays > 0) {
      await enter("backing-up", { source: undefined });
      await wait("rds backs up");
    }
    await enter("available", { source: undefined });
  } catch (error) {
    if (signal.aborted) return;
    instance.change({ status: "failed" });
    log.close(log.begin("rds-machine", "promotion failed", id), messageOf(error));
  } finally {
    instance.promoting = false;
  }
}
