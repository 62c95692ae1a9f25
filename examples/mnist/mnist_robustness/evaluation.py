"""How well a classifier does on labelled images."""

from typing import Any

from keras import losses, metrics
from keras.utils import to_categorical

from alidade_worker.images import Dataset

_BATCH_SIZE = 500


def evaluate(model: Any, dataset: Dataset) -> dict[str, float]:
    """Return loss, accuracy, precision, recall and area under the ROC curve.

    Precision and recall count a class as predicted where its probability is over one half. All but
    the loss, a cross-entropy, are in [0, 1].

    The model is compiled anew, for these metrics: AUC at each step of a training would cost more
    than the training.
    """
    model.compile(
        loss=losses.CategoricalCrossentropy(),
        metrics=[
            metrics.CategoricalAccuracy(name="accuracy"),
            metrics.Precision(name="precision"),
            metrics.Recall(name="recall"),
            metrics.AUC(name="auc"),
        ],
    )
    measured = model.evaluate(
        dataset.images,
        to_categorical(dataset.labels, model.output_shape[-1]),
        batch_size=_BATCH_SIZE,
        verbose=0,
        return_dict=True,
    )
    return {name: float(value) for name, value in measured.items()}
