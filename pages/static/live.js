// Keeps what a page shows up to date: on a change the page is fetched again, and its fragments marked `data-live` are
// changed where they stand. What the reader does meanwhile stays: scroll, focus, selection, open menus, typed text.

const LEAST_GAP_MS = 1000;
const AWAY_MS = 5_000;
const REFUSED_MS = 30_000;
const LONGEST_MS = 30_000; // an answer that takes longer will not come
const LOST_MS = 5_000; // a stream that breaks is opened again by the browser, mostly sooner
const REST = 5; // how many times as long as the server took it is left in peace

const source = document.querySelector("[data-events]")?.dataset.events;
const news = document.getElementById("news");
const lost = document.getElementById("lost");
const select = "[data-live][id]";
// Of a page that shows what the server keeps for so many seconds, what came last is fetched once more after these.
const refetchSeconds = Number(document.querySelector("[data-refetch]")?.dataset.refetch ?? 0);

let events = null;
let isStale = false;
let isBusy = false;
let showAll = false;
let later = null;
let losing = null;
let lostAt = null;
let isOver = false;

if (source && news && document.querySelector(select)) {
  document.addEventListener("visibilitychange", listenIfSeen);
  addEventListener("pageshow", listenIfSeen);
  addEventListener("pagehide", close);
  news.addEventListener("click", () => { showAll = true; window.scrollTo(0, 0); note(); });
  listenIfSeen();
}

// A hidden page listens to nothing: browsers open only six connections to a server, for all pages together.
function listenIfSeen() {
  if (document.hidden) { close(); return; }
  if (events || isOver) return;
  events = new EventSource(source);
  events.onopen = () => { clearTimeout(losing); losing = null; note(); }; // what has changed while nobody listened
  for (const kind of ["job", "run", "reset"]) events.addEventListener(kind, note);
  events.onerror = () => {
    lostAt ??= new Date();
    losing ??= setTimeout(say, LOST_MS, "away");
    if (events?.readyState !== EventSource.CLOSED) return; // it connects again by itself
    close(); // it was refused: by a proxy while the server starts, or for good
    setTimeout(listenIfSeen, REFUSED_MS);
  };
}

function close() {
  events?.close();
  events = null;
}

// Says why the page shows no longer what is so now, and since when; without a reason, that it does again.
function say(why) {
  lostAt = why ? lostAt ?? new Date() : null;
  lost.hidden = !why;
  lost.textContent = why ? lost.dataset[why].replace("{}", clock(lostAt)) : "";
}

function clock(at) {
  return at.toLocaleTimeString("en-GB", { timeZone: document.documentElement.dataset.zone });
}

function leave(why) {
  isOver = true;
  close();
  clearTimeout(losing);
  say(why);
}

function note() {
  stale();
  if (!refetchSeconds) return;
  clearTimeout(later);
  later = setTimeout(stale, 1000 * refetchSeconds);
}

function stale() {
  isStale = true;
  refresh();
}

async function refresh() {
  if (isBusy || !isStale || document.hidden) return;
  isBusy = true;
  isStale = false;
  const began = performance.now();
  let isAway = false;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, signal: AbortSignal.timeout(LONGEST_MS) });
    if (answer.redirected) leave("ended");
    else if (answer.status === 403 || answer.status === 404) leave("gone");
    else if (answer.ok) show(await answer.text());
    else isAway = true;
  } catch {
    isAway = true;
  }
  isStale ||= isAway;
  if (isAway) say("away");
  const rest = isAway ? AWAY_MS : Math.max(LEAST_GAP_MS, REST * (performance.now() - began));
  setTimeout(() => { isBusy = false; refresh(); }, rest);
}

function show(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  const seen = { hidden: 0 };
  for (const old of document.querySelectorAll(select)) {
    const wanted = fresh.getElementById(old.id);
    if (wanted) morph(old, wanted, (rows) => !showAll && rows.getBoundingClientRect().top < 0, seen);
  }
  showAll = false;
  if (losing === null) say("");
  news.hidden = seen.hidden === 0;
  if (seen.hidden) news.textContent = `${seen.hidden} new, show`;
}

// Makes an element like another one, keeping each node that can stay. `isAbove(list)` says whether the reader is past
// the top of a list marked `data-rows`: its new rows then wait, and are counted in `seen.hidden`, so that nothing moves
// under their eyes.
function morph(old, wanted, isAbove, seen) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== wanted.nodeValue) old.nodeValue = wanted.nodeValue;
    return;
  }
  if (isTheReaders(old)) return;
  copyAttributes(old, wanted);
  const waiting = "rows" in old.dataset ? newRows(old, wanted) : [];
  if (waiting.length && isAbove(old)) {
    seen.hidden += waiting.length;
    for (const row of wanted.children) {
      const kept = row.id && childOf(old, row.id);
      if (kept) morph(kept, row, isAbove, seen);
    }
  } else {
    morphChildren(old, wanted, isAbove, seen);
  }
}

function morphChildren(old, wanted, isAbove, seen) {
  const ids = new Set([...wanted.children].map((one) => one.id));
  for (const one of [...old.children]) if (one.id && !ids.has(one.id)) one.remove();
  let at = old.firstChild;
  for (const one of [...wanted.childNodes]) {
    const kept = match(old, at, one);
    if (!kept) old.insertBefore(document.importNode(one, true), at);
    else if (kept === at) at = at.nextSibling;
    else old.insertBefore(kept, at);
    if (kept) morph(kept, one, isAbove, seen);
  }
  while (at) { const next = at.nextSibling; at.remove(); at = next; }
}

function match(parent, at, wanted) {
  if (wanted.id) {
    const kept = childOf(parent, wanted.id);
    return kept?.nodeName === wanted.nodeName ? kept : null;
  }
  return at && at.nodeName === wanted.nodeName && !at.id ? at : null;
}

function childOf(parent, id) {
  return [...parent.children].find((one) => one.id === id);
}

function newRows(old, wanted) {
  return [...wanted.children].filter((one) => one.id && !childOf(old, one.id));
}

// What the reader types into, and the key by which a form that is sent twice is known.
function isTheReaders(element) {
  if (element.matches("textarea, select")) return true;
  return element.matches("input") && (element.type !== "hidden" || element.name === "key");
}

function copyAttributes(old, wanted) {
  const isMenu = old.nodeName === "DETAILS";
  for (const { name } of [...old.attributes]) {
    if (!wanted.hasAttribute(name) && !(isMenu && name === "open")) old.removeAttribute(name);
  }
  for (const { name, value } of wanted.attributes) {
    if (old.getAttribute(name) !== value && !(isMenu && name === "open")) old.setAttribute(name, value);
  }
}
