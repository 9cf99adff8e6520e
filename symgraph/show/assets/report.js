// The page: tabs, the slider over stages and rewrites, details, tables and charts.

const data = JSON.parse(document.getElementById("data").textContent);
const el = (id) => document.getElementById(id);

// An element with attributes and children; strings become text, never markup.
function made(tag, attributes = {}, ...children) {
  const item = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) item.addEventListener(name.slice(2), value);
    else if (value === true) item.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) item.setAttribute(name, value);
  }
  item.append(...children.filter((child) => child !== null && child !== undefined));
  return item;
}

function say(text) { el("told").textContent = text; }

function seconds(value) {
  if (value === null || value === undefined) return "";
  if (value >= 1) return `${value.toPrecision(3)} s`;
  if (value >= 1e-3) return `${(value * 1e3).toPrecision(3)} ms`;
  return value >= 1e-6 ? `${(value * 1e6).toPrecision(3)} µs` : `${Math.round(value * 1e9)} ns`;
}

function bytes(value) {
  if (value === null || value === undefined) return "";
  const units = ["B", "kB", "MB", "GB", "TB"];
  let n = 0;
  for (; value >= 1000 && n < units.length - 1; n += 1) value /= 1000;
  return `${n ? value.toPrecision(3) : value} ${units[n]}`;
}

const percent = (value) => (value === null || value === undefined ? "" : `${(value * 100).toFixed(1)}%`);

function share(value) {
  const bar = made("i");
  bar.style.width = `${Math.min(100, value * 100)}%`;
  return made("div", { class: "share" }, bar, made("span", {}, percent(value)));
}

// --- tabs ---------------------------------------------------------------------------------------

const tabs = [];

function tab(name, build, page = true) {
  const section = made("section", { id: `panel-${tabs.length}`, role: "tabpanel", "aria-label": name,
    class: page ? "page" : "graph", hidden: true });
  const button = made("button", { type: "button", role: "tab", "aria-selected": "false",
    "aria-controls": section.id, onclick: () => open(name) }, name);
  el("tabs").append(button);
  el("panels").append(section);
  tabs.push({ name, section, button });
  build(section);
}

function open(name) {
  for (const one of tabs) {
    one.section.hidden = one.name !== name;
    one.button.setAttribute("aria-selected", String(one.name === name));
  }
  if (name === "Graph") viewer.draw();
}

// --- the graph ----------------------------------------------------------------------------------

let viewer, panel, slider, positions, position = 0;

function graphTab(section) {
  const canvas = made("div", { class: "canvas" });
  panel = made("aside", { "aria-label": "Details", tabindex: 0 });
  section.append(canvas, panel);
  viewer = new Viewer(canvas, detail);
  const tool = (text, title, act) => made("button", { type: "button", title, "aria-label": title, onclick: act }, text);
  const tools = made("div", { class: "tools" },
    tool("fit", "Whole graph (f)", () => viewer.fit()),
    tool("+", "Closer (+)", () => viewer.zoom(1.3)),
    tool("−", "Farther (-)", () => viewer.zoom(1 / 1.3)));
  canvas.append(tools, made("div", { class: "note" }, "arrows walk · drag pans · wheel zooms · / searches · ? keys"));
  positions = framesOf(data);
  if (positions.length > 1) section.append(sliderBar());
  showPosition(data.start ?? 0);
  if (viewer.scopes().size) {
    tools.append(tool("scopes ▸", "Collapse scopes (c)", () => viewer.collapse(true)),
      tool("scopes ▾", "Open scopes (e)", () => viewer.collapse(false)));
  }
}

// Every place of the slider: a stage, or the graph after one more rewrite.
function framesOf({ stages, history }) {
  const places = [];
  for (const stage of stages) {
    if (stage.history) history.frames.forEach((frame, n) => places.push({ frame, n }));
    else places.push({ stage });
  }
  return places;
}

const shownFrame = { n: -1, inputs: new Map() };

