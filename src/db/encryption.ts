/**
 * How Muster's own database is spoken to. "here": on this machine, over no network. "clear": over one, and not encrypted, which
 * nobody decided; "clear-by-choice": somebody did. "unproven": encrypted, to whoever answers. "proven": encrypted, to a server
 * that proves its name.
 */
export type Encryption = "here" | "clear" | "clear-by-choice" | "unproven" | "proven";

/** Reads from DATABASE_URL how its server is spoken to, as pg reads it: prefer, require and verify-ca are verify-full to it. */
export function encryptionOf(databaseUrl: string): Encryption {
  const { hostname, searchParams } = new URL(databaseUrl);
  if (isHere(searchParams.get("host") ?? decodeURIComponent(hostname))) return "here";
  const mode = searchParams.get("sslmode");
  if (mode === "disable") return "clear-by-choice";
  // As libpq has it, prefer and require take any certificate, and verify-ca any name.
  const asLibpq = searchParams.get("uselibpqcompat") === "true";
  if (mode === "no-verify" || (asLibpq && mode !== null && mode !== "verify-full")) return "unproven";
  if (mode !== null) return "proven";
  const ssl = searchParams.get("ssl");
  const isFile = ["sslcert", "sslkey", "sslrootcert"].some((name) => searchParams.has(name));
  if (isFile || ssl === "true" || ssl === "1" || searchParams.get("sslnegotiation") === "direct") return "proven";
  if (ssl === "no-verify") return "unproven";
  return ssl === "0" ? "clear-by-choice" : "clear";
}

/** A folder is that of a socket; without a host pg takes this machine. */
const isHere = (host: string): boolean => host === "" || /^(?:\/|localhost$|127(?:\.\d+){3}$|\[?::1\]?$)/i.test(host);
