# Licensed under a 3-clause BSD style license - see LICENSE
"""
Deblending: profiles, sky and fluxes of all sources of a frame, fitted together.
"""

__all__ = ['deblend']

import numpy as np

from photutils_rcnn.deblending.bands import Bands
from photutils_rcnn.deblending.blendedness import measure_blending
from photutils_rcnn.deblending.drawing import design_matrices
from photutils_rcnn.deblending.fluxes import FluxFit
from photutils_rcnn.deblending.initial import initial_profiles, size_prior
from photutils_rcnn.deblending.light import DeblendedLight
from photutils_rcnn.deblending.neighbors import NeighborLight
from photutils_rcnn.deblending.psf_image import MixedPSF, PSFImage, choose_oversampling
from photutils_rcnn.deblending.psf_stack import measure_psf_images
from photutils_rcnn.deblending.shape_fit import fit_shapes
from photutils_rcnn.deblending.stamps import group_stamps
from photutils_rcnn.sources.crowding import is_crowded

# Stars that the PSF is measured from.
LEAST_PROBABILITY = 0.7
LEAST_SNR = 30.0
# How far a source is followed: galaxies in units of their boxes, stars to where they
# are this faint, in units of the noise.
GALAXY_REACH = 1.0
FAINT_WING = 0.5
LEAST_REACH = 7.0  # pixels
FIT_REACH, FIT_REACH_STARS = 0.75, 3.0  # for profiles; the latter in FWHM
LEAST_COLOR = 0.02  # of the brightest band, for bands where a source has no light
# The light of a pixel that a model does not have, as a fraction of it: galaxies have
# structure, stars the error of the PSF.
MISFIT, STAR_MISFIT = 0.1, 0.01
# Of the flux: what a disc and a spheroid miss of a galaxy.
PROFILE_ERROR = 0.02
N_ITERATIONS = 8, 3  # at most, before and after the sky
# Of the PSF of a crowded frame, without the light of neighbors. What wings have too much is
# subtracted too much, and the next have too little, so each is averaged with that before.
N_STACKS = 4


def deblend(frame, instances, labels, label_of_source, fwhm, psf_models=None):
    """
    Fit models of the light of all sources.

    Stars (``prob_star`` at least 0.5) are the PSF, other sources a disc and a spheroid on
    one ellipse, convolved with it. Positions and profiles are fitted in the mean of the
    bands, then the sky between the models is subtracted, and the fluxes of each band are
    fitted together.

    Parameters
    ----------
    frame : `~photutils_rcnn.preprocessing.frame.Frame`
        The frame.
    instances : `~photutils_rcnn.sources.instances.Instances`
        The sources.
    labels : (ny, nx) `~numpy.ndarray` of int
        The label image.
    label_of_source : (N,) `~numpy.ndarray` of int
        The label of each source, 0 if it has none.
    fwhm : (n_bands,) array_like
        The FWHM of the PSF in pixels.
    psf_models : (n_bands,) sequence of `~astropy.modeling.Model`, optional
        The PSF of each band, of unit flux; of those that vary that of the middle of the
        frame is taken. By default it is measured from stars.

    Returns
    -------
    light : `~photutils_rcnn.deblending.light.DeblendedLight`
        The models.
    """
    fwhm = np.asarray(fwhm, dtype=float)
    bands = Bands(frame)
    image, weight = bands.mean()
    width = float(bands.fractions @ fwhm)
    is_star = _probability_of_star(instances) >= 0.5
    prior = size_prior(instances.footprints().areas, _snr(instances), width)
    shapes, amplitude = initial_profiles(image, labels, label_of_source,
                                         instances.centers, prior[0])
    if psf_models is None:
        chosen = _psf_stars(instances, label_of_source)
        # what lies between the sources of a crowded frame would pass for wings
        first = chosen[:0] if is_crowded(labels) else chosen
        psfs, n_stars = measure_psf_images(
            bands.data, bands.noise, bands.bad, labels,
            np.stack([shapes.x, shapes.y], axis=1)[first], label_of_source[first], fwhm)
    else:
        middle = image.shape[1] / 2, image.shape[0] / 2
        oversampling = choose_oversampling(fwhm)
        psfs = [PSFImage.of_model(model, size, middle, oversampling)
                for model, size in zip(psf_models, fwhm, strict=True)]
        n_stars = [0] * len(psfs)
        chosen = []
    flux = _segment_light(bands.data, labels, label_of_source)
    reach = _reach(instances, is_star, bands.brightness(amplitude), psfs, width)
    fit_reach = np.minimum(reach, _fit_reach(instances, is_star, width))
    known = []
    for n_iterations in N_ITERATIONS:
        shapes, amplitude, variance = fit_shapes(
            image, weight, shapes, amplitude,
            MixedPSF(psfs, _mixture(flux, bands.fractions)),
            group_stamps(shapes.x, shapes.y, fit_reach, is_star), is_star, width,
            (MISFIT, STAR_MISFIT), prior, n_iterations)
        groups = group_stamps(shapes.x, shapes.y, reach, is_star)
        misfit = np.where(is_star, STAR_MISFIT, MISFIT)[:, None] * flux
        designs, fits = _fit_fluxes(bands, groups, shapes, psfs, is_star, amplitude,
                                    misfit if known else None)
        flux = np.stack([fit.flux for fit in fits], axis=1)
        if not known:
            for _ in range(N_STACKS if len(chosen) and is_crowded(labels) else 0):
                neighbors = NeighborLight(
                    groups, shapes, psfs, is_star, flux,
                    [fit.model.reshape(image.shape) for fit in fits])
                del designs, fits  # as large as those that follow
                stacks, n_stars = measure_psf_images(
                    bands.data, bands.noise, bands.bad, labels,
                    np.stack([shapes.x, shapes.y], axis=1)[chosen], label_of_source[chosen],
                    fwhm, neighbors=neighbors, sources=chosen)
                psfs = [psf.mean_with(stack)
                        for psf, stack in zip(psfs, stacks, strict=True)]
                designs, fits = _fit_fluxes(bands, groups, shapes, psfs, is_star, amplitude)
                flux = np.stack([fit.flux for fit in fits], axis=1)
            known = [bands.subtract_sky(b, fit.model.reshape(image.shape), psf)
                     for b, (fit, psf) in enumerate(zip(fits, psfs, strict=True))]
            image, weight = bands.mean()
            del designs, fits
    results = [fit.with_errors(bands.error[b].ravel()**2, sky_error=sky_error,
                               correlation=correlation)
               for b, (fit, (sky_error, correlation)) in enumerate(
                   zip(fits, known, strict=True))]
    blending = measure_blending(designs, _mixture(flux, bands.fractions), amplitude,
                                instances.footprints())
    flux, variances, chi2 = (
        np.stack([getattr(found, name) for found in results], axis=1)
        for name in ('flux', 'variance', 'chi2'))
    # the errors of profile and aureole go with the flux
    relative = variance + np.where(is_star, 0, PROFILE_ERROR**2)
    aureole = np.array([psf.aureole_err for psf in psfs])
    error = np.sqrt(variances + (relative[:, None] + aureole**2) * flux**2)
    return DeblendedLight(
        shape=image.shape, shapes=shapes, is_star=is_star, groups=groups, psfs=psfs,
        n_psf_stars=n_stars, flux=flux * bands.scale, flux_err=error * bands.scale,
        chi2=chi2, blending=blending, sky=bands.sky * bands.scale)


