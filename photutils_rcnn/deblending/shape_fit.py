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
from photutils_rcnn.deblending.stamps import Canvas, StampGroup
from photutils_rcnn.deblending.templates import Shapes

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
    misfit : (2,) tuple of float
        The fraction of the light of galaxies and of stars that a profile does not have.
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
    margin = max((group.side for group in groups), default=1)
    pixels = [Canvas(values, margin, np.float32) for values in (image, weight)]
    # the light of galaxies and of stars
    kinds = [Canvas(np.zeros(image.shape), margin, np.float32) for _ in range(2)]
    moving = [(group, np.float32(0)) for group in groups]
    for iteration in range(n_iterations):
        is_last = iteration == n_iterations - 1
        drawn, settled = [], []
        for group, before in moving:
            stars = int(is_star[group.index[0]])
            jacobian = draw(group, shapes, psf[group.index], stars, derivatives=True)
            own = amplitude[group.index, None, None].astype(np.float32) * jacobian[:, 0]
            kinds[stars].add(group, own - before)
            drawn.append((group, jacobian, own))
        moving = []
        for group, jacobian, own in drawn:
            i, stars = group.index, int(is_star[group.index[0]])
            galaxies, points, light, weight = (
                canvas.cut(group) for canvas in (*kinds, *pixels))
            everything = galaxies + points
            structure = misfit[0] * galaxies + misfit[1] * points
            weight /= 1 + weight * structure**2
            residual = light - everything
            fraction = np.clip(own / np.maximum(everything, 1e-30), LEAST_FRACTION, 1)
            scale = np.ones(jacobian.shape[:2])
            scale[:, 1:] = np.abs(amplitude[i])[:, None]
            precision, pull = _prior(shapes[i], [values[i] for values in size_prior],
                                     scale.shape)
            gradient = pull + scale * _products(jacobian, (weight * residual)[:, None])[..., 0]
            step = _bounded(
                _hessian(jacobian, weight / fraction, scale, precision, DAMPING), gradient,
                shapes.spheroid[i])
            stays = (gradient * step).sum(axis=1) <= SETTLED
            stays |= is_last
            if stays.any():
                variance[i[stays]] = _variance(_hessian(
                    jacobian[stays], weight[stays], scale[stays], precision[stays]),
                    amplitude[i[stays]])
                change = _combined(jacobian[stays], (scale * step)[stays])
                settled.append((kinds[stars], group[stays], change))
            if not stays.all():
                moving.append((group[~stays], own[~stays]))
            _advance(shapes, amplitude, i, step, fwhm, start)
        if not moving:
            break
        for canvas, group, change in settled:
            canvas.add(group, change)
        moving = _rejoined(moving, is_star)
    return shapes, amplitude, variance


def _rejoined(moving, is_star):
    """
    The groups and stamps of sources that still move, in blocks as large as can be.
    """
    kinds = {}
    for group, own in moving:
        kinds.setdefault((group.side, is_star[group.index[0]]), []).append((group, own))
    joined = []
    for parts in kinds.values():
        groups, stamps = zip(*parts, strict=True)
        group, stamps = StampGroup.join(groups), np.concatenate(stamps)
        joined.extend((group[block], stamps[block]) for block in group.blocks())
    return joined


def _products(jacobian, images):
    """
    The sums over pixels of the products of images, (R, n, m).
    """
    first, second = (stamps.reshape(*stamps.shape[:2], -1) for stamps in (jacobian, images))
    return (first @ second.swapaxes(1, 2)).astype(float)


def _combined(jacobian, factors):
    """
    The sums of images with factors, (R, side, side).
    """
    n, n_params, *sides = jacobian.shape
    return (factors.astype(np.float32)[:, None] @ jacobian.reshape(n, n_params, -1)).reshape(
        n, *sides)


def _hessian(jacobian, weight, scale, precision, damping=0.):
    """
    The normal equations of amplitudes and profiles, (R, n, n).
    """
    hessian = _products(jacobian, jacobian * weight[:, None])
    hessian *= scale[:, :, None] * scale[:, None, :]
    diagonal = np.arange(scale.shape[1])
    hessian[:, diagonal, diagonal] *= 1 + damping
    hessian[:, diagonal, diagonal] += precision
    # sources without light or pixels stay where they are
    hessian[:, diagonal, diagonal] *= 1 + 1e-6
    hessian[:, diagonal, diagonal] += 1e-30
    return hessian


def _variance(hessian, amplitude):
    """
    The relative variance of the flux that is due to the profile.
    """
    known = 1 / hessian[:, 0, 0]
    return np.maximum((np.linalg.inv(hessian)[:, 0, 0] - known) / np.maximum(
        amplitude**2, known), 0)


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


def _prior(shapes, size_prior, shape):
    """
    The precisions of the priors of size, ellipticity and spheroid, and their pull; points
    have none.
    """
    precision, pull = np.zeros((2, *shape))
    if shape[1] == N_PARAMS:
        values = shapes.log_radius, shapes.eta1, shapes.eta2, shapes.spheroid
        priors = size_prior, (0., PRIOR_ETA), (0., PRIOR_ETA), PRIOR_SPHEROID
        for k, (now, (mean, scatter)) in enumerate(zip(values, priors, strict=True), start=3):
            precision[:, k] = 1 / scatter**2
            pull[:, k] = (mean - now) / scatter**2
    return precision, pull


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
