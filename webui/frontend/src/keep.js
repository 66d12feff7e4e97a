// A session that ended in the middle of a form: the box sends its sender to the log-in, and back to the form afterwards.
// What was sent is kept in this tab until then and put into the form again; passwords and files never are.
import { toast } from "./toast.js";

const KEY = "unsent";
const here = location.pathname + location.search;
const formsOfPage = () => [...document.querySelectorAll("#main form[method=post]")];

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || location.pathname === "/login" || !form.matches("#main form[method=post]:not([hx-post])")) return;
  const fields = [...new FormData(form, event.submitter)].filter(
    ([name, value]) => typeof value === "string" && name !== "csrf_token" && form.elements[name]?.type !== "password",
  );
  const kept = { here, user: document.body.dataset.user, form: formsOfPage().indexOf(form), fields };
  try {
    sessionStorage.setItem(KEY, JSON.stringify(kept));
  } catch {
    // larger than a tab may keep: then it is as before
  }
});

function put(form, fields) {
  const given = {};
  for (const [name, value] of fields) (given[name] ??= []).push(value);
  for (const [name, values] of Object.entries(given)) {
    // rows that were added to a table are added again
    const row = [...form.querySelectorAll("template")].find((one) => one.content.querySelector(`[name="${CSS.escape(name)}"]`));
    const table = row && document.getElementById(row.id.replace(/-row$/, ""));
    while (table && table.querySelectorAll(`[name="${CSS.escape(name)}"]`).length < values.length) {
      table.append(row.content.cloneNode(true));
    }
  }
  for (const field of form.elements) {
    if (!field.name || ["csrf_token", "submit"].includes(field.name) || ["file", "password"].includes(field.type)) continue;
    const values = given[field.name];
    if (field.type === "checkbox" || field.type === "radio") field.checked = Boolean(values?.includes(field.value));
    else if (field.type === "select-multiple") {
      for (const option of field.options) option.selected = Boolean(values?.includes(option.value));
    } else if (values?.length && field.type !== "submit") field.value = values.shift();
  }
}

const kept = JSON.parse(sessionStorage.getItem(KEY) || "null");
if (kept && location.pathname !== "/login") {
  sessionStorage.removeItem(KEY);
  const form = formsOfPage()[kept.form];
  const signedIn = document.referrer && new URL(document.referrer).pathname === "/login";
  if (signedIn && kept.here === here && kept.user === document.body.dataset.user && form) {
    put(form, kept.fields);
    for (const details of form.querySelectorAll("details")) details.open = true;
    toast(document.body.dataset.kept);
  }
}