function graphOfFrame(n) {
  const { history } = data;
  if (n < shownFrame.n || shownFrame.n < 0) { shownFrame.n = -1; shownFrame.inputs = new Map(); }
  for (let k = shownFrame.n + 1; k <= n; k += 1) {
    const frame = history.frames[k];
    for (const id of frame.drop) shownFrame.inputs.delete(id);
    for (const [id, inputs] of frame.set) shownFrame.inputs.set(id, inputs);
  }
  shownFrame.n = n;
  const edges = [], nodes = [...shownFrame.inputs.keys()].map((id) => history.nodes[id]);
  for (const [id, inputs] of shownFrame.inputs) for (const source of inputs) edges.push([source, id]);
  return { nodes, edges, clusters: [] };
}

function sliderBar() {
  slider = made("input", { type: "range", min: 0, max: positions.length - 1, step: 1, value: 0,
    id: "slider", "aria-label": "Stages and rewrites", oninput: () => showPosition(Number(slider.value)) });
  const move = (by) => () => showPosition(Math.min(positions.length - 1, Math.max(0, position + by)));
  return made("div", { class: "slider" },
    made("button", { type: "button", title: "Back ([)", "aria-label": "Back", onclick: move(-1) }, "◂"),
    slider,
    made("button", { type: "button", title: "On (])", "aria-label": "On", onclick: move(1) }, "▸"),
    made("p", { id: "stage", "aria-live": "polite" }));
}

function showPosition(n) {
  position = n;
  const { stage, frame, n: place } = positions[n];
  const graph = stage ? stage.graph : graphOfFrame(place);
  viewer.show(graph, frame ? frame.added : []);
  if (frame?.added.length) viewer.centre(frame.added[0], 0.6);
  detail(viewer.chosen ? viewer.nodes.get(viewer.chosen) : null);
  if (!slider) return;
  slider.value = n;
  el("stage").replaceChildren(...caption(stage, frame, place));
  slider.setAttribute("aria-valuetext", el("stage").textContent);
}

function caption(stage, frame, place) {
  if (stage) return [made("b", {}, stage.name), ` ${stage.note}`];
  if (!place) return [made("b", {}, "your graph"), ` as written; ${data.history.frames.length - 1} rewrites follow`];
  const names = (ids) => ids.map((id) => data.history.nodes[id].label).join(", ") || "nothing";
  return [
    made("b", {}, `${place}/${data.history.frames.length - 1} ${frame.rule}`), ` (${frame.safety}) `,
    made("code", {}, `${names(frame.removed)} → ${names(frame.added)}`), made("br"),
    made("span", { class: "mono" }, frame.line),
  ];
}

// --- details of a box ---------------------------------------------------------------------------

function detail(node) {
  if (!node) { panel.replaceChildren(...overview()); return; }
  const info = (data.info || {})[node.id] || {};
  const rows = [];
  const row = (name, value) => {
    if (value === undefined || value === null || value === "") return;
    rows.push(made("dt", {}, name), made("dd", {}, value));
  };
  row("kind", node.kind);
  row("name", node.kind === "op" ? node.name : "");
  row("type", made("span", { class: "mono" }, node.type));
  row("scope", node.scope);
  row("line", made("span", { class: "mono" }, node.place));
  row("shape formula", info.formula && made("span", { class: "mono" }, info.formula));
  row("measured shape", info.shape && made("span", { class: "mono" }, info.shape));
  row("bytes", bytes(info.bytes));
  row("memory", info.memory);
  row("slot", info.slot);
  row("kernel", info.kernel === undefined ? "" : kernelLink(info.kernel));
  row("inside", info.inside && made("span", {}, ...info.inside.map((id) => stageLink(id))));
  row("time", info.seconds === undefined ? "" : `${seconds(info.seconds)} a call, ${percent(info.share)}`);
  row("values", info.values);
  const beside = (title, ids) => (ids && ids.length
    ? [made("h3", {}, title), made("ul", { class: "links" }, ...ids.map((id) => made("li", {}, boxLink(id))))]
    : []);
  const scope = node.scope && viewer.scopes().has(node.scope)
    ? [made("h3", {}, "scope"), made("button", { type: "button", onclick: () => viewer.toggle(node.scope) },
      `${viewer.collapsed.has(node.scope) ? "open" : "collapse"} ${node.scope}`)] : [];
  panel.replaceChildren(made("h2", {}, node.label), made("dl", {}, ...rows),
    ...beside("reads", viewer.reads.get(node.id)), ...beside("is read by", viewer.feeds.get(node.id)), ...scope);
  say(`${node.label} ${node.type}`);
}

