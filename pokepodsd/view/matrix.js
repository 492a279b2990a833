// What moves through the matrix: pointer, keyboard, filter and order.

const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId("data").textContent);
const cells = new Cells(data);
const grid = byId("grid");
document.documentElement.classList.remove("still");
const drawing = new Drawing(cells, grid, byId("canvas"), byId("sizer"));
const tip = byId("tip");
const details = byId("details");
// The cell that the keyboard is at: places in the rows and columns that are shown.
const cursor = { row: 0, column: 0, element: null };

function paragraph(text, parent) {
  const element = document.createElement("p");
  element.textContent = text;
  parent.append(element);
}

// All that is known of a cell, a fact a line.
function facts(poker, poked) {
  const look = cells.look(poker, poked);
  const lines = [`${data.nodes[poker][0]} → ${data.nodes[poked][0]}`];
  if (look.key === "itself") return [...lines, look.meaning, ...nodeFacts(poker).slice(1)];
  lines.push(`${look.letter} ${look.words}: ${look.meaning}`);
  const since = cells.since(poker, poked);
  if (since) lines.push(`since ${since}`);
  const rtt = cells.duration("rtt", poker, poked);
  const worst = cells.duration("worst", poker, poked);
  if (rtt) lines.push(`RTT ${rtt} median${worst ? `, ${worst} worst` : ""}, of the last 15 minutes`);
  else if (look.isVerdict) lines.push("RTT not told");
  const text = cells.text(poker, poked);
  if (text) lines.push(text);
  const way = cells.isOneWay(poker, poked) ? ": this pair fails one way only" : "";
  lines.push(`the other way: ${cells.look(poked, poker).words}${way}`);
  return lines;
}

function nodeFacts(node) {
  const [name, , report, note, addresses] = data.nodes[node];
  const lines = [name, `this node: ${report}`];
  if (note) lines.push(note);
  if (addresses.length) lines.push(`addresses: ${addresses.join(", ")}`);
  return lines;
}

function factsAt(place) {
  if (place.column < 0) return nodeFacts(drawing.rows[place.row]);
  if (place.row < 0) return nodeFacts(drawing.columns[place.column]);
  return facts(drawing.rows[place.row], drawing.columns[place.column]);
}

function showTip(lines, x, y) {
  tip.replaceChildren();
  for (const line of lines) paragraph(line, tip);
  tip.hidden = false;
  const stage = byId("stage").getBoundingClientRect();
  const box = tip.getBoundingClientRect();
  const room = Math.max(stage.width, innerWidth - stage.left - 16);
  const left = x + 16 + box.width > room ? x - 16 - box.width : x + 16;
  const under = stage.top + y + 16 + box.height > innerHeight;
  tip.style.left = `${Math.max(0, left)}px`;
  tip.style.top = `${under ? y - 12 - box.height : y + 16}px`;
}

function hideTip() { tip.hidden = true; }

grid.addEventListener("pointermove", (event) => {
  const box = grid.getBoundingClientRect();
  const [x, y] = [event.clientX - box.left - grid.clientLeft, event.clientY - box.top - grid.clientTop];
  const place = x < drawing.width && y < drawing.height ? drawing.at(x, y) : null;
  drawing.hover = place;
  drawing.draw();
  if (place) showTip(factsAt(place), x, y);
  else hideTip();
});
grid.addEventListener("pointerleave", () => { drawing.hover = null; drawing.draw(); hideTip(); });
grid.addEventListener("scroll", () => { drawing.draw(); hideTip(); placeCursor(); });
grid.addEventListener("click", (event) => {
  const box = grid.getBoundingClientRect();
  const place = drawing.at(event.clientX - box.left - grid.clientLeft, event.clientY - box.top - grid.clientTop);
  if (!place || place.row < 0 || place.column < 0) return;
  moveTo(place.row, place.column);
  openDetails();
});

