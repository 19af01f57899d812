import { describe, expect, it } from "@jest/globals";
import { judgeRecords } from "../../src/doctor/records.ts";
import type { Estate, Service } from "../../src/estate.ts";
import type { ZoneRecord } from "../../src/adapters/route53-inventory.ts";

const [east, west] = ["us-east-1", "us-west-2"] as const;
const name = "basket.example.com";

/** A service that keeps no data, in both regions. */
function estateWith(driver: Service["traffic"]["driver"]): { estate: Estate; service: Service } {
  const service = {
    databases: [],
    deployments: [{ region: east }, { region: west }],
    traffic: { driver, zone: "Z1", name, type: "A", ttl: 60 },
  } as unknown as Service;
  return { estate: { regions: [east, west], services: { basket: service } } as unknown as Estate, service };
}

function judge(driver: Service["traffic"]["driver"], records: Partial<ZoneRecord>[]) {
  const { estate, service } = estateWith(driver);
  const all = records.map((one) => ({ name, type: "A", ttl: 60, ...one }));
  return judgeRecords(estate, { name: "basket", service }, all);
}

describe("the records of a service without a database", () => {
  it.each([
    ["none", [], `The zone Z1 has no such record (A) for ${east} and ${west}.`],
    ["one of two", [{ set: east, weight: 100 }], `The zone Z1 has no weighted record of that name (A) for ${west}.`],
    ["no share at all", [east, west].map((set) => ({ set, weight: 0 })), `Every share of ${name} is 0.`],
  ])("%s is told", (_what, records, happened) => {
    expect(judge("route53-weighted", records)).toMatchObject({ happened });
  });

  it("are well when there is one a region", () => {
    const records = [
      { set: east, weight: 100 },
      { set: west, weight: 0 },
    ];
    expect(judge("route53-weighted", records)).toMatchObject({ state: "ok", seen: `${east} 100, ${west} 0` });
  });

  it("are set up by a command where an object decides, and by hand where records do", () => {
    expect(judge("route53-switch", [])).toMatchObject({ todo: expect.stringContaining("muster traffic setup basket") });
    expect(judge("route53-failover", [])).toMatchObject({
      todo: `Make a pair of failover records ${name}, each with its region's name as set identifier: PRIMARY where customers are now, SECONDARY in the other region.`,
    });
  });
});
