# Licensed under a 3-clause BSD style license - see LICENSE
"""
Words of messages.
"""

__all__ = ['count']

PLURALS = {'galaxy': 'galaxies'}


def count(n, noun):
    """
    A number with its noun.

    Parameters
    ----------
    n : int
        The number.
    noun : str
        The noun in the singular.

    Returns
    -------
    text : str
        Such as ``'1 source'`` and ``'2 sources'``.
    """
    return f'{n} {noun if n == 1 else PLURALS.get(noun, noun + "s")}'
