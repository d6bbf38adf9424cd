// What a browser adds to pages that work without it: the reader's zone, and keys.

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const isKnown = () => document.cookie.split("; ").some((one) => one.startsWith("carillon_zone="));
if (zone && !isKnown()) {
  document.cookie = `carillon_zone=${zone}; path=/; max-age=31536000; SameSite=Lax`;
  // Where cookies are refused, a page that loads itself again would never stop.
  if (isKnown() && zone !== document.documentElement.dataset.zone) location.reload();
}

// On a phone, the navigation is a row that is scrolled sideways: to the page that is shown.
const current = document.querySelector(".top nav [aria-current]");
if (current) current.parentElement.scrollLeft += current.getBoundingClientRect().left - innerWidth / 3;

let afterG = false;

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
  if (event.key === "/") {
    event.preventDefault();
    document.getElementById("search")?.focus();
  } else if (afterG && /^[a-z]$/.test(event.key)) {
    document.querySelector(`nav a[data-key="${event.key}"]`)?.click();
  } else goTo({ j: 1, k: -1 }[event.key]);
  afterG = event.key === "g";
});

// In a list, j and k go from row to row, to the link of each; Enter opens it, as the browser does.
function goTo(step) {
  const links = [...document.querySelectorAll("main tbody tr")].map((row) => row.querySelector("a[href]")).filter(Boolean);
  if (!step || !links.length) return;
  const at = links.findIndex((link) => link.closest("tr").contains(document.activeElement));
  links[at < 0 ? 0 : Math.min(links.length - 1, Math.max(0, at + step))].focus();
}

// In a list that takes actions on many, a box that ticks all that are shown; in the form, which live changes leave alone.
const bulk = document.getElementById("bulk");
if (bulk) {
  const label = document.createElement("label");
  label.className = "tick";
  const all = document.createElement("input");
  all.type = "checkbox";
  all.addEventListener("change", () => {
    for (const box of document.querySelectorAll("input[form=bulk]")) box.checked = all.checked;
  });
  label.append("Tick all shown", all);
  bulk.prepend(label);
}

// On a phone, what is long and stands before what is looked for is folded; the page without scripts shows it.
if (matchMedia("(max-width: 640px)").matches) for (const one of document.querySelectorAll("details.folds")) one.open = false;

// What is done with all that fit goes on by itself, from page to page, if it was begun here; an address alone begins nothing.
const GOING = "carillon_going";
const begins = document.querySelector("form input[name=going]")?.form;
const going = document.querySelector("form[data-going]");
if (going) {
  document.querySelector("form[data-going] + a")?.addEventListener("click", () => sessionStorage.removeItem(GOING));
  if (sessionStorage.getItem(GOING) === going.dataset.going) going.requestSubmit();
} else {
  sessionStorage.removeItem(GOING); // who has left it, and comes back to one of its pages, does not begin it again
  begins?.addEventListener("submit", () => sessionStorage.setItem(GOING, begins.elements.going.value));
}