function boxLink(id) {
  const node = viewer.nodes.get(id);
  return made("button", { type: "button", onclick: () => viewer.choose(id, true) },
    node.name && node.kind === "op" ? `${node.name} = ${node.label}` : node.label);
}

function kernelLink(n) {
  return made("button", { type: "button", class: "linkish", onclick: () => openKernel(n) }, data.kernels[n].name);
}

function stageLink(id) {
  const n = positions.findIndex((place) => place.stage && place.stage.id === id);
  return made("button", { type: "button", class: "linkish", onclick: () => { showPosition(n); viewer.fit(); } },
    "its graph ▸ ");
}

function overview() {
  const counts = new Map();
  for (const node of viewer.graph.nodes) counts.set(node.kind, (counts.get(node.kind) || 0) + 1);
  const rows = [...counts].flatMap(([kind, count]) => [made("dt", {}, kind), made("dd", {}, String(count))]);
  const groups = viewer.graph.clusters.map((cluster) => made("li", {}, made("button",
    { type: "button", onclick: () => viewer.go(cluster.members[0]) }, `${cluster.name} (${cluster.members.length})`)));
  return [made("h2", {}, data.title), made("dl", {}, ...rows),
    ...(groups.length ? [made("h3", {}, positions[position].stage?.clusters ?? "kernels"), made("ul", { class: "links" }, ...groups)] : []),
    made("p", {}, "Choose a box to see what it is, where you wrote it, and what it costs.")];
}

// --- kernels, lines, time, remarks --------------------------------------------------------------

function table(heads, rows) {
  return made("table", {}, made("thead", {}, made("tr", {}, ...heads.map(([name, kind]) =>
    made("th", { class: kind, scope: "col" }, name)))), made("tbody", {}, ...rows));
}

const cell = (value, kind = "") => made("td", { class: kind }, value ?? "");

function facts(pairs) {
  return made("div", { class: "facts" }, ...pairs.filter(([, value]) => value).map(([name, value]) =>
    made("div", {}, made("b", {}, value), made("span", {}, name))));
}

let kernelBox;

function kernelsTab(section) {
  const rows = data.kernels.map((kernel, n) => {
    const act = () => openKernel(n);
    return made("tr", { tabindex: 0, onclick: act, onkeydown: (e) => { if (e.key === "Enter") act(); } },
      cell(made("span", { class: "mono" }, kernel.name)), cell(String(kernel.launches), "number"),
      cell(seconds(kernel.seconds), "number"), cell(kernel.share === undefined ? "" : share(kernel.share)),
      cell(bytes(kernel.bytes), "number"), cell(kernel.rate ? `${bytes(kernel.rate)}/s` : "", "number"),
      cell(kernel.lines.join("\n"), "where"));
  });
  kernelBox = made("div", { id: "kernel", tabindex: -1 });
  section.append(table([["kernel"], ["launches", "number"], ["time", "number"], ["share"], ["moved", "number"],
    ["bandwidth", "number"], ["your lines"]], rows), kernelBox);
}

function openKernel(n) {
  open("Kernels");
  const kernel = data.kernels[n];
  const listing = (title, text) => (text
    ? made("details", { open: title === "source" }, made("summary", {}, title), made("pre", {}, made("code", {}, text))) : "");
  const links = kernel.nodes.map((id) => made("li", {}, made("button",
    { type: "button", onclick: () => { showNode(id); } }, labelOf(id))));
  kernelBox.replaceChildren(made("h2", {}, kernel.name),
    facts([["a call", seconds(kernel.seconds)], ["bytes moved", bytes(kernel.bytes)],
      ["bandwidth", kernel.rate ? `${bytes(kernel.rate)}/s` : ""], ["operations", kernel.work ? String(kernel.work) : ""]]),
    made("h3", {}, "your lines"), ...kernel.lines.map((line) => made("div", { class: "mono" }, line)),
    made("h3", {}, "operations"), made("ul", { class: "links" }, ...links),
    listing("source", kernel.source), listing("assembly", kernel.assembly), listing("LLVM", kernel.llvm));
  kernelBox.scrollIntoView({ block: "nearest" });
  kernelBox.focus();
}

