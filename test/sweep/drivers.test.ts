import { describe, expect, it } from "@jest/globals";
import { sweepSeed } from "./chance.ts";
import { isStable, isWaitTold, stepOf, Targets } from "./points.ts";
import { playSoundly } from "./sweep.ts";

const patienceMs = 900_000;

/** The first two passings of each place stand for all: name servers are asked many times in one look. */
const firstTwo = (id: string): boolean => / #[12]$/.test(id);
/** The journal around a promotion is swept with RDS's. */
const ownCalls = (id: string): boolean => /(?:before|after) (?:postgres|rds)\..* #1$/.test(id);

/** By day its story and its step's own test stand for it. */
const nightly = [
  [
    { database: "aurora-postgres" },
    "switch-global-cluster",
    ["rds.DescribeGlobalClusters", "rds.SwitchoverGlobalCluster"],
    ownCalls,
  ],
] as const;

/** Drivers that the sweeps of the whole failover do not have: only their own step is new. */
describe.each([
  [{ traffic: "route53-switch" }, "flip-control-object", ["s3.GetObject", "s3.PutObject"], firstTwo],
  [{ traffic: "route53-failover" }, "swap-records", ["route53.ChangeResourceRecordSets"], firstTwo],
  [
    { traffic: "arc-routing-control" },
    "set-routing-controls",
    ["arc.GetRoutingControlState", "arc.UpdateRoutingControlStates"],
    firstTwo,
  ],
  [{ database: "postgres" }, "promote-standby", ["postgres.LookAtStandby", "postgres.PromoteStandby"], ownCalls],
  ...(process.env["SWEEP_PAIRS"] === undefined ? [] : nightly),
] as const)("a failover by %j", (driver, step, calls, stands) => {
  const fate = { mode: "graceful", seed: sweepSeed, ...driver } as const;
  let ids: string[] = [];

  it(
    "is sound when nobody is abandoned, and passes a named point at each of its calls",
    async () => {
      const { points } = await playSoundly({ ...fate, trouble: false }, () => false);
      const ofStep = points.filter((id) => isStable(id) && stepOf(id) === step);
      for (const name of calls) expect(ofStep.some((id) => id.includes(`before ${name} `))).toBe(true);
      ids = ofStep.filter(stands);
    },
    patienceMs,
  );

  it(
    "is sound with workers abandoned at every point of that step, 30 % of the calls failing",
    async () => {
      const targets = new Targets(ids);
      const owed = () => [...targets.left].filter((id) => !targets.hasCrashedAt(id) && !isWaitTold(id));
      // What is not passed any more (one look fewer was needed) is not waited for for long. What is owed is: in a play whose
      // call fails after its effect nothing is journalled as applied, and that may come several times in a row.
      const mostFruitless = () => (owed().length > 0 ? 8 : 2);
      for (let plays = 0, fruitless = 0; targets.left.size > 0 && fruitless < mostFruitless(); plays += 1) {
        const played = await playSoundly({ ...fate, seed: sweepSeed + plays, trouble: true }, targets.chooser());
        fruitless = played.crashes.length === 0 ? fruitless + 1 : 0;
      }
      expect(owed()).toEqual([]);
    },
    patienceMs,
  );
});
