import { east, west } from "./estate.ts";
import { promotionsOf } from "./postgres-log.ts";
import { ask } from "./postgres-pair.ts";
import type { World } from "./world.ts";

/** What became of the customers' orders, counted from what they were answered and from what the two servers hold. */
export type OrderCounts = {
  /** Answered 2xx. */
  accepted: number;
  /** Of these, absent from the writer of now. */
  lost: number;
  /** Numbers that stand there more than once: a customer who had no answer sends an order again. */
  doubled: number;
  /** Of the doubled, those that stand there more often than their customer sent them. */
  unasked: number;
  /** Rows by the server that committed them, read from its own data. */
  writes: { east: number; west: number };
  byOldSideAfterPromotion: number;
  /** Of the accepted, those whose customer looked at them later and was told that there is no such order. */
  denied: number;
  /** Orders that were lost, doubled, denied or taken by the old side after the promotion: each once, however much of this befell it. */
  harmed: number;
};

type OrderRow = { number: number; placed_at: Date; committed_by: string };

/** Counts the orders of a world. The writer of now is whoever was promoted. */
export async function countOrders({ customer, pair }: Pick<World, "customer" | "pair">): Promise<OrderCounts> {
  const accepted = customer?.counts().accepted ?? [];
  const [old, current] = await Promise.all([ordersOf(pair.primary.server), ordersOf(pair.replica.server)]);
  const [promotedAt] = await promotionsOf(pair.replica.server);
  const sent = new Map(customer?.orders().map((order) => [order.number, order.attempts.length]));
  const stored = new Map<number, number>();
  for (const { number } of promotedAt ? current : old) stored.set(number, (stored.get(number) ?? 0) + 1);
  const lost = accepted.filter((number) => !stored.has(number));
  const doubled = [...stored].flatMap(([number, times]) => (times > 1 ? [number] : []));
  const byOldSide = promotedAt
    ? old.filter((order) => order.committed_by === east && order.placed_at > promotedAt)
    : [];
  const denied = customer?.orders().flatMap(({ number, deniedAt }) => (deniedAt ? [number] : [])) ?? [];
  return {
    accepted: accepted.length,
    lost: lost.length,
    doubled: doubled.length,
    unasked: [...stored].filter(([number, times]) => times > Math.max(1, sent.get(number) ?? 0)).length,
    writes: {
      east: old.filter((order) => order.committed_by === east).length,
      west: current.filter((order) => order.committed_by === west).length,
    },
    byOldSideAfterPromotion: byOldSide.length,
    denied: denied.length,
    harmed: new Set([...lost, ...doubled, ...denied, ...byOldSide.map(({ number }) => number)]).size,
  };
}

/** What a server holds, asked behind the proxies: its data is there however dead its region is. */
async function ordersOf(server: World["pair"]["primary"]["server"]): Promise<OrderRow[]> {
  const rows = await ask<{ number: string; placed_at: Date; committed_by: string }>(
    server,
    "select number, placed_at, committed_by from orders",
  );
  return rows.map((row) => ({ ...row, number: Number(row.number) }));
}
