// Shows what the form of a new job stands for, as it is typed: the schedule as a sentence with its next instants, and the
// same job as a command, a file and a program. Without scripts, a button of the form does so.

const PAUSE_MS = 300;

const form = document.querySelector("form[data-look]");
const shown = document.getElementById("preview");

let timer = 0;
let asked = 0;

form?.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(look, PAUSE_MS); });

async function look() {
  const turn = ++asked;
  const fields = new URLSearchParams(new FormData(form));
  fields.set("do", "look");
  const answer = await fetch(form.getAttribute("action"), { method: "POST", body: fields }).catch(() => null);
  if (!answer?.ok || answer.redirected || turn !== asked) return; // something else was typed meanwhile
  const isOpen = new Map([...shown.querySelectorAll("details")].map((one) => [one.id, one.open]));
  shown.innerHTML = await answer.text(); // made by the server, which escapes whatever was typed
  for (const one of shown.querySelectorAll("details")) one.open = isOpen.get(one.id) ?? one.open;
}
