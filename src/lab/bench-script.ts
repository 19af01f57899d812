import { buyers, callTimeoutMs } from "./demo-story.ts";
import { playEmergencyScript } from "./emergency-script.ts";
import { east, instances, west } from "./estate.ts";
import { harmIn, type Harm } from "./harm.ts";
import { openLab } from "./lab.ts";

const replicas = 4;
/** How long customers buy before and after, in lab seconds. */
const calmSeconds = 40;
const afterwardsSeconds = 120;

/** Plays the emergency script where the demo plays Muster: the same customers and delays and, at the same scale, the same timeouts. */
export async function measureScript(scale: number, eastDies: boolean): Promise<{ seconds: number | null; harm: Harm }> {
  await using lab = await openLab({
    rate: scale,
    serve: false,
    replicas,
    withoutSlack: true,
    customers: buyers(!eastDies),
    settings: { CALL_TIMEOUT_MILLISECONDS: String(callTimeoutMs(scale, !eastDies)) },
  });
  await lab.time.clock.sleep(calmSeconds);
  if (eastDies) {
    await lab.setRegionDead(east, true);
    await lab.time.clock.sleep(60);
  }
  const seconds = await playEmergencyScript(lab, replicas);
  await lab.time.clock.sleep(afterwardsSeconds);
  // The script does not wait for the promotion; whoever counts does.
  while (lab.rds.get(instances[west]).status !== "available") await lab.time.clock.sleep(5);
  await lab.customer?.stop();
  return { seconds, harm: await harmIn(lab) };
}
