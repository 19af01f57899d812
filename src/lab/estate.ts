import { stringify } from "yaml";
import type { Estate } from "../estate.ts";
import type { LabPerson } from "./slack-workspace.ts";

/** The regions of every lab: the one that people are served from, and the one that stands by. */
export const east = "us-east-1";
export const west = "us-west-2";

/** The zone and the record that customers open. */
export const zone = { id: "Z0LAB", name: "example.com", nameServer: "ns-1.example-dns.lab" } as const;
export const record = "checkout.example.com";

/** The instances, as RDS knows them. */
export const instances = { [east]: "checkout-db", [west]: "checkout-db-west" } as const;

/** The name an instance is reached by. */
export const endpointOf = (region: keyof typeof instances): string => `${instances[region]}.${region}.rds.lab`;

/** Who works in the lab. Ana, Ben and Cleo approve; Dora only asks; Gus is a guest of the workspace. */
export const persons: LabPerson[] = [
  { id: "U01", name: "ana", email: "ana@example.com" },
  { id: "U02", name: "ben", email: "ben@example.com" },
  { id: "U03", name: "cleo", email: "cleo@example.com" },
  { id: "U04", name: "dora", email: "dora@example.com" },
  { id: "U05", name: "gus", email: "gus@example.com", guest: true },
];

export type EstateWishes = {
  /** Pods in each region. */
  replicas: number;
  stabilitySeconds: number;
  /** Longest answer of the health page, on the wall. */
  limitMs?: number;
  rtoSeconds?: number;
  rpoSeconds?: number;
  admission?: "automatic" | "person";
};

/** Writes the estate file of a lab: one service, complete. */
export function labEstate({ replicas, stabilitySeconds, limitMs = 1000, ...wishes }: EstateWishes): string {
  const secret = { env: "CHECKOUT_DB_URL" };
  const deployment = { namespace: "shop", name: "checkout", replicas };
  const estate: DeepPartial<Estate> = {
    regions: [east, west],
    channels: { incidents: "#incident-response", backup: "#emergency-backup", executives: "#executive-updates" },
    people: Object.fromEntries(
      persons
        .filter((person) => !person.guest)
        .map(({ id, name, email }) => [name, { slack: id, mail: email ?? "", terminal: name }]),
    ),
    approvers: ["ana", "ben", "cleo"],
    services: {
      checkout: {
        tier: "critical",
        traffic: { driver: "route53-weighted", zone: zone.id, name: record, ttl: 60 },
        databases: [
          {
            driver: "rds-postgres",
            writer: { region: east, instance: instances[east], appRole: secret },
            replica: { region: west, instance: instances[west], appRole: secret },
          },
        ],
        deployments: [
          { region: west, cluster: "west", ...deployment },
          { region: east, cluster: "east", ...deployment },
        ],
        configs: [{ region: west, cluster: "west", namespace: "shop", name: "app-config", key: "DB_HOST" }],
        health: {
          url: `https://${record}:8080/health`,
          edges: { [east]: "https://east.example.com:8080", [west]: "https://west.example.com:8080" },
          limitMs,
        },
        stabilitySeconds,
        ...wishes,
      },
    },
    clusters: { east: { context: "prod-east" }, west: { context: "prod-west" } },
  };
  return stringify(estate);
}

type DeepPartial<T> = T extends object ? { [K in keyof T]?: DeepPartial<T[K]> } : T;
