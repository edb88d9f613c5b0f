// The page works without this script; it adds names on hover, the picker and the turning view.
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);

// Hover: one network, named and highlighted in every panel.
const tip = document.getElementById("tip");
const marks = new Map();
for (const el of document.querySelectorAll("[data-n]")) {
  if (!marks.has(el.dataset.n)) marks.set(el.dataset.n, []);
  marks.get(el.dataset.n).push(el);
}
let hot = null;
function highlight(name) {
  if (name === hot) return;
  for (const el of marks.get(hot) || []) el.classList.remove("hot");
  hot = name;
  for (const el of marks.get(hot) || []) el.classList.add("hot");
  document.body.classList.toggle("hovering", hot !== null);
}
document.addEventListener("pointermove", (event) => {
  const el = event.target.closest ? event.target.closest("[data-n],[data-tip]") : null;
  highlight(el && el.dataset.n !== undefined ? el.dataset.n : null);
  const text = el ? el.dataset.tip || data.networks[el.dataset.n] : "";
  tip.style.opacity = text ? 1 : 0;
  if (!text) return;
  tip.textContent = text;
  const x = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 6);
  const y = event.clientY + 18 + tip.offsetHeight > innerHeight ? event.clientY - tip.offsetHeight - 10 : event.clientY + 18;
  tip.style.transform = `translate(${Math.max(4, x)}px, ${y}px)`;
});

// Picker: one looked-at network at a time; a click on its row elsewhere picks it too.
const picker = document.getElementById("picker");
const looks = [...document.querySelectorAll(".look")];
function show(k) { looks.forEach((look, i) => { look.hidden = i !== k; }); }
if (picker) {
  show(0);
  picker.hidden = false;
  picker.addEventListener("change", () => show(picker.selectedIndex));
  document.addEventListener("click", (event) => {
    const el = event.target.closest("[data-n]");
    const k = el ? data.looks.findIndex((look) => String(look.network) === el.dataset.n) : -1;
    if (k >= 0) { picker.selectedIndex = k; show(k); }
  });
}

// The turning view: the first three components, drag to rotate. Coordinates are thousandths of the largest one.
function turning(svg, look) {
  let yaw = -0.6, pitch = 0.45;
  const size = 112, cx = 160, cy = 150;
  const project = ([x, y, z]) => {
    const c = Math.cos(yaw), s = Math.sin(yaw), cp = Math.cos(pitch), sp = Math.sin(pitch);
    const [a, b] = [c * x - s * y, s * x + c * y];
    return [cx + size * a / 1000, cy - size * (cp * z + sp * b) / 1000, cp * b - sp * z];
  };
  const at = (p) => { const [x, y] = project(p); return `${x.toFixed(1)} ${y.toFixed(1)}`; };
  const mark = (kind, x, y, r) => {
    const d = r * 1.25;
    return [`M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`, `M${x} ${y - d}l${d} ${d}l${-d} ${d}l${-d} ${-d}Z`,
      `M${x - r} ${y - r}h${2 * r}v${2 * r}h${-2 * r}Z`, `M${x} ${y - d}l${d} ${2 * r}h${-2 * d}Z`, `M${x - d} ${y}h${2 * d}M${x} ${y - d}v${2 * d}`][kind];
  };
  const escape = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
  function draw() {
    let out = `<text class="title" x="12" y="15">Drag to turn</text>`;
    [[1, 0, 0], [0, 1, 0], [0, 0, 1]].forEach((axis, k) => {
      const tail = axis.map((v) => -1000 * v), head = axis.map((v) => 1000 * v), [lx, ly] = project(axis.map((v) => 1170 * v));
      out += `<path class="frame" d="M${at(tail)}L${at(head)}"/><text class="axis-label mid" x="${lx}" y="${ly + 4}">PC${k + 1}</text>`;
    });
    for (const path of look.trajectories) out += `<path class="trajectory" d="M${path.map(at).join("L")}"/>`;
    for (const p of look.points) for (const [a, b] of p.directions) out += `<path class="direction u${p.kind}" d="M${at(a)}L${at(b)}"/>`;
    const order = look.points.map((p) => [project(p.at), p]).sort((a, b) => b[0][2] - a[0][2]);
    for (const [[x, y], p] of order) out += `<path class="point u${p.kind}${p.reached ? " reached" : ""}" data-tip="${escape(p.tip)}" d="${mark(p.kind, x, y, 4)}"/>`;
    svg.innerHTML = out;
  }
  svg.addEventListener("pointerdown", (event) => svg.setPointerCapture(event.pointerId));
  svg.addEventListener("pointermove", (event) => {
    if (!event.buttons) return;
    yaw += event.movementX * 0.01;
    pitch = Math.max(-1.57, Math.min(1.57, pitch + event.movementY * 0.01));
    draw();
  });
  draw();
}
document.querySelectorAll(".view3d").forEach((svg) => turning(svg, data.looks[Number(svg.dataset.look)]));

// Copy the methods paragraph.
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", () => navigator.clipboard.writeText(document.getElementById(button.dataset.copy).innerText)
    .then(() => { button.textContent = "Copied"; }));
}
