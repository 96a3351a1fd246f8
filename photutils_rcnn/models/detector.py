# Licensed under a 3-clause BSD style license - see LICENSE
"""
Detector: the stages of inference, from arrays to arrays.
"""

__all__ = ['Detector']

import numpy as np

from photutils_rcnn.models.anchors import anchor_cells, make_anchors
from photutils_rcnn.models.attribute_config import ATTRIBUTE

# RoIs are padded to one of these counts where each is compiled anew; longer lists
# are cut into pieces of the last.
BUCKETS = (16, 64, 256, 1024)


class Detector:
    """
    Runs a network on tiles, stage by stage.

    Parameters
    ----------
    config : `~photutils_rcnn.models.config.MaskRCNNConfig`
        The network.
    stages : `~photutils_rcnn.models.stages.KerasStages` or \
            `~photutils_rcnn.models.openvino_stages.OpenVINOStages`
        What runs it.
    """

    def __init__(self, config, stages):
        self.config = config
        self._stages = stages

    @property
    def stride(self):
        """
        The sides of tiles are multiples of this, pixels.
        """
        return self.config.strides[-1]

    def cells(self, shape):
        """
        The pixel (y, x) in the middle of the cell of each anchor.

        Parameters
        ----------
        shape : (2,) tuple of int
            The shape (ny, nx) of the tile.

        Returns
        -------
        cells : (A, 2) int32 `~numpy.ndarray`
            The pixels, in the order of the anchors.
        """
        return anchor_cells(self.config, shape)

    def dense(self, image):
        """
        Trunk, pyramid and proposal network.

        Parameters
        ----------
        image : (ny, nx, n_bands) `~numpy.ndarray` of float32
            A normalized tile.

        Returns
        -------
        features : tensor
            The features, for the other stages.
        objectness : (A,) `~numpy.ndarray`
            The probability of each anchor to hold a source.
        boxes : (A, 4) `~numpy.ndarray`
            The boxes of the anchors.
        """
        shape = image.shape[:2]
        features, objectness, boxes = self._stages.run(
            'dense', shape, image[None], make_anchors(self.config, shape))
        return (features, self._stages.to_numpy(objectness),
                self._stages.to_numpy(boxes))

    def classify(self, features, boxes, shape, psf_fwhm=None):
        """
        Classify RoIs and refine their boxes.

        Parameters
        ----------
        features : tensor
            From `dense`.
        boxes : (R, 4) `~numpy.ndarray` of float32
            The RoIs.
        shape : (2,) tuple of int
            The shape of the tile.
        psf_fwhm : float, (n_bands,) or (R, n_bands) array_like, optional
            The FWHM of the PSF in pixels; `None` if it is not known.

        Returns
        -------
        logits : (R, n_classes) `~numpy.ndarray`
            Class logits, background first.
        boxes : (R, 4) `~numpy.ndarray`
            The refined boxes.
        """
        return self._in_buckets(
            'classify', (features, np.int32(shape)),
            (boxes, self._log_fwhm(psf_fwhm, len(boxes))), shape)

    def classify_profiles(self, image, boxes, logits, psf_fwhm=None,
                          psf=None):
        """
        The classes of sources.

        Parameters
        ----------
        image : (ny, nx, n_bands) `~numpy.ndarray` of float32
            The tile that was given to `dense`.
        boxes : (R, 4) `~numpy.ndarray` of float32
            Refined boxes.
        logits : (R, n_classes) `~numpy.ndarray`
            Their class logits from `classify`.
        psf_fwhm : float, (n_bands,) or (R, n_bands) array_like, optional
            The FWHM of the PSF in pixels; `None` if it is not known.
        psf : (S, S, n_bands) or (R, S, S, n_bands) `~numpy.ndarray`, optional
            The PSF on the grid of the profile head, see
            `~photutils_rcnn.models.profile_head.profile_head_inputs`; `None` if
            it is not known.

        Returns
        -------
        logits : (R, n_classes - 1) `~numpy.ndarray`
            Class logits without background; of a network without a profile head
            those given.
        """
        config = self.config
        if not config.profile_size:
            return logits[:, 1:]
        n = len(boxes)
        psf = np.broadcast_to(0. if psf is None else psf, (
            n, config.profile_size, config.profile_size, config.n_bands))
        profiles = self.sample_profiles(image[None], boxes, np.zeros(n), psf_fwhm)
        return self._in_buckets(
            'profile', (),
            (profiles, boxes, logits, self._log_fwhm(psf_fwhm, n), psf),
            image.shape[:2])[0]

    def sample_profiles(self, images, boxes, image_index, psf_fwhm=None):
        """
        Sample images around sources.

        Parameters
        ----------
        images : (B, ny, nx, n_bands) `~numpy.ndarray` of float32
            Normalized images.
        boxes : (R, 4) `~numpy.ndarray` of float32
            The boxes of sources.
        image_index : (R,) `~numpy.ndarray` of int
            The image of each box.
        psf_fwhm : float, (n_bands,) or (R, n_bands) array_like, optional
            The FWHM of the PSF in pixels; `None` if it is not known.

        Returns
        -------
        profiles : (R, S, S, n_bands) `~numpy.ndarray`
            See `~photutils_rcnn.models.profile_head.sample_profiles`.
        """
        return self._in_buckets(
            'sample', (images,),
            (boxes, image_index[:, None], self._log_fwhm(psf_fwhm, len(boxes))),
            images.shape[1:3])[0]

    def predict_masks(self, features, boxes, shape):
        """
        The masks of RoIs.

        Parameters are the first three of `classify`.

        Returns
        -------
        masks : (R, S, S) `~numpy.ndarray`
            Probabilities.
        mask_boxes : (R, 4) `~numpy.ndarray`
            The boxes that the masks cover.
        """
        return self._in_buckets('mask', (features, np.int32(shape)),
                                (boxes,), shape)

    def pool_sources(self, features, boxes, shape):
        """
        The features of sources that attribute heads see.

        Parameters are the first three of `classify`.

        Returns
        -------
        pooled : (R, P, P, C) `~numpy.ndarray`
            The pooled features.
        """
        return self._in_buckets('pool', (features, np.int32(shape)), (boxes,), shape)[0]

    def predict_attribute(self, name, pooled, stamps, numbers):
        """
        The outputs of an attribute head.

        Parameters
        ----------
        name : str
            The attribute.
        pooled : (R, P, P, C) `~numpy.ndarray` or `None`
            From `pool_sources`; `None` for a head without features of the trunk.
        stamps : (R, S, S, n_bands) `~numpy.ndarray`
            See `~photutils_rcnn.detection.attribute_stamps.source_stamps`.
        numbers : (R, 3) `~numpy.ndarray`
            See `~photutils_rcnn.detection.attribute_stamps.source_numbers`.

        Returns
        -------
        outputs : (R, K) `~numpy.ndarray`
            The logits of the classes, or the value and the logarithm of its variance.
        """
        rows = (stamps, numbers) if pooled is None else (stamps, numbers, pooled)
        return self._in_buckets(ATTRIBUTE + name, (), rows, (0, 0))[0]

    def _log_fwhm(self, psf_fwhm, n_rois):
        """
        What the network is told of the PSF: (R, n_bands), 0 if not known.
        """
        if psf_fwhm is None:
            return np.zeros((n_rois, self.config.n_bands), dtype=np.float32)
        log_fwhm = np.log(psf_fwhm)
        known = np.where(log_fwhm == 0, 1e-4, log_fwhm)  # 1 pixel is known
        return np.broadcast_to(known, (n_rois, self.config.n_bands))

    def _in_buckets(self, name, known, rows, shape):
        """
        Run a stage on rows, padded to a bucket where shapes are not free.
        """
        rows = [np.asarray(values, dtype=np.float32) for values in rows]
        buckets = BUCKETS if self._stages.n_rows is None else (self._stages.n_rows,)
        is_free = self._stages.n_rows is None and self._stages.has_free_shapes
        results = []
        for start in range(0, max(len(rows[0]), 1), buckets[-1]):
            parts = [values[start:start + buckets[-1]] for values in rows]
            n = len(parts[0])
            size = max(n, 1) if is_free else next(b for b in buckets if b >= n)
            if n < size:
                parts = [np.pad(part, [(0, size - n)] + [(0, 0)] * (part.ndim - 1))
                         for part in parts]
            results.append([self._stages.to_numpy(value)[:n] for value in
                            self._stages.run(name, tuple(shape), *known, *parts)])
        return tuple(np.concatenate(values)
                     for values in zip(*results, strict=True))
