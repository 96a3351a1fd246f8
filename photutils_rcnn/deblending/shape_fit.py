# Licensed under a 3-clause BSD style license - see LICENSE
"""
Profile fitting: positions, sizes, ellipticities and concentrations of all sources.

The sources of a frame are fitted together, each with Gauss-Newton steps of its own. A
pixel's residual is shared between the sources in proportion to their light there, so that
neighbors do not mend the same misfit twice: steps of expectation maximization, which never
make the whole worse.
"""

__all__ = ['fit_shapes']

from dataclasses import fields

import numpy as np

from photutils_rcnn.deblending.fluxes import MODEL_ERROR
from photutils_rcnn.deblending.templates import Shapes, render, render_stars

N_ITERATIONS = 8
# Of all galaxies, which weighs little where a source tells its own: the scatter of the
# shear, the mean and the scatter of the spheroid's fraction.
PRIOR_ETA = 0.4
PRIOR_SPHEROID = 0.25, 0.3
LEAST_FRACTION = 0.05
LARGEST_STEP = np.array([0.5, 0.5, 0.5, 0.3, 0.3, 0.3])
SMALLEST_RADIUS = 0.1  # FWHM / 2
LARGEST_ETA = 1.8
DAMPING = 0.02


def fit_shapes(image, weight, shapes, amplitude, psf, groups, is_star, fwhm,
               size_prior, n_iterations=N_ITERATIONS):
    """
    Fit the profiles of sources to an image.

    Parameters
    ----------
    image, weight : (ny, nx) `~numpy.ndarray`
        The light and its inverse variance, 0 where there are no data.
    shapes : `~photutils_rcnn.deblending.templates.Shapes`
        Where to begin, with positions on the frame.
    amplitude : (N,) `~numpy.ndarray`
        The flux of each source, to begin with.
    psf : `~photutils_rcnn.deblending.psf_image.MixedPSF`
        The PSF of each source in the image.
    groups : list of `~photutils_rcnn.deblending.stamps.StampGroup`
        The stamps, of stars and others apart.
    is_star : (N,) `~numpy.ndarray` of bool
        Point sources, of which the position alone is fitted.
    fwhm : float
        The FWHM of the PSF in pixels.
    size_prior : (log_radius, scatter)
        The prior of the natural logarithm of the half-light radius, arrays (N,).
    n_iterations : int, optional
        The number of steps.

    Returns
    -------
    shapes : `~photutils_rcnn.deblending.templates.Shapes`
        The fitted profiles.
    amplitude : (N,) `~numpy.ndarray`
        Their fluxes.
    variance : (N,) `~numpy.ndarray`
        The relative variance of the flux that is due to the profile.
    """
    shapes = Shapes(*(np.array(values, dtype=float)
                      for values in vars(shapes).values()))
    amplitude = np.array(amplitude, dtype=float)
    variance = np.zeros(len(amplitude))
    start = shapes.x.copy(), shapes.y.copy()
    flat_weight = np.append(weight.ravel(), 0)
    flat_image = np.append(image.ravel(), 0)
    pixels = [group.pixels(image.shape) for group in groups]
    kinds = [bool(is_star[group.index[0]]) for group in groups]
    for iteration in range(n_iterations + 1):
        drawn = [_draw(group, shapes, psf, stars)
                 for group, stars in zip(groups, kinds, strict=True)]
        model = np.zeros(len(flat_image))
        for group, where, templates in zip(groups, pixels, drawn, strict=True):
            np.add.at(model, where,
                      amplitude[group.index, None, None] * templates[0])
        model[-1] = 0
        residual = (flat_image - model).astype(np.float32)
        weights = (flat_weight / (1 + flat_weight * (MODEL_ERROR * model)**2)).astype(
            np.float32)
        for group, where, templates, stars in zip(groups, pixels, drawn, kinds,
                                                  strict=True):
            i = group.index
            own = amplitude[i, None, None] * templates[0]
            fraction = np.clip(own / np.maximum(model[where], 1e-30), LEAST_FRACTION, 1)
            prior = [values[i] for values in size_prior]
            step, added = _steps(templates, amplitude[i], residual[where],
                                 weights[where], fraction.astype(np.float32), shapes[i],
                                 prior, stars)
            if iteration == n_iterations:
                variance[i] = added
            else:
                _advance(shapes, amplitude, i, step, fwhm, start)
    return shapes, amplitude, variance


