# Licensed under a 3-clause BSD style license - see LICENSE
"""
PSF of a result: given, or built from the stars of the frame.
"""

__all__ = ['ResultPSF']

from functools import partial

import numpy as np

from photutils_rcnn.preprocessing.psf import find_psf_stars, find_varying_psf_stars
from photutils_rcnn.sources.crowding import is_crowded
from photutils_rcnn.sources.photometry import band_pixels


class ResultPSF:
    """
    Mixin of `~photutils_rcnn.RCNNResult`: the PSF of its frame.
    """

    @property
    def psf(self):
        """
        The PSF of each band, a dictionary of models of photutils.

        They are those that were given, with unit flux (``meta['psf']``), else
        effective PSFs, `~photutils.psf.ImagePSF`, built from the stars of the frame
        when first asked for, of unit flux and ready for
        `~photutils.psf.PSFPhotometry`; of a band with too few stars a
        `~photutils.psf.MoffatPSF`, with a warning. See
        `~photutils_rcnn.sources.psf_models.build_psf`. Where the FWHM varies over the
        frame (``meta['psf_slopes']``) and stars are many, they are
        `~photutils.psf.GriddedPSFModel`, see
        `~photutils_rcnn.sources.psf_models.build_varying_psf`. Where sources cover much of the
        frame, the models of `deblended` are subtracted around the stars. Sources chosen from a
        result have the PSF of all of it, since those left out are still in the pixels.
        A frame that shows no PSF is a `ValueError`, as is a measured one in a result
        read from a file without its pixels.
        """
        # photutils' PSF models take a while to import.
        from photutils_rcnn.sources.psf_models import build_psf, build_varying_psf

        whole = self if self._whole is None else self._whole
        if whole._given_psf is not None:
            return whole._given_psf
        if whole._psf is None:
            if whole.meta.get('psf') == 'given':
                msg = 'the PSF was given, and the file does not hold it'
                raise ValueError(msg)
            frame = whole._frame('psf')
            fwhm, stars = whole._psf_stars(frame)
            slopes = whole.meta.get('psf_slopes', (0, 0))[::-1]
            build = (partial(build_varying_psf, slopes=slopes) if any(slopes)
                     else build_psf)
            around = whole._light_around if is_crowded(whole.labels) else None
            psf = {}
            for i, band in enumerate(whole.bands):
                psf[band] = build(band_pixels(frame, i), whole.labels, stars,
                                  float(fwhm[i]), band, stacklevel=3,
                                  neighbors=partial(around, i) if around else None)
            whole._psf = psf
        return whole._psf

    def _psf_fwhm(self, frame):
        """
        The FWHM of the PSF in each band.
        """
        fwhm = self.meta.get('psf_fwhm')
        return self._psf_stars(frame)[0] if fwhm is None else fwhm

    def _psf_stars(self, frame):
        """
        The FWHM of the PSF in each band, and the peaks of stars.
        """
        if any(self.meta.get('psf_slopes', ())):
            fwhm, peaks, _ = find_varying_psf_stars(frame.snr, self.cube.invalid)
        else:
            fwhm, peaks = find_psf_stars(frame.snr, self.cube.invalid)
        if self.meta.get('psf_fwhm') is not None:
            fwhm = self.meta['psf_fwhm']
        if fwhm is None:
            msg = ('the frame has no bright source that tells its PSF: give the '
                   'segmenter psf_fwhm (--psf-fwhm)')
            raise ValueError(msg)
        names = self.instances.class_names
        if 'star' in names:
            # compact galaxies are among the peaks
            is_other = self.instances.class_ids != names.index('star') + 1
            others = self.label_of_source[is_other & (self.label_of_source > 0)]
            peaks = peaks[~np.isin(self.labels[*peaks.T], others)]
        return fwhm, peaks
