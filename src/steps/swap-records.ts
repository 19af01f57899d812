import { replaceRoles } from "../adapters/route53-failover.ts";
import { getRegionRecords, isRefusal, isThrottled } from "../adapters/route53.ts";
import type { DnsName, RegionRecords } from "../adapters/route53.ts";
import { CannotContinue } from "../errors.ts";
import { isUnknown, step } from "../engine/step.ts";
import { expectedOf, findBehind, findRight, untilForgotten } from "./name-servers.ts";
import { companyOf, readZone, type InCompany } from "./zone.ts";

export type SwapRecordsInput = { service: string; dns: DnsName; fromRegion: string; toRegion: string } & InCompany;

export type SwapRecordsSeen = {
  /** By set identifier, the region's name. */
  records: RegionRecords;
  nameServers: string[];
  /** Name servers whose answers are not the wanted ones yet, a clause each; asked once the roles are right. */
  behind: string[];
};

/** Makes the new region's record the primary of a failover pair. */
export const swapRecords = step<SwapRecordsInput, SwapRecordsSeen>({
  name: "swap-records",
  title: ({ service, toRegion }) => `send all traffic for ${service} to ${toRegion} by making its record the primary`,

  async observe(ctx, { dns, toRegion }) {
    const zone = await readZone(ctx, dns, getRegionRecords);
    if (isUnknown(zone)) return zone;
    const { records, nameServers } = zone;
    if (records[toRegion]?.role !== "PRIMARY") return { records, nameServers, behind: [] };
    const right = await findRight(ctx, dns, expectedOf(records[toRegion], nameServers));
    return { records, nameServers, behind: await findBehind(ctx, dns, nameServers, right) };
  },

  missing({ records, behind: [first] }, { toRegion }) {
    const role = records[toRegion]?.role;
    if (role !== "PRIMARY")
      return `the record of ${toRegion} is ${role ? "the secondary" : "not there"}, not the primary`;
    return first && `the name server ${first}`;
  },

  async apply(ctx, input, { seen }) {
    const { dns, fromRegion, toRegion } = input;
    // Where the roles are right already, a change was taken and never reached the name servers: AWS asks for it once more.
    const roles = { [toRegion]: { role: "PRIMARY" }, [fromRegion]: { role: "SECONDARY" } } as const;
    const change = { from: seen.records, roles, company: companyOf(ctx, input) };
    await replaceRoles(ctx, ctx.clients.route53, dns, change, { signal: ctx.signal });
  },

  hadNoEffect: (error) => isRefusal(error) || isThrottled(error) || error instanceof CannotContinue,

  undo: {
    async apply(ctx, input, { seen, before }) {
      const { dns, fromRegion, toRegion } = input;
      const roles = rolesOf(before.records, [fromRegion, toRegion]);
      if (sameRoles(seen.records, roles)) return;
      const change = { from: seen.records, roles, company: companyOf(ctx, input, "back") };
      await replaceRoles(ctx, ctx.clients.route53, dns, change, { signal: ctx.signal });
    },
    missing({ records }, before, { fromRegion, toRegion }) {
      const roles = rolesOf(before.records, [fromRegion, toRegion]);
      return sameRoles(records, roles) ? undefined : `the record of ${toRegion} is still the primary`;
    },
    lingers: untilForgotten,
  },

  // Name servers usually agree within 60 seconds.
  patienceSeconds: 180,
  settleSeconds: 60,
  pollSeconds: 5,
});

const rolesOf = (records: RegionRecords, regions: readonly string[]): RegionRecords =>
  Object.fromEntries(regions.flatMap((region) => (records[region] ? [[region, records[region]]] : [])));

const sameRoles = (records: RegionRecords, roles: RegionRecords): boolean =>
  Object.entries(roles).every(([region, { role }]) => records[region]?.role === role);
