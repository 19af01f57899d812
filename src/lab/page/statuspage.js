import { clockTime, el, folding } from "./dom.js";

const looks = {
  operational: "good",
  under_maintenance: "maintained",
  degraded_performance: "poor",
  partial_outage: "poor",
};

/** Draws what customers read: each component with its state, and the incidents with their updates, newest first. */
export function drawStatusPage({ components, incidents }) {
  return el(
    "section.card.status-page",
    { ariaLabel: "Status page" },
    el("h2", {}, "Status page"),
    el(
      "dl",
      {},
      components.map(({ name, status }) =>
        el("div", {}, el("dt", {}, name), el(`dd.${looks[status] ?? "bad"}`, {}, words(status))),
      ),
    ),
    incidents.length === 0 ? el("p.none", {}, "No incidents reported.") : incidents.map(drawIncident),
  );
}

/** One that is open is read at once; one that is over opens when somebody asks. */
function drawIncident({ id, name, status, updates }) {
  const heading = [el("strong", {}, name), el(`span.state.${status}`, {}, words(status))];
  const told = el("ol", {}, updates.map(drawUpdate));
  return status === "resolved"
    ? el("article.over", {}, folding(`incident ${id}`, heading, told))
    : el("article", {}, el("header", {}, heading), told);
}

const drawUpdate = ({ at, status, body }) =>
  el("li", {}, el("p", {}, el("b", {}, words(status)), ` ${body}`), el("time", {}, clockTime(at)));

const words = (status) => `${status[0].toUpperCase()}${status.slice(1).replaceAll("_", " ")}`;
