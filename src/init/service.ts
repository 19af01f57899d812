import type { Database } from "../estate.ts";
import type { Draft, Path } from "./draft.ts";
import type { Interview } from "./interview.ts";

/** Asks for one service whole: its record, its database pair, and what runs of it in both regions. */
export async function askForService(interview: Interview, draft: Draft, regions: readonly string[]): Promise<string> {
  const service = await interview.ask({
    asks: "What is the service called that shall be able to move? A short name.",
    fault: (text) => draft.faultOfName(["services", text]),
  });
  const at: Path = ["services", service];
  await interview.fill(draft, [...at, "tier"], {
    asks: "How much does it matter: critical, important or standard?",
    otherwise: "critical",
  });
  const record = await askForRecord(interview, draft, at);
  const sides = await askForDatabases(interview, draft, at, { service, regions });
  const configs: object[] = [];
  const named = new Set<string>();
  for (const [index, region] of sides.entries()) {
    const place = await askForDeployment(interview, draft, [...at, "deployments", index], { service, region, named });
    await askForConfig(interview, draft, [...at, "configs", configs.length], { ...place, named }).then((config) => {
      if (config) configs.push(config);
    });
  }
  await interview.fill(draft, [...at, "health", "url"], {
    asks: "Which address says that the service is healthy, as customers reach it?",
    otherwise: `https://${record}/health`,
  });
  draft.put([...at, "health", "edges"], {});
  for (const region of sides) {
    await interview.fill(draft, [...at, "health", "edges", region], {
      asks: `The address of the front door of ${region} alone (https://west.example.com)? A move is checked there first.`,
    });
  }
  return service;
}

async function askForRecord(interview: Interview, draft: Draft, at: Path): Promise<string> {
  draft.put([...at, "traffic", "driver"], "route53-weighted");
  await interview.fill(draft, [...at, "traffic", "zone"], {
    asks: "The id of its hosted zone in Route 53 (Z0123456789)?",
  });
  const name = await interview.fill(draft, [...at, "traffic", "name"], {
    asks: "The name that customers open (checkout.example.com)? It has one weighted record a region.",
  });
  await interview.fill(draft, [...at, "traffic", "type"], { asks: "The type of these records?", otherwise: "A" });
  const ttl = { asks: "Their TTL, in seconds?", otherwise: "60", read: Number };
  await interview.fill(draft, [...at, "traffic", "ttl"], ttl);
  return name ?? "";
}

/** How each driver's two sides are named. */
const named: Record<Database["driver"], { key: string; writer: string; replica: string }> = {
  "rds-postgres": {
    key: "instance",
    writer: "The RDS identifier of that instance?",
    replica: "The RDS identifier of the replica?",
  },
  "aurora-postgres": {
    key: "cluster",
    writer: "The identifier of the cluster there?",
    replica: "The identifier of the secondary cluster?",
  },
  postgres: {
    key: "host",
    writer: "The host name of that server, and of no pooler?",
    replica: "The host name of the standby?",
  },
};

type Asked = { service: string; regions: readonly string[] };

