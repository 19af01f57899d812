import type { SecretReference } from "../estate.ts";

/** How a failover was approved: with the old side at hand (nothing may be lost), or without it. */
export type Mode = "graceful" | "ungraceful";

/** One database instance, and how the application logs in to it. */
export type DatabaseTarget = {
  /** What people call it: the RDS identifier, or the host of a server that nobody else manages. */
  instance: string;
  region: string;
  host: string;
  port: number;
  /** Set where it is a cluster of Aurora, whose SQL tells of replication in its own way. */
  aurora?: true;
  /** A postgres:// URL with the application's role, password and database. */
  appRole: SecretReference;
};

/** One deployment, and how many pods it has where it serves. */
export type DeploymentTarget = {
  cluster: string;
  namespace: string;
  name: string;
  replicas: number;
  /** How pods that know the old configuration are replaced: a few at a time, where the new region serves already. Left out: all at once. */
  restart?: "rollout";
  /** The autoscaler that owns it, by its name: then that one's bounds are changed, not the number of pods. */
  autoscaler?: string;
};

/** One key of one config map. */
export type ConfigTarget = { cluster: string; namespace: string; name: string; key: string };

/**
 * Whether a key holds what it may: a host name, or nothing yet. What else it holds may be a secret, such as a whole URL, and
 * with a host alone in its place the pods would not start: it is neither shown nor kept, and not changed.
 */
export const mayHold = (value: string | null | undefined): boolean => /^[\w.-]{0,253}$/.test(value ?? "");

/** Names a thing of a cluster, for a sentence. */
export const spelt = ({ cluster, namespace, name }: { cluster: string; namespace: string; name: string }): string =>
  `${namespace}/${name} in the cluster ${cluster}`;
