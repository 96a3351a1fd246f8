# Licensed under a 3-clause BSD style license - see LICENSE
"""
Whatever users pass in: labels on valid pixels, or an error that names the argument.
"""

import re
import warnings

import numpy as np
import pytest
from astropy import units as u
from astropy.nddata import CCDData, NDData, StdDevUncertainty
from astropy.utils.exceptions import AstropyWarning
from astropy.wcs import WCS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from photutils.utils.exceptions import NoDetectionsWarning

from photutils_rcnn import RCNNSegmenter

ARGUMENTS = ('data', 'error', 'mask', 'background', 'bands', 'wcs', 'gain',
             'images')
DTYPES = ('<f4', '>f4', '<f8', '>f8', 'i2', '>i2', 'u2', 'i4', 'f2')
FILLS = (None, 0., -99., 1e20, np.nan, np.inf, -np.inf, 65535.)
BACKGROUNDS = ('auto', 'auto', 0, 50., -1e3, 'map')
ERRORS = (None, None, 1., 5., 'map', 'counts')
CONTAINERS = ('array', 'array', 'list', 'quantity', 'masked', 'nddata', 'ccddata',
              'four axes')
# What may be wrong, one at a time, and how.
FLAWS = {
    'shape': [(15, 64)], 'mask': ['wrong shape', 'all'],
    'error': ['zeros', 'infinite', -1., 'wrong shape'],
    'background': ['none', np.nan, 'map with NaN'],
    'gain': [0., -1., [1., 2.]], 'bands': ['x', ['g', 'g']],
    'wcs': ['header'], 'container': ['magnitudes', 'bands last']}
quick = settings(max_examples=40, deadline=None, derandomize=True,
                 suppress_health_check=[HealthCheck.function_scoped_fixture])
thorough = settings(quick, max_examples=2000)


@st.composite
def frames(draw):
    """
    A frame with what may be given beside it, as keywords of ``segment``.
    """
    flaw = draw(st.sampled_from([None, None, None, *FLAWS]))

    def choose(name, options):
        return draw(st.sampled_from(FLAWS[name] if flaw == name
                                    else list(options)))

    shape = choose('shape', [(16, 16), (40, 64), (64, 40), (200, 210)])
    n_bands = draw(st.sampled_from([0, 0, 1, 2, 3, 5]))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    full = (n_bands, *shape) if n_bands else shape
    level = draw(st.sampled_from([0., 50., 1e3, 8.]))
    data = (rng.poisson(8, full).astype(float) if level == 8
            else rng.normal(level, 5, full))
    data[..., 6:10, 6:10] += draw(st.sampled_from([0., 200.]))
    fill = draw(st.sampled_from(FILLS))
    if fill is not None:
        data[..., :draw(st.sampled_from([1, 5, shape[1]]))] = fill
    keywords = {}
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    if dtype.kind in 'iu':
        info = np.iinfo(dtype)
        data = np.clip(np.nan_to_num(data), info.min, info.max)
    with np.errstate(all='ignore'):
        data = data.astype(dtype)

    mask = rng.random(shape) < 0.2
    kind = choose('mask', [None, 'bool', 'integers'])
    keywords['mask'] = {
        None: None, 'bool': mask, 'integers': mask.astype('u1'),
        'wrong shape': mask[:-1], 'all': np.ones(shape, bool)}[kind]
    mask = None if kind is None else mask
    error = choose('error', ERRORS)
    keywords['error'] = {
        'map': np.full(shape, 5.), 'zeros': np.zeros(shape),
        'counts': np.sqrt(np.clip(np.nan_to_num(data.astype(float)), 0, 1e9)),
        'infinite': np.full(full, np.inf),
        'wrong shape': np.ones(7)}.get(error, error)
    background = choose('background', BACKGROUNDS)
    level_map = np.full(shape, level)
    if background == 'map with NaN':
        level_map[:, :5] = np.nan
    keywords['background'] = (level_map if str(background).startswith('map')
                              else background)
    keywords['gain'] = choose('gain', [None, 2.])
    keywords['bands'] = choose('bands', [None, 'grizy'[:max(n_bands, 1)]])
    wcs = WCS(naxis=draw(st.sampled_from([2, 3, 4])))
    if draw(st.booleans()):
        wcs.wcs.ctype = ['RA---TAN', 'DEC--TAN', 'FREQ', 'STOKES'][
            :wcs.naxis]
    keywords['wcs'] = choose('wcs', [None, wcs])
    container = choose('container', CONTAINERS)
    if container == 'list' and n_bands:
        data = list(data)
    elif container in ('quantity', 'magnitudes'):
        unit = u.nJy if container == 'quantity' else u.mag
        data = data.astype(float) << unit
        for name in ('error', 'background'):
            if not isinstance(keywords[name], (str, type(None))):
                keywords[name] = keywords[name] << unit
    elif container == 'masked':
        own = np.broadcast_to(rng.random(shape) < 0.1, data.shape)
        data = np.ma.array(data, mask=own)
        mask = own.all(axis=0) if n_bands else own
    elif container in ('nddata', 'ccddata') and not n_bands:
        cls = NDData if container == 'nddata' else CCDData
        data = cls(data, unit='adu', uncertainty=StdDevUncertainty(
            np.full(shape, 5.)))
        keywords['error'] = None
        if not isinstance(keywords['background'], str):
            keywords['background'] = keywords['background'] << u.adu
    elif container == 'four axes':
        data = data.reshape(-1, 1, *shape)
    elif container == 'bands last' and n_bands:
        data = np.moveaxis(data, 0, -1)
    return data, keywords, mask, shape


def _segment(segmenter, frame):
    """
    Segment, and hold what comes to what the documentation says.
    """
    data, keywords, mask, shape = frame
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        try:
            result = segmenter.segment(data, **keywords)
        except (TypeError, ValueError) as error:
            told = str(error)
        else:
            told, table = None, result.catalog_table
    if told is not None:
        assert re.search(rf'\b({"|".join(ARGUMENTS)})\b', told), told
        return
    for item in caught:
        assert issubclass(item.category,
                          (AstropyWarning, NoDetectionsWarning)), item.message
    assert result.labels.shape == shape
    assert not result.labels[result.cube.mask].any()
    if mask is not None:
        assert not result.labels[mask].any()
    if table is not None:
        assert len(table) == result.labels.max()
        assert np.isfinite(np.asarray(table['segment_flux'])).all()
        assert np.isfinite(np.asarray(table['segment_flux_err'])).all()


@quick
@given(frame=frames())
def test_inputs(fake_model, frame):
    """
    Forty frames, found by a stand-in for the network.
    """
    _segment(RCNNSegmenter(fake_model), frame)


@pytest.mark.slow
@thorough
@given(frame=frames())
def test_many_inputs(frame):
    """
    Two thousand frames through the shipped model.
    """
    _segment(RCNNSegmenter(), frame)
