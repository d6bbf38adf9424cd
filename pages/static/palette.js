// The command palette (Ctrl K): goes to a page, to a job by its name or id, or presses a button of the page, or searches
// as the field of every page does; and the help on keys (?). What it finds, it finds on the pages themselves: the
// navigation, the list of jobs, the buttons shown.

const MOST = 8;
const PAUSE_MS = 150;
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const palette = document.getElementById("palette");
const help = document.getElementById("help");
const typed = palette?.querySelector("input");
const list = palette?.querySelector("[role=listbox]");
const nothing = document.getElementById("nothing-fits");

let choices = [];
let chosen = 0;
let timer = 0;
let asked = 0;

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k" && palette) {
    event.preventDefault();
    open();
  } else if (event.key === "?" && help && !event.target.closest("input, textarea, select, dialog")) {
    help.showModal();
  }
});
typed?.addEventListener("input", () => { offer(here()); clearTimeout(timer); timer = setTimeout(find, PAUSE_MS); });
typed?.addEventListener("keydown", (event) => {
  const steps = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (steps && choices.length) {
    event.preventDefault();
    choose((chosen + steps + choices.length) % choices.length);
  } else if (event.key === "Enter") {
    event.preventDefault();
    choices[chosen]?.act();
  }
});

// What the palette of another page has led here for. No element has these ids: the browser would take the focus away.
const wanted = { "#do-run": "#go-now", "#do-pause": "#ask-pause > summary" }[location.hash];
const found = wanted && document.querySelector(wanted);
if (found?.matches("summary")) press(found);
else found?.focus();

function open() {
  typed.value = "";
  offer(here());
  if (!palette.open) palette.showModal();
}

// What the page itself has: the other pages, and its own buttons.
function here() {
  const words = typed.value.trim().toLowerCase();
  const pages = [...document.querySelectorAll("nav a[data-key]")].map((link) => going(link.textContent, "page", link.href));
  const buttons = [...document.querySelectorAll("#job-head :is(button, summary), #run-head :is(button, summary)")]
    .filter((one) => one.matches("summary") || !one.closest("details"))
    .map((one) => ({ label: one.textContent.trim(), kind: "this page", act: () => { palette.close(); press(one); } }));
  return [...buttons, ...pages].filter((one) => one.label.toLowerCase().includes(words));
}

// A menu that asks for a reason is opened, so that nothing happens by one key.
function press(one) {
  one.click();
  one.parentElement.querySelector("input:not([type=hidden])")?.focus();
}

function going(label, kind, href) {
  return { label: label.trim(), kind, act: () => { location.href = href; } };
}

// What can be done with a job that is on another page: it is asked there, so that nothing happens by one key.
function onJob(link) {
  const href = link.getAttribute("href");
  const label = link.textContent;
  return [going(`Run now: ${label}`, "on its page", `${href}#do-run`), going(`Pause: ${label}`, "on its page", `${href}#do-pause`)];
}

async function find() {
  const words = typed.value.trim();
  const jobs = palette.dataset.jobs;
  const turn = ++asked;
  if (!words) return;
  if (ID.test(words)) {
    offer([going(words, "job", `${jobs}/${words.toLowerCase()}`)]);
    return;
  }
  const answer = await fetch(`${jobs}?search=${encodeURIComponent(words)}`, { headers: { Accept: "text/html" } });
  const text = await answer.text();
  if (!answer.ok || turn !== asked || words !== typed.value.trim()) return; // something else was typed meanwhile
  const page = new DOMParser().parseFromString(text, "text/html");
  const found = [...page.querySelectorAll("#rows-of-jobs tr .name > a")];
  const jobsFound = found.map((link) => going(link.textContent, "job", link.getAttribute("href")));
  const fitting = [...here(), ...jobsFound, ...(found.length === 1 ? onJob(found[0]) : [])];
  offer(fitting);
  nothing.hidden = fitting.length > 0;
}

// The last choice is the search field's, which also knows runs, accounts and hosts.
function elsewhere() {
  const words = typed.value.trim();
  return words ? [going(`Find “${words}”`, "a job, run, account or host", `${palette.dataset.find}?search=${encodeURIComponent(words)}`)] : [];
}

function offer(wanted) {
  nothing.hidden = true;
  choices = [...wanted.slice(0, MOST), ...elsewhere()];
  list.replaceChildren(...choices.map((one, number) => {
    const row = document.createElement("li");
    row.id = `choice-${number}`;
    row.setAttribute("role", "option");
    row.append(one.label, " ", Object.assign(document.createElement("span"), { className: "sub", textContent: one.kind }));
    row.addEventListener("click", one.act);
    return row;
  }));
  choose(0);
}

function choose(number) {
  chosen = number;
  for (const [at, row] of [...list.children].entries()) row.setAttribute("aria-selected", String(at === number));
  typed.setAttribute("aria-activedescendant", choices.length ? `choice-${number}` : "");
}
