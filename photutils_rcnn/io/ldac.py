# Licensed under a 3-clause BSD style license - see LICENSE
"""
FITS_LDAC, the format of SExtractor's catalogs that SCAMP and PSFEx read.
"""

__all__ = ['write_ldac']

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.nddata import extract_array
from astropy.table import QTable

from photutils_rcnn._files import atomic_path
from photutils_rcnn.io.fits import wcs_header
from photutils_rcnn.sources.instances import RCNN_FLAGS
from photutils_rcnn.sources.photometry import band_pixels, detection_pixels

# PSFEx takes numbers to be of the types that SExtractor writes; others are float32.
DOUBLES = ('XWIN_IMAGE', 'YWIN_IMAGE', 'ALPHA_J2000', 'DELTA_J2000')
INTEGERS = ('NUMBER', 'XMIN_IMAGE', 'XMAX_IMAGE', 'YMIN_IMAGE', 'YMAX_IMAGE',
            'ISOAREA_IMAGE')
# SExtractor's bits for our conditions; 16 is one of its own, used where a flux is NaN.
FLAGS = {'masked_pixels': 1, 'overlaps_neighbor': 2, 'edge_touch': 8}
NO_FLUX = 16
CUTOUT_SIDE = 45
BAD_PIXEL = -1e30
BLOCK = 2880  # of FITS, bytes
# The radius of the aperture where the PSF is not known, pixels.
USUAL_RADIUS = 5.


def write_ldac(path, result, *, band=None, overwrite=False):
    r"""
    Write the catalog of a result with SExtractor's names to a FITS_LDAC file.

    ``LDAC_IMHEAD`` holds a header with the shape, the WCS, the band (``FILTER``),
    the noise (``SEXBKDEV``) and the gain (``SEXGAIN``) of the frame, ``LDAC_OBJECTS``
    a row for each label:

    * pixel positions that begin at 1, ``XWIN_IMAGE`` and ``YWIN_IMAGE`` among them,
      and with a WCS ``ALPHA_J2000`` and ``DELTA_J2000``, ICRS in degrees;
    * ``ERRAWIN_IMAGE``, ``ERRBWIN_IMAGE``: the errors of a position,
      :math:`\sqrt{2} a / \mathrm{SNR}`, with the axes :math:`a` of the source and
      the signal-to-noise ratio of its Kron flux. This is the error of a fit to a
      Gaussian source on noise of the sky;
    * ``FLUX_ISO`` of the segment, ``FLUX_AUTO`` in the Kron aperture, ``FLUX_APER`` in
      a circle of radius twice the FWHM of the PSF, 5 pixels if that is not known, with
      their errors, ``FLUX_RADIUS`` and shapes;
    * ``CLASS_STAR``, which is ``prob_star``, where there is a class of stars;
    * ``FLAGS``: 1 for masked pixels, 2 for overlapping sources, 8 for the edge of the
      frame, 16 for a flux that is not a number;
    * ``VIGNET``: 45 x 45 pixels around the source without the background, -1e30 where
      they are masked or off the frame.

    Parameters
    ----------
    path : str or path-like
        The file.
    result : `~photutils_rcnn.RCNNResult`
        A result that has its pixels and a source.
    band : str, optional
        The name of the band to measure. By default the mean of all, as in the
        ``catalog`` of the result.
    overwrite : bool, optional
        Whether to replace an existing file. The default is `False`.

    Raises
    ------
    KeyError
        If there is no such band.
    OSError
        If the file exists and ``overwrite`` is `False`.
    ValueError
        If the result has no pixels, or no source.
    """
    frame = result._frame('an .ldac file')
    catalog = result.catalog if band is None else result.band_catalog(band)
    if catalog is None:
        msg = 'an .ldac file needs at least one source, got none'
        raise ValueError(msg)
    pixels = (detection_pixels(frame) if band is None
              else band_pixels(frame, result.bands.index(band)))
    with (atomic_path(path, overwrite=overwrite) as temporary,
          np.errstate(all='warn', under='ignore')):
        objects = _typed(_columns(catalog, result, band))
        objects['VIGNET'] = _cutouts(pixels, catalog)
        fits.HDUList([
            fits.PrimaryHDU(), _header_table(_header(result, band, pixels)),
            fits.BinTableHDU(objects, name='LDAC_OBJECTS')]).writeto(temporary)


