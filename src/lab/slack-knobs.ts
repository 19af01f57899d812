import { botScopes } from "../adapters/slack-app.ts";
import { Knobs } from "./knobs.ts";

/** The switches of the lab's Slack: the common ones, and the ways Slack itself fails. */
export class SlackKnobs extends Knobs {
  /** Slack's third kind of outage: we can talk, but commands, clicks and events never arrive. */
  eventsLost = false;
  /** The app hears everything, and Slack hears no acknowledgement: people are told that the app did not respond. */
  acksLost = false;
  /** Slack's second kind of outage: everything works but posting and editing, which answer 500. */
  postingDown = false;
  /** Answered to every call while set, as after an admin revoked the app's token or limited the networks it may call from. */
  tokenRefused:
    | false
    | "token_revoked"
    | "invalid_auth"
    | "account_inactive"
    | "token_expired"
    | "accesslimited"
    | "ekm_access_denied" = false;
  /** What the bot's token may do, as every answer says in its header. Reading channels takes it; the lab refuses nothing else. */
  readonly scopes = new Set<string>(Object.keys(botScopes));
  /** Answered with a page of its own to every call while set, by a proxy on the way: it wants a login, or lets nobody out. */
  proxyRefuses: false | 403 | 407 = false;
  /** hooks.slack.com, where response_urls lead, is out of reach: a firewall breaks every connection there. */
  hooksLost = false;
  /** A workspace whose Slack does not know `plan` and `task_card` yet answers invalid_blocks. */
  refusesPlanBlocks = false;
  /** Answered to every upload while set: the app was installed without files:write, or the workspace takes no files. */
  uploadsRefused: false | "missing_scope" | "file_uploads_disabled" = false;
  /** How long after its answer a file is seen, in lab seconds. */
  sharesAfterSeconds = 0;
  /** How often the same envelope is delivered; Slack promises at least once. */
  deliveries = 1;
  /** What a 429 that was asked for by `next(method, "throttle")` names as Retry-After. */
  retryAfterSeconds = 30;
  /** Off lets the app call as fast as it likes. */
  limitsRates = true;
  /** Methods that answer 429 until a time on the lab's clock, naming the seconds left. */
  readonly throttled = new Map<string, Date>();
}
