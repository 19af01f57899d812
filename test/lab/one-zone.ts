import { ChangeResourceRecordSetsCommand, Route53Client, type Change } from "@aws-sdk/client-route-53";
import { Clock } from "../../src/clock.ts";
import type { ZoneRecord } from "../../src/lab/dns-answers.ts";
import { RequestLog } from "../../src/lab/request-log.ts";
import { openRoute53 } from "../../src/lab/route53.ts";

type Published = { records: readonly ZoneRecord[]; everywhereAt: Date | undefined };
export type OneZone = Awaited<ReturnType<typeof openZone>>;

/** The Route 53 of a lab by itself, with the zone Z0LAB and these records in it, and the real client on it. */
export async function openZone({ host, records }: { host: string; records: ZoneRecord[] }) {
  const clock = new Clock({ shows: new Date("2026-11-23T03:00:00Z"), rate: 1 });
  const log = new RequestLog(clock);
  const published: Published[] = [];
  const route53 = await openRoute53({
    log,
    clock,
    host,
    zone: { id: "Z0LAB", name: "example.com", nameServers: ["ns1.lab", "ns2.lab"], records },
    dns: {
      publish: (_zone, held, spread) => void published.push({ records: held, everywhereAt: spread?.everywhereAt }),
    },
    random: () => 0.5,
  });
  const credentials = { accessKeyId: "AKIDLAB", secretAccessKey: "lab" };
  const client = new Route53Client({ region: "us-east-1", endpoint: route53.url, credentials, maxAttempts: 1 });
  return {
    route53,
    clock,
    log,
    published,
    client,
    send: (...changes: Change[]) =>
      client.send(new ChangeResourceRecordSetsCommand({ HostedZoneId: "Z0LAB", ChangeBatch: { Changes: changes } })),
    async close() {
      client.destroy();
      await route53.close();
    },
  };
}