def _columns(catalog, result, band):
    """
    The columns with SExtractor's names.
    """
    fwhm = result.meta.get('psf_fwhm')
    if fwhm is not None:
        fwhm = np.mean(fwhm) if band is None else fwhm[result.bands.index(band)]
    radius = USUAL_RADIUS if fwhm is None else 2 * fwhm
    aperture = catalog.circular_photometry(radius)
    snr = _plain(catalog.kron_flux / catalog.kron_flux_err)
    semimajor, semiminor = (catalog.semimajor_axis, catalog.semiminor_axis)
    precision = np.sqrt(2) / np.maximum(snr, 1)
    table = QTable()
    table['NUMBER'] = catalog.labels
    for axis in 'xy':
        for name, position in ((f'{axis}_IMAGE', f'{axis}_centroid'),
                               (f'{axis}WIN_IMAGE', f'{axis}_centroid_win'),
                               (f'{axis}MIN_IMAGE', f'bbox_{axis}min'),
                               (f'{axis}MAX_IMAGE', f'bbox_{axis}max')):
            table[name.upper()] = (getattr(catalog, position) + 1) * u.pix
    table['ERRAWIN_IMAGE'], table['ERRBWIN_IMAGE'] = (
        semimajor * precision, semiminor * precision)
    table['ERRTHETAWIN_IMAGE'] = table['THETA_IMAGE'] = catalog.orientation
    table['A_IMAGE'], table['B_IMAGE'] = semimajor, semiminor
    table['ELONGATION'], table['ELLIPTICITY'] = (
        _plain(catalog.elongation), _plain(catalog.ellipticity))
    table['ISOAREA_IMAGE'] = catalog.area
    table['FWHM_IMAGE'] = catalog.fwhm
    table['FLUX_RADIUS'] = catalog.flux_radius(0.5)
    table['FLUX_ISO'], table['FLUXERR_ISO'] = catalog.segment_flux, catalog.segment_flux_err
    table['FLUX_AUTO'], table['FLUXERR_AUTO'] = catalog.kron_flux, catalog.kron_flux_err
    table['FLUX_APER'], table['FLUXERR_APER'] = aperture
    table['FLUX_MAX'] = catalog.max_value
    table['SNR_WIN'] = snr
    if 'prob_star' in catalog.custom_properties:
        table['CLASS_STAR'] = catalog.prob_star
    table['FLAGS'] = _flags(catalog)
    if result.wcs is not None:
        table['ALPHA_J2000'] = catalog.sky_centroid_icrs.ra
        table['DELTA_J2000'] = catalog.sky_centroid_icrs.dec
    return table


def _typed(table):
    """
    The columns as SExtractor's types.
    """
    for name in table.colnames:
        kind = ('f8' if name in DOUBLES else 'i4' if name in INTEGERS
                else 'i2' if name == 'FLAGS' else 'f4')
        table[name] = table[name].astype(kind)
    return table


def _plain(values):
    return u.Quantity(values).value


def _flags(catalog):
    """
    The flags of the sources as bits of SExtractor.
    """
    flags = np.zeros(len(catalog.labels), dtype=int)
    for name, bit in FLAGS.items():
        flags[(catalog.detection_flags & RCNN_FLAGS[name]) > 0] |= bit
    fluxes = np.stack([_plain(catalog.kron_flux), _plain(catalog.kron_flux_err)])
    flags[~np.isfinite(fluxes).all(axis=0)] |= NO_FLUX
    return flags


def _cutouts(pixels, catalog):
    """
    The pixels around each source.
    """
    data = np.where(pixels.mask, BAD_PIXEL, pixels.data).astype(np.float32)
    positions = zip(catalog.y_centroid, catalog.x_centroid, strict=True)
    return np.stack([extract_array(data, (CUTOUT_SIDE,) * 2, np.rint(position),
                                   mode='partial', fill_value=BAD_PIXEL)
                     for position in positions])


def _header_table(header):
    """
    A header as a table of one row.
    """
    cards = header.tostring(padding=False).encode('ascii')
    n_bytes = len(cards)
    layout = fits.BinTableHDU(np.zeros(1, [('Field Header Card', f'S{n_bytes}')]),
                              name='LDAC_IMHEAD').header
    layout['TDIM1'] = f'(80, {n_bytes // 80})'
    # As columns of strings the cards would lose the blanks at their end, without which
    # END is not found.
    padding = bytes(-n_bytes % BLOCK)
    return fits.BinTableHDU.fromstring(layout.tostring().encode('ascii') + cards + padding)


def _header(result, band, pixels):
    """
    The header of the image as it is in the catalogs of SExtractor.
    """
    ny, nx = result.labels.shape
    header = fits.Header([('SIMPLE', True), ('BITPIX', -32), ('NAXIS', 2),
                          ('NAXIS1', nx), ('NAXIS2', ny)])
    header.extend(wcs_header(result.wcs))
    header['FILTER'] = band or ''.join(result.bands)
    header['SEXBKDEV'] = float(np.median(pixels.error[~pixels.mask]))
    gain = result.cube.gain
    if band is not None and gain is not None:
        header['SEXGAIN'] = float(np.median(gain[result.bands.index(band)]))
    else:
        header['SEXGAIN'] = 0.  # infinite: SExtractor's word for unknown
    return header
