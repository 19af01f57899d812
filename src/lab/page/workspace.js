import { drawBlocks } from "./blocks.js";
import { makeComposer } from "./composer.js";
import { act, el, say, showList } from "./dom.js";
import { showView } from "./modal.js";
import { mrkdwn } from "./mrkdwn.js";

const byId = (id) => document.getElementById(id);
const seen = new Map();
let data;
let person = localStorage.getItem("person");
let channel = "C01";
let thread;

const names = {
  person: (id) => data.persons.find((one) => one.id === id)?.name ?? (id === "USLACKBOT" ? "Slackbot" : id),
  channel: (id) => data.channels.find((one) => one.id === id)?.name ?? id,
  everyone: () => data.persons.filter(({ bot }) => !bot),
  follow(toChannel, ts) {
    const message = data.messages.find((one) => one.channel === toChannel && one.ts === ts);
    if (!message) return say("That message is no longer there.");
    channel = toChannel;
    thread = message.thread_ts ?? (repliesTo(message).length > 0 ? ts : thread);
    draw();
    const row = document.querySelector(`[data-key^="${CSS.escape(ts)}"]`);
    row?.scrollIntoView({ block: "center" });
    row?.classList.add("flash");
  },
};

const composers = {
  channel: makeComposer(byId("composer"), {
    placeholder: () => `Message ${data ? titleOf(current()) : ""}, or / for a command`,
    commands: () => data.commands,
    send: (text) => act(text.startsWith("/") ? "type" : "write", { person, channel, text }),
  }),
  thread: makeComposer(byId("reply"), {
    placeholder: () => "Reply…",
    commands: () => [],
    send(text) {
      if (text.startsWith("/")) return say(`${text.split(" ")[0]} cannot be used in a thread. Type it in the channel.`);
      return act("write", { person, channel, text, thread });
    },
  }),
};

const current = () => data.channels.find(({ id }) => id === channel) ?? data.channels[0];
const titleOf = ({ name, im }) => (im ? data.bot.name : `#${name}`);
const repliesTo = ({ channel: where, ts }) =>
  data.messages.filter((one) => one.channel === where && one.thread_ts === ts && one.ts !== ts);

/** Shows what the workspace holds now. */
export function showWorkspace(latest) {
  data = latest;
  if (!names.everyone().some(({ id }) => id === person)) person = names.everyone()[0]?.id;
  draw();
}

function draw() {
  byId("team").textContent = data.team.name;
  drawPersons();
  drawChannels();
  byId("channel-name").textContent = titleOf(current());
  const mine = data.ephemerals
    .filter((one) => one.person === person)
    .map(({ message }) => ({ ...message, ephemeral: true }));
  const here = [...data.messages, ...mine].filter((message) => message.channel === channel);
  const roots = here.filter((message) => !message.thread_ts || message.thread_ts === message.ts);
  const shownRoots = roots.map((message) => ({ ...message, replies: summary(repliesTo(message)) }));
  showMessages(byId("messages"), shownRoots);
  const replies = here.filter((message) => thread && (message.ts === thread || message.thread_ts === thread));
  byId("thread").hidden = replies.length === 0;
  showMessages(byId("replies"), replies);
  seen.set(channel, roots.at(-1)?.ts ?? "0");
  composers.channel.refresh();
  showView(data.views[person]?.at(-1), person, names);
}

const summary = (replies) => ({ count: replies.length, last: replies.at(-1)?.ts });

function drawPersons() {
  const select = byId("persona");
  const kind = ({ guest, team, deleted }) =>
    deleted ? " (deactivated)" : guest ? " (guest)" : team ? " (other company)" : "";
  showList(
    select,
    names.everyone(),
    ({ id }) => id,
    (one) => el("option", { value: one.id }, `${one.name}${kind(one)}`),
  );
  select.value = person;
  byId("persona-note").textContent = data.persons.find(({ id }) => id === person)?.email ?? "";
}

