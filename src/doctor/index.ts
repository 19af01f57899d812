import { aws } from "./aws.ts";
import { channels } from "./channels.ts";
import type { Check } from "./check.ts";
import { clockOfDatabase, clockOfWorld } from "./clock.ts";
import { clusters } from "./clusters.ts";
import { controlObjects } from "./control-objects.ts";
import { database } from "./database.ts";
import { auroraClusters } from "./aurora.ts";
import { homes } from "./homes.ts";
import { instances } from "./instances.ts";
import { mail } from "./mail.ts";
import { nameServers } from "./name-servers.ts";
import { people } from "./people.ts";
import { queue } from "./queue.ts";
import { records } from "./records.ts";
import { routingControls } from "./routing-controls.ts";
import { runs } from "./runs.ts";
import { servers } from "./servers.ts";
import { settings } from "./settings.ts";
import { slack } from "./slack.ts";
import { statusPage } from "./status-page.ts";

/** What is looked at, be there an estate or not. */
export const checks: readonly Check[] = [settings, database, runs, queue, clockOfDatabase, mail, slack];

/** What is looked at of the things that an estate names. */
export const checksOfEstate: readonly Check[] = [
  channels,
  people,
  clockOfWorld,
  aws,
  instances,
  auroraClusters,
  servers,
  homes,
  records,
  nameServers,
  controlObjects,
  routingControls,
  clusters,
  statusPage,
];
