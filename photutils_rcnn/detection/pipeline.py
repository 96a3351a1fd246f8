# Licensed under a 3-clause BSD style license - see LICENSE
"""
Detection pipeline: normalization, network, and what the pixels say to its answer.
"""

__all__ = ['Detection', 'FrameEstimates', 'FramePSF', 'detect', 'model_stretch']

import warnings
from dataclasses import dataclass, replace

import numpy as np
from astropy.utils.exceptions import AstropyUserWarning

from photutils_rcnn._wording import count
from photutils_rcnn.detection.artifacts import drop_artifacts, find_artifacts
from photutils_rcnn.detection.attributes import measure_attributes
from photutils_rcnn.detection.bright_stars import confirm_stars
from photutils_rcnn.detection.class_prior import StarPrior, apply_star_prior
from photutils_rcnn.detection.duplicates import merge_duplicates
from photutils_rcnn.detection.inference import run_inference
from photutils_rcnn.detection.magnification import crowded_window, infer_magnified
from photutils_rcnn.detection.nms import suppress_footprints
from photutils_rcnn.detection.pixel_check import HIDING_SCALE, check_pixels
from photutils_rcnn.preprocessing.binned_map import BinnedMap
from photutils_rcnn.preprocessing.frame import Frame
from photutils_rcnn.preprocessing.normalization import (
    NormalizedCube,
    normalize_cube,
    to_model_fwhm,
)
from photutils_rcnn.preprocessing.psf import (
    find_psf_stars,
    find_varying_psf_stars,
    given_fwhm,
)
from photutils_rcnn.preprocessing.sky_residuals import follow_sky, sky_offset
from photutils_rcnn.preprocessing.stretches import get_stretch
from photutils_rcnn.sources.artifacts import Artifacts
from photutils_rcnn.sources.instances import Instances

MAX_REFINEMENTS = 2  # of the background, under a sky with structure
# Of two footprints, as intersection over union. Of 26 pairs above it in 120 simulated
# scenes one was two sources.
LARGEST_OVERLAP = 0.7


@dataclass(frozen=True)
class FramePSF:
    """
    What is known of the PSF of a frame.

    Parameters
    ----------
    fwhm : (n_bands,) `~numpy.ndarray` or `None`
        The FWHM in the middle of the frame in pixels; `None` if it is not known.
    stars : (M, 2) `~numpy.ndarray` of int or `None`
        The pixels (y, x) of the peaks of stars, the brightest first.
    slopes : (2,) `~numpy.ndarray` or tuple of float
        How much the logarithm of the FWHM rises from edge to edge in y and x, where it
        was measured.
    profile : (S, S, n_model_bands) `~numpy.ndarray`, optional
        The image of the PSF (`~photutils_rcnn.detection.psf_profile.measure_psf_profile`)
        and
    wings : (n_bands,) `~numpy.ndarray`, optional
        the wings of stars (`~photutils_rcnn.detection.bright_stars.usual_wings`), where they
        were measured on a frame of which this is a part. By default the stars show both.
    """

    fwhm: np.ndarray | None = None
    stars: np.ndarray | None = None
    slopes: np.ndarray | tuple = (0., 0.)
    profile: np.ndarray | None = None
    wings: np.ndarray | None = None


@dataclass(frozen=True)
class FrameEstimates:
    """
    What is known of a part of a frame from all of it.

    Parameters
    ----------
    background : `~photutils_rcnn.preprocessing.binned_map.BinnedMap` or `None`
        The background of the part; `None` if it is given.
    noise : (n_bands,) `~numpy.ndarray`
        The level of the noise, see `~photutils_rcnn.preprocessing.noise.scaled_noise`.
    psf : `FramePSF`
        The PSF.
    """

    background: BinnedMap | None
    noise: np.ndarray
    psf: FramePSF


@dataclass(frozen=True)
class Detection:
    """
    What was found on a frame, and the sky it was measured against.

    Parameters
    ----------
    instances : `~photutils_rcnn.sources.instances.Instances`
        The sources.
    frame : `~photutils_rcnn.preprocessing.frame.Frame`
        The frame with the background to subtract and the noise of the empty sky.
    seen : `~photutils_rcnn.preprocessing.normalization.NormalizedCube`
        The frame as the network saw it.
    unrefined : `~photutils_rcnn.preprocessing.normalization.NormalizedCube`
        The same before a sky with structure was followed, which takes light of large
        sources.
    psf : `FramePSF`
        The PSF.
    star_prior : `~photutils_rcnn.detection.class_prior.StarPrior`
        The fraction of stars that the class probabilities presume.
    artifacts : `~photutils_rcnn.sources.artifacts.Artifacts`, optional
        The artifacts, if they were to be found.
    """

    instances: Instances
    frame: Frame
    seen: NormalizedCube
    unrefined: NormalizedCube
    psf: FramePSF
    star_prior: StarPrior
    artifacts: Artifacts | None = None


