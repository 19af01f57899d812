import { createHash } from "node:crypto";

/** Letters and digits that nobody mistakes for one another when they are read aloud. */
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

/** Names a run after the call that asked for it, so that a call that is delivered twice makes one run: "fo-7k3q-9xm2". */
export function runIdOf(prefix: string, callId: string): string {
  const digest = createHash("sha256").update(`${prefix} ${callId}`).digest();
  const letters = [...digest.subarray(0, 8)].map((byte) => alphabet[byte % alphabet.length]).join("");
  return `${prefix}-${letters.slice(0, 4)}-${letters.slice(4)}`;
}
