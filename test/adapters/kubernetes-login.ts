import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import type { Kubernetes } from "../../src/lab/kubernetes.ts";

type Login = { token: string; takesSeconds?: number };

/** A kubeconfig whose user is logged in by a program, as `aws eks get-token` does it, and how often that was started. */
export async function loginBy(
  { context, url, ca }: Pick<Kubernetes, "context" | "url" | "ca">,
  { token, takesSeconds = 0 }: Login,
) {
  const folder = await mkdtemp(join(tmpdir(), "muster-login-"));
  const [kubeconfigFile, credential, starts] = ["kubeconfig.yaml", "credential.json", "starts"].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  const renew = (fresh: string) =>
    writeFile(
      credential,
      JSON.stringify({
        apiVersion: "client.authentication.k8s.io/v1",
        kind: "ExecCredential",
        status: { token: fresh },
      }),
      { mode: 0o600 },
    );
  const exec = {
    apiVersion: "client.authentication.k8s.io/v1",
    command: "/bin/sh",
    args: ["-c", `echo >> ${starts}; sleep ${takesSeconds}; cat ${credential}`],
    interactiveMode: "Never",
  };
  await writeFile(starts, "");
  await renew(token);
  await writeFile(
    kubeconfigFile,
    stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [
        {
          name: context,
          cluster: { server: url, "certificate-authority-data": Buffer.from(ca).toString("base64") },
        },
      ],
      users: [{ name: "muster", user: { exec } }],
      contexts: [{ name: context, context: { cluster: context, user: "muster" } }],
    }),
  );
  return {
    settings: { name: "west", context, kubeconfigFile, connectTimeoutMs: 800 },
    renew,
    started: async () => (await readFile(starts, "utf8")).length,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
