# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the bands module.
"""

import pytest

from photutils_rcnn.preprocessing.bands import filter_wavelength, wavelength_order


@pytest.mark.parametrize('names', [
    ('u', 'g', 'r', 'i', 'z', 'y'), ('B', 'V', 'R', 'I', 'J', 'H', 'Ks'),
    ('F275W', 'F438W', 'F606W', 'F814W', 'F105W', 'F160W'),
    ('F090W', 'F115W', 'F200W', 'F277W', 'F444W', 'F770W', 'F1000W'),
    ('F200LP', 'F250W', 'F300W', 'F450W', 'F606W', 'F814W', 'F850LP',
     'F1042M', 'F105W'), ('F200W', 'F250M', 'F277W', 'F300M', 'F380M'),
    ('B', 'V', 'H-alpha', 'I'), ('Hbeta', 'V', 'r', 'DECam H_Alpha', 'i'),
    ('G_BP', 'V', 'G_RP'), ('BP', 'V', 'RP'), ('bp', 'rp'), ('m83_gp', 'm83_rp', 'm83_ip'),
    ('up', 'gp', 'rp', 'ip', 'zs'),
    ("u'", "g'", "r'", "i'", "z'"), ('g', 'r', 'i2', 'z'), ('g', 'Ha', 'HSC-Y', 'H', 'Ks'),
    ('F062', 'F087', 'F158', 'F213'), ('VIS', 'Y_E', 'J_E', 'H_E'),
    ('HSC-G', 'HSC-R', 'HSC-I', 'HSC-Z', 'HSC-Y'),
    ('g DECam SDSS c0001 4720.0 1520.0', 'r DECam SDSS c0002 6415.0 1480.0')])
def test_order(names):
    """
    The filters of an instrument are sorted by wavelength.
    """
    assert wavelength_order(names) == list(range(len(names)))
    assert wavelength_order(names[::-1]) == list(range(len(names)))[::-1]


def test_unknown_names_keep_their_order():
    """
    One unknown name keeps all in place.
    """
    assert filter_wavelength('white') is None
    assert wavelength_order(('z', 'white', 'g')) == [0, 1, 2]
