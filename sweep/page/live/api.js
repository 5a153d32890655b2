// window.sweep: runs trained from other scripts.

let opening = null;

// The experiment of this page, unpacked once.
function thisExperiment() {
  opening ??= Experiment.from(JSON.parse(document.getElementById("kernels").textContent));
  return opening;
}

window.sweep = {
  // Train one run. Keys and values are those of an experiment file and of runs.csv; what is left out has the experiment's
  // value where it has one only, else the default. Rejects with a message what is not allowed.
  //
  //   await sweep.train({ gate: "XOR", hidden: 2, learning_rate: 0.3, init: "uniform(-2, 2)", seed: 7 })
  //
  // gives { run, status, epochs, converged_epoch, period, final_loss, initial_weights, final_weights, curve }: `run` is its
  // number in the sweep, null off its grid; status is one of those in runs.csv; `curve` has
  // `epoch` and `loss`, of the first 32 epochs, of at most 600 later ones, evenly spaced, and of the last. With
  // restart_after also restarts, with last_losses also mean_of_last, sum_of_losses and sum_of_inverses, as in runs.csv.
  async train(given = {}) {
    const experiment = await thisExperiment();
    const setting = experiment.setting(given);
    const model = await experiment.model(setting);
    const history = new History();
    const initial = Array.from(model.weights);
    await trainOut(model, history);
    return {
      run: experiment.run(setting),
      ...model.outcome(),
      initial_weights: initial,
      final_weights: Array.from(model.weights),
      curve: { epoch: history.kept.map(({ epochs }) => epochs), loss: history.kept.map(({ loss }) => loss) },
    };
  },

  // Every key of a run of the sweep, by its number.
  async setting(run) {
    return (await thisExperiment()).settingOf(run);
  },
};
