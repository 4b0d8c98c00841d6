"""A model that only records what callbacks do with it, for them and for Keras's."""


class Model:
    name = "stand-in"
    built = True

    def __init__(self, optimizer=None, metrics=()):
        self.optimizer = optimizer
        self.metrics = list(metrics)
        self.stop_training = False
        self.saved = []
        self.weights = 0

    def _named_metrics(self):
        return []

    def get_weights(self):
        return [self.weights]

    def set_weights(self, weights):
        (self.weights,) = weights

    def save(self, path, overwrite=False):
        assert overwrite
        self.saved.append(("model", str(path)))

    def save_weights(self, path, overwrite=False):
        assert overwrite
        self.saved.append(("weights", str(path)))


def train(callback, model, epochs, batches=()):
    """Calls the hooks as `fit` does, until the callback stops it.

    epochs: the logs of each epoch; batches: the logs of the batches of every epoch.
    Returns the number of epochs.
    """
    callback.set_model(model)
    callback.set_params({"epochs": len(epochs), "steps": len(batches), "verbose": 0})
    model.stop_training = False
    callback.on_train_begin()
    count = 0
    for epoch, logs in enumerate(epochs):
        model.weights = epoch
        callback.on_epoch_begin(epoch, {})
        for batch, figures in enumerate(batches):
            callback.on_train_batch_begin(batch, {})
            callback.on_train_batch_end(batch, figures)
        callback.on_epoch_end(epoch, logs)
        count += 1
        if model.stop_training:
            break
    callback.on_train_end({})
    return count
