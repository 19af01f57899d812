import { describe, expect, it } from "@jest/globals";
import { whoBeats } from "../../src/watch/heartbeat.ts";
import { followsNow } from "../../src/watch/old-side.ts";

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
