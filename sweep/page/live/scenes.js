// Scenes of a lecture: each asks before it answers.

const scenesData = document.getElementById("scenes");

class Scenes {
  constructor(live, root, list) {
    Object.assign(this, { live, root, list });
    this.names = make("ol", { class: "scene-names" }, ...list.map(({ title }, k) =>
      make("li", {}, make("button", { type: "button", onclick: () => this.open(k) }, title))));
    this.question = make("p", { class: "question" });
    this.answer = make("p", { class: "scene-answer", role: "status" });
    this.reveal = make("button", { type: "button", class: "reveal", onclick: () => this.show() }, "Watch, and see the answer");
    this.next = make("button", { type: "button", hidden: true, onclick: () => this.open(this.at + 1) }, "Next scene");
    root.append(this.names, this.question, this.reveal, this.answer, this.next);
  }

  // Ask; the runs stand at their start.
  async open(k) {
    const { settings, question, ruler } = this.list[k];
    this.at = k;
    this.names.querySelectorAll("button").forEach((button, n) => button.setAttribute("aria-current", n === k ? "step" : "false"));
    this.question.textContent = question;
    this.answer.textContent = "";
    this.reveal.hidden = false;
    this.next.hidden = true;
    const { live } = this;
    live.playsNext = false;
    if (settings.length > 1 !== live.benches.length > 1) await live.toggleCompare();
    for (const [n, setting] of settings.entries()) await live.benches[n].set(setting);
    await Promise.all(live.benches.map((bench) => bench.done));
    for (const bench of live.benches) bench.seen = 0;
    live.go(0);
    if (Boolean(ruler) === live.ruler.element.hidden && !live.whyNot.hidden) live.toggleRuler();
  }

  show() {
    this.answer.textContent = this.list[this.at].answer;
    this.reveal.hidden = true;
    this.next.hidden = this.at + 1 >= this.list.length;
    if (isStill.matches) this.live.go(this.live.last);
    else this.live.start();
  }
}

if (scenesData) {
  window.sweep.opened.then((live) => {
    const scenes = new Scenes(live, document.querySelector(".scenes"), JSON.parse(scenesData.textContent));
    if (!location.hash.startsWith("#train?")) scenes.open(0);
  });
}
