# Licensed under a 3-clause BSD style license - see LICENSE
"""
Deblender for the Blending ToolKit.
"""

__all__ = ['RCNNDeblender']

import galsim
import numpy as np
from astropy.table import Table

from photutils_rcnn.io.optional import import_optional
from photutils_rcnn.segmenter import RCNNSegmenter

Deblender = import_optional('btk.deblend').Deblender
DeblendExample = import_optional('btk.blend_batch').DeblendExample
mean_sky_level = import_optional('surveycodex.utilities').mean_sky_level


class RCNNDeblender(Deblender):
    """
    Deblend the blends of the Blending ToolKit (BTK).

    It is called with a ``btk.blend_batch.BlendBatch``, as ``deblender(batch, njobs=1)``, and
    a ``btk.deblend.DeblendGenerator`` takes it. The answer is a
    ``btk.blend_batch.DeblendBatch``: ``catalog_list`` has the positions of the models,
    ``ra`` and ``dec`` in arcseconds from the middle and ``x_peak`` and ``y_peak`` in pixels,
    ``label``, ``score``, ``class_name``, and ``flux_<band>`` and ``flux_err_<band>`` in
    electrons; ``segmentation`` the footprints, which may overlap; ``deblended_images`` the
    fitted models, without noise, in electrons and in the order of the bands of the batch.
    Sources all of whose pixels belong to others are left out.

    Parameters
    ----------
    max_n_sources : int
        The largest number of sources in a blend.
    segmenter : `~photutils_rcnn.RCNNSegmenter`, optional
        The segmenter. By default one with the shipped model and ``background=0``, since BTK
        subtracts the sky, and ``star_fraction=1e-6``, since it draws galaxies alone.

    Raises
    ------
    ModuleNotFoundError
        At the import of the module, if BTK is not installed.
    TypeError
        If ``segmenter`` is none.
    """

    def __init__(self, max_n_sources, segmenter=None):
        super().__init__(max_n_sources)
        if segmenter is None:
            segmenter = RCNNSegmenter(background=0, star_fraction=1e-6)
        elif not hasattr(segmenter, 'segment'):
            msg = f'segmenter must be an RCNNSegmenter, got {segmenter!r}'
            raise TypeError(msg)
        self.segmenter = segmenter

    def deblend(self, ii, blend_batch):
        """
        Deblend one blend of a batch.

        The PSF is that of the batch, and the errors are those of its photon noise.

        Parameters
        ----------
        ii : int
            The index of the blend.
        blend_batch : ``btk.blend_batch.BlendBatch``
            The batch.

        Returns
        -------
        example : ``btk.blend_batch.DeblendExample``
            The sources.

        Raises
        ------
        TypeError
            If the PSF of the batch is not made of GalSim profiles. Batches that were loaded
            from files have images of it, on pixels of an unknown scale.
        ValueError
            If there are more sources than ``max_n_sources``.

        Warns
        -----
        `~photutils.utils.exceptions.NoDetectionsWarning`
            If no sources were found.
        """
        survey = blend_batch.survey
        bands = tuple(survey.available_filters)
        image = blend_batch.blend_images[ii]
        sky = np.array([mean_sky_level(survey, survey.get_filter(band)).to_value('electron')
                        for band in bands])
        result = self.segmenter.segment(
            image, error=np.sqrt(sky[:, None, None] + np.maximum(image, 0)), bands=bands,
            psf=dict(zip(bands, _psf_images(blend_batch), strict=True)))
        rows = np.flatnonzero(result.label_of_source)
        if len(rows) > self.max_n_sources:
            msg = (f'max_n_sources must be at least the number of sources, {len(rows)} in '
                   f'blend {ii}, got {self.max_n_sources}')
            raise ValueError(msg)
        side = blend_batch.image_size
        footprints = np.zeros((self.max_n_sources, side, side), dtype=bool)
        images = np.zeros((self.max_n_sources, len(bands), side, side))
        for k, i in enumerate(rows):
            footprints[k][result.footprints.slices(i)] = result.footprints.masks[i]
            for b, band in enumerate(bands):
                images[k, b] = result.model_image(band, int(result.label_of_source[i]))
        return DeblendExample(self.max_n_sources, _catalog(result, rows, blend_batch.wcs),
                              len(bands), side, footprints, images)


def _psf_images(blend_batch):
    """
    The PSF of each band on the pixels of the batch, the peak in the middle.
    """
    scale = blend_batch.survey.pixel_scale.to_value('arcsec')
    side = blend_batch.image_size // 2 * 2 + 1
    images = []
    for psf in blend_batch.psf:
        if not isinstance(psf, galsim.GSObject):
            msg = ('the PSF of a batch must be made of GalSim profiles, got '
                   f'{type(psf).__name__}')
            raise TypeError(msg)
        images.append(psf.drawImage(nx=side, ny=side, scale=scale).array)
    return images


def _catalog(result, rows, wcs):
    """
    The catalog of rows of a result, with the columns that BTK wants.
    """
    deblended = result.deblended[rows]
    ra, dec = wcs.pixel_to_world_values(deblended['x'], deblended['y'])
    catalog = Table()
    # as in the true catalog, in which the middle is the origin
    catalog['ra'] = ((np.asarray(ra) + 180) % 360 - 180) * 3600
    catalog['dec'] = np.asarray(dec) * 3600
    catalog['x_peak'], catalog['y_peak'] = deblended['x'], deblended['y']
    for name in ('label', 'score', 'class_name'):
        catalog[name] = result.table[name][rows]
    for name in deblended.colnames:
        if name.startswith('flux_') and not name.startswith('flux_fraction'):
            catalog[name] = deblended[name]
    return catalog
