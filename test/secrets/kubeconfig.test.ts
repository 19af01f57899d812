import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { kubeconfigSecrets } from "../../src/adapters/kubeconfig-secrets.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "muster-kubeconfig-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function secretsIn(text: string): Promise<string[]> {
  const path = join(folder, "kubeconfig");
  await writeFile(path, text);
  return kubeconfigSecrets(path);
}

describe("the secrets of a kubeconfig", () => {
  it.each([
    ["nothing", "{name: b, user: null}"],
    ["no user at all", "{name: b}"],
    ["a list", "{name: b, user: []}"],
    ["no object", "b"],
    ["nothing that is secret", "{name: b, user: {exec: {command: aws}}}"],
    ["an empty token", '{name: b, user: {token: ""}}'],
  ])("are known though another of its users is %s", async (_name, other) => {
    expect(await secretsIn(`users:\n- ${other}\n- {name: a, user: {token: tokentoken1}}\n`)).toEqual(["tokentoken1"]);
  });

  it("are a token, a password, also one of digits, and a key", async () => {
    const users =
      "users:\n- {user: {token: tokentoken1, client-key-data: LS0t}}\n- {user: {username: x, password: 01234567}}\n";
    expect(await secretsIn(users)).toEqual(["tokentoken1", "LS0t", "01234567"]);
  });

  it.each(["", "users: 3", "users: [", "just words"])("are none in %j", async (text) => {
    expect(await secretsIn(text)).toEqual([]);
  });

  it("are none in a file that is not there", () => {
    expect(kubeconfigSecrets(join(folder, "nowhere"))).toEqual([]);
    expect(kubeconfigSecrets(undefined)).toEqual([]);
  });
});
