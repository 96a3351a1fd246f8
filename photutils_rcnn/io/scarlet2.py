# Licensed under a 3-clause BSD style license - see LICENSE
"""
Sources of scarlet2, to start its fit with.
"""

__all__ = ['scarlet2_sources']

import numpy as np

from photutils_rcnn.deblending.psf_image import PSFImage
from photutils_rcnn.deblending.templates import Shapes, render
from photutils_rcnn.io.optional import import_optional

# scarlet2's own limits of morphologies, which its constraints exclude
FAINTEST, BRIGHTEST = 1e-6, 1 - 1e-6
LEAST_FLUX = 0.1  # errors; fluxes must be positive
SMALLEST_BOX = 11  # pixels


def scarlet2_sources(result):
    """
    Add the sources of a result to a scene of scarlet2.

    It is called within the context of the scene, ``with scarlet2.Scene(frame):``, whose frame
    has the pixels and, as channels, the bands of the result. Centers and fluxes are those of
    `deblended <photutils_rcnn.RCNNResult.deblended>`, and so are the morphologies of
    galaxies: the fitted profile, convolved with the PSF of the frame instead of the one
    observed, and divided by its peak. Their boxes are squares around the footprints. Stars
    become point sources.

    Parameters
    ----------
    result : `~photutils_rcnn.RCNNResult`
        The result, with its pixels.

    Returns
    -------
    sources : list of ``scarlet2.Source`` and ``scarlet2.PointSource``
        One for each row of ``result.table``, in its order, which has a pixel of its own.
        Attributes are ``center`` (y, x), ``bbox``, ``spectrum`` and ``morphology``. Fluxes
        below 0.1 of their errors are raised to that, since zero is no start for a fit of
        positive ones.

    Raises
    ------
    ModuleNotFoundError
        If scarlet2 is not installed.
    RuntimeError
        If there is no scene.
    ValueError
        If the frame of the scene has other pixels or bands than the result, or no PSF.
    """
    scarlet2 = import_optional('scarlet2')
    jnp = import_optional('jax.numpy')
    frame = _check_frame(scarlet2, result)
    deblended = result.deblended
    star = np.isnan(deblended['axis_ratio'])
    flux, flux_err = (np.stack([_values(deblended[f'{name}_{band}']) for band in result.bands],
                               axis=1) for name in ('flux', 'flux_err'))
    spectra = np.maximum(flux, LEAST_FLUX * flux_err)
    psf = _model_psf(frame)
    sources = []
    for i in np.flatnonzero(result.label_of_source):
        center = jnp.array([deblended['y'][i], deblended['x'][i]], dtype=float)
        if star[i]:
            sources.append(scarlet2.PointSource(
                center, jnp.array(spectra[i] / _light(frame.psf.morphology))))
            continue
        image = _galaxy(deblended[i], _side(deblended[i], result.footprints.boxes[i]), psf)
        peak = image.max()
        sources.append(scarlet2.Source(
            center, jnp.array(spectra[i] * peak),
            jnp.array(np.clip(image / peak, FAINTEST, BRIGHTEST))))
    return sources


def _check_frame(scarlet2, result):
    """
    The frame of the present scene, which must fit the result.
    """
    scene = scarlet2.Scenery.scene
    if scene is None:
        msg = 'scarlet2_sources must be called within "with scarlet2.Scene(frame):"'
        raise RuntimeError(msg)
    frame = scene.frame
    shape = len(result.bands), *result.labels.shape
    if tuple(frame.bbox.shape) != shape or any(frame.bbox.origin):
        msg = ('the frame of the scene must have the bands and pixels of the result, '
               f'{shape}, got {frame.bbox}')
        raise ValueError(msg)
    if all(isinstance(name, str) for name in frame.channels) and (
            tuple(frame.channels) != result.bands):
        msg = f'the channels of the frame must be {result.bands}, got {frame.channels}'
        raise ValueError(msg)
    if frame.psf is None:
        msg = 'the frame of the scene must have a psf, got None'
        raise ValueError(msg)
    return frame


def _values(column):
    return np.asarray(getattr(column, 'value', column), dtype=float)


def _light(morphology):
    """
    The sum of the PSF as scarlet2 draws it for a point source.
    """
    return float(np.sum(morphology() if callable(morphology) else morphology))


def _model_psf(frame):
    """
    The PSF of the frame for drawing profiles.
    """
    image = np.asarray(frame.psf(), dtype=float)
    if image.ndim == 3:  # one for each channel; a morphology is common to all
        image = image.mean(axis=0)
    return PSFImage(image, fwhm=1., aureole=0., aureole_err=0.)


def _side(row, box):
    """
    The odd side of a square around the pixel of the center that holds a footprint.
    """
    center = np.array([row['y'], row['x']]).astype(int)
    reach = max(np.max(center - box[:2]), np.max(box[2:] - 1 - center))
    return max(2 * int(reach) + 1, SMALLEST_BOX)


def _galaxy(row, side, psf):
    """
    A profile of unit flux on its box, whose middle is the pixel of the center.
    """
    eta, angle = -np.log(row['axis_ratio']), 2 * row['orientation'].to_value('rad')
    x, y = row['x'], row['y']
    shape = Shapes(*(np.array([float(value)]) for value in (
        x - int(x), y - int(y), np.log(row['half_light_radius'].value),
        eta * np.cos(angle), eta * np.sin(angle), row['spheroid_fraction'])))
    image, = render(shape, psf, side)
    return image
