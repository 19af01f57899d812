/** Replaces every secret it was told of, and whatever looks like one, wherever they stand in a text. */
export type Redact = (text: string) => string;

const redacted = "[redacted]";

/**
 * Makes the one redactor of a process: what passes it may be logged, journalled and shown. A secret that is added to the
 * set later counts from then on. Whose secrets we cannot know (a server's that quotes its own in an error) are known by their
 * looks.
 */
export function makeRedactor(secrets: ReadonlySet<string>): Redact {
  return (text) => {
    // Whatever is shorter would blank out ordinary words.
    const known = [...secrets].filter((secret) => secret.length >= 6).sort((left, right) => right.length - left.length);
    let clean = text;
    for (const secret of known) clean = clean.replaceAll(secret, redacted);
    for (const [looks, instead] of looksSecret) clean = clean.replaceAll(looks, instead);
    return clean;
  };
}

/** Words that stand before a secret, as settings, headers and query strings name it. */
const named = [
  "passw(?:or)?d|passphrase|pwd",
  "secret(?:[-_]?access)?(?:[-_]?key)?|client[-_]?secret",
  "(?:access|auth|refresh|session|security|id|bot|app|api)?[-_]?token",
  "api[-_]?key|private[-_]?key|access[-_]?key",
  "signature|credential",
].join("|");

/** How secrets look, whoever they belong to, and what stands there instead. */
const looksSecret: readonly [RegExp, string][] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, redacted],
  // The same in base64, as a kubeconfig has it: "-----BEGIN", with whatever it begins.
  [/\bLS0tLS1CRUdJTi[\w+/=]+/g, redacted],
  // An address with a password, also one with an @ in it, or with a token for a user.
  [/\b([a-z][a-z0-9+.-]*:\/\/[^\s:/@]*):[^\s/]+@/gi, `$1:${redacted}@`],
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s:/@]{20,}@/gi, `$1${redacted}@`],
  // Slack's tokens and the addresses that take messages from anybody.
  [/\b(?:xox[a-z]|xapp|xwfp)-[\w-]+/gi, redacted],
  [/\b(hooks\.slack\.com\/(?:services|workflows|triggers|commands|actions)\/)[\w/-]+/gi, `$1${redacted}`],
  // AWS's key ids, GitHub's and GitLab's tokens, and tokens that are signed JSON.
  [/\bA(?:KIA|SIA)[0-9A-Z]{16}\b/g, redacted],
  [/\b(?:gh[pousr]_|github_pat_|glpat-)[\w-]{16,}/g, redacted],
  [/\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?/g, redacted],
  [/(?<=\b(?:bearer|basic) )[\w.~+/=-]{6,}/gi, redacted],
  // Whatever is behind OAuth in a sentence has no digit.
  [/(?<=\boauth )(?=[^\s\d]*\d)[\w.~+/=-]{12,}/gi, redacted],
  // Headers as they are sent, with nothing around what is behind the colon.
  [
    /(\b(?:x-amz-security-token|x-api-key|proxy-authorization):\s*(?:negotiate )?)(?!(?:\w+ )?\[redacted)[^\s"'\\&,;)\]}]{6,}/gi,
    `$1${redacted}`,
  ],
  // password=..., "token": "...", secret: '...', also as a part of a longer name, and quoted as JSON within JSON.
  [
    new RegExp(String.raw`((?:${named})\\*["']?\s*=\s*\\*["']?)(?!\[redacted)[^\s"'\\&,;)\]}]{4,}`, "gi"),
    `$1${redacted}`,
  ],
  [new RegExp(String.raw`((?:${named})\\*["']?\s*:\s*\\*["'])(?!\[redacted)[^"'\\]{4,}`, "gi"), `$1${redacted}`],
  // As SQL has it.
  [/(\bpassword\s+')(?:[^']|'')+(?=')/gi, `$1${redacted}`],
];

/** Fields whose text is a secret whatever it looks like. */
const secretField = /^(?:password|passwd|secret|token|authorization|cookie)$/i;

/** Redacts every string in a value, at any depth; keys stay. */
export function redactDeep<T>(redact: Redact, value: T): T {
  if (typeof value === "string") return redact(value) as T;
  if (Array.isArray(value)) return value.map((item: unknown) => redactDeep(redact, item)) as T;
  if (value === null || typeof value !== "object" || value instanceof Date) return value;
  const entries = Object.entries(value).map(([key, item]: [string, unknown]) => [
    key,
    typeof item === "string" && secretField.test(key) ? redacted : redactDeep(redact, item),
  ]);
  return Object.fromEntries(entries) as T;
}
