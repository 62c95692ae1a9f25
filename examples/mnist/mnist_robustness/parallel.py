"""Training by several replicas at once, whose gradients are summed after every batch.

Keras' own ``fit`` does not train under MultiWorkerMirroredStrategy since Keras 3 (`keras#20585
<https://github.com/keras-team/keras/issues/20585>`_), so the loop over batches is written out here.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from alidade_worker.images import Dataset
from alidade_worker.replicas import PEER_LOST

_PEER_LOST = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError)
_EVALUATED_AT_ONCE = 500


class Team:
    """The replicas of a job, each of which does the same and a share of the training.

    Has to be made before TensorFlow does anything else, and waits for all of the others to come.
    """

    def __init__(self) -> None:
        self._strategy = tf.distribute.MultiWorkerMirroredStrategy()

    def agree(self, value: int) -> int:
        """Return the chief's value to all."""
        resolver = self._strategy.cluster_resolver
        mine = value if resolver.task_id == 0 else 0
        return int(self._sum(tf.constant(mine, tf.int64)))

    def meet(self) -> None:
        """Wait until all have come this far."""
        self.agree(0)

    def fit(
        self,
        build: Callable[[], Any],
        optimizer: Callable[[], Any],
        training: Dataset,
        validation: Dataset,
        *,
        epochs: int,
        batch_size: int,
        seed: int,
        callbacks: Sequence[Any],
    ) -> Any:
        """Train as ``model.fit`` does, and return the model, an ordinary one, on every replica.

        Args:
            build: makes the model.
            optimizer: makes the optimizer.
            training: the same for all replicas, each of which takes other images of it to a step;
                those that fill no batch of every replica are left out of the epoch.
            validation: the same for all replicas.
            epochs: how often at most.
            batch_size: of one replica: a step is taken over this times the number of replicas.
            seed: of the order of images, the same for all replicas.
            callbacks: Keras' own; they are told each epoch's losses and accuracies, which are
                those of all replicas together.
        """
        strategy = self._strategy
        with strategy.scope():
            model, rule = build(), optimizer()
            rule.build(model.trainable_variables)
        batch_size = min(batch_size, len(training) // strategy.num_replicas_in_sync)
        batches = strategy.distribute_datasets_from_function(
            lambda context: _share(training, batch_size, seed, context)
        )
        steps = len(training) // (batch_size * strategy.num_replicas_in_sync)
        train = self._training(model, rule, steps)
        followers = keras.callbacks.CallbackList(list(callbacks), model=model)
        model.stop_training = False
        followers.on_train_begin()
        for epoch in range(epochs):
            followers.on_epoch_begin(epoch)
            loss, accuracy = self._mean(train(iter(batches)))
            self._even_out(model)
            val_loss, val_accuracy = self._mean(self._validate(model, validation))
            logs = {"loss": loss, "accuracy": accuracy}
            followers.on_epoch_end(
                epoch, {**logs, "val_loss": val_loss, "val_accuracy": val_accuracy}
            )
            # All have the same losses before them, so all stop here or none does.
            if model.stop_training:
                break
        followers.on_train_end()
        ordinary = build()
        ordinary.set_weights(model.get_weights())
        return ordinary

    def _training(self, model: Any, optimizer: Any, steps: int) -> Callable[[Any], Any]:
        strategy = self._strategy

        def step(images: Any, labels: Any) -> Any:
            with tf.GradientTape() as tape:
                measured = _measure(model(images, training=True), labels)
                # The gradients of all are summed: together they make the mean.
                loss = measured[0] / measured[2] / strategy.num_replicas_in_sync
            variables = model.trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
            return measured

        def epoch(batches: Any) -> Any:
            total = tf.zeros(3)
            for _ in tf.range(steps):
                measured = strategy.run(step, args=next(batches))
                total += tf.add_n(strategy.experimental_local_results(measured))
            return total

        return tf.function(epoch)  # type: ignore[no-any-return]

    def _validate(self, model: Any, validation: Dataset) -> Any:
        strategy = self._strategy
        share = slice(strategy.cluster_resolver.task_id, None, _workers(strategy))
        images, labels = validation.images[share], validation.labels[share]
        total = tf.zeros(3)
        for start in range(0, len(labels), _EVALUATED_AT_ONCE):
            part = slice(start, start + _EVALUATED_AT_ONCE)
            total += _measure(model(images[part], training=False), labels[part])
        return total

    def _even_out(self, model: Any) -> None:
        # Each replica has the moving averages of its own batches.
        for variable in model.non_trainable_variables:
            if variable.dtype.startswith("float"):
                mean = self._strategy.reduce("MEAN", tf.convert_to_tensor(variable), axis=None)
                variable.assign(mean)

    def _mean(self, measured: Any) -> tuple[float, float]:
        loss, right, number = np.asarray(self._sum(measured)).tolist()
        return loss / number, right / number

    def _sum(self, value: Any) -> Any:
        return self._strategy.reduce("SUM", value, axis=None)


@contextmanager
def together() -> Iterator[Team]:
    """Work as one of a job's replicas, and leave when all are done.

    If another replica is gone this ends the process with the exit code that says so. That one is
    gone is noticed after some ten seconds; collective operations fail then.
    """
    try:
        team = Team()
        yield team
        # The chief would lose the others if they left while it records what came of it.
        team.meet()
    except _PEER_LOST as error:
        # In one line, which the worker takes for the job's last words, and without the call stack.
        words = " ".join(error.message.split()).rpartition("aborted by: ")[2]
        print(f"another replica is gone: {words}", file=sys.stderr, flush=True)  # noqa: T201
        sys.exit(PEER_LOST)


def _workers(strategy: Any) -> int:
    return len(strategy.cluster_resolver.cluster_spec().as_dict()["worker"])


def _share(training: Dataset, batch_size: int, seed: int, context: Any) -> Any:
    """Return the batches of one replica: what is drawn by another is not among them."""
    images, labels = tf.constant(training.images), tf.constant(training.labels)
    size = len(training)
    return (
        tf.data.Dataset.range(size)
        .shuffle(size, seed=seed)
        .shard(context.num_input_pipelines, context.input_pipeline_id)
        .batch(batch_size, drop_remainder=True)
        .map(lambda chosen: (tf.gather(images, chosen), tf.gather(labels, chosen)))
        .prefetch(tf.data.AUTOTUNE)
    )


def _measure(predicted: Any, labels: Any) -> Any:
    """Return the sum of losses, how many were right, and of how many."""
    losses = keras.losses.sparse_categorical_crossentropy(labels, predicted)
    right = tf.equal(tf.argmax(predicted, axis=-1), tf.cast(labels, tf.int64))
    return tf.stack(
        [
            tf.reduce_sum(losses),
            tf.reduce_sum(tf.cast(right, tf.float32)),
            tf.cast(tf.size(losses), tf.float32),
        ]
    )
