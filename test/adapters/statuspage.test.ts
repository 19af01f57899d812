import { describe, expect, it } from "@jest/globals";
import { answeredWith, pageTroubleOf } from "../../src/adapters/statuspage-trouble.ts";
import { CallTimedOut } from "../../src/call.ts";

const code = (name: string) => Object.assign(new Error(`connect ${name}`), { code: name });

describe("an answer of Statuspage that is no success", () => {
  it.each([
    [420, "17", { kind: "throttled", afterSeconds: 17 }],
    [429, undefined, { kind: "throttled", afterSeconds: 60 }],
    [429, "soon", { kind: "throttled", afterSeconds: 60 }],
    [429, "-1", { kind: "throttled", afterSeconds: 60 }],
    [401, undefined, { kind: "refused", status: 401 }],
    [404, undefined, { kind: "refused", status: 404 }],
    [422, undefined, { kind: "refused", status: 422 }],
    [301, undefined, { kind: "refused", status: 301 }],
    [500, undefined, { kind: "doubtful" }],
    [503, "5", { kind: "doubtful" }],
  ])("%i with Retry-After %s", (status, retryAfter, trouble) => {
    expect(answeredWith(status, retryAfter, "").trouble).toEqual(trouble);
  });

  it.each([
    ['{"message":"Could not authenticate"}', "it answers 401 (Could not authenticate)"],
    [
      '{"error":["Name can\'t be blank","Status is not valid"]}',
      "it answers 401 (Name can't be blank; Status is not valid)",
    ],
    ['{"error":"no"}', "it answers 401 (no)"],
    ["<html>Bad gateway</html>", "it answers 401"],
    ["null", "it answers 401"],
  ])("that says %s", (body, message) => {
    expect(answeredWith(401, undefined, body).message).toBe(message);
  });
});

describe("a call to Statuspage that failed", () => {
  it.each([
    [code("ECONNREFUSED"), "away", "away"],
    [code("ENOTFOUND"), "away", "away"],
    [code("ECONNRESET"), "doubtful", "away"],
    [new CallTimedOut("statuspage.CreateIncident", 5000), "doubtful", "away"],
    [answeredWith(500, undefined, ""), "doubtful", "away"],
    [answeredWith(401, undefined, ""), "refused", "refused"],
  ])("%s: after a change %s, after a look %s", (error, changing, looking) => {
    expect(pageTroubleOf(error, { changes: true }).trouble.kind).toBe(changing);
    expect(pageTroubleOf(error, { changes: false }).trouble.kind).toBe(looking);
  });
});
