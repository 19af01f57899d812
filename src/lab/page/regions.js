import { drawSeconds } from "./chart.js";
import { act, el, showList } from "./dom.js";
import { drawMailboxes } from "./mailboxes.js";
import { drawStatusPage } from "./statuspage.js";

const roles = { writer: "writer", replica: "replica", "read-only": "fenced", down: "no answer" };
const root = document.getElementById("world");
let anchor;

/** Shows both regions, what customers see, the clock and the switches. */
export function showWorld({ world, clock, switches }) {
  anchor = { shows: new Date(clock.shows).getTime(), rate: clock.rate, at: performance.now() };
  const cards = [
    { draw: () => drawClock(clock), of: clock.rate },
    { draw: () => drawCustomers(world.customers, world.service), of: world.customers },
    { draw: () => el("div.regions", {}, world.regions.map(drawRegion)), of: world.regions },
    { draw: () => drawDns(world.dns, world.regions), of: [world.dns, world.regions] },
    ...(world.services ? [{ draw: () => drawServices(world.services), of: world.services }] : []),
    { draw: () => drawStatusPage(world.statusPage), of: world.statusPage },
    { draw: () => drawMailboxes(world.mailboxes), of: world.mailboxes },
    { draw: () => drawSwitches(switches), of: switches },
  ];
  showList(
    root,
    cards,
    (_, index) => String(index),
    ({ draw }) => draw(),
  );
  tick();
}

function drawClock({ rate }) {
  const forward = (label, seconds) =>
    el("button.btn.plain", { type: "button", onclick: () => act("forward", { seconds }) }, label);
  const speed = (value) =>
    el(
      `button.btn${value === rate ? ".on" : ".plain"}`,
      {
        type: "button",
        ariaPressed: String(value === rate),
        onclick: () => act("rate", { rate: value }),
      },
      `${value}×`,
    );
  return el(
    "section.card.clock",
    { ariaLabel: "Clock" },
    el("div", {}, el("h2", {}, "Lab clock"), el("time", { id: "now" })),
    el("div.group", {}, forward("+1 min", 60), forward("+10 min", 600)),
    el("div.group", {}, [1, 10].map(speed)),
  );
}

function tick() {
  const now = document.getElementById("now");
  if (!now || !anchor) return;
  const shows = new Date(anchor.shows + (performance.now() - anchor.at) * anchor.rate);
  now.textContent = shows.toLocaleTimeString([], { hourCycle: "h23" });
}
setInterval(tick, 250);

function drawCustomers({ successRate, accepted, failed, chart }, service) {
  const percent = successRate === undefined ? "–" : `${Math.floor(successRate * 100)} %`;
  const health = successRate === undefined ? "idle" : successRate > 0.98 ? "good" : successRate > 0.5 ? "poor" : "bad";
  return el(
    `section.card.customers.${health}`,
    { ariaLabel: "Customers" },
    el("div", {}, el("h2", {}, `Customers of ${service}`), el("output", { id: "success-rate" }, percent)),
    drawSeconds(chart),
    el("p", {}, `${accepted.toLocaleString("en")} orders accepted, ${failed.toLocaleString("en")} requests failed`),
  );
}

function drawRegion({ name, reachable, database, pods, edgeStatus, configHost, dnsShare }) {
  const role = reachable ? database.role : "down";
  const edge = edgeStatus === undefined ? "no answer" : edgeStatus < 400 ? "healthy" : `answers ${edgeStatus}`;
  const edgeHealth = edgeStatus === undefined ? "bad" : edgeStatus < 400 ? "good" : "poor";
  return el(
    `section.card.region${reachable ? "" : ".dead"}`,
    { ariaLabel: name },
    el(
      "header",
      {},
      el("h2", {}, name),
      el(`span.dot.${reachable ? "good" : "bad"}`, { title: reachable ? "reachable" : "no answer" }),
    ),
    el(`div.role.${role}`, {}, roles[role]),
    el(
      "dl",
      {},
      fact("Database", database.state),
      fact("Lag", lag(database), database.lagSeconds > 30 ? "poor" : ""),
      fact("Pods", `${pods.ready} of ${pods.wanted} ready`, pods.ready < pods.wanted ? "poor" : ""),
      fact("Edge", edge, edgeHealth),
      fact("Config", configHost?.split(".")[0] ?? "unknown", "", configHost),
      fact("DNS", `${dnsShare} %`, dnsShare > 0 ? "strong" : ""),
    ),
  );
}

function fact(term, value, look = "", whole = value) {
  return el("div", {}, el("dt", {}, term), el(`dd${look && `.${look}`}`, { title: whole }, value));
}

function lag({ role, lagSeconds, lagBytes }) {
  if (role !== "replica" || lagSeconds === undefined) return "–";
  const bytes = lagBytes === undefined ? "" : `, ${size(lagBytes)}`;
  return `${lagSeconds < 10 ? lagSeconds.toFixed(1) : Math.round(lagSeconds)} s${bytes}`;
}

const size = (bytes) =>
  bytes < 1024
    ? `${bytes} B`
    : bytes < 1048576
      ? `${Math.round(bytes / 1024)} kB`
      : `${Math.round(bytes / 1048576)} MB`;

function drawDns({ name, ttlSeconds, authoritative, resolver }, regions) {
  const bar = el("div.share", {
    role: "img",
    ariaLabel: regions.map((one) => `${one.name} ${one.dnsShare} %`).join(", "),
  });
  regions.forEach(({ dnsShare }, index) => {
    const part = el(`span.share${index}`);
    part.style.width = `${dnsShare}%`;
    bar.append(part);
  });
  const answers = (list) => list.map(({ address, region }) => region ?? address).join(", ") || "nothing";
  return el(
    "section.card.dns",
    { ariaLabel: "DNS" },
    el("h2", {}, name, el("span", {}, ` TTL ${ttlSeconds} s`)),
    bar,
    el("dl", {}, fact("Name server", answers(authoritative)), fact("Resolver", answers(resolver))),
  );
}

/** A line a service: where its customers are led, its pods in each region, and what they get. */
function drawServices(services) {
  const lines = services.map(({ name, regions, status }) => {
    const led = regions.filter(({ dnsShare }) => dnsShare > 0).map((region) => region.name);
    const pods = regions.map((region) => `${region.pods.ready}/${region.pods.wanted}`).join(" ");
    const health = status === undefined ? "no answer" : status < 400 ? "healthy" : `answers ${status}`;
    const look = status === undefined ? "bad" : status < 400 ? "good" : "poor";
    return fact(name, `${led.join(" and ") || "nowhere"}, pods ${pods}, ${health}`, look);
  });
  return el(
    "section.card",
    { ariaLabel: "Services" },
    el("h2", {}, `${services.length} services`),
    el("dl", {}, lines),
  );
}

function drawSwitches(switches) {
  return el(
    "section.card.switches",
    { ariaLabel: "Break things" },
    el("h2", {}, "Break things"),
    el(
      "div",
      {},
      switches.map(({ id, label, on }) =>
        el(
          `button.switch${on ? ".on" : ""}`,
          {
            type: "button",
            role: "switch",
            ariaChecked: String(on),
            onclick: () => act("switch", { id, on: !on }),
          },
          el("span.knob"),
          el("span", {}, label),
        ),
      ),
    ),
  );
}
