# Licensed under a 3-clause BSD style license - see LICENSE
"""
Training steps on the backend of Keras.
"""

__all__ = ['JaxSteps', 'KerasSteps']

import numpy as np


class KerasSteps:
    """
    The steps of `keras.Model.train_on_batch`.

    Parameters
    ----------
    model : `keras.Model`
        A compiled model with a built optimizer.
    """

    def __init__(self, model):
        self.model = model

    def prepare(self, batch):
        """
        Bring a batch to where it is needed, while others are trained on.

        Parameters
        ----------
        batch : tuple
            The inputs and the truth.

        Returns
        -------
        batch : tuple
            The same, for `take`.
        """
        return batch

    def reset_metrics(self):
        """
        Begin new means of the losses.
        """
        self.model.reset_metrics()

    def take(self, batch, rate):
        """
        Train on a batch.

        Parameters
        ----------
        batch : tuple
            What `prepare` gave.
        rate : float
            The learning rate.

        Returns
        -------
        losses : dict
            Their means since `reset_metrics`, which `float` turns into
            numbers.
        """
        self.model.optimizer.learning_rate = rate
        return self.model.train_on_batch(*batch, return_dict=True)

    def store(self):
        """
        Make what was learned visible in the variables of the model and its
        optimizer; until then, neither may be used.
        """


class JaxSteps(KerasSteps):
    """
    Steps whose state stays in JAX.

    After each step, `keras.Model.train_on_batch` waits for the losses and
    assigns every variable of the model and the optimizer. This is some 20 ms
    of Python in which a GPU is idle, as long as an H100 needs for the step.
    Here, steps are issued one after the other, and nothing is waited for
    before losses are looked at.

    Parameters
    ----------
    model : `keras.Model`
        A compiled model with a built optimizer.
    """

    def __init__(self, model):
        import jax

        super().__init__(model)
        self._jax = jax
        self._step = jax.jit(model.train_step, donate_argnums=0)
        self._state = None
        variables = model.optimizer.variables
        self._rate = next(i for i, variable in enumerate(variables)
                          if variable is model.optimizer.learning_rate)

    def _groups(self):
        """
        The variables, in the order of Keras' stateless steps.
        """
        return (self.model.trainable_variables,
                self.model.non_trainable_variables,
                self.model.optimizer.variables, self.model.metrics_variables)

    def prepare(self, batch):
        """
        Copy a batch to the device, see `KerasSteps.prepare`.
        """
        return self._jax.device_put(batch)

    def reset_metrics(self):
        """
        Begin new means of the losses.
        """
        if self._state is None:
            super().reset_metrics()
        else:
            self._state[3] = [self._jax.numpy.zeros_like(value)
                              for value in self._state[3]]

    def take(self, batch, rate):
        """
        Train on a batch, see `KerasSteps.take`.
        """
        if self._state is None:
            self._state = [[variable.value for variable in group]
                           for group in self._groups()]
        self._state[2][self._rate] = np.float32(rate)
        losses, state = self._step(tuple(self._state), batch)
        self._state = list(state)
        return losses

    def store(self):
        """
        Make what was learned visible, see `KerasSteps.store`.
        """
        if self._state is None:
            return
        for group, values in zip(self._groups(), self._state, strict=True):
            for variable, value in zip(group, values, strict=True):
                variable.assign(value)
        self._state = None
