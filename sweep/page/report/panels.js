"use strict";
// Figures on a narrow screen: their panels, cut from the one picture, are two abreast. Legends hide and show lines.
{
function made(tag, className, text, within) {
  const element = document.createElement(tag);
  element.className = className;
  if (text) element.textContent = text;
  within?.append(element);
  return element;
}

class Figure {
  constructor(stage) {
    this.stage = stage;
    this.image = stage.querySelector("img");
    this.source = this.image.getAttribute("src");
    this.hidden = new Set();
    this.parts = JSON.parse(stage.dataset.parts);
    if (this.parts.panels.length) matchMedia("(max-width: 44rem)").addEventListener("change", () => this.layOut());
    this.layOut();
    for (const entry of this.parts.legend.filter(({ line }) => line)) {
      const button = this.button(entry, stage);
      const [left, top, width, height] = entry.box;
      Object.assign(button.style, { left: `${100 * left}%`, top: `${100 * top}%`, width: `${100 * width}%`, height: `${100 * height}%` });
    }
  }

  // A part of the picture, shown at a size that the style gives.
  cut([left, top, width, height], within, className = "") {
    const part = made("span", `cut ${className}`, "", within);
    for (const [name, value] of Object.entries({ left, top, width, height })) part.style.setProperty(`--${name}`, value);
    const image = made("img", "", "", part);
    image.alt = "";
    return part;
  }

  layOut() {
    const narrow = matchMedia("(max-width: 44rem)").matches;
    if (!narrow || this.pieces || !this.parts.panels.length) return;
    const { heading, legend, y, x, panels, columns, share, bar } = this.parts;
    this.pieces = made("div", "pieces", "", this.stage);
    this.pieces.style.setProperty("--share", share);
    made("p", "heading", heading, this.pieces);
    const entries = made("div", "entries", "", this.pieces);
    for (const entry of legend) this.cut(entry.box, entry.line ? this.button(entry, entries) : entries);
    if (y) made("p", "axis", `↑ ${y}`, this.pieces);
    let row = null;
    const next = (name) => {
      if (name) made("p", "heading", name, this.pieces);
      if (name || !row || row.children.length === columns) row = made("div", "abreast", "", this.pieces);
      return row;
    };
    for (const panel of panels) {
      const piece = made("div", "piece", "", next(panel.name));
      const ticks = panel.left ?? (row.children.length === 1 ? panel.row_left : null);
      if (ticks) this.cut(ticks, piece);
      const upright = made("div", "", "", piece);
      this.cut(panel.box, upright, "window").dataset.box = JSON.stringify(panel.box);
      this.cut(panel.below, upright, "below").style.setProperty("--from", panel.box[0]);
    }
    if (bar) this.cut(bar, next());
    if (x) made("p", "axis", `→ ${x}`, this.pieces);
    const seen = new IntersectionObserver(([{ isIntersecting }]) => { // the pictures come when they are nearly in sight
      if (!isIntersecting) return;
      seen.disconnect();
      for (const image of this.pieces.querySelectorAll("img")) image.src = this.image.src;
    }, { rootMargin: "100% 0px" });
    seen.observe(this.stage);
  }

  button({ line, name }, within) {
    const button = made("button", "toggle", "", within);
    button.type = "button";
    button.title = "Hide or show this line";
    button.dataset.line = line;
    button.setAttribute("aria-label", name);
    button.setAttribute("aria-pressed", "true");
    button.addEventListener("click", () => this.toggle(line));
    return button;
  }

  toggle(line) {
    if (!this.hidden.delete(line)) this.hidden.add(line);
    this.stage.dataset.hidden = [...this.hidden].join(" ");
    const style = [...this.hidden].map((one) => `[id^="${one}-"]{display:none}`).join("");
    const end = this.source.lastIndexOf("%3C/svg%3E");
    const source = `${this.source.slice(0, end)}${encodeURIComponent(`<style>${style}</style>`)}${this.source.slice(end)}`;
    for (const image of this.stage.querySelectorAll("img")) image.src = source;
    for (const button of this.stage.querySelectorAll(`[data-line="${line}"]`)) {
      button.setAttribute("aria-pressed", String(!this.hidden.has(line)));
    }
  }
}

for (const stage of document.querySelectorAll(".stage[data-parts]")) new Figure(stage);
}
