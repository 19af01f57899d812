import { makeSlack } from "./adapters/slack-client.ts";
import { readConfig } from "./config.ts";
import type { Config } from "./settings.ts";
import type { DoctorContext } from "./doctor/check.ts";
import { examine } from "./doctor/examine.ts";
import { broken, ok, type Finding } from "./doctor/finding.ts";
import { checks, checksOfEstate } from "./doctor/index.ts";
import { reportOf, type Report } from "./doctor/report.ts";
import { UserError } from "./errors.ts";
import type { Estate } from "./estate.ts";
import { loadEstate } from "./estate-file.ts";
import { findServer } from "./facts/databases/index.ts";
import { composeContext, type Overrides } from "./main.ts";
import { lookAtQueue } from "./queue.ts";
import { redisOf } from "./queue-redis.ts";
import { hearSlips } from "./slips.ts";

export type CheckupOptions = Overrides & {
  env: Record<string, string | undefined>;
  /** This machine's clock. */
  wallNow?: () => Date;
};

/**
 * Looks at everything that Muster stands on, with the settings of an environment, and changes nothing. Faults of the settings
 * and of the estate file are findings like others; what could not be looked at because of them is said there.
 */
export async function checkUp({ env, wallNow = () => new Date(), ...overrides }: CheckupOptions): Promise<Report> {
  const read = attempt(() => readConfig(env));
  if ("fault" in read) return reportOf([read.fault("the settings", "Nothing else was looked at.")]);
  const config = read.value;
  const estate = attempt(() => loadEstate(config.ESTATE));
  const { ctx, close } = composeContext(config, "value" in estate ? estate.value : nothing, { env, ...overrides });
  const leaveOff = hearSlips(ctx);
  try {
    const patient: DoctorContext = {
      ...ctx,
      config,
      wallNow,
      slack: slackOf(config),
      lookAtQueue: () =>
        lookAtQueue({ redis: redisOf(config), databaseUrl: config.DATABASE_URL, within: ctx.callTimeoutMs }),
      // Unlike preflight's look, this one remembers nothing: that would be a change.
      instance: onceEach((side) => findServer(ctx, side)),
    };
    // What is slow to load is loaded before anybody's patience counts; what cannot be is told by the look at it.
    await Promise.allSettled(Object.keys(ctx.estate.clusters).map((name) => ctx.clients.cluster(name).prepare()));
    if ("fault" in estate) {
      const fault = estate.fault(
        "the estate",
        "Muster does not start, and nothing that the estate names was looked at.",
      );
      return reportOf([fault, ...(await examine(patient, checks))]);
    }
    const services = Object.keys(estate.value.services).length;
    const whole = ok("the estate", `${config.ESTATE}, ${services} ${services === 1 ? "service" : "services"}`);
    return reportOf([whole, ...(await examine(patient, [...checks, ...checksOfEstate]))]);
  } finally {
    await close().finally(leaveOff);
  }
}

type Attempt<T> = { value: T } | { fault: (subject: string, means: string) => Finding };

function attempt<T>(read: () => T): Attempt<T> {
  try {
    return { value: read() };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const { happened, todo } = error.explanation;
    return { fault: (subject, means) => broken(subject, { happened: happened.trimEnd(), means, todo }) };
  }
}

/** Stands in where the estate has faults; no check that reads it is made then. */
const nothing: Estate = {
  regions: [],
  channels: { incidents: "" },
  people: {},
  approvers: [],
  services: {},
  clusters: {},
  bareCommands: [],
  breakGlass: [],
  coolDownMinutes: 30,
};

/** Without an app-level token Slack posts to Muster, and only the bot's token can be tried. */
function slackOf({ SLACK_BOT_TOKEN: botToken, SLACK_APP_TOKEN: appToken, SLACK_API_URL: apiUrl }: Config) {
  return botToken ? makeSlack({ botToken, appToken, apiUrl }) : undefined;
}

function onceEach<Side extends { region: string; instance: string }, Found>(
  work: (side: Side) => Promise<Found>,
): (side: Side) => Promise<Found> {
  const asked = new Map<string, Promise<Found>>();
  return (side) => {
    const key = `${side.region}/${side.instance}`;
    const known = asked.get(key) ?? work(side);
    asked.set(key, known);
    return known;
  };
}
