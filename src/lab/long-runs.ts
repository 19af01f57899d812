import { insertRun } from "../../jobs/propose/insert-run.ts";
import { openDb, type Db } from "../db/connect.ts";
import { hashPlan, use, type Plan } from "../engine/plan.ts";
import { watchStability } from "../steps/watch-stability.ts";
import { record, west } from "./estate.ts";

/** Puts so many runs into Muster's database that each watch a healthy service for a day: always at work, never done. */
export async function insertLongRuns(databaseUrl: string, count: number): Promise<string[]> {
  const db = openDb(databaseUrl, { max: 1, leaseMs: 60_000 });
  try {
    const ids: string[] = [];
    for (let index = 0; index < count; index += 1) ids.push(await insertOne(db, `watched-${index}-${Date.now()}`));
    return ids;
  } finally {
    await db.destroy();
  }
}

async function insertOne(db: Db, service: string): Promise<string> {
  const input = {
    service,
    toRegion: west,
    url: `https://${record}:8080/health`,
    limitMs: 1000,
    stabilitySeconds: 86_400,
  };
  const plan: Plan = {
    // The kind of run that starts by itself, as its parent was approved.
    job: "refence",
    title: `watch ${service}`,
    input: {},
    nodes: [use(watchStability, service, input)],
    locks: [service],
    claims: [],
    approvers: ["ana", "ben"],
    needed: 0,
    blockers: [],
    warnings: [],
  };
  const planHash = hashPlan(plan, {});
  const place = { kind: "terminal" } as const;
  await insertRun(db, {
    id: service,
    job: plan.job,
    plan,
    facts: {},
    planHash,
    by: "muster",
    place,
    channel: "#incident-response",
  });
  return service;
}
