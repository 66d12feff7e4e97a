// The room: what is done with an agent opens in a dialog that stands apart from the tiles, which change all the time.
// A tile that has the focus takes one key for each action (WCAG 2.1.4: only while it has the focus), arrows move on.
const dialog = document.getElementById("agent-actions");
const KEYS = { KeyL: "listen", KeyW: "whisper", KeyB: "barge", KeyX: "leave", KeyT: "take", KeyR: "ready", KeyP: "pause", KeyO: "log_out" };

function choose(tile) {
  for (const field of dialog.querySelectorAll("[name=agent_id]")) field.value = tile.dataset.agent;
  dialog.querySelector("[data-name]").textContent = tile.dataset.name;
  for (const button of dialog.querySelectorAll("[data-needs]")) {
    button.disabled = button.dataset.needs === "talk" ? tile.dataset.talks !== "1" : tile.dataset.state === button.dataset.needs;
  }
}

document.addEventListener("click", (event) => {
  const tile = event.target.closest("[data-agent]");
  if (tile && event.target.closest("[data-actions]")) {
    choose(tile);
    dialog.showModal();
  }
});
dialog?.addEventListener("submit", () => dialog.close());

document.addEventListener("keydown", (event) => {
  const tile = event.target.closest?.("[data-agent]");
  if (!tile || event.target !== tile || event.altKey || event.ctrlKey || event.metaKey) return;
  const tiles = [...document.querySelectorAll("[data-agent]")];
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (step) {
    event.preventDefault();
    tiles[(tiles.indexOf(tile) + step + tiles.length) % tiles.length].focus();
  } else if (event.key === "Enter") {
    event.preventDefault();
    choose(tile);
    dialog?.showModal();
  } else if (dialog && KEYS[event.code]) {
    event.preventDefault();
    choose(tile);
    const button = dialog.querySelector(`[data-act=${KEYS[event.code]}]`);
    if (!button.disabled) button.form.requestSubmit(button);
  }
});
