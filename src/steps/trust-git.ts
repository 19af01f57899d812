import { gate } from "../engine/step.ts";
import { heldIn, spellAll } from "./gitops.ts";

export type TrustGitInput = {
  service: string;
  /** What is different now from before, each as a claim: "DB_HOST of shop/app-config is ...". */
  now: string[];
};

/** Asks a person whether Git says what is so by now, because what it says comes back as soon as it is resumed. */
export const trustGit = gate<TrustGitInput>({
  name: "trust-git",
  title: ({ service }) => `ask a person whether Git says of ${service} what is so by now`,

  question({ service, now }, reads) {
    const held = Object.values(reads).flatMap(heldIn);
    if (held.length === 0) return undefined;
    return `What Git says of ${service} comes back once ${spellAll(held)} ${held.length === 1 ? "is" : "are"} resumed. Does it say that ${now.join(", and that ")}?`;
  },

  needed: 1,
});
