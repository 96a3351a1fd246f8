# Licensed under a 3-clause BSD style license - see LICENSE
"""
Validation of recipe entries.
"""

import math
from numbers import Integral


def check_keys(values, keys, where, optional=frozenset()):
    """
    Check that an entry is an object with certain keys.
    """
    if not isinstance(values, dict) or set(values) - optional != keys:
        also = f' and may have {sorted(optional)}' if optional else ''
        msg = (f'{where} must have the keys {sorted(keys)}{also}, got '
               f'{values!r}')
        raise ValueError(msg)


def check_number(values, key, kind, where, least=None):
    """
    Check that an entry is a finite number, above 0 or of at least ``least``.
    """
    value = values[key]
    good = isinstance(value, kind) and not isinstance(value, bool) and (
        value > 0 if least is None else value >= least) and (
        value < math.inf)
    if not good:
        wanted = 'a whole number' if kind is Integral else 'a number'
        bound = 'above 0' if least is None else f'of at least {least}'
        msg = f'{key} of the {where} must be {wanted} {bound}, got {value!r}'
        raise ValueError(msg)
