import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { ListResourceRecordSetsCommand, type Change, type ResourceRecordSet } from "@aws-sdk/client-route-53";
import { lookUp } from "../../src/lab/dns-answers.ts";
import { openZone, type OneZone } from "./one-zone.ts";

let zone: OneZone;

beforeEach(async () => {
  zone = await openZone({ host: "127.199.42.5", records: [] });
});
afterEach(() => zone.close());

describe("an alias of the lab's Route 53", () => {
  const door: Change = {
    Action: "CREATE",
    ResourceRecordSet: { Name: "west.example.com", Type: "A", TTL: 60, ResourceRecords: [{ Value: "127.0.0.21" }] },
  };
  const aliasTo = (target: string): Change => ({
    Action: "CREATE",
    ResourceRecordSet: {
      Name: "shop.example.com",
      Type: "A",
      SetIdentifier: "us-west-2",
      Weight: 100,
      AliasTarget: { HostedZoneId: "Z0LAB", DNSName: target, EvaluateTargetHealth: false },
    },
  });

  it("is listed with its target, and deleted by what it is", async () => {
    await zone.send(door, aliasTo("west.example.com"));
    const { ResourceRecordSets = [] } = await zone.client.send(
      new ListResourceRecordSetsCommand({ HostedZoneId: "Z0LAB", StartRecordName: "shop.example.com", MaxItems: 1 }),
    );
    const [listed] = ResourceRecordSets;
    expect(listed).toEqual({
      Name: "shop.example.com.",
      Type: "A",
      SetIdentifier: "us-west-2",
      Weight: 100,
      AliasTarget: { HostedZoneId: "Z0LAB", DNSName: "west.example.com.", EvaluateTargetHealth: false },
    });
    const found = lookUp(
      zone.route53.records(),
      { name: "shop.example.com.", type: "A" },
      { random: () => 0, healthy: () => true },
    );
    expect(found).toEqual({
      exists: true,
      records: [{ name: "shop.example.com.", type: "A", ttl: 60, values: ["127.0.0.21"] }],
    });
    await zone.send({ Action: "DELETE", ResourceRecordSet: listed }, { ...door, Action: "DELETE" });
  });

  it("is refused without its target, outside the zone, and with values of its own", async () => {
    await expect(zone.send(aliasTo("west.example.com"))).rejects.toThrow(/but that target was not found/);
    await expect(zone.send(aliasTo("west.elsewhere.com"))).rejects.toThrow(/does not lie within the target zone/);
    const both = { ...aliasTo("west.example.com").ResourceRecordSet, TTL: 60 } as ResourceRecordSet;
    await expect(zone.send({ Action: "CREATE", ResourceRecordSet: both })).rejects.toThrow(
      /but found more than one in/,
    );
  });
});
