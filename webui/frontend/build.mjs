// Builds webui/static/dist: hashed bundles, one icon sprite, manifest.json and the list of licences.
// Run by `python -m webui.build` after `npm ci --ignore-scripts`; nothing of it is committed.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, basename } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const templates = join(here, "..", "templates");
const out = join(here, "..", "static", "dist");
const manifest = {};

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

const result = await build({
  absWorkingDir: here,
  entryPoints: ["app.js", "agent.js", "phone.js", "player.js", "score.js", "heard.js", "editor.js", "room.js", "wall.js", "app.css"].map((name) => join("src", name)),
  entryNames: "[name]-[hash]",
  outdir: out,
  bundle: true,
  splitting: true,
  chunkNames: "chunk-[hash]",
  minify: true,
  format: "esm",
  target: "es2022",
  define: { global: "window" },
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
});
for (const [file, info] of Object.entries(result.metafile.outputs)) {
  if (info.entryPoint) manifest[basename(info.entryPoint)] = basename(file);
}

// The sprite holds the icons that the templates name by icon("…"), and no others.
const names = new Set();
for (const file of readdirSync(templates, { recursive: true })) {
  if (!file.endsWith(".html")) continue;
  const text = readFileSync(join(templates, file), "utf8");
  for (const match of text.matchAll(/icon\(\s*"([a-z0-9-]+)"/g)) names.add(match[1]);
}
const shell = readFileSync(join(here, "..", "shell.py"), "utf8");
for (const match of shell.matchAll(/icon="([a-z0-9-]+)"/g)) names.add(match[1]);
const labels = readFileSync(join(here, "..", "labels.py"), "utf8");
for (const table of labels.matchAll(/_ICONS = \{([^}]*)\}/g)) {
  for (const match of table[1].matchAll(/: "([a-z0-9-]+)"/g)) names.add(match[1]);
}
const symbols = [...names].sort().map((name) => {
  const svg = readFileSync(join(here, "node_modules", "@tabler", "icons", "icons", "outline", `${name}.svg`), "utf8");
  const inner = svg.slice(svg.indexOf(">", svg.indexOf("<svg")) + 1, svg.lastIndexOf("</svg>")).trim();
  return `<symbol id="${name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round">${inner}</symbol>`;
});
const sprite = `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>`;
const spriteName = `icons-${createHash("sha256").update(sprite).digest("hex").slice(0, 8)}.svg`;
writeFileSync(join(out, spriteName), sprite);
manifest["icons.svg"] = spriteName;

// Licences of what is in the bundles.
const licences = [];
for (const name of ["htmx.org", "jssip", "@tabler/core", "@tabler/icons", "debug", "events", "ms", "sdp-transform"]) {
  const folder = join(here, "node_modules", name);
  const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  licences.push(`== ${name} ${version} (${license ?? "see text"})\n\n${file ? readFileSync(join(folder, file), "utf8") : ""}`);
}
writeFileSync(join(out, "licences.txt"), licences.join("\n\n"));

cpSync(join(here, "src", "favicon.svg"), join(out, "favicon.svg"));
writeFileSync(join(out, "manifest.json"), JSON.stringify(manifest, null, 2));
console.log(`webui: ${Object.keys(manifest).length} assets, ${names.size} icons`);
