import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { z } from "zod";

const secret = z.string().optional();

/** What of a kubeconfig's users nobody may read: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/ (AuthInfo). */
const User = z.object({ user: z.object({ token: secret, password: secret, "client-key-data": secret }) });

const Kubeconfig = z.object({ users: z.array(z.unknown()) });

/**
 * Reads the secrets that stand in a kubeconfig, so that they are known before a cluster is first spoken to: what fails until
 * then may quote them, too. A user that is written otherwise has none, and takes those of no other away. None where the file
 * cannot be read; a token that a plugin fetches is learnt with the request it goes with.
 */
export function kubeconfigSecrets(path: string | undefined): string[] {
  if (path === undefined) return [];
  const { data } = Kubeconfig.safeParse(readYaml(path));
  return (data?.users ?? []).flatMap((each) => {
    const { data: known } = User.safeParse(each);
    return known ? Object.values(known.user).flatMap((value) => (value ? [value] : [])) : [];
  });
}

function readYaml(path: string): unknown {
  try {
    // As it is written: a password of digits is text, too.
    return parse(readFileSync(path, "utf8"), { schema: "failsafe" });
  } catch {
    return undefined;
  }
}
