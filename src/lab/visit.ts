import { Resolver } from "node:dns/promises";
import { request } from "node:https";
import type { World } from "./world.ts";

/** Wall milliseconds that a page's look may take: it looks once a second. */
export const pagePatienceMs = 800;
/** The same where somebody wants to know for certain, and the machine may be busy. */
const patientMs = 10_000;

/** Asks one name server for a name's addresses; none when it does not answer. */
export async function resolveName(server: string, name: string, patienceMs = patientMs): Promise<string[]> {
  const resolver = new Resolver({ timeout: patienceMs, tries: 1 });
  resolver.setServers([server]);
  return resolver.resolve4(name).catch(() => []);
}

/** Finds the region whose front door an address is. */
export function regionAt({ edges }: Pick<World, "edges">, address: string): string | undefined {
  return Object.values(edges).find((edge) => edge.address === address)?.region;
}

/** Asks a region's front door for the health page of a public name; undefined when it does not answer. */
export function askEdge(
  { edges, authority }: Pick<World, "edges" | "authority">,
  region: string,
  name: string,
  patienceMs = patientMs,
): Promise<number | undefined> {
  const edge = edges[region];
  if (!edge || edge.knobs.down) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const asked = request({
      host: edge.address,
      port: edge.port,
      path: "/health",
      headers: { host: `${name}:${edge.port}` },
      servername: name,
      ca: authority.cert,
      agent: false,
      signal: AbortSignal.timeout(patienceMs),
    });
    asked.on("response", (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    asked.on("error", () => resolve(undefined));
    asked.end();
  });
}

/** Gets the health page of a public name as a customer does: by the address that the resolver knows. */
export async function visit(world: World, name: string, patienceMs = patientMs): Promise<number | undefined> {
  const [address] = await resolveName(world.resolver.server, name, patienceMs);
  const region = address === undefined ? undefined : regionAt(world, address);
  return region === undefined ? undefined : askEdge(world, region, name, patienceMs);
}
