import { spell } from "../../src/spelling.ts";
import { databaseDriver } from "../../src/facts/databases/index.ts";
import { seen } from "../../src/facts/fact.ts";
import type { FactsWithDatabase, FailoverFacts } from "../../src/facts/failover.ts";
import { foreseenLoss, lagOf, promotedAlready, reachedBySomebody, seenFrom } from "../../src/facts/moves.ts";
import type { Mode } from "../../src/steps/targets.ts";
import { keyName } from "../config-keys.ts";
import type { Preview } from "../job.ts";
import { spellOldSide, spellReach } from "../verdict/old-side.ts";

type Row = Preview["rows"][number];

/** What a preview tells of a service's data, or of there being none. */
export type DatabasePreview = {
  mode: Mode | "";
  /** How the headline ends. */
  headline: string;
  rows: Row[];
  diffs: Preview["diffs"];
  /** Rights that only their use proves. */
  provenByUse: readonly string[];
  /** Rules the plan runs into. */
  rules: string[];
  /** True where looks at the old side will be waited for in vain. */
  oldSideSilent: boolean;
};

/** Shows what becomes of a service's database. Pure. */
export function previewDatabase(facts: FactsWithDatabase, mode: Mode): DatabasePreview {
  const driver = databaseDriver(facts.databaseDriver);
  return {
    mode,
    headline: `, ${spellOldSide(facts, mode)}`,
    rows: [
      oldSideRow(facts),
      { label: "Replica", ...driver.replica(facts) },
      { label: "Promotion", ...driver.promotion(facts, mode) },
      lagRow(facts),
      lossRow(facts, mode),
    ],
    diffs: [writerDiff(facts), ...configDiffs(facts)],
    provenByUse: driver.provenByUse(mode),
    rules: rulesOf(facts, mode),
    oldSideSilent: !reachedBySomebody(facts),
  };
}

/** Says that a service keeps no data, and what that means for those who approve. Pure. */
export function previewNoDatabase({ fromRegion }: FailoverFacts): DatabasePreview {
  const value = "keeps no data, so that nothing is fenced there and its pods do no harm: they stay, for the way back";
  return {
    mode: "",
    headline: "; it keeps no data of its own",
    rows: [{ label: `Old side (${fromRegion})`, value }],
    diffs: [],
    provenByUse: [],
    rules: [],
    oldSideSilent: false,
  };
}

function oldSideRow(facts: FactsWithDatabase): Row {
  const { muster, replica } = seenFrom(facts);
  const tone = muster === "yes" && replica === "yes" ? "good" : reachedBySomebody(facts) ? "warn" : "bad";
  return { label: `Old side (${facts.fromRegion})`, value: spellReach(facts), tone };
}

function lagRow(facts: FactsWithDatabase): Row {
  const { seconds, bytes, unappliedBytes } = lagOf(facts);
  const beat = seconds === undefined ? "unknown by heartbeat" : `${Math.ceil(seconds)} s by heartbeat`;
  const applied =
    unappliedBytes === undefined ? "unknown by log" : `${spellBytes(unappliedBytes)} arrived and not applied`;
  return {
    label: "Replica behind",
    value: `${beat}, ${bytes === undefined ? applied : `${spellBytes(bytes)} by log`}`,
  };
}

function lossRow(facts: FactsWithDatabase, mode: Mode): Row {
  const label = "Writes lost";
  const { rpoSeconds } = facts.objectives;
  if (promotedAlready(facts)) {
    const run = seen(facts.promotion)?.last?.run;
    return {
      label,
      value: `unknown: run ${run} has promoted it already, and its report tells what that lost`,
      tone: "bad",
    };
  }
  const seconds = foreseenLoss(facts, mode);
  if (seconds === 0) return { label, value: "none: writes stop first, then the replica catches up", tone: "good" };
  if (seconds === undefined) return { label, value: `unknown (objective ${spell(rpoSeconds)})`, tone: "bad" };
  const value = `up to ${seconds} s (objective ${spell(rpoSeconds)})`;
  return { label, value, tone: seconds > rpoSeconds ? "bad" : "warn" };
}

/** Said unless somebody broke that rule. */
export const askedAgain = "loss over the objective: the approvers are asked again";

function rulesOf(facts: FactsWithDatabase, mode: Mode): string[] {
  // What an earlier run lost it asked about itself.
  const lost = promotedAlready(facts) ? 0 : foreseenLoss(facts, mode);
  return [
    ...(mode === "ungraceful" ? ["two writers cannot be ruled out: whoever approves accepts that"] : []),
    ...(lost === undefined || lost > facts.objectives.rpoSeconds ? [askedAgain] : []),
  ];
}

function writerDiff({ from, to, fromRegion, toRegion }: FactsWithDatabase): Preview["diffs"][number] {
  const writerOf = (id: string | undefined, region: string) => `${id ?? "the database"} (${region})`;
  return {
    what: "Writes go to",
    from: writerOf(from.known?.id, fromRegion),
    to: writerOf(seen(to.instance)?.id, toRegion),
  };
}

function configDiffs({ configs, to }: FactsWithDatabase): Preview["diffs"] {
  const host = seen(to.instance)?.endpoint?.host;
  return configs.flatMap(({ config, now }) => {
    const found = seen(now);
    if (!found || host === undefined || found.value === host) return [];
    const what = `${keyName(config)} (${config.region})`;
    return [{ what, from: found.value ?? "not set", to: host, ...(found.owner ? { owner: found.owner.manager } : {}) }];
  });
}

function spellBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  return bytes < 1024 ** 2 ? `${Math.ceil(bytes / 1024)} kB` : `${Math.ceil(bytes / 1024 ** 2)} MB`;
}
