import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { gzipSync } from "node:zlib";
import { west } from "../../src/lab/estate.ts";
import { openLab, type Lab } from "../../src/lab/lab.ts";

/** Long, because a machine may be busy with other things: no story waits on the wall. */
jest.setTimeout(240_000);

describe("a failover in a workspace whose Slack posts to Muster", () => {
  it("is asked for, approved and told as over Socket Mode, each click counting once however often it comes", async () => {
    await using lab = await openLab({ slackOverHttp: true, strideSeconds: 10, patient: true });
    await lab.startMuster();
    lab.slack.knobs.deliveries = 3;
    const runId = await lab.starts();
    expect(await lab.untilRests()).toBe("done");
    expect(await lab.runs()).toEqual([runId]);
    expect(await lab.query("select from muster.step_event where kind = 'approved' and run = $1", [runId])).toHaveLength(
      2,
    );
    expect(await lab.dig()).toEqual([lab.edges[west]?.address]);
    expect(lab.doubled()).toEqual([]);
    expect(lab.slack.sockets.connections).toBe(0);
  });

  it("goes on while one of two servers is replaced: Slack's next post finds the other", async () => {
    await using lab = await openLab({ slackOverHttp: true, patient: true });
    await lab.startMuster();
    await lab.says("ana", "/failover us-west-2 checkout");
    await lab.musters[0]?.stop();
    expect(await lab.presses("ben", "Approve")).toContain("Noted");
  });
});

