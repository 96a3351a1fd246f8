# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the table of clumps.
"""

import astropy.units as u
import numpy as np
import pytest
from astropy.wcs import WCS
from hypothesis import given, settings
from hypothesis import strategies as st

from photutils_rcnn.preprocessing.inputs import prepare_inputs
from photutils_rcnn.result import RCNNResult
from photutils_rcnn.sources.instances import Instances

SHAPE = (120, 140)
NAMES = ('star', 'galaxy', 'clump')
FWHM = 4.
SIGMA = FWHM / 2.35482


def gaussian(x0, y0, sigma, flux, q=1., angle=0.):
    y, x = np.indices(SHAPE)
    u, v = x - x0, y - y0
    u, v = u * np.cos(angle) + v * np.sin(angle), v * np.cos(angle) - u * np.sin(angle)
    return flux / (2 * np.pi * sigma**2 * q) * np.exp(
        -0.5 * (u**2 + (v / q)**2) / sigma**2)


def make_result(galaxies, clumps, *, names=NAMES, fwhm=(FWHM, FWHM), wcs=None, unit=None,
                stars=()):
    """
    Galaxies (x, y, sigma, flux, q, angle) and clumps (x, y, flux), which are twice as
    bright in the first of two bands, in a noise of 1.
    """
    rng = np.random.default_rng(1)
    data = rng.normal(0, 1, (2, *SHAPE))
    outlines, classes = [], []
    for galaxy in galaxies:
        image = gaussian(*galaxy)
        data += image
        outlines.append((image > 1.5, 'galaxy'))
    for x, y, flux in (*clumps, *stars):
        image = gaussian(x, y, SIGMA, flux)
        data += image * np.array([2, 1])[:, None, None]
        outlines.append((image > image.max() / 4, 'clump'))
    for k in range(len(stars)):
        outlines[-1 - k] = outlines[-1 - k][0], 'star'
    boxes, masks = np.zeros((len(outlines), 4), 'f4'), []
    for i, (outline, name) in enumerate(outlines):
        rows, cols = np.flatnonzero(outline.any(axis=1)), np.flatnonzero(outline.any(axis=0))
        boxes[i] = rows[0], cols[0], rows[-1] + 1, cols[-1] + 1
        cells = [(np.arange(56) + 0.5) / 56 * n for n in
                 (len(range(rows[0], rows[-1] + 1)), len(range(cols[0], cols[-1] + 1)))]
        cut = outline[rows[0]:rows[-1] + 1, cols[0]:cols[-1] + 1]
        masks.append(cut[np.ix_(*(c.astype(int) for c in cells))])
        classes.append(NAMES.index(name))
    probabilities = np.eye(len(names), dtype='f4')[classes]
    found = Instances(
        shape=SHAPE, boxes=boxes, scores=np.full(len(boxes), 0.9, 'f4'),
        class_probabilities=probabilities.reshape(-1, len(names)),
        masks=np.array(masks, np.float16).reshape(-1, 56, 56), mask_boxes=boxes,
        flags=np.zeros(len(boxes), np.int32), class_names=names)
    cube = prepare_inputs(data if unit is None else data * unit)
    return RCNNResult(found, *found.paint(), cube=cube, background=np.zeros((2, 1, 1)),
                      noise=np.ones((2, 1, 1)), bands=cube.bands, wcs=wcs,
                      meta={'psf_fwhm': fwhm})


GALAXY = (70, 60, 15, 60000., 0.6, 0.5)


def test_flux_ratio_of_clumps_on_a_disc():
    result = make_result([GALAXY], [(80, 64, 3000.), (58, 50, 1500.), (95, 72, 600.)])
    clumps = result.clumps
    assert len(clumps) == 3
    assert (clumps['host_label'] == result.table['label'][0]).all()
    np.testing.assert_array_equal(clumps['label'], result.table['label'][1:])
    whole = 60000 + np.multiply.outer([2, 1], [3000, 1500, 600]).sum(axis=1)
    for band, total, factor in zip(result.bands, whole, (2, 1), strict=True):
        flux = factor * np.array([3000, 1500, 600])
        # the light of a disc bends within the annulus, too
        np.testing.assert_allclose(clumps[f'clump_flux_{band}'], flux, rtol=0.25)
        np.testing.assert_allclose(clumps[f'flux_ratio_{band}'], flux / total, rtol=0.25)
        assert (clumps[f'clump_flux_err_{band}'] > 0).all()
    assert (clumps['flux_ratio_band1'] > clumps['flux_ratio_band2']).all()


@settings(max_examples=10, deadline=None)
@given(distance=st.floats(0.5, 1.8), phi=st.floats(0, 6.28), angle=st.floats(-1.5, 1.5))
def test_place_in_units_of_the_radius(distance, phi, angle):
    # half of the light of a Gaussian is within 1.1774 sigma
    radius, q = 1.1774 * 12, 0.7
    major, minor = distance * radius * np.cos(phi), q * distance * radius * np.sin(phi)
    cos, sin = np.cos(angle), np.sin(angle)
    dx, dy = major * cos - minor * sin, major * sin + minor * cos
    result = make_result([(70, 60, 12, 60000., q, angle)], [(70 + dx, 60 + dy, 800.)])
    row = result.clumps[0]
    assert row['host_radius'].unit == u.pix
    assert row['host_radius'].value == pytest.approx(radius, rel=0.12)
    assert row['host_distance'] == pytest.approx(distance, rel=0.2, abs=0.05)
    assert row['host_dx'] == pytest.approx(dx / radius, abs=0.2)
    assert row['host_dy'] == pytest.approx(dy / radius, abs=0.2)


def test_clump_belongs_to_the_nearest_galaxy_in_units_of_its_radius():
    large, small = (60, 60, 15, 80000., 0.8, 0.), (95, 60, 6, 20000., 0.9, 0.)
    result = make_result([large, small], [(70, 60, 2000.), (93, 63, 2000.)])
    np.testing.assert_array_equal(result.clumps['host_label'], result.table['label'][:2])


def test_clump_without_galaxy():
    result = make_result([(40, 40, 6, 10000., 0.9, 0.)], [(110, 90, 2000.)])
    row = result.clumps[0]
    assert row['host_label'] == 0
    assert np.isnan([row['host_dx'], row['host_distance'], row['flux_ratio_band1']]).all()
    assert float(row['clump_flux_band2']) == pytest.approx(2000, rel=0.1)


def test_unknown_psf_is_that_of_the_footprint():
    known, unknown = (make_result([GALAXY], [(80, 64, 3000.)], fwhm=fwhm).clumps
                      for fwhm in ((FWHM, FWHM), None))
    np.testing.assert_allclose(unknown['clump_flux_band1'], known['clump_flux_band1'],
                               rtol=0.1)


def test_units_and_sky():
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.cdelt = ['RA---TAN', 'DEC--TAN'], [-1e-4, 1e-4]
    clumps = make_result([GALAXY], [(80, 64, 3000.)], wcs=wcs, unit=u.nJy).clumps
    assert clumps['clump_flux_band1'].unit == u.nJy
    assert not hasattr(clumps['flux_ratio_band1'], 'unit') or (
        clumps['flux_ratio_band1'].unit in (None, u.dimensionless_unscaled))
    assert wcs.world_to_pixel(clumps['sky_center'])[0] == pytest.approx(clumps['x'][0])


def test_stars_and_galaxies_are_no_clumps():
    clumps = make_result([GALAXY], [], stars=[(80, 64, 3000.)]).clumps
    assert len(clumps) == 0
    assert {'label', 'host_label', 'host_distance', 'flux_ratio_band1'} <= set(
        clumps.colnames)
    assert len(make_result([], []).clumps) == 0


def test_other_classes_are_told():
    result = make_result([GALAXY], [], names=('star', 'galaxy'))
    with pytest.raises(ValueError, match=r"got the classes \('star', 'galaxy'\)"):
        _ = result.clumps
    stored = RCNNResult(*(getattr(make_result([GALAXY], [(80, 64, 3000.)]), name)
                          for name in ('instances', 'labels', 'label_of_source')))
    with pytest.raises(ValueError, match='clumps needs the pixels'):
        _ = stored.clumps
