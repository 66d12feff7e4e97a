import { toast } from "./toast.js";

// Small helps for forms: file drop, select that submits, list filter, rows that open.
function wireDrops(root) {
  for (const zone of root.querySelectorAll("[data-drop]:not([data-wired])")) {
    zone.dataset.wired = "1";
    const input = zone.querySelector("input[type=file]");
    const show = () => {
      const file = input.files[0];
      zone.classList.toggle("has-file", Boolean(file));
      zone.querySelector("[data-name]").textContent = file ? `${file.name} · ${Math.ceil(file.size / 1024)} kB` : "";
    };
    input.addEventListener("change", show);
    zone.addEventListener("dragover", (event) => {
      event.preventDefault();
      zone.classList.add("is-over");
    });
    zone.addEventListener("dragleave", () => zone.classList.remove("is-over"));
    zone.addEventListener("drop", (event) => {
      event.preventDefault();
      zone.classList.remove("is-over");
      if (!event.dataTransfer.files.length) return;
      input.files = event.dataTransfer.files;
      show();
    });
  }
}

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
  if (event.target.matches("[data-check-all]")) {
    const boxes = event.target.form.querySelectorAll(`input[type=checkbox][name="${event.target.dataset.checkAll}"]`);
    for (const box of boxes) box.checked = event.target.checked;
  }
});

document.addEventListener("click", (event) => {
  const row = event.target.closest("tr[data-href]");
  if (row && !event.target.closest("a,button,input,label,summary")) location.href = row.dataset.href;
  const opener = event.target.closest("[data-dialog]");
  const dialog = opener && document.getElementById(opener.dataset.dialog);
  dialog?.showModal();
  dialog?.dispatchEvent(new Event("opened")); // what it shows it fetches itself: the opener may be replaced meanwhile
  if (event.target.closest("[data-print]")) print();
  if (event.target.matches("[data-close]")) event.target.closest("dialog")?.close();
  if (event.target.closest("[data-copy]")) {
    const source = event.target.closest("[data-copy]");
    navigator.clipboard?.writeText(source.dataset.copy);
  }
});

// A large file goes alone, as the body of a PUT, with its progress; the answer says where to go on.
document.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-send]");
  if (!form) return;
  event.preventDefault();
  const file = form.querySelector("input[type=file]").files[0];
  const bar = form.querySelector("progress");
  const button = form.querySelector("button");
  if (!file) return;
  const request = new XMLHttpRequest();
  const failed = (text) => {
    bar.hidden = true;
    button.disabled = false;
    toast(text || document.body.dataset.unreachable, "danger");
  };
  request.upload.addEventListener("progress", (sent) => {
    if (sent.lengthComputable) bar.value = sent.loaded / sent.total;
    if (sent.loaded === sent.total) bar.removeAttribute("value"); // it is looked at now
  });
  request.addEventListener("load", () => {
    let answer = {};
    try {
      answer = JSON.parse(request.responseText);
    } catch {
      answer = {};
    }
    if (request.status < 300 && answer.url) location.href = answer.url;
    else failed(answer.detail);
  });
  request.addEventListener("error", () => failed(""));
  request.open("PUT", form.dataset.send);
  request.setRequestHeader("Content-Type", "application/octet-stream");
  request.setRequestHeader("Accept", "application/json");
  request.setRequestHeader("X-CSRFToken", document.querySelector("meta[name=csrf-token]").content);
  bar.hidden = false;
  bar.value = 0;
  button.disabled = true;
  request.send(file);
});

// Adding a row to a rule table clones its <template>; removing takes the row out.
document.addEventListener("click", (event) => {
  const add = event.target.closest("[data-add-row]");
  if (add) {
    const body = document.getElementById(add.dataset.addRow);
    body.append(document.getElementById(`${add.dataset.addRow}-row`).content.cloneNode(true));
    body.lastElementChild.querySelector("input,select")?.focus();
  }
  const remove = event.target.closest("[data-remove-row]");
  if (remove) {
    const form = remove.closest("form");
    remove.closest("tr").remove();
    form?.dispatchEvent(new Event("change", { bubbles: true }));
  }
});

// A table that scrolls sideways can be reached and scrolled by keyboard.
function wireScrolling() {
  for (const box of document.querySelectorAll(".table-responsive")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
}

function wire() {
  wireDrops(document);
  wireScrolling();
}
wire();
document.addEventListener("htmx:after:swap", wire);
addEventListener("resize", wireScrolling);