// A new element for each move, so that a screen reader reads it.
function moveTo(row, column, wantsFocus = true) {
  if (!drawing.rows.length || !drawing.columns.length) {
    if (cursor.element) cursor.element.parentElement.remove();
    cursor.element = null;
    return;
  }
  cursor.row = Math.max(0, Math.min(drawing.rows.length - 1, row));
  cursor.column = Math.max(0, Math.min(drawing.columns.length - 1, column));
  const [poker, poked] = [drawing.rows[cursor.row], drawing.columns[cursor.column]];
  const line = document.createElement("div");
  line.className = "cursor-row";
  line.setAttribute("role", "row");
  line.setAttribute("aria-rowindex", cursor.row + 2);
  const heading = document.createElement("span");
  heading.setAttribute("role", "rowheader");
  heading.setAttribute("aria-colindex", 1);
  heading.textContent = data.nodes[poker][0];
  const cell = document.createElement("div");
  cell.className = "cursor";
  cell.tabIndex = 0;
  cell.setAttribute("role", "gridcell");
  cell.setAttribute("aria-colindex", cursor.column + 2);
  cell.setAttribute("aria-label", facts(poker, poked).join("; "));
  cell.addEventListener("focus", showCursorTip);
  cell.addEventListener("blur", () => { drawing.hover = null; drawing.draw(); hideTip(); });
  line.append(heading, cell);
  const old = cursor.element;
  cursor.element = cell;
  grid.append(line);
  placeCursor();
  if (wantsFocus) { reveal(); cell.focus({ preventScroll: true }); }
  if (old) old.parentElement.remove();
  if (wantsFocus) showCursorTip();
}

function placeCursor() {
  const cell = cursor.element;
  if (!cell) return;
  const { x, y } = drawing.place(cursor.row, cursor.column);
  const side = Math.max(3, drawing.cell - (drawing.cell >= 6 ? 1 : 0));
  Object.assign(cell.style, { left: `${x}px`, top: `${y}px`, width: `${side}px`, height: `${side}px` });
  const isUnder = x - grid.scrollLeft < drawing.gutter || y - grid.scrollTop < drawing.gutter;
  grid.classList.toggle("away", isUnder);
}

function reveal() {
  const { x, y } = drawing.place(cursor.row, cursor.column);
  const { gutter, cell } = drawing;
  if (x - grid.scrollLeft < gutter) grid.scrollLeft = x - gutter;
  if (y - grid.scrollTop < gutter) grid.scrollTop = y - gutter;
  if (x + cell + 4 > grid.scrollLeft + drawing.width) grid.scrollLeft = x + cell + 4 - drawing.width;
  if (y + cell + 4 > grid.scrollTop + drawing.height) grid.scrollTop = y + cell + 4 - drawing.height;
  const box = grid.getBoundingClientRect();
  const top = box.top + y - grid.scrollTop;
  if (top < 0 || top > innerHeight - 40) grid.scrollIntoView({ block: "nearest" });
}

function showCursorTip() {
  if (document.activeElement !== cursor.element) return;
  const { x, y } = drawing.place(cursor.row, cursor.column);
  drawing.hover = { row: cursor.row, column: cursor.column };
  drawing.draw();
  showTip(factsAt(cursor), x - grid.scrollLeft + drawing.cell, y - grid.scrollTop + drawing.cell);
}

function nextFailing() {
  const [height, width] = [drawing.rows.length, drawing.columns.length];
  const start = cursor.row * width + cursor.column;
  for (let step = 1; step <= height * width; step++) {
    const spot = (start + step) % (height * width);
    const [row, column] = [Math.floor(spot / width), spot % width];
    if (cells.isFailing[cells.code(drawing.rows[row], drawing.columns[column])]) return moveTo(row, column);
  }
}

function openDetails() {
  const [poker, poked] = [drawing.rows[cursor.row], drawing.columns[cursor.column]];
  details.replaceChildren();
  const heading = document.createElement("h2");
  heading.id = "details-title";
  heading.textContent = `${data.nodes[poker][0]} → ${data.nodes[poked][0]}`;
  details.append(heading);
  for (const line of facts(poker, poked).slice(1)) paragraph(line, details);
  if (poker !== poked) {
    const back = document.createElement("h2");
    back.textContent = `${data.nodes[poked][0]} → ${data.nodes[poker][0]}`;
    details.append(back);
    for (const line of facts(poked, poker).slice(1)) paragraph(line, details);
    for (const node of [poker, poked]) paragraph(nodeFacts(node).join("; "), details);
  }
  const close = document.createElement("button");
  close.type = "button";
  close.textContent = "Close (Escape)";
  close.addEventListener("click", closeDetails);
  details.append(close);
  details.hidden = false;
  grid.classList.add("pinned");
  details.focus();
}

