// A script that goes step by step, by answers or onwards, and back the way it came; questions that hang on others.
const ways = new WeakMap();

function showStep(box, index, remember = true) {
  const steps = [...box.querySelectorAll(".script-step")];
  const here = steps.findIndex((step) => !step.hidden);
  if (!steps[index] || index === here) return;
  if (remember) ways.set(box, [...(ways.get(box) ?? []), here]);
  steps.forEach((step, at) => (step.hidden = at !== index));
  box.dispatchEvent(new CustomEvent("step", { bubbles: true, detail: steps[index].dataset.title }));
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-step], [data-go]");
  const box = button?.closest("[data-script]");
  if (!box) return;
  const shown = box.querySelector(".script-step:not([hidden])");
  if (button.dataset.go !== undefined) {
    showStep(box, Number(button.dataset.go));
    box.querySelector(".script-step:not([hidden]) [data-go]")?.focus();
  } else if (button.dataset.step === "-1") {
    const way = ways.get(box) ?? [];
    if (way.length) showStep(box, way.pop(), false);
  } else if (shown?.dataset.next !== undefined) {
    showStep(box, Number(shown.dataset.next));
  } else {
    shown?.querySelector("[data-go]")?.focus(); // the customer's answer decides
  }
});

// Questions are shown only while the one that they hang on is answered so.
export function ask(form) {
  for (const part of form.querySelectorAll("[data-when]")) {
    const given = new FormData(form).getAll(part.dataset.when);
    part.hidden = !given.includes(part.dataset.is);
  }
}
