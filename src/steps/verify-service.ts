import { probe, type Probed } from "../adapters/probe.ts";
import { step } from "../engine/step.ts";

export type VerifyServiceInput = {
  service: string;
  toRegion: string;
  /** The health address as customers type it. */
  url: string;
  /** The new region's own front door. */
  edge: string;
  limitMs: number;
};

export type VerifyServiceSeen = { probes: Probed[] };

const greensNeeded = 3;
const betweenProbesSeconds = 1;

/** Checks the new region as customers will meet it, by its own address, before anybody is sent there. */
export const verifyService = step<VerifyServiceInput, VerifyServiceSeen>({
  name: "verify-service",
  title: ({ service, toRegion }) => `check ${service} in ${toRegion} by its own address`,

  async observe(ctx, { url, edge, limitMs }) {
    const probes: Probed[] = [];
    while (probes.length < greensNeeded && probes.every(({ ok }) => ok)) {
      if (probes.length > 0) await ctx.clock.sleep(betweenProbesSeconds, ctx.signal);
      probes.push(await probe(ctx, ctx.clients.web, { url, address: edge, limitMs }, { signal: ctx.signal }));
    }
    return { probes };
  },

  missing({ probes }, { service, toRegion }) {
    const red = probes.find(({ ok }) => !ok);
    return red && `${service} in ${toRegion} ${red.why ?? "is not healthy"}`;
  },

  undo: { nothing: "it only looks" },

  patienceSeconds: 300,
  settleSeconds: 0,
  pollSeconds: 5,
});
