# Licensed under a 3-clause BSD style license - see LICENSE
"""
Model: a network with everything needed to apply it.
"""

__all__ = ['DEFAULT_THRESHOLDS', 'Model']

import threading
from copy import copy
from functools import cached_property

import numpy as np
from scipy import special

from photutils_rcnn.models.config import MaskRCNNConfig
from photutils_rcnn.models.keras_backend import require_backend
from photutils_rcnn.models.runtime import choose_runtime
from photutils_rcnn.models.weights import set_weights

# The second stage was trained on the best proposals of each image. Of worse
# ones it can be sure for no reason, mostly where very bright sources fill the
# frame: with an objectness of 0.1 instead of 0.25, a fourth of the detections
# in validation scenes of random instruments had no source, not 3 %. It would
# let 0.4 % more of the sources in those of DECam be found.
DEFAULT_THRESHOLDS = {'objectness': 0.25, 'proposal_nms': 0.7, 'score': 0.5,
                      'nms': 0.6, 'mask': 0.5}
# Of several threads that use a model first, one builds its network.
_building = threading.RLock()
UNCALIBRATED = {'objectness': 0., 'source_scale': 1., 'source_offset': 0.,
                'class_scale': 1., 'class_offset': 0., 'mask_scale': 1.}


class Model:
    """
    A network with everything needed to apply it.

    Parameters
    ----------
    settings : dict
        The content of ``config.json``.
    weights : dict of `~numpy.ndarray`
        The weights by name.
    precision : str, optional
        The precision policy; by default bfloat16 where the processor has
        instructions for it, else float32.
    """

    #: What runs the network, ``'keras'`` or ``'openvino'``; see `with_runtime`.
    runtime = 'keras'
    #: Whether footprints are isophotes, which pixels can be held against.
    isophotal = True
    #: How a model with an inference of its own finds the instances of a
    #: normalized frame, called as ``detect(image, score_threshold=...,
    #: nms_threshold=...)``; by default frames are cut into tiles.
    detect = None
    #: The model card, Markdown; empty for a model that is not from a folder.
    card = ''
    _config_class = MaskRCNNConfig

    def __init__(self, settings, weights, precision=None):
        self.settings = settings
        self.config = self._config_class.from_dict(settings['network'])
        self.thresholds = {**DEFAULT_THRESHOLDS, **settings['thresholds']}
        self.precision = precision
        self._weights = weights

    def __getstate__(self):
        """
        What is copied and pickled: compiled functions cannot be, so that the
        network is built again on first use.
        """
        return {name: value for name, value in self.__dict__.items()
                if name not in ('network', 'detector')}

    def __deepcopy__(self, memo):
        """
        The model itself: photutils copies its finders after each iteration,
        and using a model does not change it.
        """
        return self

    def __repr__(self):
        return f'<Model {self.name!r}, sha256={self.sha256[:12]}>'

    def with_runtime(self, runtime):
        """
        The same model, run by another runtime.

        Parameters
        ----------
        runtime : {'auto', 'keras', 'openvino'}
            See `~photutils_rcnn.models.runtime.choose_runtime`, also for errors.

        Returns
        -------
        model : `Model`
            The model itself, if it has this runtime.
        """
        runtime = choose_runtime(runtime, self)
        if runtime == self.runtime:
            return self
        other = copy(self)
        other.runtime = runtime
        return other

    @property
    def name(self):
        """
        The name of the model.
        """
        return self.settings['name']

    @property
    def sha256(self):
        """
        The checksum of the weights.
        """
        return self.settings['sha256']

    @property
    def stretch(self):
        """
        The name and the parameters of the stretch it was trained with, for
        `~photutils_rcnn.preprocessing.stretches.get_stretch`.
        """
        return {'name': 'arcsinh', 'scale': self.config.stretch_scale}

    @property
    def halo(self):
        """
        The width of the border of a tile that is not trusted, pixels.
        """
        return self.settings['halo']

    @cached_property
    def network(self):
        """
        The network with its weights, built on first use.
        """
        with _building:
            if 'network' not in self.__dict__:
                require_backend()
                from photutils_rcnn.models.compiled import fastest_precision

                self.__dict__['network'] = self.build_network(
                    self.precision or self.settings.get('precision')
                    or fastest_precision())
            return self.__dict__['network']

    def build_network(self, precision):
        """
        A new network with the weights.

        Parameters
        ----------
        precision : str
            The precision policy.

        Returns
        -------
        network : `~photutils_rcnn.models.mask_rcnn.MaskRCNN`
            The network.

        Raises
        ------
        ImportError
            If Keras or its backend is not installed.
        ValueError
            If the weights do not fit.
        """
        require_backend()
        network = self._make_network(precision)
        try:
            set_weights(network, self._weights)
        except ValueError as exc:
            msg = f'model {self.name!r}: {exc}'
            raise ValueError(msg) from exc
        return network

    def _make_network(self, precision):
        from photutils_rcnn.models.mask_rcnn import MaskRCNN

        return MaskRCNN(self.config, precision=precision)

    @cached_property
    def detector(self):
        """
        The stages of inference.
        """
        with _building:
            if 'detector' not in self.__dict__:
                self.__dict__['detector'] = self._make_detector()
            return self.__dict__['detector']

    def _make_detector(self):
        from photutils_rcnn.models.detector import Detector

        if self.runtime == 'openvino':
            from photutils_rcnn.models.openvino_stages import OpenVINOStages

            return Detector(self.config, OpenVINOStages(self))
        require_backend()
        from photutils_rcnn.models.stages import KerasStages

        return Detector(self.config, KerasStages(self.network))

    def source_probabilities(self, logits, objectness):
        """
        The calibrated probability of RoIs to be sources.

        Both stages have an opinion whether there is a source. The log odds
        of the first, weighted, are added to those of the second; then
        follows Platt scaling (Guo et al. 2017, arXiv:1706.04599, section
        4.1), fitted on scenes that were not trained on.

        Parameters
        ----------
        logits : (R, n_classes) `~numpy.ndarray`
            Class logits, background first.
        objectness : (R,) `~numpy.ndarray`
            The probability that the proposal network gave each RoI.

        Returns
        -------
        probabilities : (R,) `~numpy.ndarray`
            The probabilities.
        """
        fit = self._calibration
        logits = np.asarray(logits, dtype=float)
        odds = special.logsumexp(logits[:, 1:], axis=1) - logits[:, 0]
        odds += fit['objectness'] * special.logit(
            np.clip(objectness, 1e-6, 1 - 1e-6))
        return special.expit(fit['source_scale'] * odds
                             + fit['source_offset'])

    def class_probabilities(self, logits):
        """
        The calibrated probabilities of the classes of sources.

        Parameters
        ----------
        logits : (R, n_classes - 1) `~numpy.ndarray`
            Class logits without background.

        Returns
        -------
        probabilities : (R, n_classes - 1) `~numpy.ndarray`
            Their softmax after vector scaling with one scale (Guo et al.
            2017, section 4.2); rows sum to one.
        """
        fit = self._calibration
        return special.softmax(fit['class_scale'] * np.asarray(
            logits, dtype=float) + fit['class_offset'], axis=1)

    @property
    def mask_scale(self):
        """
        The factor of the logits of pixels of masks that makes their probabilities
        frequencies (temperature scaling, Guo et al. 2017, section 4.2). 0.5, where
        footprints end, stays 0.5.
        """
        return self._calibration['mask_scale']

    @property
    def star_log_odds(self):
        """
        The fraction of stars that `class_probabilities` presume, as the coefficients
        of `~photutils_rcnn.detection.class_prior.star_log_odds`; `None` if it is
        not known or the classes are not star and galaxy.
        """
        if tuple(self.config.class_names) != ('star', 'galaxy'):
            return None
        return self._calibration.get('star_log_odds')

    @property
    def typical_star_log_odds(self):
        """
        The fraction of stars in a typical frame, as `star_log_odds`; that which
        probabilities presume, unless the model tells both.
        """
        return self._calibration.get('typical_star_log_odds', self.star_log_odds)

    def attribute_calibration(self, name):
        """
        The calibration of an attribute.

        Parameters
        ----------
        name : str
            The attribute.

        Returns
        -------
        calibration : dict
            See `~photutils_rcnn.detection.attributes.attribute_columns`; empty if it is
            not calibrated.
        """
        return self._calibration.get('attributes', {}).get(name, {})

    @property
    def _calibration(self):
        return {**UNCALIBRATED, **self.settings.get('calibration', {})}
