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

from photutils_rcnn.deblending.drawing import draw
from photutils_rcnn.deblending.templates import Shapes, render, render_stars

N_PARAMS = 7
# The least decrease of chi-squared that is worth another step.
SETTLED = 0.1
# Of all galaxies, which weighs little where a source tells its own: the scatter of the
# shear, the mean and the scatter of the spheroid's fraction.
PRIOR_ETA = 0.4
PRIOR_SPHEROID = 0.25, 0.3
LEAST_FRACTION = 0.05
LARGEST_STEP = np.array([0.5, 0.5, 0.5, 0.3, 0.3, 0.3])
SMALLEST_RADIUS = 0.1  # FWHM / 2
LARGEST_ETA = 1.8
DAMPING = 0.01


def fit_shapes(image, weight, shapes, amplitude, psf, groups, is_star, fwhm,
               misfit, size_prior, n_iterations):
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
    misfit : (N,) `~numpy.ndarray`
        The fraction of the light of each source that a profile does not have.
    size_prior : (log_radius, scatter)
        The prior of the natural logarithm of the half-light radius, arrays (N,).
    n_iterations : int
        The largest number of steps.

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
    model, structure = np.zeros((2, len(flat_image)))
    moving = groups
    for _ in range(n_iterations):
        drawn = []
        for group in moving:
            templates = _draw(group, shapes, psf, is_star[group.index[0]])
            own = amplitude[group.index, None, None] * templates[0]
            where = group.pixels(image.shape)
            np.add.at(model, where, own)
            np.add.at(structure, where, misfit[group.index, None, None] * own)
            drawn.append((group, where, own, templates))
        residual = (flat_image - model).astype(np.float32)
        weights = (flat_weight / (1 + flat_weight * structure**2)).astype(
            np.float32)
        fractions = [np.clip(own / np.maximum(model[where], 1e-30), LEAST_FRACTION, 1)
                     for _, where, own, _ in drawn]
        moving = []
        for (group, where, own, templates), fraction in zip(drawn, fractions, strict=True):
            i, stars = group.index, is_star[group.index[0]]
            step, decrease, variance[i] = _steps(
                templates, amplitude[i], residual[where], weights[where],
                fraction.astype(np.float32), shapes[i],
                [values[i] for values in size_prior], stars)
            _advance(shapes, amplitude, i, step, fwhm, start)
            np.subtract.at(model, where, own)
            np.subtract.at(structure, where, misfit[i, None, None] * own)
            goes_on = decrease > SETTLED
            if goes_on.any():
                moving.append(group[goes_on])
            if not goes_on.all():
                rest = group[~goes_on]
                light = amplitude[rest.index, None, None] * draw(
                    rest, shapes, psf[rest.index], stars)
                where = rest.pixels(image.shape)
                np.add.at(model, where, light)
                np.add.at(structure, where, misfit[rest.index, None, None] * light)
        model[-1] = structure[-1] = 0
        if not moving:
            break
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
    The steps of amplitude and profile, the decrease of chi-squared that they promise, and
    the relative variance of the flux that is due to the profile.
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
        matrix[:, diagonal, diagonal] *= 1 + 1e-6
        matrix[:, diagonal, diagonal] += 1e-30
    step = _bounded(shared, gradient, shapes.spheroid)
    known = 1 / alone[:, 0, 0]
    variance = (np.linalg.inv(alone)[:, 0, 0] - known) / np.maximum(
        amplitude**2, known)
    return step, (gradient * step).sum(axis=1), np.maximum(variance, 0)


def _bounded(hessian, gradient, spheroid):
    """
    The Gauss-Newton step; where it leads the fraction of the spheroid out of 0 to 1, that to
    the bound.
    """
    step = np.linalg.solve(hessian, gradient[..., None])[..., 0]
    if step.shape[1] < N_PARAMS:
        return step
    bounded = np.clip(spheroid + step[:, -1], 0, 1) - spheroid
    out = bounded != step[:, -1]
    if out.any():
        # the others, given that one
        inner, to_bound = hessian[out][:, :-1, :-1], bounded[out]
        right = gradient[out][:, :-1] - hessian[out][:, :-1, -1] * to_bound[:, None]
        step[out, :-1] = np.linalg.solve(inner, right[..., None])[..., 0]
        step[out, -1] = to_bound
    return step


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
    change = np.abs(step[:, 1:]) / LARGEST_STEP[:step.shape[1] - 1]
    step = step / np.maximum(1, change.max(axis=1, keepdims=True))
    amplitude[i] += step[:, 0]
    step = step[:, 1:]
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