const nodeOf = (place, id) => place.stage && place.stage.graph.nodes.find((one) => one.id === id);

function labelOf(id) {
  const node = nodeOf(positions.find((place) => nodeOf(place, id)), id);
  return node.name ? `${node.name} = ${node.label}` : node.label;
}

function showNode(id) {
  open("Graph");
  showPosition(positions.findIndex((place) => nodeOf(place, id)));
  viewer.go(id);
}

function linesTab(section) {
  section.append(facts(data.facts), table([["your line"], ["time", "number"], ["share"], ["operations"]],
    data.lines.map((line) => made("tr", {}, cell(line.place, "where"), cell(seconds(line.seconds), "number"),
      cell(share(line.share)), cell(line.ops, "where")))));
  section.append(made("h3", {}, "by operation"), table([["operation"], ["count", "number"], ["time", "number"], ["share"]],
    data.classes.map((one) => made("tr", {}, cell(one.name, "where"), cell(String(one.count), "number"),
      cell(seconds(one.seconds), "number"), cell(share(one.share))))));
  section.append(made("h3", {}, "compiling"), table([["stage"], ["time", "number"]],
    data.compile.map(([name, spent]) => made("tr", {}, cell(name), cell(seconds(spent), "number")))));
}

function timeTab(section) {
  const inLoop = (step) => step.loop && ` in ${step.loop.split(" ")[0]} × ${step.runs}`;
  section.append(facts(data.facts), made("h3", {}, "steps of one call"), timeline(),
    made("h3", {}, "temporary memory in use, step by step"), memory(),
    table([["step"], ["what"], ["time", "number"], ["share"], ["moved", "number"], ["in use", "number"]],
      data.steps.map((step, n) => made("tr", {}, cell(String(n + 1)),
        made("td", {}, step.kernel === undefined ? step.name : kernelLink(step.kernel),
          made("span", { class: "faint" }, inLoop(step) || "")), cell(seconds(step.seconds), "number"),
        cell(step.share === undefined ? "" : share(step.share)), cell(bytes(step.bytes), "number"),
        cell(bytes(step.live), "number")))));
}

const WIDE = 1000;

function chart(height, label) {
  return drawn("svg", { class: "chart", viewBox: `0 0 ${WIDE} ${height}`, width: "100%", role: "img", "aria-label": label });
}

function timeline() {
  const svg = chart(78, "Time of the steps, one after the other");
  const total = data.steps.reduce((sum, step) => sum + (step.seconds || 0), 0), loops = new Map();
  let x = 0;
  data.steps.forEach((step, n) => {
    const width = total ? (step.seconds || 0) / total * WIDE : WIDE / data.steps.length;
    const bar = drawn("rect", { class: "bar", x, y: 6, width: Math.max(0.5, width - 0.6), height: 36, rx: 2,
      style: `--hue:${((step.kernel ?? n) * 150 + 210) % 360}` });
    bar.append(drawn("title", {}, `${n + 1}. ${step.name} ${seconds(step.seconds)}\n${step.lines.join("\n")}`));
    if (step.kernel !== undefined) bar.addEventListener("click", () => openKernel(step.kernel));
    svg.append(bar);
    if (width > 7 * step.name.length) svg.append(drawn("text", { class: "on", x: x + 5, y: 28 }, step.name));
    if (step.loop) loops.set(step.loop, { from: loops.get(step.loop)?.from ?? x, to: x + width, runs: step.runs });
    x += width;
  });
  for (const [name, { from, to, runs }] of loops) {
    svg.append(drawn("path", { class: "brace", d: `M${from} 48v6H${Math.max(from + 2, to - 1)}v-6` }));
    const text = `${name.split(" ")[0]} × ${runs}`;
    if (to - from > 6.5 * text.length) svg.append(drawn("text", { x: from + 5, y: 69 }, text));
  }
  return svg;
}

