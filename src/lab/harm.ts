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
  /** Orders of which somebody was told that they do not exist, after they had been taken: wrong answers served. */
  denied: number;
};

/** Counts the harm done in a world whose move is over. */
export async function harmIn(world: Pick<World, "customer" | "pair">): Promise<Harm> {
  const { harmed, lost, doubled, denied, byOldSideAfterPromotion } = await countOrders(world);
  return { orders: harmed, lost, doubled, ofTwoSides: byOldSideAfterPromotion, denied };
}

/** Adds up what several plays did, whose orders are not the same. */
export const addUp = (plays: readonly Harm[]): Harm => {
  const sum = (kind: keyof Harm) => plays.reduce((total, harm) => total + harm[kind], 0);
  return {
    orders: sum("orders"),
    lost: sum("lost"),
    doubled: sum("doubled"),
    ofTwoSides: sum("ofTwoSides"),
    denied: sum("denied"),
  };
};

/** Says which harm it was. */
export const spellHarm = ({ lost, doubled, ofTwoSides, denied }: Harm): string =>
  `lost ${lost}, doubled ${doubled}, taken by two sides ${ofTwoSides}, denied ${denied}`;
