// The drawing: one graph that pans, zooms, collapses and is walked by keys.

const SVG = "http://www.w3.org/2000/svg";
const LONGEST = 40, EM = 7.9, SMALL_EM = 6.7, MANY = 2500, MARGIN = 40;
const LEAVES = new Set(["input", "shared", "constant"]);

function cut(text) { return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text; }

function drawn(tag, attributes = {}, text = "") {
  const item = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) item.setAttribute(name, value);
  if (text) item.textContent = text;
  return item;
}

function textsOf(node) {
  const named = node.name && node.kind === "op" ? `${node.name} = ${node.label}` : node.label;
  return [cut(named), node.kind === "constant" ? "" : cut(node.type)];
}

// `told(node)` is called with what is chosen, null for nothing.
class Viewer {
  constructor(canvas, told) {
    this.told = told;
    this.svg = drawn("svg", { tabindex: 0, role: "application", "aria-label": "Graph" });
    this.world = drawn("g", { class: "world" });
    this.svg.append(this.world);
    canvas.append(this.svg);
    this.collapsed = new Set();
    this.chosen = null;
    this.matches = new Set();
    this.at = { x: 0, y: 0, k: 1 };
    this.listen();
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  // Show a graph {nodes, edges, clusters}; what is chosen stays chosen if it is there.
  show(graph, added = []) {
    const first = !this.graph;
    this.graph = graph;
    this.added = new Set(added);
    this.kernelOf = new Map();
    graph.clusters.forEach((cluster, n) => cluster.members.forEach((id) => this.kernelOf.set(id, n)));
    this.arrange();
    if (first) this.fit();
  }

  arrange() {
    const shown = this.folded();
    this.nodes = new Map(shown.nodes.map((node) => [node.id, node]));
    const boxes = shown.nodes.map((node) => {
      const [first, second] = textsOf(node);
      const width = Math.max(first.length * EM, second.length * SMALL_EM) + 22;
      return { id: node.id, width, height: second ? 42 : 28, leaf: LEAVES.has(node.kind) };
    });
    this.place = placed(boxes, shown.edges);
    this.feeds = new Map(); this.reads = new Map();
    for (const [a, b] of shown.edges) {
      (this.feeds.get(a) || this.feeds.set(a, []).get(a)).push(b);
      (this.reads.get(b) || this.reads.set(b, []).get(b)).push(a);
    }
    if (this.chosen && !this.nodes.has(this.chosen)) this.choose(null);
    this.draw();
  }

  // The graph with collapsed scopes as one box each.
  folded() {
    const { nodes, edges } = this.graph;
    if (!this.collapsed.size) return { nodes, edges };
    const within = (node) => {
      if (!node.scope || node.kind === "output" || node.kind === "update") return null;
      const parts = node.scope.split("/");
      for (let n = 1; n <= parts.length; n += 1) {
        const scope = parts.slice(0, n).join("/");
        if (this.collapsed.has(scope)) return scope;
      }
      return null;
    };
    const box = new Map(), kept = [], scopes = new Map();
    for (const node of nodes) {
      const scope = within(node);
      if (!scope) { kept.push(node); box.set(node.id, node.id); continue; }
      box.set(node.id, `scope:${scope}`);
      if (!scopes.has(scope)) {
        const made = { id: `scope:${scope}`, kind: "scope", label: scope, type: "", name: "",
          place: node.place, scope, inside: 0 };
        scopes.set(scope, made);
        kept.push(made);
      }
      if (node.kind === "op") scopes.get(scope).inside += 1;
    }
    for (const made of scopes.values()) made.type = `${made.inside} operations`;
    const pairs = new Map();
    for (const [a, b] of edges) {
      const pair = [box.get(a), box.get(b)];
      if (pair[0] !== pair[1]) pairs.set(pair.join("\n"), pair);
    }
    return { nodes: kept, edges: [...pairs.values()] };
  }

  scopes() {
    const found = new Set();
    for (const { scope } of this.graph.nodes) {
      const parts = scope ? scope.split("/") : [];
      parts.forEach((_, n) => found.add(parts.slice(0, n + 1).join("/")));
    }
    return found;
  }

  collapse(all) {
    const outer = [...this.scopes()].filter((scope) => !scope.includes("/"));
    this.collapsed = new Set(all ? outer : []);
    this.arrange();
    this.fit();
  }

  toggle(scope) {
    if (!this.collapsed.delete(scope)) this.collapsed.add(scope);
    this.arrange();
  }

  // --- what is seen ---------------------------------------------------------------------------

  size() { return [this.svg.clientWidth || 800, this.svg.clientHeight || 600]; }

  fit() {
    const [width, height] = this.size();
    const k = Math.min(1.4, (width - 2 * MARGIN) / (this.place.width || 1),
      (height - 2 * MARGIN) / (this.place.height || 1));
    this.at = { k, x: (width - this.place.width * k) / 2, y: (height - this.place.height * k) / 2 };
    this.draw();
  }

  centre(id, zoom = 0.75) {
    const box = this.place.boxes.get(id), [width, height] = this.size();
    const k = Math.max(this.at.k, zoom);
    this.at = { k, x: width / 2 - box.x * k, y: height / 2 - box.y * k };
    this.draw();
  }

  zoom(factor, x = this.size()[0] / 2, y = this.size()[1] / 2) {
    const k = Math.min(4, Math.max(0.02, this.at.k * factor)), ratio = k / this.at.k;
    this.at = { k, x: x - (x - this.at.x) * ratio, y: y - (y - this.at.y) * ratio };
    this.draw();
  }

  draw() {
    if (this.waiting || !this.place) return;
    this.waiting = true;
    requestAnimationFrame(() => { this.waiting = false; this.drawNow(); });
  }

  drawNow() {
    const { x, y, k } = this.at, [width, height] = this.size();
    const left = -x / k, top = -y / k, right = left + width / k, foot = top + height / k;
    const near = new Set([...(this.feeds.get(this.chosen) || []), ...(this.reads.get(this.chosen) || [])]);
    const parts = document.createDocumentFragment();
    for (const wire of this.place.wires) {
      const ys = [wire.points[0][1], wire.points[wire.points.length - 1][1]];
      const xs = wire.points.map((point) => point[0]);
      if (Math.max(...ys) < top || Math.min(...ys) > foot) continue;
      if (Math.max(...xs) < left || Math.min(...xs) > right) continue;
      const beside = this.chosen && (wire.source === this.chosen || wire.target === this.chosen);
      const path = drawn("path", { d: curve(wire.points) });
      if (beside) path.setAttribute("class", "near");
      parts.append(path);
    }
    const seen = [...this.place.boxes].filter(([, box]) => box.x + box.width / 2 > left
      && box.x - box.width / 2 < right && box.y + box.height / 2 > top && box.y - box.height / 2 < foot);
    const plain = seen.length > MANY || k < 0.12;
    for (const [id, box] of seen) parts.append(this.box(this.nodes.get(id), box, near, plain));
    this.world.replaceChildren(parts);
    this.world.setAttribute("transform", `translate(${x},${y}) scale(${k})`);
    this.world.setAttribute("class", this.chosen ? "world dimmed" : "world");
  }

  box(node, box, near, plain) {
    const kernel = this.kernelOf.get(node.id);
    const classes = ["box", kernel === undefined ? node.kind : "kernel"];
    if (this.added.has(node.id)) classes.push("added");
    if (this.matches.has(node.id)) classes.push("match");
    if (near.has(node.id)) classes.push("near");
    if (node.id === this.chosen) classes.push("chosen");
    const group = drawn("g", { class: classes.join(" "), "data-id": node.id });
    if (kernel !== undefined) group.style.setProperty("--hue", (kernel * 150 + 210) % 360);
    group.append(drawn("rect", { x: box.x - box.width / 2, y: box.y - box.height / 2,
      width: box.width, height: box.height, rx: LEAVES.has(node.kind) ? 14 : 5 }));
    if (plain) return group;
    const [first, second] = textsOf(node);
    group.append(drawn("text", { x: box.x, y: box.y + (second ? -2.5 : 4.5) }, first));
    if (second) group.append(drawn("text", { class: "t", x: box.x, y: box.y + 13 }, second));
    group.append(drawn("title", {}, [node.name, node.label, node.type, node.place].filter(Boolean).join("\n")));
    return group;
  }

  // --- what is chosen -------------------------------------------------------------------------

  choose(id, centre = false) {
    this.chosen = id;
    if (id && centre) this.centre(id);
    this.draw();
    this.told(id ? this.nodes.get(id) : null);
  }

  // Choose a node of the graph, its scope opened if need be.
  go(id) {
    const node = this.graph.nodes.find((one) => one.id === id);
    if (!node) return false;
    if (!this.nodes.has(id)) {
      for (const scope of [...this.collapsed]) {
        if (`${node.scope}/`.startsWith(`${scope}/`)) this.collapsed.delete(scope);
      }
      this.arrange();
    }
    this.choose(id, true);
    return true;
  }

  find(words) {
    const text = words.trim().toLowerCase();
    const hit = (node) => [node.label, node.name, node.type, node.place, node.scope]
      .some((part) => part && part.toLowerCase().includes(text));
    this.matches = new Set(text ? [...this.nodes.values()].filter(hit).map((node) => node.id) : []);
    this.draw();
    return [...this.matches];
  }

  // The next box in a direction: up to an operand, down to a reader, along the row.
  step(way) {
    const all = [...this.place.boxes.keys()];
    if (!this.chosen) { this.choose(all[all.length - 1], true); return; }
    const here = this.place.boxes.get(this.chosen);
    let next = null;
    if (way === "up") next = (this.reads.get(this.chosen) || [])[0];
    if (way === "down") next = (this.feeds.get(this.chosen) || [])[0];
    if (way === "left" || way === "right") {
      const sign = way === "left" ? -1 : 1;
      const row = all.filter((id) => this.place.boxes.get(id).row === here.row
        && sign * (this.place.boxes.get(id).x - here.x) > 0);
      row.sort((a, b) => sign * (this.place.boxes.get(a).x - this.place.boxes.get(b).x));
      [next] = row;
    }
    if (next) this.choose(next, true);
  }

  listen() {
    let start = null;
    this.svg.addEventListener("pointerdown", (event) => {
      start = { x: event.clientX, y: event.clientY, at: this.at, moved: false, target: event.target };
    });
    this.svg.addEventListener("pointermove", (event) => {
      if (!start) return;
      const dx = event.clientX - start.x, dy = event.clientY - start.y;
      if (!start.moved && Math.hypot(dx, dy) < 4) return;
      if (!start.moved) this.svg.setPointerCapture(event.pointerId);
      start.moved = true;
      this.svg.classList.add("moving");
      this.at = { ...start.at, x: start.at.x + dx, y: start.at.y + dy };
      this.draw();
    });
    this.svg.addEventListener("pointerup", () => {
      if (start && !start.moved) this.choose(start.target.closest("[data-id]")?.dataset.id ?? null);
      start = null;
      this.svg.classList.remove("moving");
    });
    this.svg.addEventListener("pointercancel", () => { start = null; });
    this.svg.addEventListener("dblclick", (event) => {
      const node = this.nodes.get(event.target.closest("[data-id]")?.dataset.id);
      if (node?.kind === "scope") this.toggle(node.scope);
    });
    this.svg.addEventListener("wheel", (event) => {
      event.preventDefault();
      const frame = this.svg.getBoundingClientRect();
      this.zoom(Math.exp(-event.deltaY * 0.0015), event.clientX - frame.left, event.clientY - frame.top);
    }, { passive: false });
    this.svg.addEventListener("keydown", (event) => {
      const way = { ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right" }[event.key];
      if (way) { event.preventDefault(); this.step(way); }
      if (event.key === "Enter") {
        const node = this.nodes.get(this.chosen);
        if (node?.kind === "scope") this.toggle(node.scope);
      }
    });
  }
}

// A smooth path over points, its ends running straight up and down.
function curve(points) {
  const last = points.length - 1;
  const slope = (n) => {
    if (n === 0 || n === last) return [0, (points[Math.max(n, 1)][1] - points[Math.max(n, 1) - 1][1]) / 2];
    return [(points[n + 1][0] - points[n - 1][0]) / 6, (points[n + 1][1] - points[n - 1][1]) / 6];
  };
  let path = `M${points[0][0].toFixed(1)} ${points[0][1].toFixed(1)}`;
  for (let n = 0; n < last; n += 1) {
    const [x, y] = points[n], [u, v] = points[n + 1], [dx, dy] = slope(n), [du, dv] = slope(n + 1);
    path += `C${[x + dx, y + dy, u - du, v - dv, u, v].map((one) => one.toFixed(1)).join(" ")}`;
  }
  return path;
}
