import { expect } from "@jest/globals";
import { globSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { parse, parseAllDocuments } from "yaml";
import { renderChart } from "../plumbing/go-template.ts";

export const root = fileURLToPath(new URL("../..", import.meta.url));
export const read = (path: string) => readFileSync(root + path, "utf8");

export type Json = Record<string, unknown>;
export type Manifest = {
  apiVersion: string;
  kind: string;
  metadata: { name: string; annotations?: Record<string, string> };
};
type Container = { env?: { name: string; value?: string }[]; volumeMounts?: { name: string }[]; securityContext: Json };
export type Pod = {
  containers: Container[];
  volumes?: { name: string }[];
  securityContext: Json;
  imagePullSecrets?: Json[];
};

export const manifestsIn = (text: string): Manifest[] =>
  parseAllDocuments(text).flatMap((document) => {
    expect(document.errors).toEqual([]);
    return document.contents === null ? [] : [document.toJS() as Manifest];
  });

export const chart = "deploy/helm/muster";
const templates = Object.fromEntries(
  globSync(`${chart}/templates/*`, { cwd: root }).map((file) => [basename(file), read(file)]),
);
export const values = parse(read(`${chart}/values.yaml`)) as Json;
export const { version, appVersion } = parse(read(`${chart}/Chart.yaml`)) as Record<string, string>;
export const estate = 'regions: [us-east-1]\n# a "quote" and a {{ brace }}\n';

/** What the chart makes of values, by kind. */
export function rendered(changes: Json = {}, release = "muster"): Map<string, Manifest> {
  const all = renderChart(templates, {
    Values: { ...values, estate, ...changes },
    Release: { Name: release },
    Chart: { AppVersion: appVersion },
  });
  return new Map(
    Object.values(all)
      .flatMap(manifestsIn)
      .map((manifest) => [manifest.kind, manifest]),
  );
}
export const podOf = (manifest: Manifest | undefined): Pod =>
  (manifest as unknown as { spec: { template: { spec: Pod } } }).spec.template.spec;

export const everything: Json = {
  settings: {
    AWS_REGION: "eu-west-1",
    LOG_LEVEL: "info",
    REDIS_SENTINELS: "s-0:26379,s-1:26379,s-2:26379",
    REDIS_MASTER: "mymaster",
  },
  imagePullSecrets: [{ name: "registry" }],
  kubeconfigSecretName: "clusters",
  extraCaConfigMapName: "authorities",
  serviceAccount: { create: true, name: "", annotations: { "eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/m" } },
  ingress: {
    enabled: true,
    className: "nginx",
    host: "muster.example.com",
    tlsSecretName: "tls",
    annotations: { a: "b" },
  },
  nodeSelector: { zone: "a" },
  tolerations: [{ key: "a", operator: "Exists" }],
};