function closeDetails() {
  details.hidden = true;
  grid.classList.remove("pinned");
  if (cursor.element) cursor.element.focus();
}

details.addEventListener("keydown", (event) => { if (event.key === "Escape") closeDetails(); });
grid.addEventListener("keydown", (event) => {
  if (event.altKey || event.metaKey) return;
  const page = Math.max(1, Math.floor((drawing.height - drawing.gutter) / drawing.cell) - 1);
  const { row, column } = cursor;
  const [lastRow, lastColumn] = [drawing.rows.length - 1, drawing.columns.length - 1];
  const moves = {
    ArrowUp: () => moveTo(row - 1, column), ArrowDown: () => moveTo(row + 1, column),
    ArrowLeft: () => moveTo(row, column - 1), ArrowRight: () => moveTo(row, column + 1),
    PageUp: () => moveTo(row - page, column), PageDown: () => moveTo(row + page, column),
    Home: () => moveTo(event.ctrlKey ? 0 : row, 0),
    End: () => moveTo(event.ctrlKey ? lastRow : row, lastColumn),
    Enter: openDetails, " ": openDetails, n: nextFailing, N: nextFailing,
    "+": () => zoom(drawing.cell + 2), "-": () => zoom(drawing.cell - 2), Escape: hideTip,
  };
  const move = moves[event.key];
  if (!move || (event.ctrlKey && event.key !== "Home" && event.key !== "End")) return;
  event.preventDefault();
  move();
});

function zoom(cell) {
  drawing.zoom(cell);
  placeCursor();
  if (document.activeElement === cursor.element) { reveal(); showCursorTip(); }
}

// Which nodes are shown, by the controls; the table of what fails follows the text.
function select() {
  const text = byId("filter").value.trim().toLowerCase();
  const side = byId("side").value;
  const isOnly = byId("only").value === "trouble";
  const order = data.orders[byId("order").value];
  const all = isOnly ? order.filter((node) => data.trouble[node]) : order;
  const matches = (node) => [data.nodes[node][0], ...data.nodes[node][4]].some((one) => one.toLowerCase().includes(text));
  const found = text ? all.filter(matches) : all;
  drawing.rows = side === "columns" ? all : found;
  drawing.columns = side === "rows" ? all : found;
  grid.setAttribute("aria-rowcount", drawing.rows.length + 1);
  grid.setAttribute("aria-colcount", drawing.columns.length + 1);
  const shown = drawing.rows.length * drawing.columns.length;
  document.documentElement.dataset.cells = shown;
  byId("shown").textContent = `${drawing.rows.length.toLocaleString("en")} × ${drawing.columns.length.toLocaleString("en")} cells`;
  for (const line of document.querySelectorAll("#failures tbody tr")) {
    line.hidden = Boolean(text) && !line.textContent.toLowerCase().includes(text);
  }
  drawing.fit();
  moveTo(0, 0, false);
}

// What the page was made with is what it begins with.
for (const [name, order] of Object.entries(data.orders).reverse()) {
  if (order.every((node, number) => node === number)) byId("order").value = name;
}
for (const id of ["side", "only", "order"]) byId(id).addEventListener("change", select);
byId("filter").addEventListener("input", select);
byId("controls").addEventListener("submit", (event) => event.preventDefault());
byId("smaller").addEventListener("click", () => zoom(drawing.cell - 2));
byId("larger").addEventListener("click", () => zoom(drawing.cell + 2));
byId("fit").addEventListener("click", () => { drawing.fit(); placeCursor(); });
byId("next").addEventListener("click", nextFailing);
for (const line of document.querySelectorAll("#failures tbody tr")) {
  if (line.dataset.poker === "" || line.dataset.poked === "") continue;
  line.classList.add("link");
  line.addEventListener("click", () => {
    const [row, column] = [drawing.rows.indexOf(+line.dataset.poker), drawing.columns.indexOf(+line.dataset.poked)];
    if (row >= 0 && column >= 0) moveTo(row, column);
  });
}
addEventListener("resize", () => { drawing.fit(); placeCursor(); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { drawing.readColours(); drawing.draw(); });
select();
document.documentElement.dataset.ready = Math.round(performance.now());
