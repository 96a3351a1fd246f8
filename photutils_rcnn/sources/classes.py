# Licensed under a 3-clause BSD style license - see LICENSE
"""
Source classes, in the order of the network's outputs.

Class identifiers follow the Astro R-CNN training sets (``CLASS_ID``):
0 is background, 1 star, 2 galaxy. Simulated clumps of galaxies are 3, which models
of two classes do not know.
"""

__all__ = ['CLASS_COLORS', 'CLASS_IDS', 'CLASS_NAMES', 'CLUMP', 'GALAXY', 'PART_CLASSES',
           'STAR', 'check_spelling']

CLASS_NAMES = ('star', 'galaxy')
CLASS_IDS = {name: i + 1 for i, name in enumerate(CLASS_NAMES)}
STAR = CLASS_IDS['star']
GALAXY = CLASS_IDS['galaxy']
CLUMP = 3

PART_CLASSES = ('clump',)
"""
The classes of parts of other sources, on whose outlines they lie.
"""

CLASS_COLORS = {'star': 'cyan', 'galaxy': 'orange', 'clump': 'magenta'}
"""
The colors of the classes in pictures and region files.
"""


def check_spelling(names):
    """
    Refuse two spellings of a class, which would be two classes.

    Parameters
    ----------
    names : sequence of str
        The names of all classes, those that are known first.

    Raises
    ------
    ValueError
        If two differ only in case or in blanks around them.
    """
    seen = {}
    for name in names:
        other = seen.setdefault(name.strip().casefold(), name)
        if other != name:
            msg = (f'classes must be spelled alike, got {name!r} beside {other!r}, which '
                   'would be another class')
            raise ValueError(msg)
