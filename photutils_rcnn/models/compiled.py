# Licensed under a 3-clause BSD style license - see LICENSE
"""
Compilation of tensor functions on each Keras backend.
"""

__all__ = ['compile_function', 'fastest_precision', 'has_free_shapes']

import functools
import threading

import keras

from photutils_rcnn.models.processor import has_fast_bfloat16


def compile_function(function):
    """
    Compile a function of tensors for inference.

    TensorFlow compiles once: the first call fixes the types, the numbers of
    axes and the last axis of each argument, and all others may change. JAX
    compiles each shape anew, so callers keep to few.

    Parameters
    ----------
    function : callable
        Takes arrays or tensors and returns tensors.

    Returns
    -------
    compiled : callable
        The compiled function.

    Raises
    ------
    ValueError
        If the backend is another than TensorFlow, JAX and PyTorch.
    """
    backend = keras.backend.backend()
    if backend == 'tensorflow':
        import tensorflow as tf

        compiled = tf.function(function, autograph=False)
        traced = []
        tracing = threading.Lock()

        @functools.wraps(function)
        def with_free_shapes(*args):
            args = [tf.convert_to_tensor(arg) for arg in args]
            with tracing:
                if not traced:
                    traced.append(compiled.get_concrete_function(*(
                        tf.TensorSpec([None] * (arg.ndim - 1)
                                      + arg.shape[-1:], arg.dtype)
                        for arg in args)))
            return traced[0](*args)

        return with_free_shapes
    if backend == 'jax':
        import jax

        return jax.jit(function)
    if backend != 'torch':
        msg = ("Keras runs the network with the backends 'tensorflow', 'jax' and 'torch', got "
               f"{backend!r}; set KERAS_BACKEND, or take runtime='openvino'")
        raise ValueError(msg)
    import torch

    @functools.wraps(function)
    def without_gradients(*args):
        with torch.no_grad():
            return function(*map(keras.ops.convert_to_tensor, args))

    return without_gradients


def has_free_shapes():
    """
    Whether a compiled function takes arguments of any shape.

    Returns
    -------
    answer : bool
        `False` where each shape is compiled anew; see `compile_function`.
    """
    return keras.backend.backend() != 'jax'


def fastest_precision():
    """
    The precision policy that is fastest on this processor.

    Returns
    -------
    precision : {'mixed_bfloat16', 'float32'}
        The first on TensorFlow, with the instructions for it; see `has_fast_bfloat16
        <photutils_rcnn.models.processor.has_fast_bfloat16>`.
    """
    is_fast = keras.backend.backend() == 'tensorflow' and has_fast_bfloat16()
    return 'mixed_bfloat16' if is_fast else 'float32'
