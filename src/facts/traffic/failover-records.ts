import { getZone } from "../../adapters/route53.ts";
import { use } from "../../engine/plan.ts";
import type { Traffic } from "../../estate.ts";
import { swapRecords } from "../../steps/swap-records.ts";
import { explainAs } from "../explain.ts";
import { look, seen } from "../fact.ts";
import { lookAtChecks, lookAtServing } from "./checks.ts";
import { controlPlane, dnsNameOf, lookAtRecords, otherTypesTrapsWhileAway, recordBlockers } from "./control-plane.ts";
import type { MoveFacts, TrafficDriver } from "./driver.ts";
import { autoAdmitTraps, checkIn, checkTraps, redTraps, sentBackTraps, ttlOf, ttlTraps } from "./traps.ts";

type Settings = Extract<Traffic, { driver: "route53-failover" }>;

/** Sends customers by which record of a pair is the primary, through Route 53's control plane. */
export const failoverRecords: TrafficDriver<Settings> = {
  name: "route53-failover",
  looksTogether: true,

  async look(ctx, _targets, settings, before) {
    const name = dnsNameOf(settings);
    const [named, zone] = await Promise.all([
      lookAtRecords(ctx, name, ({ role }) => role !== undefined),
      before?.zone ?? look(ctx, () => getZone(ctx, ctx.clients.route53, name.zone), explainAs("Route 53")),
    ]);
    const checks = await (before?.checks
      ? lookAtServing(ctx, named.records, before.checks)
      : lookAtChecks(ctx, named.records));
    return { driver: settings.driver, name, ...named, zone, checks };
  },

  shares(dns) {
    const held = seen(dns.records);
    const ill = (region: string) => checkIn({ dns }, region)?.healthy === false;
    const regions = Object.keys(held ?? {});
    const primary = regions.find((region) => held?.[region]?.role === "PRIMARY");
    const secondary = regions.find((region) => held?.[region]?.role === "SECONDARY");
    if (!primary) return held && Object.fromEntries(regions.map((region) => [region, 0]));
    const served = secondary && ill(primary) && !ill(secondary) ? secondary : primary;
    return Object.fromEntries(regions.map((region) => [region, region === served ? 100 : 0]));
  },

  blockers: (facts) => recordBlockers(facts, "failover"),

  traps: (facts) => [
    ...otherTypesTrapsWhileAway(facts),
    ...redTraps(facts),
    ...autoAdmitTraps(facts),
    ...sentBackTraps(facts),
    ...uncheckedTraps(facts),
    ...checkTraps(facts),
    ...ttlTraps(facts),
  ],
  ...controlPlane,

  shiftStep: swapRecords.name,
  shift(facts, after) {
    const { service, fromRegion, toRegion } = facts;
    const dns = { ...facts.dns.name, ttl: ttlOf(facts) };
    return use(swapRecords, service, { service, dns, fromRegion, toRegion }, { after: [after] });
  },
};

/** A primary without a check is healthy for ever: the pair fails over when somebody swaps it, and never by itself. */
function uncheckedTraps({ dns, toRegion }: MoveFacts): string[] {
  const record = seen(dns.records)?.[toRegion];
  if (!record || record.healthCheckId || record.alias?.evaluateTargetHealth) return [];
  return [
    `${toRegion}'s record has no health check: once it is the primary, Route 53 takes it for healthy whatever happens there, and never moves customers away by itself.`,
  ];
}
