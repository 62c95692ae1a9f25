import numpy as np
import pytest

from alidade_worker.images import Dataset
from mnist_robustness.attack import FastGradient, perturb
from mnist_robustness.models import ARCHITECTURES, build_model
from mnist_robustness.train import hold_out


@pytest.mark.parametrize(
    ("architecture", "parameters"),
    [("shallow_net", 25_450), ("le_net", 1_199_882), ("alex_net", 21_601_354)],
)
def test_each_architecture_classifies_images(architecture: str, parameters: int) -> None:
    model = build_model(architecture, (28, 28, 1), 10)
    probabilities = model(np.zeros((2, 28, 28, 1), dtype=np.float32))
    assert probabilities.shape == (2, 10)
    np.testing.assert_allclose(np.sum(probabilities, axis=1), 1, rtol=1e-5)
    assert model.count_params() == parameters


def test_every_architecture_is_tested() -> None:
    assert ARCHITECTURES == ("shallow_net", "le_net", "alex_net")


def test_what_is_held_out_is_not_trained_on() -> None:
    images = np.arange(10, dtype=np.float32).reshape(10, 1, 1, 1)
    dataset = Dataset(images=images, labels=np.arange(10))
    training, validation = hold_out(dataset, 0.2, np.random.default_rng(1))
    assert (len(training), len(validation)) == (8, 2)
    assert sorted([*training.labels, *validation.labels]) == list(range(10))
    np.testing.assert_array_equal(training.images.ravel(), training.labels)


@pytest.mark.parametrize(("norm", "order"), [("inf", np.inf), ("1", 1), ("2", 2)])
def test_an_attack_stays_within_its_norm_and_the_range_of_pixels(norm: str, order: float) -> None:
    rng = np.random.default_rng(0)
    images = rng.random((33, 8, 8, 1), dtype=np.float32)
    model = build_model("shallow_net", (8, 8, 1), 10)
    attack = FastGradient(eps=0.4, eps_step=0.1, minimal=False, norm=norm, batch_size=32)
    adversarial = perturb(model, Dataset(images=images, labels=np.zeros(33, dtype=int)), attack)
    assert adversarial.shape == images.shape
    assert adversarial.min() >= 0
    assert adversarial.max() <= 1
    lengths = np.linalg.norm((adversarial - images).reshape(33, -1), ord=order, axis=1)
    assert lengths.min() > 0
    assert lengths.max() <= 0.4 + 1e-5
