"""Commands that say something about an experiment or a result: plan, replay, compare."""