/** Returns the regions of the two instances, the writer's first. */
async function askForDatabases(
  interview: Interview,
  draft: Draft,
  at: Path,
  { service, regions }: Asked,
): Promise<[string, string]> {
  const pair: Path = [...at, "databases", 0];
  const driver = await interview.fill(draft, [...pair, "driver"], {
    asks: `What promotes its database: ${Object.keys(named).join(", ")}? The last is for servers of your own.`,
    otherwise: "rds-postgres",
    fault: (text) => (Object.hasOwn(named, text) ? undefined : `expected one of ${Object.keys(named).join(", ")}`),
  });
  const { key, writer: asksWriter, replica: asksReplica } = named[driver as Database["driver"]];
  if (driver === "aurora-postgres") {
    await interview.fill(draft, [...pair, "global"], { asks: "The identifier of its global cluster?" });
  }
  const among = (text: string) => (regions.includes(text) ? undefined : `expected one of ${regions.join(", ")}`);
  const writer = await interview.fill(draft, [...pair, "writer", "region"], {
    asks: "In which region is its database written today?",
    otherwise: regions[0] ?? "",
    fault: among,
  });
  await interview.fill(draft, [...pair, "writer", key], { asks: asksWriter });
  const replica = await interview.fill(draft, [...pair, "replica", "region"], {
    asks: "In which region is its replica?",
    otherwise: regions.find((region) => region !== writer) ?? "",
    fault: (text) => (text === writer ? "the writer is there; a replica there would be lost with it" : among(text)),
  });
  await interview.fill(draft, [...pair, "replica", key], { asks: asksReplica });
  const variable = await interview.fill(draft, [...pair, "writer", "appRole"], {
    asks: "Which environment variable of Muster holds the application's postgres:// URL? Only its name is kept.",
    otherwise: `${service.replaceAll("-", "_").toUpperCase()}_DB_URL`,
    read: (env) => ({ env }),
    fault: (text) =>
      /^[A-Za-z_]\w*$/.test(text) ? undefined : "expected the name of a variable, and never the URL itself",
  });
  draft.put([...pair, "replica", "appRole"], { ...variable });
  return [writer ?? "", replica ?? ""];
}

type Place = { region: string; cluster: string; namespace: string };

/** What the other region has in the same cluster would be stopped or changed with this one's. */
const isTheOthers = "the other region has that one; each needs its own";

async function askForDeployment(
  interview: Interview,
  draft: Draft,
  at: Path,
  { service, region, named }: { service: string; region: string; named: Set<string> },
): Promise<Place> {
  draft.put([...at, "region"], region);
  const cluster = await interview.fill(draft, [...at, "cluster"], {
    asks: `What do you call the Kubernetes cluster of ${region}?`,
    otherwise: region,
  });
  await interview.fill(draft, ["clusters", cluster ?? "", "context"], {
    asks: `The kubeconfig context of ${cluster}?`,
    otherwise: cluster ?? "",
  });
  const namespace = await interview.fill(draft, [...at, "namespace"], {
    asks: `The namespace of ${service} there?`,
    otherwise: service,
  });
  const spelt = (name: string) => `deployment ${cluster}/${namespace}/${name}`;
  const name = await interview.fill(draft, [...at, "name"], {
    asks: "The name of its deployment?",
    otherwise: named.has(spelt(service)) ? `${service}-${region}` : service,
    fault: (text) => (named.has(spelt(text)) ? isTheOthers : undefined),
  });
  named.add(spelt(name ?? ""));
  await interview.fill(draft, [...at, "replicas"], {
    asks: `How many pods must it have in ${region} to serve everybody?`,
    read: Number,
  });
  return { region, cluster: cluster ?? "", namespace: namespace ?? "" };
}

/** Returns the key where one was named. */
async function askForConfig(
  interview: Interview,
  draft: Draft,
  at: Path,
  { region, cluster, namespace, named }: Place & { named: Set<string> },
): Promise<object | undefined> {
  const name = await interview.ask({
    asks: `The config map in ${region} that tells its pods the database's host name?`,
    optional: true,
  });
  if (name === "") return undefined;
  const config = { region, cluster, namespace, name };
  draft.put(at, { ...config, key: "DB_HOST" });
  const spelt = (key: string) => `key ${cluster}/${namespace}/${name}/${key}`;
  const key = await interview.fill(draft, [...at, "key"], {
    asks: "The key in it?",
    otherwise: named.has(spelt("DB_HOST")) ? `DB_HOST_${region.replaceAll("-", "_").toUpperCase()}` : "DB_HOST",
    fault: (text) => (named.has(spelt(text)) ? isTheOthers : undefined),
  });
  named.add(spelt(key ?? ""));
  return config;
}