def detect(model, cube, background, *, psf=None, psf_fwhm='auto',
           star_fraction='auto', artifacts=False, keep_features=False, estimates=None,
           stacklevel=2, **options):
    """
    Find the sources of a frame.

    The network sees a sky that is flattened further where what is left of it
    hides sources or passes for some. The background that catalogs are measured
    against follows only if it was to be estimated.

    Parameters
    ----------
    model : `~photutils_rcnn.models.model.Model`
        The model.
    cube : `~photutils_rcnn.preprocessing.inputs.ImageCube`
        The frame.
    background : 'auto', float, array_like or `~astropy.units.Quantity`
        See `~photutils_rcnn.preprocessing.normalization.normalize_cube`.
    psf : `~photutils_rcnn.preprocessing.given_psf.GivenPSF`, optional
        The PSF of the frame, if it is given; then ``psf_fwhm`` has no effect.
    psf_fwhm : 'auto', float, sequence of float or `None`, optional
        The FWHM of the PSF in pixels, see `~photutils_rcnn.preprocessing.psf.check_fwhm`.
    star_fraction : 'auto', float or `None`, optional
        The fraction of stars, see
        `~photutils_rcnn.detection.class_prior.apply_star_prior`; without effect where
        the model does not tell that of its training.
    artifacts : bool, optional
        Whether to find artifacts, drop detections that are some, and flag sources that
        touch them. The default is `False`.
    keep_features : bool, optional
        Whether the instances keep the features of the trunk, for the training of
        attribute heads. The default is `False`.
    estimates : `FrameEstimates`, optional
        Background, noise and PSF of a frame of which this is a part. By default they are
        estimated.
    stacklevel : int, optional
        Whose warnings these are: 2 is the caller.
    **options
        Those of `~photutils_rcnn.detection.inference.run_inference`.

    Returns
    -------
    detection : `Detection`
        The sources that the pixels show, each once; of models whose footprints are
        no isophotes, all.

    Warns
    -----
    AstropyUserWarning
        If the sky is not near zero after subtraction of ``background``, or has
        structure on the scale of sources.
    """
    known, level = {}, background
    if estimates is not None:
        known = {'noise': estimates.noise}
        level = background if estimates.background is None else estimates.background
    normalized = _normalize(model, cube, level, **known)

    def infer(seen):
        return _infer(model, cube, seen, psf, psf_fwhm, estimates, options)

    if not model.isophotal:
        instances, found, _ = infer(normalized)
        instances, artifacts = _without_artifacts(instances, normalized, found, artifacts)
        return Detection(instances, normalized.frame, normalized, normalized, found,
                         StarPrior('training'), artifacts)
    is_estimated = isinstance(background, str)
    seen = normalized
    offset = None if is_estimated else sky_offset(normalized.frame)
    if offset is not None:
        levels = ', '.join(f'{level:.2g}' for level in offset)
        _warn(f'The sky is at {levels} of its noise after subtraction of the '
              'given background, not near zero; for detection, but not in the '
              'catalogs, it was estimated.', stacklevel)
        seen = _normalize(model, cube, 'auto', is_first=False)
    unrefined = seen
    instances, found, check, is_crowded = _check(seen.frame, *infer(seen))
    first, scale = check, None
    for _ in range(MAX_REFINEMENTS):
        # The light of the stars that hide each other is not sky.
        if not check.misled or (is_crowded and check.scale < HIDING_SCALE):
            break
        sky, scale, noise_scale = check.smooth_sky()
        followed = follow_sky(seen.frame, sky)
        seen = _normalize(model, cube, followed, noise_scale, is_first=False)
        instances, found, check, is_crowded = _check(seen.frame, *infer(seen))
        if is_estimated:
            normalized = seen if max(noise_scale) == 1 else _normalize(
                model, cube, followed, is_first=False)
    _warn_of_structure(first, check, scale, is_estimated, stacklevel)
    snr = seen.frame.snr
    kept = instances if check.keep.all() else instances[check.keep]
    kept = merge_duplicates(kept, snr, cube.invalid, found.fwhm)
    # before the fraction of stars in the frame, as what the network says
    kept = confirm_stars(kept, snr, cube.invalid, found.fwhm, found.stars, found.wings)
    distinct = suppress_footprints(kept.footprints(), kept.scores, LARGEST_OVERLAP)
    kept = kept if distinct.all() else kept[distinct]
    kept, artifacts = _without_artifacts(kept, normalized, found, artifacts)
    if len(kept) < len(instances):
        kept.flag_overlaps()
    prior = StarPrior('training')
    if model.star_log_odds is not None:
        kept, prior = apply_star_prior(kept, star_fraction, model.star_log_odds,
                                       model.typical_star_log_odds)
    if model.config.attributes:
        kept.attributes = measure_attributes(model, kept, unrefined, found.fwhm,
                                             stacklevel + 1)
        if not keep_features:
            kept.features = None
    return Detection(kept, normalized.frame, seen, unrefined, found, prior, artifacts)


