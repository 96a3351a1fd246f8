# Licensed under a 3-clause BSD style license - see LICENSE
"""
Import of TensorFlow without its start-up messages.
"""

__all__ = ['start_quietly']

import os
import sys
import tempfile


def start_quietly():
    """
    Import Keras and its backend, and let them look for devices.

    Libraries below Python write to the standard error of the process what no
    user of a command can act on, whatever the settings say. It is held back
    until they have started, and shown if they do not.
    """
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
    try:
        stream = sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):
        return  # no stream of the process
    sys.stderr.flush()
    shown = os.dup(stream)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), stream)
        try:
            import keras

            keras.ops.convert_to_numpy(keras.ops.zeros(1))
            failed = False
        except BaseException:
            failed = True
            raise
        finally:
            sys.stderr.flush()
            os.dup2(shown, stream)
            os.close(shown)
            if failed:
                held.seek(0)
                sys.stderr.write(held.read().decode(errors='replace'))
