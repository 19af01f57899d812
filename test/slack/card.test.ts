import { readFileSync } from "node:fs";
import { describe, expect, it } from "@jest/globals";
import type { EventBody } from "../../src/engine/events.ts";
import { blockComplaints } from "../../src/lab/slack-blocks.ts";
import { drawn, proposed, started, states } from "./card-states.ts";
import { smallPlan } from "./small-plan.ts";

// Written by test/golden/write-cards.ts; read the difference before you commit it.
const golden = JSON.parse(readFileSync(new URL("../golden/cards.json", import.meta.url), "utf8")) as Record<
  string,
  unknown
>;

/** What can be pressed in each state. */
const buttons = (name: string) =>
  states[name]!.blocks.flatMap((block) =>
    block.type === "actions" ? block.elements.map((one) => (one.type === "button" ? one.text.text : one.type)) : [],
  );

describe("a run's card", () => {
  it.each(Object.keys(states))("looks as it was agreed: %s", (name) => {
    expect(JSON.parse(JSON.stringify(states[name]))).toEqual(golden[name]);
  });

  it.each(Object.keys(states))("is taken by Slack: %s", (name) => {
    expect(blockComplaints(states[name]!.blocks, "message")).toEqual([]);
  });

  it("offers what can be said, and nothing else", () => {
    expect(Object.fromEntries(Object.keys(states).map((name) => [name, buttons(name)]))).toEqual({
      proposed: ["Approve", "Decline"],
      "one approval": ["Approve", "Decline"],
      blocked: ["Look again"],
      expired: ["Look again"],
      voided: ["Look again"],
      declined: [],
      "under way": ["Hold", "Cancel"],
      "under way, as lines": ["Hold", "Cancel"],
      asked: ["Approve", "Decline", "Hold", "Cancel"],
      held: ["Resume", "Cancel"],
      "parked before the point of no return": ["Continue", "Waive", "Hold", "Undo"],
      "parked after it": ["Continue", "Waive", "Hold", "Abandon"],
      "going back": [],
      "parked on the way back": ["Continue", "Abandon"],
      done: [],
      cancelled: [],
    });
  });

  it("asks nothing about a service on its way back", () => {
    const asked: EventBody = { kind: "asked", step: "checkout/accept-loss", question: "Lose 20 s?", needed: 2 };
    const turned: EventBody = { kind: "turned-back", by: "ben", signal: 4, verb: "undo" };
    expect(JSON.stringify(drawn([...started, asked]).blocks)).toMatch(/Lose 20 s\?.*"Approve"/);
    expect(JSON.stringify(drawn([...started, asked, turned]).blocks)).not.toMatch(/Lose 20 s\?|"Approve"/);
  });

  it("lets nobody's words call people or make markup", () => {
    expect(JSON.stringify(states.proposed)).not.toContain("<!channel>");
    expect(JSON.stringify(states.proposed)).toContain("&lt;!channel&gt;");
  });

  it("is cut, not refused, however much there is to say", () => {
    const long = "& many <words> 😀 ".repeat(3000);
    const node = smallPlan.nodes[0]!;
    const nodes = Array.from({ length: 70 }, (_, n) => ({ ...node, id: `checkout/s${n}`, step: `s${n}`, title: long }));
    const plan = { ...smallPlan, title: long, nodes, warnings: [long, long], blockers: [long] };
    for (const events of [[proposed], started]) {
      const { text, blocks } = drawn(events, { plan });
      expect(blockComplaints(blocks, "message")).toEqual([]);
      expect(JSON.stringify(blocks).length).toBeLessThan(13_200);
      expect(text.length).toBeLessThanOrEqual(3000);
    }
  });
});
