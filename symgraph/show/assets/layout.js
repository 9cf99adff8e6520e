// Where boxes go: rows from inputs to outputs, few crossings (Sugiyama, Tagawa and Toda, 1981).

const GAP = 18, ROW_GAP = 38, PIN = 6, SWEEPS = 6, MOST_PINS = 4;

// Place boxes [{id, width, height, leaf}] joined by edges [[source, target], ...].
// Gives {boxes: Map id -> {x, y, width, height, row}, wires: [{source, target, points}], width, height}.
function placed(boxes, edges) {
  const net = { width: [], height: [], row: [], above: [], below: [] };
  const number = new Map(boxes.map((box, n) => [box.id, n]));
  const forward = edges.map(([a, b]) => [number.get(a), number.get(b)]);
  const row = rowsOf(boxes, forward);
  boxes.forEach((box, n) => addItem(net, row[n], box.width, box.height));
  let budget = MOST_PINS * boxes.length + 200;
  const routes = forward.map(([a, b]) => {
    const [high, low] = row[a] < row[b] ? [a, b] : [b, a];
    const between = Math.max(0, row[low] - row[high] - 1);
    const pins = [];
    if (between <= budget) {
      for (let r = row[high] + 1; r < row[low]; r += 1) pins.push(addItem(net, r, PIN, 0));
      budget -= between;
    }
    const route = [high, ...pins, low];
    if (row[high] < row[low] && (pins.length || between === 0)) {
      for (let k = 1; k < route.length; k += 1) {
        net.below[route[k - 1]].push(route[k]);
        net.above[route[k]].push(route[k - 1]);
      }
    }
    return a === high ? route : route.reverse();
  });
  const rows = ordered(net);
  const x = across(net, rows), y = down(net, rows);
  const places = new Map(boxes.map((box, n) => [box.id, {
    x: x[n], y: y[net.row[n]], width: box.width, height: box.height, row: net.row[n],
  }]));
  const wires = edges.map(([source, target], k) => {
    const from = places.get(source), to = places.get(target);
    const pins = routes[k].slice(1, -1).map((pin) => [x[pin], y[net.row[pin]]]);
    const up = from.row >= to.row;
    const start = [from.x, from.y + (up ? -1 : 1) * from.height / 2];
    return { source, target, points: [start, ...pins, [to.x, to.y + (up ? 1 : -1) * to.height / 2]] };
  });
  const right = Math.max(0, ...chunkMax(x.map((at, n) => at + net.width[n] / 2)));
  const last = rows.length ? y[rows.length - 1] + ROW_GAP : 0;
  return { boxes: places, wires, width: right, height: last };
}

function chunkMax(numbers) {
  let most = 0;
  for (const n of numbers) if (n > most) most = n;
  return [most];
}

function addItem(net, row, width, height) {
  net.width.push(width); net.height.push(height); net.row.push(row);
  net.above.push([]); net.below.push([]);
  return net.row.length - 1;
}

// Rows by longest paths; edges that close a circle are not counted. Leaves stand above a reader.
function rowsOf(boxes, edges) {
  const out = boxes.map(() => []);
  for (const [a, b] of edges) out[a].push(b);
  const order = [], state = new Uint8Array(boxes.length), back = new Set();
  for (let root = 0; root < boxes.length; root += 1) {
    if (state[root]) continue;
    const stack = [[root, 0]];
    state[root] = 1;
    while (stack.length) {
      const top = stack[stack.length - 1], [item, k] = top;
      if (k < out[item].length) {
        top[1] += 1;
        const next = out[item][k];
        if (state[next] === 0) { state[next] = 1; stack.push([next, 0]); }
        else if (state[next] === 1) back.add(item * boxes.length + next);
      } else { state[item] = 2; order.push(item); stack.pop(); }
    }
  }
  order.reverse();
  const row = new Array(boxes.length).fill(0);
  const ahead = (a) => out[a].filter((b) => !back.has(a * boxes.length + b));
  for (const a of order) for (const b of ahead(a)) row[b] = Math.max(row[b], row[a] + 1);
  for (const a of order.reverse()) {
    const readers = ahead(a);
    if (boxes[a].leaf && readers.length) row[a] = Math.min(...readers.map((b) => row[b])) - 1;
  }
  return row;
}

function ordered(net) {
  const rows = [];
  const seen = new Uint8Array(net.row.length);
  const roots = net.row.map((_, n) => n).sort((a, b) => net.row[a] - net.row[b] || b - a);
  while (roots.length) {
    const item = roots.pop();
    if (seen[item]) continue;
    seen[item] = 1;
    (rows[net.row[item]] ||= []).push(item);
    for (let k = net.above[item].length - 1; k >= 0; k -= 1) roots.push(net.above[item][k]);
  }
  for (let r = 0; r < rows.length; r += 1) rows[r] ||= [];
  const place = new Float64Array(net.row.length);
  rows.forEach((row) => number(row, place));
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    for (const row of rows) sortRow(row, net.above, place);
    for (let r = rows.length - 1; r >= 0; r -= 1) sortRow(rows[r], net.below, place);
  }
  for (const row of rows) sortRow(row, net.above, place);
  return rows;
}

function number(row, place) { row.forEach((item, n) => { place[item] = (n + 0.5) / row.length; }); }

function mean(items, of, otherwise) {
  if (!items.length) return otherwise;
  let sum = 0;
  for (const item of items) sum += of[item];
  return sum / items.length;
}

function sortRow(row, beside, place) {
  const wish = new Map(row.map((item) => [item, mean(beside[item], place, place[item])]));
  row.sort((a, b) => wish.get(a) - wish.get(b));
  number(row, place);
}

function across(net, rows) {
  const x = new Array(net.row.length).fill(0);
  const beside = net.above.map((above, n) => [...above, ...net.below[n]]);
  for (let sweep = 0; sweep < 2 * SWEEPS; sweep += 1) {
    const near = sweep >= 2 * SWEEPS - 2 ? beside : sweep % 2 ? net.below : net.above;
    const turn = sweep % 2 ? [...rows].reverse() : rows;
    for (const row of turn) settle(net, row, near, x);
  }
  let left = Infinity;
  x.forEach((at, n) => { left = Math.min(left, at - net.width[n] / 2); });
  return x.map((at) => at - left);
}

// Move a row's items to their neighbours' mean, in order and without overlaps: isotonic
// regression by pooling adjacent violators.
function settle(net, row, near, x) {
  const offsets = [], pools = [];
  let edge = 0;
  for (const item of row) {
    offsets.push(edge + net.width[item] / 2);
    edge += net.width[item] + GAP;
  }
  row.forEach((item, n) => {
    let at = mean(near[item], x, x[item]) - offsets[n], count = 1;
    while (pools.length && pools[pools.length - 1][0] > at) {
      const [other, more] = pools.pop();
      at = (at * count + other * more) / (count + more);
      count += more;
    }
    pools.push([at, count]);
  });
  let n = 0;
  for (const [at, count] of pools) {
    for (let k = 0; k < count; k += 1, n += 1) x[row[n]] = at + offsets[n];
  }
}

function down(net, rows) {
  let head = 0;
  return rows.map((row) => {
    let height = 0;
    for (const item of row) height = Math.max(height, net.height[item]);
    const middle = head + height / 2;
    head += height + ROW_GAP;
    return middle;
  });
}
