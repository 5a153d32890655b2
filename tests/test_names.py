"""What experiment files may say is what the kernel knows."""

from sweep.kernel.activations import ACTIVATIONS
from sweep.kernel.optimizers import OPTIMIZERS
from sweep.spec import models


def test_experiment_files_name_the_activations_and_optimizers_of_the_kernel() -> None:
    assert list(models.ACTIVATIONS) == list(ACTIVATIONS)
    assert list(models.OPTIMIZERS) == list(OPTIMIZERS)
