# Licensed under a 3-clause BSD style license - see LICENSE
"""
Models of Astro R-CNN, of a folder or of a weight file.
"""

__all__ = ['THRESHOLDS', 'AstroRCNNModel']

from pathlib import Path

import attrs
import numpy as np

from photutils_rcnn.astro_rcnn.config import AstroRCNNConfig
from photutils_rcnn.astro_rcnn.stretches import ZScoreInt16Stretch
from photutils_rcnn.astro_rcnn.weights import read_weights
from photutils_rcnn.models.model import Model

THRESHOLDS = {'objectness': 0., 'pre_nms': 6000, 'proposals': 1000,
              'proposal_nms': 0.7, 'score': 0.5, 'nms': 0.3,
              'nms_across_classes': True, 'detections': 300, 'mask': 0.5}
"""Those of Burke et al. (2019) and of the code of their weights."""

STRETCH = {'name': ZScoreInt16Stretch.name, 'factor': 1e4, 'offset': 200.}


class AstroRCNNModel(Model):
    """
    A network of Astro R-CNN with everything needed to apply it.

    Its scores are not calibrated, and frames are one piece.

    Parameters
    ----------
    settings, weights, precision
        See `~photutils_rcnn.models.model.Model`. With ``stretch``, the
        settings name one that is not that of this package's networks;
        ``resize_to`` is the side of the square to which frames are resized,
        or `None`.
    """

    isophotal = False
    _config_class = AstroRCNNConfig

    @property
    def stretch(self):
        """
        The name and the parameters of the stretch it was trained with.
        """
        return self.settings.get('stretch', super().stretch)

    def _make_network(self, precision):
        from photutils_rcnn.astro_rcnn.network import AstroRCNN

        return AstroRCNN(self.config, precision=precision)

    def _make_detector(self):
        from photutils_rcnn.astro_rcnn.detector import AstroRCNNDetector
        from photutils_rcnn.astro_rcnn.stages import AstroRCNNStages

        return AstroRCNNDetector(self.config, AstroRCNNStages(self.network))

    def detect(self, image, **thresholds):
        """
        Find the sources of a normalized frame; see
        `~photutils_rcnn.astro_rcnn.inference.detect`.
        """
        from photutils_rcnn.astro_rcnn.inference import detect

        return detect(self, image, **thresholds)

    @classmethod
    def read(cls, path, *, name=None, class_names=None, precision=None,
             resize_to=None):
        """
        A model of a weight file.

        The first band of the model is the bluest: the kernel of ``conv1``,
        which the file orders red to blue, is reversed.

        Parameters
        ----------
        path : path-like
            The file, ``.h5``; see
            `~photutils_rcnn.astro_rcnn.weights.read_weights`.
        name : str, optional
            The name of the model; by default that of the file.
        class_names : sequence of str, optional
            The classes without background.
        precision : str, optional
            The precision policy; float32 by default.
        resize_to : int, optional
            Shrink or enlarge every frame to fit a square of this side, as the
            original does to 512 pixels; a multiple of 64. By default frames
            keep their scale, which is what the weights were trained on.

        Returns
        -------
        model : `AstroRCNNModel`
            The model.

        Raises
        ------
        ValueError
            If the file does not fit, or ``resize_to`` is no multiple of 64.
        """
        path = Path(path)
        weights = read_weights(path, class_names=class_names)
        stride = weights.config.strides[-1]
        if resize_to is not None and (resize_to < stride
                                      or resize_to % stride):
            msg = (f'resize_to must be a positive multiple of {stride}, got '
                   f'{resize_to}')
            raise ValueError(msg)
        name = name or path.stem
        settings = {
            'name': name,
            'description': f'Mask R-CNN imported from {path.name}',
            'protocol': 'astro_rcnn', 'precision': 'float32',
            'stretch': STRETCH, 'thresholds': THRESHOLDS, 'halo': 0,
            'resize_to': resize_to,
            'training': {'imported_from': path.name,
                         'imported_sha256': weights.sha256,
                         'published_as': weights.published_name},
            'network': attrs.evolve(weights.config, name=name).to_dict(),
            'sha256': weights.sha256}
        kernel = weights.tensors['conv1/kernel'][:, :, ::-1]
        return cls(settings, {**weights.tensors, 'conv1/kernel':
                              np.ascontiguousarray(kernel)}, precision)
