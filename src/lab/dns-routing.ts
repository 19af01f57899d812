import type { Health, ZoneRecord } from "./dns-answers.ts";

/**
 * Picks the record set of one name and type that answers, as Route 53 does. Where every record is unhealthy, all count as
 * healthy: a failover pair then answers its primary, and weights are drawn as if nothing were wrong.
 * @see https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/health-checks-how-route-53-chooses-records.html
 */
export function pickRecord(
  records: readonly ZoneRecord[],
  { random, healthy }: { random: () => number; healthy: Health },
): ZoneRecord | undefined {
  if (records.length <= 1) return records[0];
  const primary = records.find(({ failover }) => failover === "PRIMARY");
  const secondary = records.find(({ failover }) => failover === "SECONDARY");
  if (primary && secondary) return !healthy(primary) && healthy(secondary) ? secondary : primary;
  const weighing = candidates(records, healthy);
  return pickWeighted(weighing, random);
}

/**
 * The weighted records that may answer: healthy ones with a weight; else healthy ones of weight 0, which are asked only
 * when every other is unhealthy; else all.
 */
function candidates(records: readonly ZoneRecord[], healthy: Health): readonly ZoneRecord[] {
  const well = records.filter(healthy);
  const weighted = well.filter(({ weight = 0 }) => weight > 0);
  return weighted.length > 0 ? weighted : well.length > 0 ? well : records;
}

/** Draws by chance in proportion to the weights; all 0 are all equal. */
function pickWeighted(records: readonly ZoneRecord[], random: () => number): ZoneRecord | undefined {
  const total = records.reduce((sum, record) => sum + (record.weight ?? 0), 0);
  if (total === 0) return records[Math.floor(random() * records.length)];
  let left = random() * total;
  for (const record of records) {
    left -= record.weight ?? 0;
    if (left < 0) return record;
  }
  return records.findLast((record) => (record.weight ?? 0) > 0);
}

/** The shares in which records answer, by SetIdentifier: weights as they are, and everything for the half of a pair that answers. */
export function sharesOf(records: readonly ZoneRecord[], healthy: Health): Record<string, number> {
  const answering = pickRecord(records, { random: () => 0, healthy });
  const isPair = records.some(({ failover }) => failover !== undefined);
  return Object.fromEntries(
    records.map((record) => [
      record.setIdentifier ?? "",
      isPair ? (record === answering ? 100 : 0) : (record.weight ?? 0),
    ]),
  );
}
