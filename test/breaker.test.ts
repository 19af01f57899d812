import { describe, expect, it } from "@jest/globals";
import { isTrouble } from "../src/adapters/trouble.ts";
import { KubernetesError } from "../src/adapters/kubernetes-client.ts";
import { Breakers, NotTried, opensAfter, restSeconds } from "../src/breaker.ts";
import { Activity } from "../src/activity.ts";
import { call, CallTimedOut, sparing, type CallContext } from "../src/call.ts";
import { quiet } from "./engine/engine-lab.ts";

/** A target that answers, or does not; and who calls it, with a clock of the test's own. */
function openTarget() {
  const target = { error: undefined as Error | undefined, asked: 0 };
  const time = { now: new Date("2026-11-23T03:12:00Z") };
  const breakers = new Breakers({ now: () => time.now, log: quiet, isTrouble });
  const run: CallContext = {
    point: () => Promise.resolve(),
    activity: new Activity(),
    callTimeoutMs: 1000,
    log: quiet,
    redact: (text) => text,
    breakers,
  };
  const ask = async () => {
    target.asked += 1;
    await Promise.resolve();
    if (target.error !== undefined) throw target.error;
    return "answer";
  };
  const options = { target: "rds us-east-1" };
  const callAs = (ctx: CallContext) =>
    call(ctx, "rds.DescribeDBInstances", ask, options).catch((error: unknown) => error);
  return {
    target,
    breakers,
    run,
    asRun: () => callAs(run),
    asWatch: () => callAs(sparing(run)),
    state: () => breakers.states().find((one) => one.target === "rds us-east-1")?.state,
    pass: (seconds: number) => (time.now = new Date(time.now.getTime() + seconds * 1000)),
    fail: async (times = opensAfter) => {
      target.error = silence;
      for (let time = 0; time < times; time += 1) await callAs(run);
    },
  };
}

const silence = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });

describe("a circuit breaker", () => {
  it("opens when nothing answered some times in a row, and keeps back what can wait", async () => {
    const { target, asWatch, fail, state, breakers } = openTarget();
    await fail(opensAfter - 1);
    expect(state()).toBe("closed");
    expect(breakers.failing()).toEqual([]);
    await fail(1);
    expect(state()).toBe("open");
    const { asked } = target;
    const refusal = await asWatch();
    expect(refusal).toBeInstanceOf(NotTried);
    expect((refusal as Error).message).toBe(
      "rds us-east-1 was not asked: calls to it have been failing since 03:12 UTC. It is asked again in 5 s",
    );
    expect(target.asked).toBe(asked);
  });

  it("never keeps back a run's own call, and closes at its first answer", async () => {
    const { target, asRun, asWatch, fail, state } = openTarget();
    await fail(20);
    expect(target.asked).toBe(20);
    target.error = undefined;
    expect(await asRun()).toBe("answer");
    expect(state()).toBe("closed");
    expect(await asWatch()).toBe("answer");
  });

  it("lets one trial through when its rest is over, and rests longer each time it fails", async () => {
    const { target, asWatch, fail, state, pass, breakers } = openTarget();
    await fail();
    for (const seconds of [...restSeconds, restSeconds.at(-1) ?? 0]) {
      const { asked } = target;
      pass(seconds - 1);
      expect(await asWatch()).toBeInstanceOf(NotTried);
      pass(1);
      expect(await asWatch()).toBe(silence);
      expect(target.asked).toBe(asked + 1);
      expect(state()).toBe("open");
    }
    expect(breakers.failing()).toEqual([
      { target: "rds us-east-1", since: "2026-11-23T03:12:00.000Z", why: "connect ECONNREFUSED" },
    ]);
    target.error = undefined;
    pass(15);
    expect(await asWatch()).toBe("answer");
    expect(state()).toBe("closed");
    expect(breakers.failing()).toEqual([]);
    // And begins anew, with the short rest.
    await fail();
    pass(restSeconds[0]);
    expect(await asWatch()).toBe(silence);
  });

  it("while a trial is under way, keeps back the others that can wait, and makes no run wait for it", async () => {
    const { run, breakers, fail, pass, state, asWatch } = openTarget();
    await fail();
    pass(restSeconds[0]);
    const { promise, resolve } = Promise.withResolvers<string>();
    const trial = call(run, "rds.DescribeDBInstances", () => promise, { target: "rds us-east-1" });
    await Promise.resolve();
    expect(state()).toBe("half-open");
    expect(await asWatch()).toBeInstanceOf(NotTried);
    const beside = await call(run, "rds.PromoteReadReplica", () => Promise.resolve("promoted"), {
      target: "rds us-east-1",
    });
    expect(beside).toBe("promoted");
    resolve("answer");
    expect(await trial).toBe("answer");
    expect(state()).toBe("closed");
    expect(breakers.failing()).toEqual([]);
  });

  it("takes a refusal for an answer, wherever it comes in a row", async () => {
    const { target, asRun, fail, state } = openTarget();
    await fail(opensAfter - 1);
    target.error = new KubernetesError(403, "Forbidden", "403 no");
    expect(await asRun()).toBe(target.error);
    await fail(opensAfter - 1);
    expect(state()).toBe("closed");
  });

  it("learns nothing from a call that its caller broke off, and takes it for no answer of a trial", async () => {
    const { run, fail, pass, state } = openTarget();
    const brokenOff = async () => {
      const caller = new AbortController();
      const options = { target: "rds us-east-1", signal: caller.signal };
      const asked = call(run, "rds.DescribeDBInstances", () => new Promise(() => undefined), options);
      await Promise.resolve();
      caller.abort(new Error("the lease is lost"));
      await expect(asked).rejects.toThrow("the lease is lost");
    };
    for (let time = 0; time < opensAfter; time += 1) await brokenOff();
    expect(state()).toBe("closed");
    await fail();
    pass(restSeconds[0]);
    await brokenOff();
    expect(state()).toBe("open");
  });

  it("is one for each target, and Muster's own database has none", async () => {
    const { run, fail, breakers } = openTarget();
    await fail();
    const refuse = () => Promise.reject(silence);
    await expect(call(run, "slack.chat.postMessage", refuse)).rejects.toBe(silence);
    for (let time = 0; time < opensAfter; time += 1)
      await expect(call(run, "db.journal", refuse)).rejects.toBe(silence);
    expect(breakers.states()).toEqual([
      { target: "rds us-east-1", state: "open" },
      { target: "slack", state: "closed" },
    ]);
  });

  it.each([
    ["a refused connection", silence, true],
    ["a timeout", new CallTimedOut("rds.X", 5000), true],
    ["a server in trouble", Object.assign(new Error("503"), { $metadata: { httpStatusCode: 503 } }), true],
    ["an API server in trouble", new KubernetesError(500, undefined, "500"), true],
    ["Slack's 502", Object.assign(new Error("502"), { statusCode: 502 }), true],
    ["a fetch of Slack's client", new Error("A request error occurred: TypeError: fetch failed"), true],
    ["a throttle", Object.assign(new Error("slow down"), { $metadata: { httpStatusCode: 400 } }), false],
    ["a conflict", new KubernetesError(409, "Conflict", "409"), false],
    ["an error of a statement", Object.assign(new Error("no such table"), { code: "42P01" }), false],
    ["a Postgres that starts", Object.assign(new Error("starting"), { code: "57P03" }), true],
  ])("takes %s for what it is", (_name, error, trouble) => {
    expect(isTrouble(error)).toBe(trouble);
  });
});