function drawChannels() {
  const row = (one) => {
    const latest = data.messages.findLast((message) => message.channel === one.id && !message.thread_ts)?.ts ?? "0";
    const unread = one.id !== channel && Number(latest) > Number(seen.get(one.id) ?? 0);
    return { ...one, unread, current: one.id === channel };
  };
  const drawRow = (one) =>
    el(
      "li",
      {},
      el(
        `button${one.current ? ".current" : ""}${one.unread ? ".unread" : ""}`,
        {
          type: "button",
          onclick: () => ((channel = one.id), (thread = undefined), draw(), composers.channel.focus()),
        },
        el("span.hash", {}, one.im ? "●" : "#"),
        one.im ? data.bot.name : one.name,
        one.isArchived && el("span.tag", {}, "archived"),
      ),
    );
  const keyOf = ({ id }) => id;
  showList(byId("channels"), data.channels.filter(({ im }) => !im).map(row), keyOf, drawRow);
  showList(byId("dms"), data.channels.filter(({ im }) => im === person).map(row), keyOf, drawRow);
}

function showMessages(list, messages) {
  const atEnd =
    list.scrollHeight - list.scrollTop - list.clientHeight < 60 || list.dataset.place !== `${channel} ${thread}`;
  list.dataset.place = `${channel} ${thread}`;
  const sorted = messages.toSorted((one, other) => Number(one.ts) - Number(other.ts));
  showList(list, sorted, ({ ts }) => `${ts} ${person}`, drawMessage);
  if (atEnd) list.scrollTop = list.scrollHeight;
}

function drawMessage(message) {
  const { ts, user, ephemeral, replies, edited, reactions = [] } = message;
  const isApp = user === data.bot.user;
  const press = (at, option) => act("press", { person, at: { ...at, channel: message.channel, ts }, option });
  const body = message.blocks?.length
    ? drawBlocks(message.blocks, { names, press })
    : [el("div.section", {}, el("div.section-text", {}, mrkdwn(message.text, names)))];
  return el(
    `li.message${ephemeral ? ".ephemeral" : ""}`,
    {},
    el(
      `span.avatar.hue${hue(user)}${isApp ? ".app" : ""}`,
      { ariaHidden: "true" },
      names.person(user)[0].toUpperCase(),
    ),
    el(
      "div.body",
      {},
      el(
        "div.meta",
        {},
        el("strong", {}, names.person(user)),
        isApp && el("span.tag", {}, "app"),
        el("time", {}, clockTime(ts)),
        edited && el("span.edited", {}, "(edited)"),
        ephemeral && el("span.edited", {}, "only visible to you"),
      ),
      body,
      message.files?.map(drawFile),
      reactions.length > 0 &&
        el(
          "div.reactions",
          {},
          reactions.map(({ name, count }) => mrkdwn(`:${name}: ${count}`, names)),
        ),
      replies?.count > 0 &&
        el(
          "button.replies",
          { type: "button", onclick: () => ((thread = ts), draw()) },
          `${replies.count} ${replies.count === 1 ? "reply" : "replies"}`,
          el("span", {}, ` last at ${clockTime(replies.last)}`),
        ),
      replies?.count === 0 &&
        !ephemeral &&
        el("button.replies.none", { type: "button", onclick: () => ((thread = ts), draw()) }, "Reply in thread"),
    ),
  );
}

/** A picture, as large as there is room; by itself in a new tab. */
function drawFile({ id, title, alt_txt: alt, mode }) {
  if (mode === "tombstone") return el("p.file.gone", {}, "This file was deleted.");
  const src = `/files/${encodeURIComponent(id)}`;
  const link = el("a", { href: src, target: "_blank", rel: "noopener" }, el("img", { src, alt }));
  return el("figure.file", {}, el("figcaption", {}, title), link);
}

const clockTime = (ts) => new Date(Number(ts) * 1000).toLocaleTimeString([], { hourCycle: "h23" });
const hue = (id) => [...id].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % 6;

byId("persona").addEventListener("change", (event) => {
  person = event.target.value;
  localStorage.setItem("person", person);
  draw();
});
byId("close-thread").addEventListener("click", () => {
  thread = undefined;
  draw();
});
