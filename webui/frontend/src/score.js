// Scoring by keyboard: up and down move between the questions, digits answer, Y and N are yes and no, X does not apply.
// The keys work only while a question has the focus; the player's keys (space, left, right) work there too.
const forms = document.querySelectorAll("[data-score-form]");

for (const form of forms) {
  const questions = [...form.querySelectorAll("[data-question]")];

  function go(from, by) {
    const next = questions[questions.indexOf(from) + by];
    (next || (by > 0 ? form.querySelector("textarea") : null))?.focus();
  }

  function answer(question, value) {
    const radio = question.querySelector(`input[value="${value}"]`);
    if (!radio) return;
    radio.checked = true;
    radio.dispatchEvent(new Event("change", { bubbles: true }));
    go(question, 1);
  }

  form.addEventListener("keydown", (event) => {
    if (event.ctrlKey && event.key === "Enter") {
      event.preventDefault();
      const save = form.querySelector("[data-score-save]");
      if (save) form.requestSubmit(save);
      return;
    }
    const question = event.target.closest("[data-question]");
    if (!question || event.ctrlKey || event.altKey || event.metaKey) return;
    const onRadio = event.target.matches("input");
    if (event.key === "ArrowDown" && !onRadio) go(question, 1);
    else if (event.key === "ArrowUp" && !onRadio) go(question, -1);
    else if (/^[0-9]$/.test(event.key)) answer(question, event.key);
    else if (event.code === "KeyY" && question.dataset.top === "1") answer(question, "1");
    else if (event.code === "KeyN" && question.dataset.top === "1") answer(question, "0");
    else if (event.code === "KeyX") answer(question, "-");
    else return;
    event.preventDefault();
  });
}
