/** What one region looks like now, as the page draws it. */
export type RegionView = {
  /** us-east-1 */
  name: string;
  /** False when nothing there answers. */
  reachable: boolean;
  database: {
    /** "read-only" is a fenced old writer. */
    role: "writer" | "replica" | "read-only" | "down";
    /** The state its provider shows: available, modifying, rebooting, backing-up. */
    state: string;
    /** How far behind the writer a replica is. */
    lagSeconds?: number;
    lagBytes?: number;
  };
  pods: { ready: number; wanted: number };
  /** What the region's edge answers to a health request; undefined when it does not answer. */
  edgeStatus?: number;
  /** The database host that the region's pods are told. */
  configHost?: string;
  /** Share of DNS answers that lead here, in percent. */
  dnsShare: number;
};

/** One of several services, as far as a line of a list shows it. */
export type ServiceView = {
  name: string;
  tier: string;
  regions: { name: string; pods: { ready: number; wanted: number }; dnsShare: number }[];
  /** What a customer is answered who asks for its health page; undefined: nothing. */
  status?: number;
};

/** One name server's answer: an address, and the region behind it where that is known. */
export type DnsAnswer = { address: string; region?: string };

/** Both regions, as one service has them, and what its customers see, at one moment. */
export type WorldView = {
  service: string;
  regions: RegionView[];
  /** All services, where there is more than the one above. */
  services?: ServiceView[];
  dns: { name: string; ttlSeconds: number; authoritative: DnsAnswer[]; resolver: DnsAnswer[] };
  customers: {
    /** Share of the latest requests that were answered, 0 to 1; undefined before the first. */
    successRate?: number;
    accepted: number;
    failed: number;
    /** Requests that ended in each second of the last 5 minutes, oldest first; moments in milliseconds since 1970. */
    chart: { now: number; seconds: { at: number; answered: number; failed: number }[] };
  };
  statusPage: StatusPageView;
  /** Who got which mail; of each person's, the newest first. */
  mailboxes: Mailbox[];
};

/** What customers read on the status page; incidents and their updates newest first. */
export type StatusPageView = {
  /** By its name; its status in the API's words: operational, partial_outage. */
  components: { name: string; status: string }[];
  incidents: { id: string; name: string; status: string; updates: { at: string; status: string; body: string }[] }[];
};

/** One person's mail: how many there are, and the newest of them. */
export type Mailbox = {
  person: string;
  address: string;
  count: number;
  mails: { key: number; at: string; subject: string; text: string }[];
};

/** Something that can be broken from the page, and put right again. */
export type Switch = {
  id: string;
  label: string;
  /** Whether it is broken now. */
  readonly on: boolean;
  set(on: boolean): void | Promise<void>;
};

/** A command the page completes. */
export type CompletedCommand = { name: string; usage: string; summary: string };
