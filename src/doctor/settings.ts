import { encryptionOf, type Encryption } from "../db/encryption.ts";
import type { Check } from "./check.ts";
import { ok, warning, type Finding } from "./finding.ts";

/** What Muster does without, because a setting that need not be there is not there. */
export const settings: Check = {
  name: "the settings",
  look({ config }) {
    const findings: Finding[] = [];
    if (!config.SLACK_BOT_TOKEN) {
      findings.push(
        warning("Slack", {
          happened: "No Slack is configured.",
          means: "Muster is heard and answers in terminals only.",
          todo: "Set SLACK_BOT_TOKEN and SLACK_APP_TOKEN; docs/install.md says how to make the app.",
        }),
      );
    }
    if (!config.MUSTER_KEY) {
      findings.push(
        warning("approving in a terminal", {
          happened: "MUSTER_KEY is not set.",
          means: "Nobody can approve in a terminal; while Slack is down, nothing can be approved at all.",
          todo: "Set MUSTER_KEY to 32 bytes in base64, the same on every machine, then have approvers type muster enrol.",
        }),
      );
    }
    const encrypted = judgeEncryption(encryptionOf(config.DATABASE_URL));
    return Promise.resolve([ok("the settings", "complete"), encrypted, ...findings]);
  },
};

const line = "the line to Muster's database";

const seen: Record<Exclude<Encryption, "clear">, string> = {
  here: "on this machine",
  "clear-by-choice": "in clear, as DATABASE_URL says (sslmode=disable)",
  unproven: "encrypted, to whoever answers",
  proven: "encrypted, to a server that proves its name",
};

const judgeEncryption = (encryption: Encryption): Finding =>
  encryption === "clear"
    ? warning(line, {
        happened: "DATABASE_URL names another machine, and has no sslmode.",
        means:
          "What Muster reads and writes goes there in clear: whoever is on the way can read it, change what runs do, and ask for the password.",
        todo: "Let it end in ?sslmode=verify-full, as docs/install.md says in step 2. Where nobody can listen, ?sslmode=disable says that you decided so.",
      })
    : ok(line, seen[encryption]);
