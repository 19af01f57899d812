import { describe, expect, it } from "@jest/globals";
import { whoBeats } from "../../src/watch/heartbeat.ts";
import { followsNow } from "../../src/watch/old-side.ts";
import { isSecondary, takeNext } from "../../src/watch/rejoined.ts";
import { isOutdated } from "../../src/watch/renewal.ts";
import { replica, writer } from "../jobs/facts.ts";

describe("who takes the heartbeat", () => {
  const writes = { takesWrites: true };
  const follows = { takesWrites: false };
  const cases: [string, Parameters<typeof whoBeats>, ReturnType<typeof whoBeats>][] = [
    ["the writer beside its replica", [writes, follows, false], "preferred"],
    ["the writer whose replica is silent", [writes, undefined, false], "preferred"],
    ["nobody of two writers whom nobody promoted", [writes, writes, false], undefined],
    ["who was promoted, whatever the old side says", [writes, writes, true], "preferred"],
    ["nobody while the promoted one is silent and an old one came back", [undefined, writes, true], undefined],
    ["the old writer while the promotion is under way", [follows, writes, true], "other"],
    ["the one somebody promoted by hand", [undefined, writes, false], "other"],
    ["nobody where nobody writes", [follows, follows, false], undefined],
    ["nobody where nobody answers", [undefined, undefined, true], undefined],
  ];
  it.each(cases)("%s", (_name, looks, wanted) => {
    expect(whoBeats(...looks)).toBe(wanted);
  });
});

describe("whether an old writer follows the new one", () => {
  const since = new Date("2026-05-03T10:00:00Z");
  const beatAt = "2026-05-03T10:01:00.000Z";
  const old = { takesWrites: false, hearsWriter: true, beatAt };
  const promoted = { takesWrites: true, hearsWriter: false, beatAt };
  const late = "2026-05-03T10:00:59.000Z";
  const early = "2026-05-03T09:59:59.000Z";
  const cases: [string, Parameters<typeof followsNow>, boolean][] = [
    ["it has the newest heartbeat of the new one", [old, promoted, since], true],
    ["it takes writes", [{ ...old, takesWrites: true }, promoted, since], false],
    ["it hears nobody: it may promote itself", [{ ...old, hearsWriter: false }, promoted, since], false],
    ["it hears somebody, but not of the new one's heartbeat", [{ ...old, beatAt: late }, promoted, since], false],
    [
      "both have the last heartbeat before the promotion",
      [{ ...old, beatAt: early }, { ...promoted, beatAt: early }, since],
      false,
    ],
    ["the new one does not take writes", [old, { ...promoted, takesWrites: false }, since], false],
    ["the new one is not seen", [old, undefined, since], false],
    ["no heartbeat is known", [{ takesWrites: false, hearsWriter: true }, promoted, since], false],
  ];
  it.each(cases)("%s", (_name, looks, wanted) => {
    expect(followsNow(...looks)).toBe(wanted);
  });
});

describe("whether RDS made an old primary of Aurora a secondary", () => {
  const arn = (region: string, name: string) => `arn:aws:rds:${region}:123456789012:cluster:${name}`;
  const primary = { arn: arn("us-west-2", "shop"), isWriter: true, synchronization: "connected" };
  const member = { arn: arn("us-east-1", "shop"), isWriter: false, synchronization: "connected" };
  const global = { id: "shop-global", status: "available", members: [primary, member] };
  const moving = { status: "switching-over", toArn: member.arn };
  const cases: [string, Parameters<typeof isSecondary>[0], boolean][] = [
    ["it is one, in step", global, true],
    ["it was left behind", { ...global, members: [primary, { ...member, synchronization: "pending-resync" }] }, false],
    [
      "nobody tells whether it is in step",
      { ...global, members: [primary, { arn: member.arn, isWriter: false }] },
      false,
    ],
    [
      "it is the primary still",
      {
        ...global,
        members: [
          { ...primary, isWriter: false },
          { ...member, isWriter: true },
        ],
      },
      false,
    ],
    ["both are shown as primary", { ...global, members: [primary, { ...member, isWriter: true }] }, false],
    ["it was detached", { ...global, members: [primary] }, false],
    [
      "it is another one of that name",
      { ...global, members: [primary, { ...member, arn: arn("eu-west-1", "shop") }] },
      false,
    ],
    ["roles are being changed", { ...global, moving }, false],
    ["the global cluster is failing over", { ...global, status: "failing-over" }, false],
  ];
  it.each(cases)("%s", (_name, whole, wanted) => {
    expect(isSecondary(whole, { instance: "Shop", region: "us-east-1" }, primary.arn)).toBe(wanted);
  });
});

describe("about which old sides RDS is asked", () => {
  const names = Array.from({ length: 12 }, (_, at) => `shop-${at}`);
  const at = (seconds: number) => new Date(Date.parse("2026-05-03T10:00:00Z") + seconds * 1000);

  it("about a few in one turn, each in its turn and once a minute at most", () => {
    const lastAsked = new Map<string, Date>();
    const asked = (seconds: number, among = names) => [...takeNext(lastAsked, among, at(seconds))];
    expect([asked(0), asked(10), asked(20), asked(30)]).toEqual([
      names.slice(0, 5),
      names.slice(5, 10),
      names.slice(10),
      [],
    ]);
    expect([asked(59), asked(60), asked(65)]).toEqual([[], names.slice(0, 5), []]);
    // One that is new goes before those that were asked about.
    expect(asked(200, [...names, "new"])[0]).toBe("new");
    expect(asked(200)).toEqual([...names.slice(9), ...names.slice(0, 2)]);
  });
});

describe("whether what is remembered of a server is outdated", () => {
  const { id, region } = writer;
  const cluster = (isWriter: boolean) => ({ id, region, aurora: { isWriter, global: {} as never } });
  const cases: [string, Parameters<typeof isOutdated>, boolean][] = [
    ["a writer that writes", [writer, true], false],
    ["a writer that follows another now", [writer, false], true],
    ["a replica that follows", [replica, false], false],
    ["a replica that was promoted", [replica, true], true],
    ["a primary that writes", [cluster(true), true], false],
    ["a primary that became a secondary", [cluster(true), false], true],
    ["a secondary that became the primary", [cluster(false), true], true],
    ["a server of one's own, which nobody tells about", [{ id, region }, false], false],
  ];
  it.each(cases)("%s", (_name, known, wanted) => {
    expect(isOutdated(...known)).toBe(wanted);
  });
});
