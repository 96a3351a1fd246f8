# Licensed under a 3-clause BSD style license - see LICENSE
"""
Quiet and fast start of the commands.
"""

__all__ = ['starting']

import contextlib
import gc
import os
import sys
import tempfile
import warnings


@contextlib.contextmanager
def starting():
    """
    Start what commands with a network need: import it, build it.

    Libraries below Python write to the standard error of the process what no
    user of a command can act on, whatever the settings say. It is held back
    until they have started, and shown if they do not.
    """
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
    with (warnings.catch_warnings(record=True) as caught, _without_collections(),
          _standard_error_held_back()):
        yield
    for warning in caught:
        warnings.showwarning(warning.message, warning.category,
                             warning.filename, warning.lineno)


@contextlib.contextmanager
def _without_collections():
    """
    No garbage collections, here and later, among what is made within: they
    would take a fifth of the start.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@contextlib.contextmanager
def _standard_error_held_back():
    try:
        stream = sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):
        yield  # no stream of the process
        return
    sys.stderr.flush()
    shown = os.dup(stream)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), stream)
        failed = True
        try:
            yield
            failed = False
        finally:
            sys.stderr.flush()
            os.dup2(shown, stream)
            os.close(shown)
            if failed:
                held.seek(0)
                sys.stderr.write(held.read().decode(errors='replace'))
