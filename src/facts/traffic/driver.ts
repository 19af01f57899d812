import type { ZoneSeen } from "../../adapters/dns.ts";
import type { HealthCheck } from "../../adapters/route53-health.ts";
import type { ClusterEndpoint, Controls, ControlStates } from "../../adapters/routing-controls.ts";
import type { DnsName, RegionRecords } from "../../adapters/route53.ts";
import type { S3Object } from "../../adapters/s3.ts";
import type { Context } from "../../context.ts";
import type { PlanNode } from "../../engine/plan.ts";
import type { Traffic } from "../../estate.ts";
import type { Expected } from "../../steps/name-servers.ts";
import type { Fact } from "../fact.ts";
import type { FailoverFacts } from "../failover.ts";
import type { Targets } from "../targets.ts";
import type { ExpectedSeen } from "./expected.ts";

/** The shares in which customers are sent to regions: whole numbers, whose sum means nothing. */
export type Shares = Record<string, number>;

/** A health check, and what DNS makes of it; that is absent where nobody asked, or no checker has told. */
export type CheckSeen = HealthCheck & { healthy?: boolean };

/** A record may name a check that was deleted: Route 53 does not look after that. */
export const deleted = "deleted";

/** What preflight saw of the way by which customers are sent to a region. */
export type TrafficFacts = {
  /** Facts of older runs name no driver: they are of weighted records. */
  driver?: Traffic["driver"];
  name: DnsName;
  /** As the control plane in us-east-1 holds them, by region. */
  records: Fact<RegionRecords>;
  /** Types of address that the name has besides, and that no step changes; absent where there are none, and in older runs. */
  otherTypes?: string[];
  zone: Fact<ZoneSeen>;
  /** Of the records that have one, by region; absent in facts of older runs. */
  checks?: Record<string, Fact<CheckSeen | typeof deleted>>;
  /** Where an object decides. */
  control?: ControlFacts;
  /** Where routing controls decide. */
  routing?: RoutingFacts;
};

export type ControlFacts = {
  object: S3Object;
  /** Customers are in this region while the object is not there, and in the object's while it is. */
  primary: string;
  found: Fact<{ isThere: boolean }>;
} & ExpectedSeen;

export type RoutingFacts = {
  /** The five of the recovery cluster. */
  endpoints: ClusterEndpoint[];
  /** By the region they send customers to. */
  controls: Controls;
  /** What each endpoint tells, by its region. */
  readings: Record<string, Fact<ControlStates>>;
} & ExpectedSeen;

/** A move of customers from one region to another, and what was seen of its way; `to` where a database moves with them. */
export type MoveFacts = Pick<FailoverFacts, "service" | "fromRegion" | "toRegion" | "objectives" | "dns"> & {
  to?: object | undefined;
  /** Left out where no move is meant. */
  probes?: FailoverFacts["probes"];
};

/** What moving customers leans on, for the preview and the warnings. */
export type Dependence = { region: string; value: string; tone: "good" | "warn" | "bad"; warning: string };

/**
 * One way of sending customers to a region. A driver is a file here, a line in index.ts, a shape in src/estate.ts, and a step
 * that moves. All but `look` is pure.
 */
export type TrafficDriver<Settings extends Traffic = Traffic> = {
  name: Settings["driver"];
  /**
   * Looks at everything the move of customers stands on. Never throws: what cannot be seen is a fact. With `before`, of the
   * same record, looks again only at what `shares` tells by; the rest is as it was seen then.
   */
  look(ctx: Context, targets: Targets, settings: Settings, before?: TrafficFacts): Promise<TrafficFacts>;
  /** True where many services that are looked at in one moment share what is asked. */
  looksTogether?: true;
  /** Where customers are sent now; undefined where nobody can tell. */
  shares(dns: TrafficFacts): Shares | undefined;
  /** Why customers could not be moved, or nobody could see that they were; sentences without their full stop. */
  blockers(facts: MoveFacts): string[];
  /** Traps of this way that people should know before they approve; sentences. */
  traps(facts: MoveFacts): string[];
  dependence(facts: MoveFacts): Dependence;
  /** The right that AWS proves only when it is used. */
  right: string;
  /**
   * Whether names lead to the new region once they are moved, though nothing there is ready yet; without it, or where nobody
   * can tell, customers are moved last.
   */
  leadsUnready?(facts: MoveFacts): boolean;
  /** The name of the step that moves customers. */
  shiftStep: string;
  /** That step, for a move. */
  shift(facts: MoveFacts, after: PlanNode): PlanNode;
  /** What the answers must be afterwards, where the plan can say; else the step's own result tells. */
  expected?(facts: MoveFacts): Expected | undefined;
};
