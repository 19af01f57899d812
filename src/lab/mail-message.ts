/** One mail as the server took it. */
export type Mail = {
  /** The envelope's addresses, in lower case; headers may say otherwise. */
  from: string;
  to: string[];
  /** On the lab's clock. */
  at: Date;
  /** Names in lower case; of repeated headers the last. */
  headers: Record<string, string>;
  subject: string;
  /** The plain text, decoded. */
  text: string;
  raw: string;
};

/** Reads a mail as far as stories need: headers, and the first plain text, also inside multipart. */
export function parseMail(raw: Buffer, envelope: { from: string; to: string[]; at: Date }): Mail {
  const source = raw.toString("latin1");
  const { headers, body } = split(source);
  const subject = decodeWords(headers.subject ?? "");
  return { ...envelope, headers, subject, text: plainText(headers, body), raw: raw.toString("utf8") };
}

function split(source: string): { headers: Record<string, string>; body: string } {
  const end = source.search(/\r?\n\r?\n/);
  const head = end < 0 ? source : source.slice(0, end);
  const body = end < 0 ? "" : source.slice(end).replace(/^\r?\n\r?\n/, "");
  const headers: Record<string, string> = {};
  for (const line of head.replace(/\r?\n[ \t]+/g, " ").split(/\r?\n/)) {
    const colon = line.indexOf(":");
    if (colon > 0) headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  return { headers, body };
}

function plainText(headers: Record<string, string>, body: string): string {
  const type = headers["content-type"] ?? "text/plain";
  const boundary = /^multipart\/.*boundary="?([^";]+)"?/i.exec(type)?.[1];
  if (boundary) {
    for (const part of body.split(`--${boundary}`).slice(1)) {
      const inner = split(part.replace(/^\r?\n/, ""));
      const text = plainText(inner.headers, inner.body);
      if (text) return text;
    }
    return "";
  }
  return /^text\/plain/i.test(type)
    ? decode(body, headers["content-transfer-encoding"]).replaceAll("\r\n", "\n").trimEnd()
    : "";
}

function decode(body: string, encoding = "7bit"): string {
  if (encoding.toLowerCase() === "base64") return Buffer.from(body, "base64").toString("utf8");
  if (encoding.toLowerCase() !== "quoted-printable") return Buffer.from(body, "latin1").toString("utf8");
  return quotedPrintable(body.replace(/=\r?\n/g, ""));
}

function quotedPrintable(text: string): string {
  const bytes = text.replace(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString("utf8");
}

/** Decodes `=?UTF-8?Q?...?=` in a header. */
function decodeWords(value: string): string {
  return value
    .replace(/\?=\s+=\?/g, "?==?")
    .replace(/=\?utf-8\?([qb])\?([^?]*)\?=/gi, (_, kind: string, text: string) =>
      kind.toLowerCase() === "b"
        ? Buffer.from(text, "base64").toString("utf8")
        : quotedPrintable(text.replaceAll("_", " ")),
    );
}
