import { probe } from "../adapters/probe.ts";
import type { Context } from "../context.ts";
import { unknown } from "../engine/step.ts";
import { look, type Fact } from "./fact.ts";
import type { Targets } from "./targets.ts";

/** The new region's front door, asked by its own address for the public name. */
export type EdgeFacts = {
  ok: boolean;
  tookMs: number;
  status?: number;
  why?: string;
  /** Whether its certificate covers the public name; absent without TLS, or when it did not get that far. */
  certificateCovers?: boolean;
};

/** Looks at the health of a service through one region's front door, and at the certificate it shows. */
export function lookAtEdge(ctx: Context, { edge, service: { health } }: Targets): Promise<Fact<EdgeFacts>> {
  return look(ctx, async () => {
    if (!edge) return unknown("the estate names no front door there");
    return probe(ctx, ctx.clients.web, { url: health.url, address: edge, limitMs: health.limitMs });
  });
}