def _normalize(model, cube, background, noise_scale=1., *, is_first=True, noise=None):
    return normalize_cube(
        cube, background=background, noise_scale=noise_scale, noise=noise,
        stretch=model_stretch(model), n_bands=model.settings['network']['n_bands'],
        check_error=is_first)


def model_stretch(model):
    """
    The stretch of a model.

    Parameters
    ----------
    model : `~photutils_rcnn.models.model.Model`
        The model.

    Returns
    -------
    stretch : callable
        The stretch.
    """
    params = dict(model.stretch)
    return get_stretch(params.pop('name'), **params)


def _infer(model, cube, normalized, psf, psf_fwhm, estimates, options):
    """
    The instances, the PSF, and whether stars crowd in most of the frame.
    """
    n_bands = model.settings['network']['n_bands']
    snr, told = normalized.frame.snr, {}
    if estimates is not None:
        found = estimates.psf
        told = {'psf_slopes': found.slopes, 'psf_profile': found.profile}
    elif psf is not None:
        # bright sources are compared with the stars of the frame in any case
        _, stars = find_psf_stars(snr, cube.invalid)
        found = FramePSF(psf.fwhm, stars)
    elif psf_fwhm is None:
        found = FramePSF()
    elif isinstance(psf_fwhm, str):
        found = FramePSF(*find_varying_psf_stars(snr, cube.invalid))
        told = {'psf_slopes': found.slopes}
    else:
        _, stars = find_psf_stars(snr, cube.invalid)
        found = FramePSF(given_fwhm(psf_fwhm, cube), stars)
    if psf is not None and psf.models is not None:
        told = {'psf': psf}
    fwhm = found.fwhm
    instances = run_inference(
        model, normalized.image, normalized.invalid,
        psf_fwhm=None if fwhm is None else to_model_fwhm(fwhm, n_bands),
        psf_stars=found.stars, **told, **options)
    window = crowded_window(instances, fwhm) if model.isophotal else None
    if window is None:
        return instances, found, False
    if found.profile is not None:  # which is not that of magnified stars
        found = replace(found, stars=find_psf_stars(snr, cube.invalid)[1])
    instances = infer_magnified(
        model, normalized, instances, window, found, model_stretch(model),
        given=told.get('psf'), **options)
    area = np.prod([axis.stop - axis.start for axis in window])
    return instances, found, bool(area > 0.5 * normalized.invalid.size)


def _without_artifacts(instances, normalized, psf, is_wanted):
    """
    The instances that are none, and the artifacts, if they are to be found.
    """
    if not is_wanted:
        return instances, None
    frame = normalized.frame
    artifacts = find_artifacts(frame, psf.fwhm, psf.slopes)
    return drop_artifacts(instances, artifacts, frame.snr, frame.cube.invalid), artifacts


def _check(frame, instances, psf, is_crowded):
    """
    What the network found, with the check against the pixels.
    """
    check = check_pixels(
        instances.footprints(), frame.snr, frame.cube.invalid, psf.fwhm)
    instances.snr = check.snr.astype(np.float32)
    return instances, psf, check, is_crowded


def _warn_of_structure(first, last, scale, is_estimated, stacklevel):
    """
    Warn of a sky with structure, and of what became of it.
    """
    if scale is not None:
        outcome = (
            f'the background was followed on a scale of {scale} pixels, '
            'extended sources may have lost light' if is_estimated else
            'for detection, but not in the catalogs, it was followed on a '
            f'scale of {scale} pixels')
        _warn('The sky has structure on the scale of sources, of '
              f'{first.rms:.2g} times the noise on {first.scale} pixels, '
              f'which hides sources or passes for some: {outcome}.',
              stacklevel + 1)
    if last.made_detections:
        _warn(f'Dropped {count(np.count_nonzero(~last.keep), "detection")} not standing out from '
              'the structure of the sky.', stacklevel + 1)


def _warn(message, stacklevel):
    warnings.warn(message, AstropyUserWarning, stacklevel=stacklevel + 1)
