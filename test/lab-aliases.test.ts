import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import {
  ChangeResourceRecordSetsCommand,
  ListResourceRecordSetsCommand,
  Route53Client,
  type Change,
  type ResourceRecordSet,
} from "@aws-sdk/client-route-53";
import { Clock } from "../src/clock.ts";
import { lookUp } from "../src/lab/dns-answers.ts";
import { RequestLog } from "../src/lab/request-log.ts";
import { openRoute53, type Route53 } from "../src/lab/route53.ts";

let route53: Route53;
let client: Route53Client;

beforeEach(async () => {
  const clock = new Clock({ shows: new Date("2026-11-23T03:00:00Z"), rate: 1 });
  route53 = await openRoute53({
    log: new RequestLog(clock),
    clock,
    host: "127.199.42.5",
    zone: { id: "Z0LAB", name: "example.com", nameServers: ["ns1.lab"], records: [] },
    dns: { publish: () => undefined },
    random: () => 0.5,
  });
  const credentials = { accessKeyId: "AKIDLAB", secretAccessKey: "lab" };
  client = new Route53Client({ region: "us-east-1", endpoint: route53.url, credentials, maxAttempts: 1 });
});
afterEach(async () => {
  client.destroy();
  await route53.close();
});

const send = (...changes: Change[]) =>
  client.send(new ChangeResourceRecordSetsCommand({ HostedZoneId: "Z0LAB", ChangeBatch: { Changes: changes } }));

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
    await send(door, aliasTo("west.example.com"));
    const { ResourceRecordSets = [] } = await client.send(
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
      route53.records(),
      { name: "shop.example.com.", type: "A" },
      { random: () => 0, healthy: () => true },
    );
    expect(found).toEqual({
      exists: true,
      records: [{ name: "shop.example.com.", type: "A", ttl: 60, values: ["127.0.0.21"] }],
    });
    await send({ Action: "DELETE", ResourceRecordSet: listed }, { ...door, Action: "DELETE" });
  });

  it("is refused without its target, outside the zone, and with values of its own", async () => {
    await expect(send(aliasTo("west.example.com"))).rejects.toThrow(/but that target was not found/);
    await expect(send(aliasTo("west.elsewhere.com"))).rejects.toThrow(/does not lie within the target zone/);
    const both = { ...aliasTo("west.example.com").ResourceRecordSet, TTL: 60 } as ResourceRecordSet;
    await expect(send({ Action: "CREATE", ResourceRecordSet: both })).rejects.toThrow(/but found more than one in/);
  });
});
