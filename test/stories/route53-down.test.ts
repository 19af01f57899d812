import { describe, expect, it, jest } from "@jest/globals";
import { east, west } from "../../src/lab/estate.ts";
import { openLab, type Lab } from "../../src/lab/lab.ts";

/** Long, because a machine may be busy with other things: no story waits on the wall. */
jest.setTimeout(240_000);

const shifts = (lab: Lab) => lab.changes().filter((change) => change.startsWith("route53"));

describe("Route 53's control plane", () => {
  it("is missed before anybody approves: there is no Approve, and the card says why", async () => {
    await using lab = await openLab({ patient: true });
    for (const [down, words] of [
      ["refuses", "breaks connections"],
      ["silent", "does not answer"],
    ] as const) {
      lab.route53.knobs.down = down;
      await lab.says("ana", "/failover us-west-2 checkout");
      const { text, buttons } = await lab.card();
      expect(text).toContain(
        `Route 53's control plane cannot be used (Route 53 ${words}), and the records cannot be moved without it`,
      );
      expect(text).toContain("Depends on us-east-1");
      expect(buttons).toEqual(["Look again"]);
    }
    lab.route53.knobs.down = false;
    await lab.presses("ben", "Look again");
    expect((await lab.card()).buttons).toEqual(["Approve", "Decline"]);
    expect(lab.changes()).toEqual([]);
  });

  it("that is lost in the middle parks the run before people are moved, and Continue goes on once it is back", async () => {
    await using lab = await openLab({ strideSeconds: 10, patient: true });
    await lab.starts();
    await lab.untilTold("Done: make checkout-db-west");
    lab.route53.knobs.down = "refuses";
    const sentence =
      "Route 53's control plane, which lives in us-east-1, breaks connections; that is still so after 3 minutes";
    expect(await lab.untilRests()).toBe(`parked: ${sentence}`);
    await lab.time.until("it is told", async () => (await lab.thread()).at(-1)?.startsWith("Parked") === true, 60);
    expect((await lab.thread()).at(-1)?.split("\n").slice(0, 3)).toEqual([
      `Parked: ${sentence}.`,
      "Muster could not send all traffic for checkout to us-west-2, and does nothing more there by itself.",
      "Put it right and press Continue, or Waive (two approvers) to go on without it.",
    ]);
    expect(await lab.dig()).toEqual([lab.edges[east]?.address]);
    expect(shifts(lab)).toEqual([]);
    lab.route53.knobs.down = false;
    await lab.presses("cleo", "Continue");
    expect(await lab.untilRests()).toBe("done");
    expect(await lab.dig()).toEqual([lab.edges[west]?.address]);
    expect(shifts(lab)).toHaveLength(1);
  });

  it("that takes a change and never spreads it is not believed: the run parks, and Continue sends it once more", async () => {
    await using lab = await openLab({ strideSeconds: 10, patient: true });
    lab.route53.neverInsync = true;
    await lab.starts();
    expect(await lab.untilRests()).toBe(
      `parked: the name server ns-1.example-dns.lab answers ${lab.edges[east]?.address}; that is still so after 3 minutes`,
    );
    expect((await lab.timeline()).filter((line) => line.startsWith("Done: send all traffic"))).toEqual([]);
    expect(shifts(lab)).toHaveLength(1);
    lab.route53.neverInsync = false;
    await lab.presses("cleo", "Continue");
    expect(await lab.untilRests()).toBe("done");
    expect(await lab.dig()).toEqual([lab.edges[west]?.address]);
    expect(shifts(lab)).toHaveLength(1);
    expect(lab.log.of("route53", "ChangeResourceRecordSets")).toHaveLength(2);
  });
});