describe("what is posted to Slack's path", () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await openLab({ slackOverHttp: true, patient: true, editEstate: (yaml) => `workspace: T01\n${yaml}` });
  });
  afterAll(() => lab.close());

  let last = 0;
  /** A slash command as Slack posts it. */
  const command = (changes: Record<string, string> = {}) =>
    new URLSearchParams({
      command: "/failover",
      text: "us-west-2 checkout",
      team_id: "T01",
      user_id: "U01",
      channel_id: "C01",
      channel_name: "incident-response",
      trigger_id: `made.${(last += 1)}`,
      ...changes,
    }).toString();
  const form = { "content-type": "application/x-www-form-urlencoded" };
  const ago = (seconds: number) => new Date(lab.time.clock.now().getTime() - seconds * 1000);
  const sign = (body: string, at?: Date) => ({ ...form, ...lab.slack.requests.sign(body, at) });
  const post = async (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string>) => {
    const response = await fetch(lab.slack.requests.url?.() ?? "", { method: "POST", body, headers });
    return { status: response.status, text: await response.text(), headers: response.headers };
  };
  const recorded = async () => (await lab.query("select from muster.inbox")).length;

  type Request = { body: string | Uint8Array<ArrayBuffer>; headers: Record<string, string> };
  const without = (name: string, headers: Record<string, string>) =>
    Object.fromEntries(Object.entries(headers).filter(([key]) => key !== name));
  it.each<[string, number, () => Request]>([
    [
      "signed with another secret",
      401,
      () => {
        const body = command();
        return { body, headers: { ...sign(body), "x-slack-signature": `v0=${"ab".repeat(32)}` } };
      },
    ],
    [
      "of more than 5 minutes ago",
      401,
      () => {
        const body = command();
        return { body, headers: sign(body, ago(302)) };
      },
    ],
    [
      "of more than 5 minutes from now",
      401,
      () => {
        const body = command();
        return { body, headers: sign(body, ago(-330)) };
      },
    ],
    [
      "without a signature",
      401,
      () => {
        const body = command();
        return { body, headers: without("x-slack-signature", sign(body)) };
      },
    ],
    [
      "without a time",
      401,
      () => {
        const body = command();
        return { body, headers: without("x-slack-request-timestamp", sign(body)) };
      },
    ],
    ["with nothing of Slack's at all", 401, () => ({ body: command(), headers: form })],
    [
      "with another region in it than was signed",
      401,
      () => {
        const body = command();
        return { body: body.replace("us-west-2", "us-east-1"), headers: sign(body) };
      },
    ],
    ["as a check of our certificate that Slack did not sign", 401, () => ({ body: "ssl_check=1", headers: form })],
    ["40 kB long and unsigned", 401, () => ({ body: command({ text: "x".repeat(40_000) }), headers: form })],
    [
      "longer than anything of Slack's",
      413,
      () => {
        const body = command({ text: "x".repeat(1_100_000) });
        return { body, headers: sign(body) };
      },
    ],
    [
      "packed",
      415,
      () => {
        const body = command();
        return { body: new Uint8Array(gzipSync(body)), headers: { ...sign(body), "content-encoding": "gzip" } };
      },
    ],
    [
      "by another workspace that has the app",
      403,
      () => {
        const body = command({ team_id: "T99" });
        return { body, headers: sign(body) };
      },
    ],
    [
      "as a form whose payload is no JSON",
      400,
      () => {
        const body = "payload=%7Bnot";
        return { body, headers: sign(body) };
      },
    ],
    [
      "as something else than a form",
      400,
      () => ({ body: "hello", headers: { ...sign("hello"), "content-type": "text/plain" } }),
    ],
    [
      "as a command that the app does not have",
      404,
      () => {
        const body = command({ command: "/fallover" });
        return { body, headers: sign(body) };
      },
    ],
    [
      "as an event, which nobody here waits for",
      200,
      () => {
        const body = JSON.stringify({ type: "event_callback", team_id: "T01", event: { type: "reaction_added" } });
        return { body, headers: { ...sign(body), "content-type": "application/json" } };
      },
    ],
  ])("%s is answered %d with nothing, and nothing is recorded", async (_what, status, make) => {
    const { body, headers } = make();
    const before = await recorded();
    const answer = await post(body, headers);
    expect({ status: answer.status, text: answer.text }).toEqual({ status, text: "" });
    expect(await recorded()).toBe(before);
    expect(await lab.runs()).toEqual([]);
  });

  it.each([299, -299])("%d seconds ago, with Slack's signature, is taken", async (seconds) => {
    // Next to nothing passes between signing and being judged, however busy this machine is.
    const { rate } = lab.time.clock;
    await lab.time.set(lab.time.clock.now(), 0.1);
    const body = command({ command: "/muster", text: "help" });
    const before = await recorded();
    expect(await post(body, sign(body, ago(seconds)))).toMatchObject({ status: 200 });
    expect(await recorded()).toBe(before + 1);
    await lab.time.set(lab.time.clock.now(), rate);
  });

  it("word for word twice counts once; the same after 5 minutes is refused", async () => {
    const body = command({ command: "/muster", text: "help" });
    const headers = sign(body);
    const before = await recorded();
    for (let count = 0; count < 3; count += 1) expect((await post(body, headers)).status).toBe(200);
    expect(await recorded()).toBe(before + 1);
    await lab.time.pass(310);
    expect((await post(body, headers)).status).toBe(401);
    expect(await recorded()).toBe(before + 1);
  });

  it("with 40 kB of text, by a person, is read, and refused in words", async () => {
    expect(await lab.says("ana", `/failover ${"x".repeat(40_000)}`)).toContain("characters long");
    expect(await lab.runs()).toEqual([]);
  });

  it("by anybody else than Slack teaches them nothing: other methods and paths are not there", async () => {
    const url = lab.slack.requests.url?.() ?? "";
    expect((await fetch(url)).status).toBe(404);
    expect((await fetch(`${url}/more`, { method: "POST" })).status).toBe(404);
  });

  it("is taken by no server whose signing secret is empty: it does not start", async () => {
    const secret = lab.environment["SLACK_SIGNING_SECRET"] ?? "";
    lab.environment["SLACK_SIGNING_SECRET"] = "";
    await expect(lab.startMuster()).rejects.toThrow(/SLACK_SIGNING_SECRET: expected .* would let anybody in/);
    lab.environment["SLACK_SIGNING_SECRET"] = secret;
  });
});
