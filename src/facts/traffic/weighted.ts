import { getZone } from "../../adapters/route53.ts";
import { use } from "../../engine/plan.ts";
import type { Traffic } from "../../estate.ts";
import { shiftDns } from "../../steps/shift-dns.ts";
import { explainAs } from "../explain.ts";
import { look, seen } from "../fact.ts";
import { lookAtChecks } from "./checks.ts";
import { controlPlane, dnsNameOf, lookAtRecords, otherTypesTrapsWhileAway, recordBlockers } from "./control-plane.ts";
import type { TrafficDriver } from "./driver.ts";
import { autoAdmitTraps, checkTraps, redTraps, sentBackTraps, ttlOf, ttlTraps } from "./traps.ts";

type Settings = Extract<Traffic, { driver: "route53-weighted" }>;

/** Sends customers by the weights of records, through Route 53's control plane. */
export const weighted: TrafficDriver<Settings> = {
  name: "route53-weighted",
  looksTogether: true,

  async look(ctx, _targets, settings, before) {
    const name = dnsNameOf(settings);
    const [named, zone] = await Promise.all([
      lookAtRecords(ctx, name, ({ weight }) => weight !== undefined),
      before?.zone ?? look(ctx, () => getZone(ctx, ctx.clients.route53, name.zone), explainAs("Route 53")),
    ]);
    const checks = before?.checks ?? (await lookAtChecks(ctx, named.records));
    return { driver: settings.driver, name, ...named, zone, checks };
  },

  shares(dns) {
    const records = seen(dns.records);
    return records && Object.fromEntries(Object.entries(records).map(([region, { weight = 0 }]) => [region, weight]));
  },

  blockers: (facts) => recordBlockers(facts, "weighted"),

  traps: (facts) => [
    ...otherTypesTrapsWhileAway(facts),
    ...redTraps(facts),
    ...autoAdmitTraps(facts),
    ...sentBackTraps(facts),
    ...checkTraps(facts),
    ...ttlTraps(facts),
  ],
  ...controlPlane,

  // With a health check, or an alias that looks at its target, Route 53 would go on answering the old region.
  leadsUnready({ dns, toRegion }) {
    const record = seen(dns.records)?.[toRegion];
    return record !== undefined && !record.healthCheckId && !record.alias?.evaluateTargetHealth;
  },

  shiftStep: shiftDns.name,
  shift(facts, after) {
    const { service, toRegion } = facts;
    return use(
      shiftDns,
      service,
      { service, dns: { ...facts.dns.name, ttl: ttlOf(facts) }, toRegion },
      { after: [after] },
    );
  },
};
