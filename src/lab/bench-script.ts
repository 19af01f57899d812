import { east, instances, west } from "./estate.ts";
import { playEmergencyScript } from "./emergency-script.ts";
import { openLab, type Lab } from "./lab.ts";
import { countOrders } from "./orders.ts";
import type { Figures } from "./figures.ts";

/** What a move did to people's orders; each is a number of them. */
export type Harm = {
  ordersLost: number;
  ordersDoubled: number;
  /** Orders that the old side took after the new one did: two writers. */
  writesOfTwoSides: number;
};

/** Adds up one kind of harm with the others. */
export const total = ({ ordersLost, ordersDoubled, writesOfTwoSides }: Harm): number =>
  ordersLost + ordersDoubled + writesOfTwoSides;

export const harmOf = (figures: Figures): Harm => ({
  ordersLost: figures.ordersLost,
  ordersDoubled: figures.ordersDoubled,
  writesOfTwoSides: figures.writesAcceptedByOldSideAfterPromotion,
});

const replicas = 4;
/** How long customers buy before and after, in lab seconds. */
const calmSeconds = 40;
const afterwardsSeconds = 120;

/** Plays the emergency script where the demo plays Muster: the same customers, delays and speed. */
export async function measureScript(scale: number, eastDies: boolean): Promise<{ seconds: number | null; harm: Harm }> {
  await using lab = await openLab({
    rate: scale,
    serve: false,
    replicas,
    withoutSlack: true,
    customers: { count: 3, everySeconds: 2 },
    settings: { CALL_TIMEOUT_MILLISECONDS: "2000" },
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

async function harmIn(lab: Lab): Promise<Harm> {
  const { lost, doubled, byOldSideAfterPromotion } = await countOrders(lab);
  return { ordersLost: lost, ordersDoubled: doubled, writesOfTwoSides: byOldSideAfterPromotion };
}
