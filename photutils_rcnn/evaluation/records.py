# Licensed under a 3-clause BSD style license - see LICENSE
"""
Records of one scene and one method after matching.
"""

__all__ = ['SceneRecord', 'TruthRecord', 'record_scene']

from dataclasses import dataclass

import numpy as np

from photutils_rcnn.evaluation.average_precision import ImageOverlaps
from photutils_rcnn.evaluation.blends import (
    close_pairs,
    nearest_separation,
    shredded_truth,
    unrecognized_blends,
)
from photutils_rcnn.evaluation.matching import Matches, match_positions
from photutils_rcnn.evaluation.overlaps import box_overlaps, mask_overlaps


@dataclass(frozen=True)
class TruthRecord:
    """
    The truth of a scene as the statistics need it.

    Parameters
    ----------
    class_ids, magnitudes, snr, separations, ignore : (M,) `~numpy.ndarray`
        One element per true source; the separation is the distance to the
        nearest counted neighbor in units of the FWHM.
    pairs : (P, 2) `~numpy.ndarray` of int
        The counted pairs closer than the limit of the evaluation.
    fwhm : float
        The FWHM of the PSF in the reference band (pixels).
    radius : (M,) `~numpy.ndarray` of float
        The radius within which a position matches (pixels).
    reference_band : int
        The band of the magnitudes.
    """

    class_ids: np.ndarray
    magnitudes: np.ndarray
    snr: np.ndarray
    separations: np.ndarray
    ignore: np.ndarray
    pairs: np.ndarray
    fwhm: float
    radius: np.ndarray
    reference_band: int

    @classmethod
    def from_scene(cls, scene, *, max_separation=2.0, radius=None):
        """
        Collect the truth of a scene.

        Parameters
        ----------
        scene : `~photutils_rcnn.simulation.scene.Scene`
            The scene.
        max_separation : float, optional
            Pairs closer than this are close (FWHM). Default is 2.
        radius : float, optional
            The radius of a position match (pixels). Default is the largest
            of the FWHM, the half-light radius of the source and a quarter of
            the radius of a circle with the area of its footprint: the
            centers of saturated stars and large galaxies are not sharp.

        Returns
        -------
        record : `TruthRecord`
            The truth.

        Raises
        ------
        ValueError
            If the FWHM of the PSF is not known.
        """
        truth = scene.truth
        x, y = np.asarray(truth['x']), np.asarray(truth['y'])
        ignore = np.asarray(truth['ignore'], dtype=bool)
        band = list(scene.bands).index(truth.meta['reference_band'])
        fwhm = float(scene.psf_fwhm[band])
        if not 0 < fwhm < np.inf:
            msg = ('psf_fwhm of a scene to evaluate must be positive, '
                   f'separations are in units of it, got {fwhm}')
            raise ValueError(msg)
        if radius is None:
            radius = np.fmax.reduce([
                np.full(len(truth), fwhm),
                np.asarray(truth['half_light_radius'], dtype=float),
                np.sqrt(scene.footprints.areas / np.pi) / 4])
        return cls(np.asarray(truth['class_id'], dtype=int),
                   np.asarray(truth['mag'], dtype=float),
                   np.asarray(truth['snr'], dtype=float),
                   nearest_separation(x, y, ignore=ignore) / fwhm, ignore,
                   close_pairs(x, y, max_separation * fwhm, ignore=ignore),
                   fwhm, np.broadcast_to(radius, x.shape), band)


@dataclass(frozen=True)
class SceneRecord:
    """
    The results of one method on one scene.

    Parameters
    ----------
    truth : `TruthRecord`
        The truth, shared by the methods.
    scores, class_ids : (N,) `~numpy.ndarray`
        The score and the class of each detection.
    class_probabilities : (N, n_classes) `~numpy.ndarray`
        The probability of each class, given that it is a source; NaN where there is none.
    above : (N,) `~numpy.ndarray` of bool
        The detections at or above the score threshold.
    magnitudes, snr, separations : (N,) `~numpy.ndarray` of float
        Measured on the pixels of each footprint, an infinite magnitude
        where the flux is not positive; and the distance to the nearest
        other detection above the threshold in FWHM.
    matches : `~photutils_rcnn.evaluation.matching.Matches`
        The matches by position, greedy in score, of all detections.
    mask, box : `ImageOverlaps`
        The overlaps with the truth.
    claims : (M,) `~numpy.ndarray` of int
        The detections above the threshold that claim each truth.
    n_covered : (N_above,) `~numpy.ndarray` of int
        The true sources each detection above the threshold covers.
    hidden : (M,) `~numpy.ndarray` of bool
        The missed truth hidden in the detection of another source.
    """

    truth: TruthRecord
    scores: np.ndarray
    class_ids: np.ndarray
    class_probabilities: np.ndarray
    above: np.ndarray
    magnitudes: np.ndarray
    snr: np.ndarray
    separations: np.ndarray
    matches: Matches
    mask: ImageOverlaps
    box: ImageOverlaps
    claims: np.ndarray
    n_covered: np.ndarray
    hidden: np.ndarray

    def found(self, threshold=None):
        """
        The truth found by the detections at or above a score (M,).

        The default threshold is that of the evaluation.

        Parameters
        ----------
        threshold : float, optional
            The smallest score that counts.

        Returns
        -------
        found : (M,) bool `~numpy.ndarray`
            Whether each true source is found; `False` for ignored truth.
        """
        above = self.above if threshold is None else self.scores >= threshold
        detection = self.matches.detection_of_truth
        found = detection >= 0
        found[found] = above[detection[found]]
        return found

    @property
    def counted(self):
        """
        The detections above the threshold that are right or wrong (N,).
        """
        return self.above & ~self.matches.ignored


