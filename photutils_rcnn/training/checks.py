# Licensed under a 3-clause BSD style license - see LICENSE
"""
Checks of the entries of recipes.
"""

__all__ = ['check_keys', 'check_number']

import math
from numbers import Integral


def check_keys(values, keys, where, optional=frozenset()):
    """
    Check that an object has certain keys.

    Parameters
    ----------
    values : object
        The object.
    keys : set of str
        The keys that it must have.
    where : str
        What it is called.
    optional : set of str, optional
        The keys that it may have.

    Raises
    ------
    ValueError
        If it is no object, or has other keys.
    """
    if not isinstance(values, dict) or set(values) - optional != keys:
        also = f' and may have {sorted(optional)}' if optional else ''
        msg = (f'{where} must have the keys {sorted(keys)}{also}, got '
               f'{values!r}')
        raise ValueError(msg)


def check_number(values, key, kind, where, least=None):
    """
    Check that an entry is a number in range.

    Parameters
    ----------
    values : dict
        The entries.
    key : str
        The entry.
    kind : type
        `~numbers.Integral` or `~numbers.Real`.
    where : str
        What the entries are called.
    least : int, optional
        The smallest number; by default numbers must be above 0.

    Raises
    ------
    ValueError
        If it is no finite number of this kind and in range.
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
