# Licensed under a 3-clause BSD style license - see LICENSE
"""
Fields of configurations, which check their values.
"""

__all__ = ['flag', 'integer', 'integers', 'number', 'numbers', 'text',
           'texts']

from numbers import Integral, Real

import attrs
import numpy as np


def _frozen(value):
    """
    Nested lists as tuples, other values as they are.
    """
    if isinstance(value, list | tuple):
        return tuple(_frozen(item) for item in value)
    return value


def _field(default, fits, wanted):
    def check(_, attribute, value):
        if not fits(value):
            msg = (f'{attribute.name} of the configuration must be {wanted}, '
                   f'got {value!r}')
            raise ValueError(msg)

    return attrs.field(default=default, converter=_frozen, validator=check)


def _is_number(value, kind=Real, zero=False):
    return (isinstance(value, kind) and not isinstance(value, bool)
            and (value > 0 or (zero and value == 0)) and value < np.inf)


def _sequence(default, fits, wanted, length, empty=False):
    number = '' if length is None else f'{length} '
    return _field(default, lambda values: (
        isinstance(values, tuple) and (empty or len(values) > 0)
        and length in (None, len(values)) and all(map(fits, values))),
        f'a sequence of {number}{wanted}')


def integer(default, *, zero=False):
    """
    A whole number above zero, or at least zero.
    """
    return _field(default, lambda value: _is_number(value, Integral, zero),
                  f'a whole number {"of at least" if zero else "above"} 0')


def number(default, *, zero=False):
    """
    A finite number above zero, or at least zero.
    """
    return _field(default, lambda value: _is_number(value, zero=zero),
                  f'a finite number {"of at least" if zero else "above"} 0')


def integers(default, length=None):
    """
    Whole numbers above zero.
    """
    return _sequence(default, lambda item: _is_number(item, Integral),
                     'whole numbers above 0', length)


def numbers(default, length=None):
    """
    Finite numbers of at least zero, or sequences of them.
    """
    def fits(item):
        if isinstance(item, tuple):
            return len(item) > 0 and all(map(fits, item))
        return _is_number(item, zero=True)

    return _sequence(default, fits, 'numbers of at least 0', length)


def text(default):
    """
    A string.
    """
    return _field(default, lambda value: isinstance(value, str), 'a string')


def texts(default, *, empty=False):
    """
    Strings; none, too, if they may be ``empty``.
    """
    return _sequence(default, lambda item: isinstance(item, str), 'strings',
                     None, empty)


def flag(default):
    """
    `True` or `False`.
    """
    return _field(default, lambda value: isinstance(value, bool),
                  'True or False')
