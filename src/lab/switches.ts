import { east, west } from "./estate.ts";
import type { Knobs } from "./knobs.ts";
import type { Lab } from "./lab.ts";
import type { Switch } from "./page-world.ts";
import { pauseReplay, type Pair } from "./postgres-pair.ts";
import type { Servers } from "./servers.ts";

/** Share of the calls that fail while the clouds' interfaces are set to fail; half of the changing ones after their effect. */
const failing = 0.5;

/** What can be broken from the page, each with its way back. */
export function switchesOf(lab: Lab, servers: Servers): Switch[] {
  return [
    region(lab, east),
    region(lab, west),
    toggle("link", "Replication cut", (on) => forEachPair(lab, (pair) => pair.setLink(on ? "silent" : "open"))),
    toggle("replica", "Replica held back", (on) => forEachPair(lab, (pair) => pauseReplay(pair.replica.server, on))),
    {
      id: "apis",
      label: "Half of the API calls fail",
      get on() {
        return lab.rds.knobs.errorRate > 0;
      },
      set(on) {
        for (const knobs of apisOf(lab)) knobs.errorRate = on ? failing : 0;
      },
    },
    down("route53", "Route 53's control plane down", lab.route53.knobs),
    down("slack", "Slack down", lab.slack.knobs),
    down("mail", "Mail down", lab.mail.knobs),
    down("statuspage", "Status page down", lab.statusPage.knobs),
    serverKilled(servers),
  ];
}

async function forEachPair({ services }: Lab, deed: (pair: Pair) => Promise<void>): Promise<void> {
  await Promise.all(services.flatMap(({ pair }) => (pair ? [deed(pair)] : [])));
}

const apisOf = ({ rds, route53, clusters }: Lab): Knobs[] => [
  rds.knobs,
  route53.knobs,
  ...Object.values(clusters).map((cluster) => cluster.knobs),
];

const region = (lab: Lab, name: string): Switch => ({
  id: name,
  label: `${name} down`,
  get on() {
    return lab.deadRegions.has(name);
  },
  set: (on) => lab.setRegionDead(name, on),
});

const down = (id: string, label: string, knobs: Pick<Knobs, "down">): Switch => ({
  id,
  label,
  get on() {
    return knobs.down !== false;
  },
  set(on) {
    knobs.down = on ? "refuses" : false;
  },
});

function toggle(id: string, label: string, set: (on: boolean) => Promise<void>): Switch {
  let on = false;
  return {
    id,
    label,
    get on() {
      return on;
    },
    async set(wanted) {
      await set(wanted);
      on = wanted;
    },
  };
}

/** The server that drives is as good as any: whichever is killed, another has to go on. Put right, one more is started. */
function serverKilled(servers: Servers): Switch {
  const wanted = servers.names.length;
  return {
    id: "server",
    label: "One of Muster's servers killed",
    get on() {
      return servers.names.length < wanted;
    },
    async set(on) {
      const [victim] = servers.names;
      if (!on) await servers.start();
      else if (victim !== undefined) servers.kill(victim);
    },
  };
}
