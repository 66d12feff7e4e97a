// Player of a stereo recording: two tracks drawn from peaks that the server made, seeking by click and keys. Marks are
// places of the ear's verdicts; a button of one plays the second before and after it.
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
    pen.fillStyle = colour("--track-mark");
    for (const mark of marks) pen.fillRect(Math.min((mark / duration) * width, width - 2), 0, 2, height);
    pen.fillStyle = colour("--track-cursor");
    pen.fillRect(Math.min(done, width - 2), 0, 2, height);
    canvas.setAttribute("aria-valuenow", String(Math.round(audio.currentTime)));
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
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -5, ArrowRight: 5, Home: -duration, End: duration }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      seek(audio.currentTime + step);
    } else if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      play.click();
    }
  });
  player.querySelector("[data-speed]").addEventListener("change", (event) => (audio.playbackRate = Number(event.target.value)));
  for (const name of ["play", "pause", "ended"]) {
    audio.addEventListener(name, () => player.classList.toggle("is-playing", !audio.paused));
  }
  audio.addEventListener("timeupdate", () => {
    if (audio.currentTime >= stopAt) {
      stopAt = Infinity;
      audio.pause();
    }
    draw();
  });
  new ResizeObserver(draw).observe(canvas);
  new MutationObserver(draw).observe(document.documentElement, { attributes: true, attributeFilter: ["data-bs-theme"] });
}
