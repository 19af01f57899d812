import { el } from "./dom.js";

const emoji = {
  white_check_mark: "✅", heavy_check_mark: "✔️", x: "❌", warning: "⚠️", rotating_light: "🚨", red_circle: "🔴",
  large_green_circle: "🟢", large_yellow_circle: "🟡", large_orange_circle: "🟠", white_circle: "⚪", hourglass_flowing_sand: "⏳",
  hourglass: "⌛", no_entry: "⛔", lock: "🔒", unlock: "🔓", mag: "🔍", rocket: "🚀", fire: "🔥", memo: "📝", bell: "🔔",
  information_source: "ℹ️", arrow_right: "➡️", leftwards_arrow_with_hook: "↩️", double_vertical_bar: "⏸️", black_square_for_stop: "⏹️",
  tada: "🎉", eyes: "👀", "+1": "👍", octagonal_sign: "🛑", clock3: "🕒", link: "🔗", phone: "☎️", email: "✉️", pager: "📟",
}; // prettier-ignore

const plain = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
const withEmoji = (text) => text.replace(/:([a-z0-9_+-]+):/g, (whole, name) => emoji[name] ?? whole);

/** Reads Slack's markup into nodes. `names` knows people and channels by id. */
export function mrkdwn(text, names) {
  return text.split(/(```[\s\S]*?```)/).flatMap((part) => {
    if (part.startsWith("```") && part.length > 6) return [el("pre", {}, plain(part.slice(3, -3).replace(/^\n/, "")))];
    return lines(part, names);
  });
}

function lines(text, names) {
  const nodes = [];
  let quote;
  text.split("\n").forEach((line, index, all) => {
    const quoted = line.startsWith("&gt;") || line.startsWith(">");
    if (quoted) {
      quote ??= el("blockquote");
      if (quote.childNodes.length > 0) quote.append(el("br"));
      else nodes.push(quote);
      quote.append(...inline(line.replace(/^(&gt;|>) ?/, ""), names));
      return;
    }
    if (index > 0 && !quote) nodes.push(el("br"));
    quote = undefined;
    if (line !== "" || index < all.length - 1) nodes.push(...inline(line, names));
  });
  return nodes;
}

const marks = [
  [/`([^`]+)`/, (inner) => el("code", {}, plain(inner))],
  [/<([^>]+)>/, (inner, names) => reference(inner, names)],
  [/(?<![\w*])\*(?=\S)([^*]*?\S)\*(?![\w*])/, (inner, names) => el("strong", {}, inline(inner, names))],
  [/(?<![\w_])_(?=\S)([^_]*?\S)_(?![\w_])/, (inner, names) => el("em", {}, inline(inner, names))],
  [/(?<![\w~])~(?=\S)([^~]*?\S)~(?![\w~])/, (inner, names) => el("s", {}, inline(inner, names))],
];

function inline(text, names) {
  let first;
  for (const [pattern, draw] of marks) {
    const match = pattern.exec(text);
    if (match && (!first || match.index < first.match.index)) first = { match, draw };
  }
  if (!first) return text ? [withEmoji(plain(text))] : [];
  const { match, draw } = first;
  const before = text.slice(0, match.index);
  return [
    ...(before ? inline(before, names) : []),
    draw(match[1], names),
    ...inline(text.slice(match.index + match[0].length), names),
  ];
}

function reference(inner, names) {
  const [target, label] = inner.split("|");
  if (target.startsWith("@")) return el("span.mention", {}, `@${label ?? names.person(target.slice(1))}`);
  if (target.startsWith("#")) return el("span.mention", {}, `#${label ?? names.channel(target.slice(1))}`);
  if (target.startsWith("!date^")) return new Date(Number(target.split("^")[1]) * 1000).toLocaleString();
  if (target.startsWith("!")) return el("span.mention", {}, `@${target.slice(1).split("^")[0]}`);
  return link(plain(target), label ? plain(label) : undefined, names);
}

/** Makes a link. One to a message of this workspace is followed inside the page; only web addresses are links at all. */
export function link(address, label, names) {
  const message = /\/archives\/(\w+)\/p(\d+)(\d{6})/.exec(address);
  if (message) {
    const [, channel, seconds, micros] = message;
    const ts = `${seconds}.${micros}`;
    return el("button.link", { type: "button", onclick: () => names.follow(channel, ts) }, label ?? "message");
  }
  if (!/^(https?|mailto):/.test(address)) return label ?? `<${address}>`;
  return el("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, label ?? address);
}

/** Draws a text object of Block Kit. */
export function drawText(object, names) {
  if (!object) return [];
  return object.type === "mrkdwn" ? mrkdwn(object.text, names) : [withEmoji(object.text)];
}
