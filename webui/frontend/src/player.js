// Player of a stereo recording: two tracks drawn from peaks that the server made, seeking by click and keys. Marks are
// places of the ear's verdicts; a button of one plays the second before and after it. Notes are people's comments at a
// time, gaps what was left out. Keys work where the focus is in the player or in what belongs to it (data-player-scope).
import { toast } from "./toast.js";

const SILENT = 0.02; // of the loudest there is: below it nobody speaks
const SILENT_S = 1.5; // shorter silences belong to speech
const MARGIN_S = 0.3;

function wire() {
  for (const player of document.querySelectorAll("[data-player]:not([data-wired])")) {
    player.dataset.wired = "1";
    set(player);
  }
}
wire();
document.addEventListener("htmx:after:swap", wire);

function set(player) {
  const audio = player.querySelector("audio");
  const canvas = player.querySelector("canvas");
  const play = player.querySelector("[data-play]");
  const clock = player.querySelector("[data-clock]");
  const peaks = JSON.parse(player.querySelector("script[type='application/json']").textContent);
  const duration = Number(player.dataset.duration) || 1;
  const marks = (player.dataset.marks || "").split(" ").filter(Boolean).map(Number);
  const gaps = (player.dataset.gaps || "").split(" ").filter(Boolean).map((gap) => gap.split("-").map(Number));
  const speed = player.querySelector("[data-speed]");
  const skip = player.querySelector("[data-skip-silence]");
  const silences = silent(peaks);
  const scope = player.closest("[data-player-scope]") || player;
  let notes = times(player.dataset.notes);
  let stopAt = Infinity;
  const two = (n) => String(Math.floor(n)).padStart(2, "0");
  const stamp = (s) => `${two(Math.round(s) / 60)}:${two(Math.round(s) % 60)}`;

  function colour(name) {
    return getComputedStyle(player).getPropertyValue(name).trim();
  }

  function draw() {
    const ratio = window.devicePixelRatio || 1;
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const done = (audio.currentTime / duration) * width;
    const ours = (peaks.right || []).some((peak) => peak > 0); // evidence from before the answer has one side only
    track(pen, peaks.left || [], 0, ours ? height / 2 : height, width, done, "--track-customer");
    if (ours) track(pen, peaks.right, height / 2, height / 2, width, done, "--track-agent");
    pen.fillStyle = colour("--track-gap");
    for (const [from, to] of gaps) pen.fillRect((from / duration) * width, 0, Math.max(2, ((to - from) / duration) * width), height);
    pen.fillStyle = colour("--track-note");
    for (const note of notes) {
      const x = Math.min((note / duration) * width, width - 2);
      pen.fillRect(x, 0, 2, height);
      pen.fillRect(x - 3, 0, 8, 6);
    }
    pen.fillStyle = colour("--track-mark");
    for (const mark of marks) pen.fillRect(Math.min((mark / duration) * width, width - 2), 0, 2, height);
    pen.fillStyle = colour("--track-cursor");
    pen.fillRect(Math.min(done, width - 2), 0, 2, height);
    canvas.setAttribute("aria-valuenow", String(Math.round(audio.currentTime)));
    canvas.setAttribute("aria-valuetext", stamp(audio.currentTime));
    clock.textContent = `${stamp(audio.currentTime)} / ${stamp(duration)}`;
  }

  function track(pen, values, top, height, width, done, name) {
    const middle = top + height / 2;
    const bars = Math.max(1, Math.floor(width / 3));
    pen.fillStyle = colour(name);
    for (let bar = 0; bar < bars; bar++) {
      const from = Math.floor((bar / bars) * values.length);
      const to = Math.max(from + 1, Math.floor(((bar + 1) / bars) * values.length));
      let peak = 0;
      for (let i = from; i < to && i < values.length; i++) peak = Math.max(peak, Math.abs(values[i]));
      const size = Math.max(1, (peak * (height - 8)) / 2);
      pen.globalAlpha = bar * 3 < done ? 1 : 0.45;
      pen.fillRect(bar * 3, middle - size, 2, size * 2);
    }
    pen.globalAlpha = 1;
  }

  function seek(seconds) {
    stopAt = Infinity;
    audio.currentTime = Math.min(duration, Math.max(0, seconds));
    draw();
  }

  function around(seconds) {
    seek(seconds - 1);
    stopAt = seconds + 1;
    start();
  }

  // A start that is broken off, because another call is shown meanwhile, is no mistake.
  function start() {
    audio.play().catch((error) => {
      if (error.name !== "AbortError") throw error;
    });
  }

  play.addEventListener("click", () => (audio.paused ? start() : audio.pause()));
  for (const jump of player.querySelectorAll("[data-jump]")) {
    jump.addEventListener("click", () => around(Number(jump.dataset.jump)));
  }
  canvas.addEventListener("click", (event) => seek((event.offsetX / canvas.clientWidth) * duration));
  function faster(by) {
    speed.selectedIndex = Math.min(speed.options.length - 1, Math.max(0, speed.selectedIndex + by));
    audio.playbackRate = Number(speed.value);
  }

  scope.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const onCanvas = event.target === canvas;
    if (!onCanvas && event.target.closest("input:not([type=checkbox]),textarea,select,button,a,summary,[data-own-keys]")) return;
    const step = { ArrowLeft: -5, ArrowRight: 5, Home: -duration, End: duration }[event.key];
    if (step !== undefined) seek(audio.currentTime + step);
    else if (event.key === " " || (onCanvas && event.key === "Enter")) play.click();
    else if (event.key === "+" || event.key === "=") faster(1);
    else if (event.key === "-") faster(-1);
    else if (event.code === "KeyM" && player.dataset.keys) mark();
    else if (event.code === "KeyC" && player.dataset.keys) comment();
    else return;
    event.preventDefault();
  });

  // Comments are written at the moment that is played.
  const fine = (s) => `${Math.floor(s / 60)}:${(s % 60).toFixed(1).padStart(4, "0")}`;
  function note() {
    const form = scope.querySelector("[data-note-form]");
    if (form) form.querySelector("[data-note-at]").value = fine(audio.currentTime);
    return form;
  }
  function mark() {
    const form = note();
    if (!form) return;
    form.querySelector("[name=text]").value = "";
    form.requestSubmit();
  }
  function comment() {
    note()?.querySelector("[name=text]").focus();
  }
  scope.addEventListener("focusin", (event) => {
    if (event.target.matches("[data-note-form] [name=text]") && !event.target.value) note();
  });
  scope.addEventListener("click", (event) => {
    const jump = event.target.closest("[data-jump-to]");
    if (jump) seek(Number(jump.dataset.jumpTo));
  });
  document.addEventListener("htmx:after:swap", () => {
    const list = scope.querySelector("[data-notes-list]");
    if (list) notes = times(list.dataset.at);
    draw();
  });
  player.querySelector("[data-copy-link]")?.addEventListener("click", async (event) => {
    const button = event.currentTarget;
    const url = new URL(button.dataset.url, location.href);
    url.searchParams.set("t", String(Math.floor(audio.currentTime)));
    await navigator.clipboard.writeText(url.href);
    toast(button.dataset.done, "success");
  });
  speed.addEventListener("change", () => (audio.playbackRate = Number(speed.value)));
  for (const name of ["play", "pause", "ended"]) {
    audio.addEventListener(name, () => player.classList.toggle("is-playing", !audio.paused));
  }
  audio.addEventListener("timeupdate", () => {
    if (audio.currentTime >= stopAt) {
      stopAt = Infinity;
      audio.pause();
    }
    const hush = skip?.checked && silences.find(([from, to]) => audio.currentTime > from && audio.currentTime < to);
    if (hush && !audio.paused) audio.currentTime = hush[1];
    draw();
  });
  if (Number(player.dataset.start) > 0) audio.currentTime = Math.min(duration, Number(player.dataset.start));
  if (player.dataset.keys && (document.activeElement === document.body || !document.activeElement)) canvas.focus({ preventScroll: true });
  new ResizeObserver(draw).observe(canvas);
  new MutationObserver(draw).observe(document.documentElement, { attributes: true, attributeFilter: ["data-bs-theme"] });
}

function times(text) {
  return (text || "").split(" ").filter(Boolean).map(Number);
}

// Spans in which neither side speaks, a little shorter at both ends.
function silent(peaks) {
  const left = peaks.left || [];
  const right = peaks.right || [];
  const perS = peaks.per_s || 1;
  const count = Math.max(left.length, right.length);
  const found = [];
  let from = -1;
  for (let i = 0; i <= count; i++) {
    const quiet = i < count && Math.max(left[i] || 0, right[i] || 0) < SILENT;
    if (quiet && from < 0) from = i;
    if (!quiet && from >= 0) {
      if ((i - from) / perS >= SILENT_S) found.push([from / perS + MARGIN_S, i / perS - MARGIN_S]);
      from = -1;
    }
  }
  return found;
}
