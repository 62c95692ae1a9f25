"""The classifiers that can be trained."""

from collections.abc import Callable, Iterator
from typing import Any

from keras import Input, Sequential, layers

from mnist_robustness.data import ImageSize

ARCHITECTURES = ("shallow_net", "le_net", "alex_net")


def build_model(architecture: str, image_size: ImageSize, classes: int) -> Sequential:
    """Return an untrained classifier.

    It takes images of shape (number, height, width, channels), values in [0, 1], and returns
    probabilities of shape (number, classes).

    Args:
        architecture: one of :data:`ARCHITECTURES`: ``shallow_net``, one hidden layer of sigmoids;
            ``le_net``, two convolutions, after LeCun et al. 1998, "Gradient-based learning applied
            to document recognition"; ``alex_net``, five convolutions, after Krizhevsky et al. 2012,
            "ImageNet classification with deep convolutional neural networks".
        image_size: height, width and channels.
        classes: number of classes.

    Raises:
        KeyError: there is no such architecture.
    """
    return Sequential(
        [
            Input(shape=image_size),
            *_HIDDEN[architecture](),
            layers.Dense(classes, activation="softmax"),
        ],
        name=architecture,
    )


def _shallow_net() -> Iterator[Any]:
    yield layers.Flatten()
    yield layers.Dense(32, activation="sigmoid")


def _le_net() -> Iterator[Any]:
    yield layers.Conv2D(32, 3, activation="relu")
    yield layers.Conv2D(64, 3, activation="relu")
    yield layers.MaxPooling2D(2)
    yield layers.Dropout(0.25)
    yield layers.Flatten()
    yield layers.Dense(128, activation="relu")
    yield layers.Dropout(0.5)


def _alex_net() -> Iterator[Any]:
    # "same" padding lets images as small as 28 x 28 through three poolings.
    yield layers.Conv2D(96, 11, strides=4, padding="same", activation="relu")
    yield layers.MaxPooling2D(3, strides=2, padding="same")
    yield layers.BatchNormalization()
    yield layers.Conv2D(256, 5, padding="same", activation="relu")
    yield layers.MaxPooling2D(3, strides=2, padding="same")
    yield layers.BatchNormalization()
    yield layers.Conv2D(384, 3, padding="same", activation="relu")
    yield layers.Conv2D(384, 3, padding="same", activation="relu")
    yield layers.Conv2D(256, 3, padding="same", activation="relu")
    yield layers.MaxPooling2D(3, strides=2, padding="same")
    yield layers.BatchNormalization()
    yield layers.Flatten()
    for _ in range(2):
        yield layers.Dense(4096, activation="relu")
        yield layers.Dropout(0.5)


_HIDDEN: dict[str, Callable[[], Iterator[Any]]] = {
    "shallow_net": _shallow_net,
    "le_net": _le_net,
    "alex_net": _alex_net,
}
