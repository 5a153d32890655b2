// Scenes of a lecture: each asks before it answers.

const scenesData = document.getElementById("scenes");

class Scenes {
  constructor(live, root, list) {
    Object.assign(this, { live, root, list, turning: Promise.resolve() });
    this.names = make("ol", { class: "scene-names" }, ...list.map(({ title }, k) =>
      make("li", {}, make("button", { type: "button", "aria-label": `${k + 1}. ${title}`, onclick: () => this.turnTo(k) }, make("span", {}, title)))));
    this.question = make("p", { class: "question" });
    this.answer = make("p", { class: "scene-answer", role: "status" });
    this.reveal = make("button", { type: "button", class: "reveal", hidden: true, onclick: () => this.show() }, "Watch, and see the answer");
    this.next = make("button", { type: "button", hidden: true, onclick: () => this.turnTo(this.at + 1) }, "Next scene");
    root.append(this.names, this.question, this.reveal, this.answer, this.next);
  }

  ask(k) {
    this.at = k;
    this.names.querySelectorAll("button").forEach((button, n) => button.setAttribute("aria-current", n === k ? "step" : "false"));
    this.question.textContent = this.list[k].question;
    this.answer.textContent = "";
    this.reveal.hidden = false;
    this.next.hidden = true;
  }

  // Ask; the runs stand at their start.
  async open(k) {
    this.ask(k);
    const { settings, ruler } = this.list[k];
    const { live } = this;
    live.playsNext = false;
    if (settings.length > 1 !== live.benches.length > 1) await live.toggleCompare();
    for (const [n, setting] of settings.entries()) await live.benches[n].set(setting);
    await Promise.all(live.benches.map((bench) => bench.done));
    for (const bench of live.benches) bench.seen = 0;
    live.go(0);
    if (Boolean(ruler) === live.ruler.element.hidden && !live.whyNot.hidden) live.toggleRuler();
  }

  // Open a scene by hand; of several in a hurry one after the other.
  turnTo(k) {
    this.turning = this.turning.then(() => this.open(k)).then(() => {
      this.reveal.focus({ preventScroll: true });
      this.bringIntoView();
    });
  }

  show() {
    this.answer.textContent = this.list[this.at].answer;
    this.next.hidden = this.at + 1 >= this.list.length;
    this.live.play.focus({ preventScroll: true }); // where Space pauses
    this.reveal.hidden = true;
    this.bringIntoView();
    if (isStill.matches) this.live.go(this.live.last);
    else this.live.start();
  }

  // Scroll down to the whole run, but keep the question in view.
  bringIntoView() {
    const below = this.live.benches[0].end.getBoundingClientRect().bottom + 8 - window.innerHeight;
    const above = this.question.getBoundingClientRect().top - 8;
    if (below > 0) window.scrollBy({ top: Math.min(below, above), behavior: isStill.matches ? "auto" : "smooth" });
  }

  // Ask again what the runs of an address are about, if that is a scene.
  resume() {
    const { benches, experiment } = this.live;
    const texts = benches.map(({ setting }) => JSON.stringify(setting)).join();
    const k = this.list.findIndex(({ settings }) => settings.map((each) => JSON.stringify(experiment.setting(each))).join() === texts);
    if (k >= 0) this.ask(k);
  }
}

if (scenesData) {
  window.sweep.opened.then((live) => {
    const scenes = new Scenes(live, document.querySelector(".scenes"), JSON.parse(scenesData.textContent));
    document.addEventListener("keydown", (event) => { if (event.target === document.body) live.key(event); });
    if (location.hash.startsWith("#train?")) scenes.resume();
    else scenes.turning = scenes.open(0);
  });
}
