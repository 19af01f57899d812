import { randomBytes } from "node:crypto";
import type { Clock } from "../clock.ts";
import { invalid, notFound, resources } from "./kubernetes-answers.ts";
import { stamp } from "./kubernetes-objects.ts";
import { readJson } from "./kubernetes-patch.ts";

export type Account = { namespace: string; name: string };

type Spec = { audiences?: string[]; expirationSeconds?: number };

/** Issues tokens for service accounts, which the API server takes until they expire. */
export class Tokens {
  readonly #issued = new Map<string, { account: Account; expiresAt: Date }>();
  readonly #clock: Clock;
  readonly #accounts: readonly Account[];

  constructor(clock: Clock, accounts: readonly Account[]) {
    this.#clock = clock;
    this.#accounts = accounts;
  }

  /** Answers a TokenRequest: an hour unless asked otherwise, ten minutes at least. */
  request({ namespace, name }: Account, body: string): object {
    const { spec = {} } = readJson(body) as { spec?: Spec };
    const { audiences = [], expirationSeconds = 3600 } = spec;
    const account = this.#accounts.find((one) => one.namespace === namespace && one.name === name);
    if (!account) throw notFound(resources.serviceaccounts, name);
    if (expirationSeconds < 600) {
      const why = `Invalid value: ${expirationSeconds}: may not specify a duration less than 10 minutes`;
      throw invalid("TokenRequest.authentication.k8s.io", "", "spec.expirationSeconds", why);
    }
    const token = `lab.${randomBytes(24).toString("base64url")}`;
    const expiresAt = new Date(this.#clock.now().getTime() + expirationSeconds * 1000);
    this.#issued.set(token, { account, expiresAt });
    const heard = audiences.length > 0 ? audiences : ["https://kubernetes.default.svc.cluster.local"];
    return {
      kind: "TokenRequest",
      apiVersion: "authentication.k8s.io/v1",
      metadata: { name, namespace, creationTimestamp: stamp(this.#clock.now()) },
      spec: { audiences: heard, expirationSeconds, boundObjectRef: null },
      status: { token, expirationTimestamp: stamp(expiresAt) },
    };
  }

  /** Whose token this is; undefined when it was never issued or has expired. */
  ownerOf(token: string): Account | undefined {
    const found = this.#issued.get(token);
    return found && found.expiresAt > this.#clock.now() ? found.account : undefined;
  }
}