def record_scene(scene, truth, detections, *, score_threshold=None,
                 ranking='class'):
    """
    Match the detections of one method and keep what the statistics need.

    Parameters
    ----------
    scene : `~photutils_rcnn.simulation.scene.Scene`
        The scene.
    truth : `TruthRecord`
        Its truth.
    detections : `~photutils_rcnn.evaluation.detections.Detections`
        The detections.
    score_threshold : float, optional
        The threshold of all statistics that need one. Default is none.
    ranking : {'class', 'source'}, optional
        What ranks the detections in the average precision: the probability
        of being a source of the class (default) or of being a source.

    Returns
    -------
    record : `SceneRecord`
        The results.
    """
    if detections.footprints.shape != scene.footprints.shape:
        msg = (f'detections must lie on a frame of shape '
               f'{scene.footprints.shape}, got '
               f'{detections.footprints.shape}')
        raise ValueError(msg)
    above = np.ones(len(detections), dtype=bool)
    if score_threshold is not None:
        above = detections.scores >= score_threshold
    overlaps = mask_overlaps(detections.footprints, scene.footprints,
                             ignore=truth.ignore)
    boxes = box_overlaps(detections.boxes, scene.footprints.boxes,
                         on_ignored=overlaps.on_ignored)
    scores = (detections.class_scores if ranking == 'class'
              else detections.scores)
    shared = {'scores': scores, 'cut_scores': detections.scores,
              'class_ids': detections.class_ids,
              'truth_class_ids': truth.class_ids,
              'box_areas': _box_areas(detections.boxes),
              'truth_box_areas': _box_areas(scene.footprints.boxes),
              'mask_areas': detections.footprints.areas,
              'truth_mask_areas': scene.footprints.areas,
              'ignore': truth.ignore}
    matches = match_positions(
        detections.x, detections.y, scene.truth['x'], scene.truth['y'],
        truth.radius, scores=detections.scores, ignore=truth.ignore,
        on_ignored=overlaps.on_ignored)
    magnitudes, snr = _measure(scene, detections.footprints,
                               truth.reference_band)
    separations = np.full(len(detections), np.nan)
    chosen = detections[above]
    separations[above] = nearest_separation(chosen.x, chosen.y) / truth.fwhm
    kept = _restrict(matches, above)
    n_covered, hidden = unrecognized_blends(
        chosen.footprints, scene.truth['x'], scene.truth['y'], kept,
        ignore=truth.ignore)
    return SceneRecord(
        truth, detections.scores, detections.class_ids,
        detections.class_probabilities, above, magnitudes, snr, separations,
        matches, ImageOverlaps(overlaps, **shared),
        ImageOverlaps(boxes, **shared),
        shredded_truth(chosen.footprints, scene.footprints, kept,
                       ignore=truth.ignore), n_covered, hidden)


def _box_areas(boxes):
    return (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)


def _restrict(matches, use):
    """
    The matches of a score-limited selection of the detections.
    """
    new_index = np.append(np.where(use, np.cumsum(use) - 1, -1), -1)
    return Matches(matches.truth_of_detection[use],
                   new_index[matches.detection_of_truth],
                   matches.ignored[use])


def _measure(scene, footprints, reference_band):
    """
    The isophotal magnitude and the S/N over all bands of each footprint.

    The noise is that of the sky alone. Where the flux is not positive, the
    magnitude is infinite: fainter than all others. An empty footprint has a
    S/N of 0.
    """
    good = np.isfinite(scene.data)
    if scene.mask is not None:
        good &= ~scene.mask
    data = np.where(good, scene.data, 0.0)
    noise = np.asarray(scene.noise, dtype=float)
    magnitudes = np.full(len(footprints), np.inf)
    snr = np.zeros(len(footprints))
    for i, mask in enumerate(footprints.masks):
        flux = data[:, *footprints.slices(i)][:, mask].sum(axis=1)
        area = np.count_nonzero(mask)
        if flux[reference_band] > 0:
            magnitudes[i] = (scene.zero_points[reference_band]
                             - 2.5 * np.log10(flux[reference_band]))
        if area:
            snr[i] = np.sqrt((np.clip(flux / noise, 0, None)**2).sum() / area)
    return magnitudes, snr
