# Licensed under a 3-clause BSD style license - see LICENSE
"""
Given PSFs as core types of ASDF.
"""

__all__ = ['psf_from_tree', 'psf_to_tree']

import warnings

import numpy as np
import photutils.psf
from astropy.nddata import NDData
from astropy.utils.exceptions import AstropyUserWarning
from photutils.psf import GriddedPSFModel, ImagePSF


def psf_to_tree(psf):
    """
    The PSFs of a result for a file.

    Parameters
    ----------
    psf : dict of str to `~astropy.modeling.Model`
        The model of each band.

    Returns
    -------
    tree : dict of str to dict or `None`
        For each band the name of the class of photutils, ``model``, with its parameters
        or images; `None` if a model is of another class, with a warning.

    Warns
    -----
    AstropyUserWarning
        If a model is of another class.
    """
    tree = {}
    for band, model in psf.items():
        name = type(model).__name__
        if isinstance(model, ImagePSF):
            stored = {'data': model.data, 'origin': model.origin.tolist(),
                      'oversampling': model.oversampling.tolist()}
        elif isinstance(model, GriddedPSFModel):
            stored = {'data': model.data, 'oversampling': model.oversampling.tolist(),
                      'grid_xypos': np.asarray(model.grid_xypos, dtype=float)}
        elif getattr(photutils.psf, name, None) is type(model):
            stored = {'parameters': {key: float(value) for key, value in zip(
                model.param_names, model.parameters, strict=True)}}
        else:
            msg = (f'The PSF of band {band!r} is no model of photutils ({name}); the PSFs '
                   'are not stored.')
            warnings.warn(msg, AstropyUserWarning, stacklevel=5)
            return None
        tree[band] = {'model': name, **stored}
    return tree


def psf_from_tree(tree):
    """
    The inverse of `psf_to_tree`.

    Parameters
    ----------
    tree : dict
        From `psf_to_tree`.

    Returns
    -------
    psf : dict of str to `~astropy.modeling.Model`
        The model of each band.
    """
    psf = {}
    for band, stored in tree.items():
        if 'parameters' in stored:
            psf[band] = getattr(photutils.psf, stored['model'])(**stored['parameters'])
            continue
        data = np.array(stored['data'])
        oversampling = list(stored['oversampling'])
        if 'grid_xypos' in stored:
            places = [tuple(place) for place in np.array(stored['grid_xypos']).tolist()]
            psf[band] = GriddedPSFModel(NDData(data, meta={
                'grid_xypos': places, 'oversampling': oversampling}))
        else:
            psf[band] = ImagePSF(data, origin=list(stored['origin']),
                                 oversampling=oversampling)
    return psf