def _fit_fluxes(bands, groups, shapes, psfs, is_star, amplitude, misfit=None):
    """
    The templates and the fits of the fluxes of each band.
    """
    designs = design_matrices(groups, shapes, psfs, is_star, bands.brightness(amplitude),
                              bands.data.shape[1:])
    return designs, [FluxFit(design, bands.data[b].ravel(), bands.noise2(b),
                             None if misfit is None else misfit[:, b])
                     for b, design in enumerate(designs)]


def _snr(instances):
    return (np.full(len(instances), 20.) if instances.snr is None
            else instances.snr.astype(float))


def _probability_of_star(instances):
    if 'star' not in instances.class_names:
        return np.zeros(len(instances))
    return instances.class_probabilities[:, instances.class_names.index('star')]


def _psf_stars(instances, label_of_source):
    """
    The stars that tell the PSF, the brightest first.
    """
    snr = _snr(instances)
    chosen = np.flatnonzero((_probability_of_star(instances) > LEAST_PROBABILITY)
                            & (snr > LEAST_SNR) & (label_of_source > 0))
    return chosen[np.argsort(-snr[chosen], kind='stable')]


def _segment_light(data, labels, label_of_source):
    """
    The light of the pixels of each source in each band, (N, n_bands).
    """
    n = labels.max(initial=0) + 1
    light = np.stack([np.bincount(labels.ravel(), band.ravel(), n) for band in data],
                     axis=1)
    return np.where(label_of_source[:, None] > 0, light[label_of_source], 0)


def _mixture(flux, fractions):
    """
    The fraction of the light of each source in the mean that is of each band.
    """
    flux = np.nan_to_num(flux)
    brightest = np.maximum(flux.max(axis=1, keepdims=True), 0)
    flux = np.where(brightest > 0, np.maximum(flux, LEAST_COLOR * brightest), 1)
    light = flux * fractions
    return light / light.sum(axis=1, keepdims=True)


def _sides(instances):
    """
    The longer sides of boxes, pixels.
    """
    return (instances.boxes[:, 2:] - instances.boxes[:, :2]).max(axis=1)


def _fit_reach(instances, is_star, fwhm):
    """
    How far sources are followed in fits of profiles, pixels.
    """
    return np.where(is_star, FIT_REACH_STARS * fwhm,
                    FIT_REACH * _sides(instances) + 0.5 * fwhm)


def _reach(instances, is_star, brightness, psfs, fwhm):
    """
    How far sources are followed, pixels.
    """
    faint = FAINT_WING / np.maximum(brightness, 1e-3)
    stars = np.max([psf.radius(faint) for psf in psfs], axis=0)
    return np.maximum(np.where(is_star, stars, GALAXY_REACH * _sides(instances) + fwhm),
                      LEAST_REACH)
