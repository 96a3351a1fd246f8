# Licensed under a 3-clause BSD style license - see LICENSE
"""
The stages of inference of Astro R-CNN in Keras.
"""

__all__ = ['AstroRCNNStages']

from keras import ops

from photutils_rcnn.astro_rcnn.layers import take_class
from photutils_rcnn.astro_rcnn.pooling import sample_at
from photutils_rcnn.models.roi_align import flatten_pyramid
from photutils_rcnn.models.stages import KerasStages


class AstroRCNNStages(KerasStages):
    """
    What `~photutils_rcnn.astro_rcnn.detector.AstroRCNNDetector` runs.

    Its ``rows`` (R, 2 + 2 S) are those of the levels, the classes and the rows and
    columns of the samples of RoIs.

    Parameters
    ----------
    network : `~photutils_rcnn.astro_rcnn.network.AstroRCNN`
        The network.
    """

    def dense(self, image, _):
        """
        The features of all levels, the objectness and the deltas of the anchors.
        """
        outputs = self.network(image, training=False)
        features, _ = flatten_pyramid(outputs['pyramid'])
        return (features, ops.sigmoid(outputs['objectness'][0]),
                outputs['deltas'][0])

    def classify(self, features, shape, rows):
        """
        The class logits and the deltas of RoIs.
        """
        pooled = self._pool(features, shape, rows, self.config.box_pool)
        return self.network.box_head(pooled, training=False)

    def mask(self, features, shape, rows):
        """
        The masks of the classes of RoIs.
        """
        pooled = self._pool(features, shape, rows, self.config.mask_pool)
        logits = self.network.mask_head(pooled, training=False)
        classes = ops.cast(rows[:, 1], 'int32')
        return (ops.sigmoid(take_class(logits, classes, axis=-1)),)

    def _pool(self, features, shape, rows, size):
        levels = ops.cast(rows[:, 0], 'int32')
        return sample_at(features, self.level_shapes(shape),
                         rows[:, 2:2 + size], rows[:, 2 + size:],
                         ops.zeros_like(levels), levels)
