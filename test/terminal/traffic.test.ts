import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { checkName } from "../../jobs/set-up/needed.ts";
import { control, east, record, west } from "../../src/lab/estate.ts";
import { openLab, type Lab } from "../../src/lab/lab.ts";
import { controlCheck } from "../../src/lab/traffic.ts";
import { awsCalls, shippedPolicy } from "../install/lab-calls.ts";
import { actionsOf, isAllowed } from "../plumbing/iam.ts";

jest.setTimeout(120_000);

const object = `s3://${control.bucket}/${control.key}`;
const setup = ["traffic", "setup", "checkout"];

describe("muster traffic", () => {
  let lab: Lab;
  beforeAll(async () => {
    // The estate says how customers shall be moved; the zone has weighted records yet.
    lab = await openLab({
      serve: false,
      withoutSlack: true,
      patient: true,
      // The checkers look by the clock, and nobody jumps it for a terminal that waits for them.
      rate: 8,
      estate: { traffic: "route53-switch" },
    });
  });
  afterAll(() => lab.close());
  /** Role or weight of each region's record, and whether a check decides on it. */
  const roles = () =>
    Object.fromEntries(
      lab.route53
        .records()
        .flatMap(({ setIdentifier, weight, failover, healthCheckId }) =>
          setIdentifier ? [[setIdentifier, `${failover ?? weight}${healthCheckId ? ", checked" : ""}`]] : [],
        ),
    );

  it("check says what is missing, both ways, and changes nothing", async () => {
    const { text } = await lab.types("ana", ["traffic", "check", "checkout"]);
    expect(text.split("\n")).toEqual([
      `${record} by route53-switch: us-east-1: 100, us-west-2: 0.`,
      `To us-west-2: cannot be done; depends on us-east-1: nothing: customers are moved by ${object}, in us-west-2.`,
      `  Cannot be done: ${record} has no failover records in the zone Z0LAB with us-east-1 as primary and us-west-2 as secondary; muster traffic setup checkout shows how to put it right.`,
      `To us-east-1: cannot be done; depends on us-west-2: ${object}, which has to be deleted.`,
      expect.stringContaining("Cannot be done"),
      "Nothing was changed.",
    ]);
    expect(lab.changes()).toEqual([]);
  });

  it("setup shows what it would do", async () => {
    const { text } = await lab.types("ana", setup);
    expect(text.split("\n")).toEqual([
      `Put ${object}.probe, read it as a stranger, and delete it again, to prove that the switch can be thrown.`,
      `Make a health check of https://${control.bucket}.s3.us-west-2.amazonaws.com/${control.key}, inverted: healthy as long as there is no such object, every 10 seconds, 3 in a row. Wait until its checkers have looked.`,
      `Replace the weighted records of ${record} in one batch: us-east-1 becomes the primary and gets that check, us-west-2 the secondary.`,
      "Nothing was changed. To do it, in a terminal: muster traffic setup checkout --apply.",
    ]);
    expect(lab.changes()).toEqual([]);
  });

  it.each([
    ["somebody who may not approve", "dora", "yes", /^dora is not among the approvers\./],
    ["somebody who cannot be asked", "ana", undefined, /^Setting up is only done for somebody who can be asked/],
    ["somebody who says no", "ana", "no", /\nNothing was changed\.$/],
    ["somebody who only says y", "ana", "y", /\nNothing was changed\.$/],
  ])("setup does nothing for %s", async (_who, person, answer, words) => {
    expect((await lab.types(person, [...setup, "--apply"], answer)).text).toMatch(words);
    expect(lab.changes()).toEqual([]);
    expect(lab.route53.health.all).toEqual([]);
  });

  it("setup proves first that strangers can read the object, and cleans up when they cannot", async () => {
    lab.s3.setPublic(control.bucket, false);
    const { status, text } = await lab.types("ana", [...setup, "--apply"], "yes");
    expect(status).toBe(1);
    expect(text).toMatch(
      /could not be read without a right: it answers 403\.\nIt was deleted again, and no record was/,
    );
    expect(text).toContain(
      `read ${control.key} and ${control.key}.probe in the policy of the bucket ${control.bucket}`,
    );
    expect(lab.s3.keys(control.bucket)).toEqual([]);
    expect(roles()).toEqual({ [east]: "100", [west]: "0" });
    lab.s3.setPublic(control.bucket, true);
  });

  it("setup makes it after a yes, and nobody is moved, not even for a moment; a deleted check is not in its way", async () => {
    const name = checkName("checkout", control);
    const { health } = lab.route53;
    const { id } = health.create(name, { ...controlCheck, inverted: false });
    expect((await lab.types("ana", [...setup, "--apply"], "yes")).text).toBe(
      `The health check ${id} was made before under the name ${name}, and has other settings now.\nNo record was changed.\nDelete it in Route 53 where no record uses it, or give the control object another key, then try again.`,
    );
    // Whoever does that meets what Route 53 remembers.
    health.delete(id);
    const { status, text } = await lab.types("ana", [...setup, "--apply"], "yes");
    expect({ status, last: text.split("\n").at(-1) }).toEqual({
      status: 0,
      last: "Done. Customers are where they were. Look at it: muster traffic check checkout.",
    });
    expect(lab.dns.weights(record)).toEqual({ [east]: 100, [west]: 0 });
    expect(roles()).toEqual({ [east]: "PRIMARY, checked", [west]: "SECONDARY" });
    expect(lab.s3.keys(control.bucket)).toEqual([]);
    const [made] = lab.route53.health.all;
    expect(made?.config).toMatchObject({ inverted: true, disabled: false, intervalSeconds: 10, failureThreshold: 3 });
    expect(made?.reference).toBe(`${name}-2`);
  });

  it("setup has nothing more to do then, and check says that customers can be moved", async () => {
    expect((await lab.types("ana", setup)).text).toBe(
      "The switch of checkout stands as it should. Nothing was changed.",
    );
    const { text } = await lab.types("ana", ["traffic", "check", "checkout"]);
    expect(text).toContain("To us-west-2: can be done; depends on us-east-1: nothing");
    expect(text).not.toContain("!");
  });

  it("check names a check that somebody disabled, or turned the wrong way", async () => {
    const [made] = lab.route53.health.all;
    const edited = async (change: { disabled?: boolean; inverted?: boolean }) => {
      lab.route53.health.edit(made?.id ?? "", change);
      return (await lab.types("ana", ["traffic", "check", "checkout"])).text;
    };
    expect(await edited({ disabled: true })).toContain("does not follow the object: it is disabled;");
    const wrong = await edited({ disabled: false, inverted: false });
    expect(wrong).toContain("it is not inverted, so the object would have to be there all the time");
    lab.route53.health.edit(made?.id ?? "", { inverted: true });
  });

  it("setup refuses while the object is there: it would move customers at once", async () => {
    lab.useTraffic("route53-weighted");
    lab.s3.put(control.bucket, control.key);
    const { status, text } = await lab.types("ana", [...setup, "--apply"], "yes");
    expect({ status, text }).toMatchObject({
      status: 1,
      text: expect.stringMatching(/^s3:.* is there: the check would/),
    });
  });

  it("asks AWS for nothing outside of the files in deploy/iam, and setting up for all that switch.json gives", () => {
    const asked = awsCalls(lab.log.all);
    const byObject = shippedPolicy("switch");
    const policies = [shippedPolicy("observe"), shippedPolicy("act"), byObject];
    expect(asked.filter((call) => !isAllowed(policies, call))).toEqual([]);
    const used = new Set(asked.map(({ action }) => action));
    expect(actionsOf([byObject]).filter((action) => !used.has(action))).toEqual([]);
  });
});
