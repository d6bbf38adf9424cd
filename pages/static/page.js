// What a browser adds to pages that work without it: the reader's zone, and keys.

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const isKnown = () => document.cookie.split("; ").some((one) => one.startsWith("carillon_zone="));
if (zone && !isKnown()) {
  document.cookie = `carillon_zone=${zone}; path=/; max-age=31536000; SameSite=Lax`;
  // Where cookies are refused, a page that loads itself again would never stop.
  if (isKnown() && zone !== document.documentElement.dataset.zone) location.reload();
}

let afterG = false;

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
  if (event.key === "/") {
    event.preventDefault();
    document.getElementById("search")?.focus();
  } else if (afterG && /^[a-z]$/.test(event.key)) {
    document.querySelector(`nav a[data-key="${event.key}"]`)?.click();
  }
  afterG = event.key === "g";
});

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