function memory() {
  const svg = chart(150, "Bytes of temporaries in use at each step");
  const most = Math.max(1, ...data.steps.map((step) => step.live || 0)), each = WIDE / Math.max(1, data.steps.length);
  let path = "M0 130";
  data.steps.forEach((step, n) => {
    const y = 130 - (step.live || 0) / most * 112;
    path += `L${n * each} ${y}L${(n + 1) * each} ${y}`;
  });
  svg.append(drawn("path", { class: "area", d: `${path}L${WIDE} 130Z` }),
    drawn("line", { class: "axis", x1: 0, x2: WIDE, y1: 130, y2: 130 }),
    drawn("text", { x: 4, y: 12 }, `${bytes(most)} at most`),
    drawn("text", { x: 4, y: 146 }, "step 1"), drawn("text", { x: WIDE - 60, y: 146 }, `step ${data.steps.length}`));
  return svg;
}

function remarksTab(section) {
  if (!data.remarks.length) section.append(made("p", {}, "Nothing stands out: what can be fused, run in place or given to a library is."));
  for (const remark of data.remarks) {
    section.append(made("div", { class: "remark" }, made("p", {}, made("b", {}, remark.what)),
      made("p", { class: "mono" }, remark.line), made("p", {}, remark.why), made("p", { class: "cure" }, remark.cure)));
  }
}

// --- search, keys, light and dark ---------------------------------------------------------------

let hits = [], hit = -1;

function search() {
  open("Graph");
  hits = viewer.find(el("search").value);
  hit = -1;
  el("found").textContent = el("search").value.trim() ? `${hits.length} found` : "";
}

function nextHit(by) {
  if (!hits.length) return;
  hit = (hit + by + hits.length) % hits.length;
  el("found").textContent = `${hit + 1} of ${hits.length}`;
  viewer.choose(hits[hit], true);
}

const KEYS = [["/", "search; Enter goes to the next match"], ["arrows", "walk: to an operand, a reader, along the row"],
  ["f + -", "whole graph, closer, farther"], ["c e", "collapse or open scopes; Enter toggles the chosen one"],
  ["[ ]", "one stage or rewrite back, on"], ["1 2 3 …", "tabs"], ["d", "light or dark"], ["Escape", "choose nothing"]];

const ACTS = {
  "/": () => { el("search").focus(); el("search").select(); },
  f: () => viewer.fit(),
  "+": () => viewer.zoom(1.3),
  "=": () => viewer.zoom(1.3),
  "-": () => viewer.zoom(1 / 1.3),
  c: () => viewer.collapse(true),
  e: () => viewer.collapse(false),
  "[": () => position > 0 && showPosition(position - 1),
  "]": () => position < positions.length - 1 && showPosition(position + 1),
  d: turnLights,
  "?": () => el("help").showModal(),
  Escape: () => viewer.choose(null),
};

function turnLights() {
  const dark = document.documentElement.dataset.theme === "dark";
  document.documentElement.dataset.theme = dark ? "light" : "dark";
}

function begin() {
  const night = matchMedia("(prefers-color-scheme: dark)");
  document.documentElement.dataset.theme = night.matches ? "dark" : "light";
  night.addEventListener("change", () => { document.documentElement.dataset.theme = night.matches ? "dark" : "light"; });
  el("title").textContent = data.title;
  tab("Graph", graphTab, false);
  if (data.kernels?.length) tab("Kernels", kernelsTab);
  if (data.steps?.length) tab("Time and memory", timeTab);
  if (data.lines?.length) tab("Your lines", linesTab);
  if (data.remarks) tab("Remarks", remarksTab);
  if (tabs.length === 1) el("tabs").hidden = true;
  open("Graph");
  viewer.fit();
  el("search").addEventListener("input", search);
  el("search").addEventListener("keydown", (event) => {
    if (event.key === "Enter") { event.preventDefault(); nextHit(event.shiftKey ? -1 : 1); }
    if (event.key === "Escape") { el("search").blur(); viewer.svg.focus(); }
  });
  el("theme").addEventListener("click", turnLights);
  el("keys").addEventListener("click", ACTS["?"]);
  el("help").append(made("h2", {}, "Keys"), made("dl", {}, ...KEYS.flatMap(([key, what]) =>
    [made("dt", {}, made("kbd", {}, key)), made("dd", {}, what)])),
  made("form", { method: "dialog" }, made("p", {}, made("button", {}, "close"))));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, dialog *")) return;
    const act = ACTS[event.key] || (tabs[Number(event.key) - 1] && (() => open(tabs[Number(event.key) - 1].name)));
    if (act) { event.preventDefault(); act(); }
  });
}

begin();
