import { generate } from "selfsigned";

export type Certificate = { cert: string; key: string };

export type Authority = {
  /** What clients of the lab trust, as PEM. */
  cert: string;
  /** Signs a certificate for host names and addresses. */
  issue(names: { hosts?: string[]; addresses?: string[] }): Promise<Certificate>;
};

const day = 24 * 3600 * 1000;

/** Makes the certificate authority of one lab. Its certificates hold for ten years, because a lab's clock may be moved. */
export async function openAuthority(): Promise<Authority> {
  const ca = await generate([{ name: "commonName", value: "Muster lab CA" }], {
    ...validity(),
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  return {
    cert: ca.cert,
    async issue({ hosts = [], addresses = [] }) {
      const name = hosts[0] ?? addresses[0] ?? "lab";
      const made = await generate([{ name: "commonName", value: name }], {
        ...validity(),
        ca: { key: ca.private, cert: ca.cert },
        extensions: [
          { name: "basicConstraints", cA: false, critical: true },
          { name: "keyUsage", digitalSignature: true, critical: true },
          { name: "extKeyUsage", serverAuth: true },
          {
            name: "subjectAltName",
            altNames: [
              ...hosts.map((value) => ({ type: 2 as const, value })),
              ...addresses.map((ip) => ({ type: 7 as const, ip })),
            ],
          },
        ],
      });
      return { cert: made.cert, key: made.private };
    },
  };
}

function validity() {
  const now = Date.now();
  return {
    keyType: "ec" as const,
    algorithm: "sha256",
    notBeforeDate: new Date(now - day),
    notAfterDate: new Date(now + 3650 * day),
  };
}
