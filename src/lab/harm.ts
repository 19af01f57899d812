import { countOrders } from "./orders.ts";
import type { World } from "./world.ts";

/** What a move did to people's orders; each is a number of them. */
export type Harm = {
  /** Orders that came to harm: each once, whatever befell it. */
  orders: number;
  lost: number;
  doubled: number;
  /** Orders that the old side took after the new one did: two writers. */
  ofTwoSides: number;
};

/** Counts the harm done in a world whose move is over. Answers that were wrong, such as stale reads, are not seen. */
export async function harmIn(world: Pick<World, "customer" | "pair">): Promise<Harm> {
  const { harmed, lost, doubled, byOldSideAfterPromotion } = await countOrders(world);
  return { orders: harmed, lost, doubled, ofTwoSides: byOldSideAfterPromotion };
}

/** Adds up what several plays did, whose orders are not the same. */
export const addUp = (plays: readonly Harm[]): Harm => {
  const sum = (kind: keyof Harm) => plays.reduce((total, harm) => total + harm[kind], 0);
  return { orders: sum("orders"), lost: sum("lost"), doubled: sum("doubled"), ofTwoSides: sum("ofTwoSides") };
};

/** Says which harm it was. */
export const spellHarm = ({ lost, doubled, ofTwoSides }: Harm): string =>
  `lost ${lost}, doubled ${doubled}, taken by two sides ${ofTwoSides}`;
