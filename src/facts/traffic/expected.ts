import { isIP } from "node:net";
import type { RecordType } from "../../adapters/dns.ts";
import type { RegionRecords } from "../../adapters/route53.ts";
import type { Expected } from "../../steps/name-servers.ts";
import { seen, type Fact } from "../fact.ts";
import type { Targets } from "../targets.ts";
import type { MoveFacts } from "./driver.ts";

/** What is known of a region's answers before a move: the values, or the name that leads to them. */
export type ExpectedSeen = {
  /** What name servers shall answer for the region that is moved to; nothing where that cannot be told. */
  expected: string[];
  /** The name of its front door, where the records were not seen: it is followed as an alias is. */
  door?: string;
};

/** What name servers shall answer after a move, as the plan knows it: an alias is followed when they are asked. */
export function expectedBy({ dns, toRegion }: MoveFacts, { expected, door }: ExpectedSeen): Expected {
  const alias = seen(dns.records)?.[toRegion]?.alias?.name ?? door;
  return {
    values: expected,
    ...(alias === undefined ? {} : { alias }),
    nameServers: seen(dns.zone)?.nameServers ?? [],
  };
}

/**
 * Tells what name servers shall answer for the new region: what its record says. Where the control plane does not tell, its
 * front door does, because that is where the record leads: by its address, or by its name, whose addresses are looked up anew
 * whenever answers are compared with them. What a CNAME leads to is a name that nobody can guess. Pure.
 */
export function expectedAnswers(
  records: Fact<RegionRecords>,
  { edge, toRegion }: Door,
  type: RecordType,
): ExpectedSeen {
  const held = seen(records);
  if (held) return { expected: held[toRegion]?.values ?? [] };
  if (!edge || type === "CNAME") return { expected: [] };
  const host = new URL(edge).hostname.replace(/^\[|\]$/g, "");
  const family = isIP(host);
  if (family === 0) return { expected: [], door: host };
  return { expected: family === (type === "A" ? 4 : 6) ? [host] : [] };
}

type Door = Pick<Targets, "edge" | "toRegion">;
