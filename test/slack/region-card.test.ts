import { describe, expect, it } from "@jest/globals";
import { failoverRegion } from "../../jobs/failover-region.ts";
import type { BrokenGlass } from "../../src/engine/break-glass.ts";
import type { EventBody } from "../../src/engine/events.ts";
import type { Plan, PlanNode } from "../../src/engine/plan.ts";
import type { Estate } from "../../src/estate.ts";
import type { RegionFacts } from "../../src/facts/region.ts";
import { blockComplaints } from "../../src/lab/slack-blocks.ts";
import { at, estate, healthy } from "../jobs/facts.ts";
import { drawn, proposed, started } from "./card-states.ts";
import { smallPlan } from "./small-plan.ts";

const names = Array.from({ length: 100 }, (_, index) => `service-${String(index + 1).padStart(3, "0")}`);
const ofService = (service: string): PlanNode[] =>
  smallPlan.nodes.map((node) => ({ ...node, id: `${service}/${node.step}`, service }));
const wave: PlanNode = {
  ...smallPlan.nodes[0]!,
  id: "wave-2/start-wave",
  service: "wave-2",
  step: "start-wave",
  changes: false,
};

/** A hundred services in two waves of fifty. */
const plan: Plan = {
  ...smallPlan,
  title: "move every service to us-west-2",
  locks: names,
  nodes: [...names.slice(0, 50).flatMap(ofService), wave, ...names.slice(50).flatMap(ofService)],
};

const through = (service: string): EventBody[] =>
  smallPlan.nodes.map(({ step }) => ({ kind: "done", step: `${service}/${step}`, result: null }));
const parked = (service: string): EventBody => ({
  kind: "parked",
  step: `${service}/promote-replica`,
  because: `the replica of ${service} is "modifying"`,
});
const looked = (service: string): EventBody => ({ kind: "first-look", step: `${service}/fence-writes` });

const textOf = ({ blocks }: ReturnType<typeof drawn>): string => JSON.stringify(blocks);
const buttonsOf = ({ blocks }: ReturnType<typeof drawn>): string[] =>
  blocks.flatMap((block) =>
    block.type === "actions" ? block.elements.map((one) => (one.type === "button" ? one.text.text : one.type)) : [],
  );

