/**
 * Makes an element. Text only ever goes in as text, so nothing a person typed can become markup.
 * Properties are set as properties; those starting with "on" become listeners, `data` becomes data-* attributes.
 */
export function el(tag, properties = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const node = document.createElement(name || "div");
  if (classes.length > 0) node.className = classes.join(" ");
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key === "data") Object.assign(node.dataset, value);
    else if (key.startsWith("aria")) node.setAttribute(key.replace("aria", "aria-").toLowerCase(), value);
    else node[key] = value;
  }
  node.append(...children.flat(Infinity).filter((child) => child !== undefined && child !== false && child !== null));
  return node;
}

/** Makes an SVG element with attributes. */
export function svg(name, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value));
  node.append(...children);
  return node;
}

/** What somebody has opened stays open when it is drawn anew. */
const opened = new Set();

/** Makes a line that opens to show more; `key` is its name while the page is open. */
export function folding(key, summary, ...body) {
  const details = el("details", {}, el("summary", {}, summary), ...body);
  details.open = opened.has(key);
  details.addEventListener("toggle", () => (details.open ? opened.add(key) : opened.delete(key)));
  return details;
}

/** A moment as a clock on the wall shows it. */
export const clockTime = (at) => new Date(at).toLocaleTimeString([], { hourCycle: "h23" });

/** Shows a list in a container, and redraws only what changed: an open menu in an unchanged message stays open. */
export function showList(container, items, keyOf, draw) {
  const old = new Map([...container.children].map((node) => [node.dataset.key, node]));
  const nodes = items.map((item, index) => {
    const key = keyOf(item, index);
    const state = JSON.stringify(item);
    const kept = old.get(key);
    if (kept?.shownState === state) return kept;
    const node = draw(item, index);
    node.dataset.key = key;
    node.shownState = state;
    return node;
  });
  const same =
    nodes.length === container.children.length && nodes.every((node, index) => node === container.children[index]);
  if (!same) container.replaceChildren(...nodes);
}

/** Asks the lab to do something. Resolves with its answer; says in the page why it did not. */
export async function act(deed, body) {
  const response = await fetch(`/do/${deed}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer = response.ok ? await response.json() : { ok: false, error: await response.text() };
  if (!answer.ok) say(answer.error);
  return answer;
}

let hide;

/** Shows one line at the foot of the page for a few seconds. */
export function say(text) {
  const notice = document.getElementById("notice");
  notice.textContent = text;
  notice.hidden = false;
  clearTimeout(hide);
  hide = setTimeout(() => (notice.hidden = true), 5000);
}