def _draw(group, shapes, psf, stars):
    """
    Templates and derivatives, (3 or 7, R, side, side).
    """
    some, own = group.in_stamps(shapes), psf[group.index]
    return (render_stars(some.x, some.y, own, group.side, derivatives=True) if stars
            else render(some, own, group.side, derivatives=True))


def _steps(templates, amplitude, residual, weight, fraction, shapes, size_prior, stars):
    """
    The steps of amplitude and profile, and the relative variance of the flux that is due
    to the profile.
    """
    n_params, n = templates.shape[:2]
    jacobian = templates.reshape(n_params, n, -1).transpose(1, 0, 2).copy()
    jacobian[:, 1:] *= np.abs(amplitude).astype(np.float32)[:, None, None]
    weighted = jacobian * weight.reshape(n, 1, -1)
    gradient = (weighted @ residual.reshape(n, -1, 1))[..., 0].astype(float)
    alone = (weighted @ jacobian.transpose(0, 2, 1)).astype(float)
    shared = ((weighted / fraction.reshape(n, 1, -1))
              @ jacobian.transpose(0, 2, 1)).astype(float)
    diagonal = np.arange(n_params)
    shared[:, diagonal, diagonal] *= 1 + DAMPING
    if not stars:
        precision, pull = _prior(shapes, size_prior)
        gradient[:, 3:] += pull
        for matrix in (alone, shared):
            matrix[:, diagonal[3:], diagonal[3:]] += precision
    for matrix in (alone, shared):
        # sources without light or pixels stay where they are
        matrix[:, diagonal, diagonal] += 1e-9 * np.trace(
            matrix, axis1=1, axis2=2)[:, None] + 1e-30
    step = np.linalg.solve(shared, gradient[..., None])[..., 0]
    known = 1 / alone[:, 0, 0]
    variance = (np.linalg.inv(alone)[:, 0, 0] - known) / np.maximum(
        amplitude**2, known)
    return step, np.maximum(variance, 0)


def _prior(shapes, size_prior):
    """
    The precisions of the priors of size, ellipticity and spheroid, and their pull.
    """
    n = len(shapes.x)
    spheroid, spheroid_scatter = PRIOR_SPHEROID
    mean = np.stack([size_prior[0], np.zeros(n), np.zeros(n), np.full(n, spheroid)],
                    axis=1)
    scatter = np.stack([size_prior[1], np.full(n, PRIOR_ETA), np.full(n, PRIOR_ETA),
                        np.full(n, spheroid_scatter)], axis=1)
    now = np.stack([shapes.log_radius, shapes.eta1, shapes.eta2, shapes.spheroid],
                   axis=1)
    return 1 / scatter**2, (mean - now) / scatter**2


def _advance(shapes, amplitude, i, step, fwhm, start):
    """
    Go a step, within limits.
    """
    amplitude[i] += step[:, 0]
    limit = LARGEST_STEP[:step.shape[1] - 1]
    step = np.clip(step[:, 1:], -limit, limit)
    names = [f.name for f in fields(Shapes)][:step.shape[1]]
    for name, change in zip(names, step.T, strict=True):
        getattr(shapes, name)[i] += change
    for axis, first in zip((shapes.x, shapes.y), start, strict=True):
        axis[i] = np.clip(axis[i], first[i] - fwhm, first[i] + fwhm)
    if step.shape[1] == 2:
        return
    shapes.log_radius[i] = np.maximum(shapes.log_radius[i],
                                      np.log(SMALLEST_RADIUS * 0.5 * fwhm))
    eta = np.hypot(shapes.eta1[i], shapes.eta2[i])
    factor = np.minimum(1, LARGEST_ETA / np.maximum(eta, 1e-6))
    shapes.eta1[i] *= factor
    shapes.eta2[i] *= factor
    shapes.spheroid[i] = np.clip(shapes.spheroid[i], 0, 1)