describe("the card of a region's move", () => {
  const states = {
    proposed: drawn([proposed], { plan }),
    "under way": drawn([...started, ...names.slice(0, 10).flatMap(through), ...names.slice(10, 50).map(looked)], {
      plan,
    }),
    "some parked": drawn([...started, ...names.slice(0, 44).flatMap(through), ...names.slice(44, 50).map(parked)], {
      plan,
    }),
    "all parked": drawn([...started, ...names.map(parked)], { plan }),
    done: drawn([...started, ...names.flatMap(through), { kind: "ended", outcome: "done" }], { plan }),
  };

  it.each(Object.entries(states))("is taken by Slack with a hundred services: %s", (_name, card) => {
    expect(blockComplaints(card.blocks, "message")).toEqual([]);
    expect(textOf(card)).not.toContain("The rest did not fit here");
  });

  it("says before it begins which service goes in which wave", () => {
    expect(textOf(states.proposed)).toMatch(
      /1\. \*wave 1\* {2}service-001, .*service-050\\n2\. \*wave 2\* {2}service-051/,
    );
  });

  it("says which rules are broken, by whom and why, before it begins and while it goes on", () => {
    const checkout = estate.services["checkout"]!;
    const region: Estate = { ...estate, region_approvers: ["ana", "ben"], services: { checkout, ledger: checkout } };
    const facts: RegionFacts = {
      toRegion: "us-west-2",
      lookedAt: at,
      services: { checkout: healthy, ledger: { ...healthy, service: "ledger" } },
      held: {},
      unmovable: {},
    };
    const glass: BrokenGlass = { by: "ana", rules: ["two-people", "requester"], reason: "<nobody> else is awake" };
    const cards = (breakGlass?: BrokenGlass) => {
      const made = failoverRegion.plan(region, { toRegion: "us-west-2", breakGlass }, facts);
      const shown = { plan: made, preview: failoverRegion.preview(made, facts) };
      const { id = "" } = made.nodes.find(({ changes }) => changes) ?? {};
      const yes: EventBody = { kind: "approved", by: "ana", signal: 1 };
      const going: EventBody[] = [proposed, yes, { kind: "started" }, { kind: "first-look", step: id }];
      return [[proposed], going].map((events) => drawn(events, shown));
    };
    const said =
      "🔴 BREAK GLASS: ana breaks the rules two-people (one approver is enough), requester (whoever asked may approve it). Reason: &lt;nobody&gt; else is awake.";
    const [before, going] = cards(glass);
    expect(textOf(before!)).toContain(`${said} Every rule that is not named holds.`);
    expect(textOf(before!)).toMatch(/1 must approve by .*: <@ana>, <@ben>\. /);
    expect(textOf(going!)).toContain(said);
    expect(textOf(going!)).toContain("*0 of 2 services are through*");
    for (const card of [before!, going!]) expect(blockComplaints(card.blocks, "message")).toEqual([]);
    for (const card of cards()) expect(textOf(card)).not.toContain("BREAK GLASS");
    expect(textOf(cards()[0]!)).toMatch(/2 must approve by .*: <@ben>\. Not <@ana>, who asked\./);
  });

  it("counts those that are through, names those on their way with their step, and who waits for their wave", () => {
    const text = textOf(states["under way"]);
    expect(text).toContain("*10 of 100 services are through*");
    expect(text).toContain("*service-011* 0 of 4  _stop writes to checkout-db_");
    expect(text).toContain("_and 15 more_");
    expect(text).toContain("waiting for their wave: service-051");
    expect(states["under way"].text).toContain("40 steps are under way");
  });

  it("names each that waits for a person by its service, and lets one press continue them all", () => {
    expect(textOf(states["some parked"])).toContain("`service-045/promote-replica`");
    expect(buttonsOf(states["some parked"])).toEqual([
      ...["service-045", "service-046", "service-047", "service-048"].flatMap((name) => [
        `Continue ${name}/promote-replica`,
        `Waive ${name}/promote-replica`,
      ]),
      "Continue all",
      "Hold",
      "Cancel",
    ]);
  });

  const first = names.slice(0, 50);
  const promoting = (service: string): EventBody[] => [
    { kind: "first-look", step: `${service}/promote-replica` },
    { kind: "intent", step: `${service}/promote-replica`, attempt: 1, before: null },
  ];
  const fencing = (service: string): EventBody[] => [
    looked(service),
    { kind: "intent", step: `${service}/fence-writes`, attempt: 1, before: null },
  ];
  const back: EventBody = { kind: "turned-back", by: "ben", signal: 4, verb: "cancel" };
  const undone = (service: string): EventBody => ({ kind: "undone", step: `${service}/fence-writes` });

  it("says of one turned back which services are as before, which are not yet, and which go on", () => {
    const events = [
      ...started,
      ...first.slice(0, 3).flatMap(fencing),
      ...promoting(first[3]!),
      back,
      undone(first[0]!),
    ];
    const stuck: EventBody = { kind: "parked", step: `${first[2]}/fence-writes`, because: "it cannot be opened" };
    const going = textOf(drawn([...events, stuck], { plan }));
    expect(going).toContain("🔴 *service-003* `fence-writes` it cannot be opened");
    expect(going).toContain("🔄 *service-004* 0 of 4");
    expect(going).toContain("🔄 being taken back: service-002");
    expect(going).toMatch(/↩️ as before: service-001, service-005, .* and 47 more/);
    expect(going).not.toContain("waiting for their wave");
    const abandoned = drawn([...events, { kind: "ended", outcome: "failed", because: "ben abandoned it" }], { plan });
    expect(textOf(abandoned)).toContain("🔴 not taken back: service-002, service-003");
    expect(blockComplaints(abandoned.blocks, "message")).toEqual([]);
    const stuckThen = drawn([...events, stuck, { kind: "ended", outcome: "failed" }], { plan });
    expect(textOf(stuckThen)).toContain(
      "🔴 *service-003* not taken back, stopped at `fence-writes`: it cannot be opened",
    );
  });

  it("says of one that ended where each service stopped, and shows none as under way or asked", () => {
    const [one, two, three, four, five] = first as [string, string, string, string, string];
    const before: EventBody[] = [
      ...started,
      ...through(one),
      ...through(two).slice(0, 2),
      ...promoting(two),
      ...through(three).slice(0, 2),
      { kind: "asked", step: `${four}/accept-loss`, question: "Lose 20 s of writes?", needed: 2 },
      parked(five),
    ];
    const ended: EventBody = { kind: "ended", outcome: "failed", because: "ben abandoned it" };
    const [going, over] = [before, [...before, ended]].map((events) => drawn(events, { plan }));
    expect(textOf(going!)).toMatch(/🔄 \*service-002\* 2 of 4 {2}_promote .*⚪ waiting for their wave: service-006/);
    const text = textOf(over!);
    expect(text).toContain("✅ service-001");
    expect(text).toContain("🔴 *service-002* stopped after 2 of 4 steps, at `promote-replica`");
    expect(text).toContain("🔴 *service-003* stopped after 2 of 4 steps\\n");
    expect(text).toContain("🔴 *service-004* stopped at `accept-loss`, which was not answered");
    expect(text).toContain(`🔴 *service-005* stopped at \`promote-replica\`: the replica of service-005 is`);
    expect(text).toContain("⚪ not begun: service-006");
    expect(text).not.toMatch(/🔄|waiting for their wave|Lose 20 s/);
    expect(blockComplaints(over!.blocks, "message")).toEqual([]);
  });

  it("offers Cancel while any service can go back, and Abandon once none can", () => {
    const allPast = [...started, ...names.flatMap(promoting), parked(first[0]!)];
    expect(buttonsOf(drawn(allPast, { plan }))).toEqual(["Continue", "Waive", "Hold", "Abandon"]);
    const mostPast = [...started, ...names.slice(1).flatMap(promoting), parked(first[1]!)];
    expect(buttonsOf(drawn(mostPast, { plan }))).toEqual(["Continue", "Waive", "Hold", "Undo"]);
    // On the way back a service past the point of no return goes forward, and what it cannot do may be waived.
    expect(buttonsOf(drawn([...mostPast, back, parked(first[1]!)], { plan }))).toEqual([
      "Continue",
      "Waive",
      "Hold",
      "Abandon",
    ]);
  });
});
