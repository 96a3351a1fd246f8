# Licensed under a 3-clause BSD style license - see LICENSE
"""
Units that images of fluxes cannot have.
"""

__all__ = ['check_linear']

from astropy import units as u
from astropy.units.function import FunctionUnitBase


def check_linear(unit, name):
    """
    Refuse magnitudes and other logarithmic units.

    Sums over pixels, means and noise have a meaning for linear units only.

    Parameters
    ----------
    unit : `~astropy.units.UnitBase`, `FunctionUnitBase` or `None`
        The unit; also one per area, as mag / arcsec2.
    name : str
        What has it, for the message.

    Raises
    ------
    ValueError
        If the unit is logarithmic.
    """
    if isinstance(unit, FunctionUnitBase) or (
            isinstance(unit, u.UnitBase)
            and u.dex in unit.decompose().bases):
        msg = (f'{name} must be linear in flux, got the logarithmic unit '
               f'{unit}; convert magnitudes to fluxes first')
        raise ValueError(msg)
