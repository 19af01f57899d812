import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { z } from "zod";

/** What of a kubeconfig's users nobody may read: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/ (AuthInfo). */
const Kubeconfig = z.object({
  users: z.array(
    z.object({
      user: z.object({
        token: z.string().optional(),
        password: z.string().optional(),
        "client-key-data": z.string().optional(),
      }),
    }),
  ),
});

/**
 * Reads the secrets that stand in a kubeconfig, so that they are known before a cluster is first spoken to: what fails until
 * then may quote them, too. None where the file cannot be read; a token that a plugin fetches is learnt with the request it goes
 * with.
 */
export function kubeconfigSecrets(path: string | undefined): string[] {
  if (path === undefined) return [];
  try {
    const { users } = Kubeconfig.parse(parse(readFileSync(path, "utf8")));
    return users.flatMap(({ user }) => Object.values(user).flatMap((secret) => (secret ? [secret] : [])));
  } catch {
    return [];
  }
}
