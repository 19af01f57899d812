import { GetHostedZoneCommand } from "@aws-sdk/client-route-53";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { makeClients, type ClientSettings } from "../../src/adapters/clients.ts";

const settings: ClientSettings = {
  clusters: {},
  guard: { user: "muster", password: "", ssl: "disable" },
  connectTimeoutMs: 100,
  resolvers: [],
  publicResolvers: [],
  dnsPort: 53,
};

const credentials = `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials>
  <AccessKeyId>AKIALAB</AccessKeyId><SecretAccessKey>lab</SecretAccessKey><SessionToken>lab</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>
</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`;

/** A pod's role, as EKS gives it. */
const names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"] as const;

describe("the client of Route 53, with a role", () => {
  const before = Object.fromEntries(names.map((name) => [name, process.env[name]]));
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "muster-clients-"));
    const token = join(folder, "token");
    await writeFile(token, "token");
    for (const name of names) delete process.env[name];
    Object.assign(process.env, {
      AWS_WEB_IDENTITY_TOKEN_FILE: token,
      AWS_ROLE_ARN: "arn:aws:iam::123456789012:role/muster",
    });
  });
  afterAll(async () => {
    for (const name of names) delete process.env[name];
    for (const [name, value] of Object.entries(before)) if (value !== undefined) process.env[name] = value;
    await rm(folder, { recursive: true });
  });

  it.each([
    ["eu-west-1", "sts.eu-west-1.amazonaws.com", undefined],
    [undefined, "sts.us-east-1.amazonaws.com", undefined],
    ["eu-west-1", "sts.eu-west-1.amazonaws.com", "https://route53.proxy.example.com"],
  ])("whose home is %s logs in at %s, and signs for us-east-1, at %s too", async (homeRegion, sts, route53Endpoint) => {
    const clients = makeClients({ ...settings, homeRegion, route53Endpoint });
    const asked: string[] = [];
    const handle = ({ hostname, headers }: { hostname: string; headers: Record<string, string> }) => {
      const scope = /Credential=\w+\/\d+\/([\w-]+)\//.exec(headers["authorization"] ?? "")?.[1];
      asked.push(scope ? `${hostname} for ${scope}` : hostname);
      if (!hostname.startsWith("sts.")) throw new Error("enough is seen");
      return Promise.resolve({ response: { statusCode: 200, headers: {}, body: Readable.from([credentials]) } });
    };
    Object.assign(clients.route53.config, { requestHandler: { handle } });
    await expect(clients.route53.send(new GetHostedZoneCommand({ Id: "Z1" }))).rejects.toThrow("enough is seen");
    const host = route53Endpoint ? new URL(route53Endpoint).hostname : "route53.amazonaws.com";
    expect(asked).toEqual([sts, `${host} for us-east-1`]);
    await clients.close();
  });
});
