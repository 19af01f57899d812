import { getWeightedRecords, isRefusal, isThrottled, replaceWeights } from "../adapters/route53.ts";
import type { DnsName, WeightedRecords } from "../adapters/route53.ts";
import { CannotContinue } from "../errors.ts";
import { isUnknown, step } from "../engine/step.ts";
import { expectedOf, findBehind, findRight, untilForgotten } from "./name-servers.ts";
import { companyOf, readZone, type InCompany } from "./zone.ts";

export type ShiftDnsInput = { service: string; dns: DnsName; toRegion: string } & InCompany;

export type ShiftDnsSeen = {
  /** By set identifier, the region's name. */
  records: WeightedRecords;
  nameServers: string[];
  /** Name servers whose answers are not the wanted ones yet, a clause each; asked once the shares are right. */
  behind: string[];
};

/** The share of the region that gets everybody. */
const everybody = 100;

/** Sends every DNS answer for a service to one region. */
export const shiftDns = step<ShiftDnsInput, ShiftDnsSeen>({
  name: "shift-dns",
  title: ({ service, toRegion }) => `send all traffic for ${service} to ${toRegion}`,

  async observe(ctx, { dns, toRegion }) {
    const zone = await readZone(ctx, dns, getWeightedRecords);
    if (isUnknown(zone)) return zone;
    const { records, nameServers } = zone;
    if (misplaced(records, toRegion) !== undefined) return { records, nameServers, behind: [] };
    // The change's own id is not kept: that all name servers answer it is what INSYNC means, seen and not told.
    const right = await findRight(ctx, dns, expectedOf(records[toRegion], nameServers));
    return { records, nameServers, behind: await findBehind(ctx, dns, nameServers, right) };
  },

  missing({ records, behind }, { toRegion }) {
    const [first] = behind;
    return misplaced(records, toRegion) ?? (first && `the name server ${first}`);
  },

  async apply(ctx, input, { seen, before }) {
    const { dns, toRegion } = input;
    // A change that was taken and never reached the name servers is stranded: AWS asks for it to be sent once more.
    const again = misplaced(seen.records, toRegion) === undefined;
    const company = companyOf(ctx, input);
    const from = again ? changedSince(before.records, seen.records, toRegion) : seen.records;
    const change = { from, weights: { [toRegion]: everybody }, again, company };
    await replaceWeights(ctx, ctx.clients.route53, dns, change, { signal: ctx.signal });
  },

  hadNoEffect: (error) => isRefusal(error) || isThrottled(error) || error instanceof CannotContinue,

  undo: {
    async apply(ctx, input, { seen, before }) {
      const company = companyOf(ctx, input, "back");
      const change = { from: seen.records, weights: weightsOf(before.records), company };
      await replaceWeights(ctx, ctx.clients.route53, input.dns, change, { signal: ctx.signal });
    },
    missing(seen, before) {
      const other = Object.entries(seen.records).find(([set, { weight }]) => before.records[set]?.weight !== weight);
      return other && `${other[0]} has the share ${other[1].weight}, before it was ${before.records[other[0]]?.weight}`;
    },
    lingers: untilForgotten,
  },

  // Name servers usually agree within 60 seconds.
  patienceSeconds: 180,
  settleSeconds: 60,
  pollSeconds: 5,
});

function misplaced(records: WeightedRecords, toRegion: string): string | undefined {
  const strays = Object.keys(records).filter((region) => region !== toRegion && (records[region]?.weight ?? 0) > 0);
  if (!records[toRegion]?.weight) return `${toRegion} gets no answers`;
  return strays.length > 0 ? `${strays.join(" and ")} still gets answers` : undefined;
}

/**
 * The records that a stranded change was about: those without a share before it stay out, because one whose health check was
 * deleted would have all refused. Where all was right before, nobody knows what the change was about, and all are sent.
 */
function changedSince(before: WeightedRecords, records: WeightedRecords, toRegion: string): WeightedRecords {
  if (misplaced(before, toRegion) === undefined) return records;
  return Object.fromEntries(
    Object.entries(records).filter(([set, { weight }]) => weight > 0 || before[set]?.weight !== 0),
  );
}

function weightsOf(records: WeightedRecords): Record<string, number> {
  return Object.fromEntries(Object.entries(records).map(([set, { weight }]) => [set, weight]));
}
