# Licensed under a 3-clause BSD style license - see LICENSE
"""
Color pictures (JPEG, PNG) as images in three bands.
"""

__all__ = ['read_picture']

from numbers import Real

import numpy as np
from PIL import Image, UnidentifiedImageError

WHITE = 255
COLOR_MODES = ('RGB', 'RGBA', 'P')


def read_picture(path, *, stretch=None):
    r"""
    Read a color composite as a cube of three bands, blue to red.

    Composites of surveys are mostly made with the arcsinh stretch of Lupton et al.
    (2004, PASP 116, 133): with the mean :math:`I` of the bands, each of them is
    multiplied by :math:`\mathrm{arcsinh}(Q I) / (Q I)`. If :math:`Q` is known, or
    guessed, the bands are in proportion to the light again.

    Parameters
    ----------
    path : str or path-like
        The picture, with 8 bits per color: JPEG, PNG or what else Pillow reads.
    stretch : float, optional
        The softening :math:`Q` of the arcsinh stretch to undo, for a white of 1;
        often 8. By default the values stay stretched.

    Returns
    -------
    data : (3, ny, nx) float32 `~numpy.ndarray`
        The blue, the green and the red band. Stretched values are between 0 (black)
        and 1 (white); undone, they are in proportion to the light and white is
        :math:`\sinh(Q) / Q`. Rows are those of the file, so that the first
        is at the top of the picture.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    TypeError
        If ``stretch`` is no number.
    ValueError
        If the file is no picture or damaged, has not three colors of 8 bits or
        transparent pixels, or ``stretch`` is not above 0.

    Notes
    -----
    A picture does not tell all that the bands did, and nothing brings it back:

    * the unit, zero points and the factors by which the bands were weighted;
    * pixels where a color is black or white are limits, and so is the sky if half of
      its noise was cut off;
    * steps of 1/255 are coarse for bright pixels: 3 percent of the light with
      :math:`Q = 8`;
    * JPEG smooths noise and color over blocks of 8 or 16 pixels, so that noise that is
      estimated from the picture is not that of the bands;
    * some surveys make the sky gray on purpose.
    """
    if stretch is not None:
        if not isinstance(stretch, Real) or isinstance(stretch, bool):
            msg = f'stretch must be a number or None, got {stretch!r}'
            raise TypeError(msg)
        if not 0 < stretch < np.inf:
            msg = f'stretch must be a finite number above 0, got {stretch!r}'
            raise ValueError(msg)
    colors = _read_colors(path) / np.float32(WHITE)
    bands = np.ascontiguousarray(np.moveaxis(colors, -1, 0)[::-1])
    return bands if stretch is None else _undo_arcsinh(bands, float(stretch))


def _read_colors(path):
    """
    The red, green and blue of a picture, (ny, nx, 3) of uint8.
    """
    try:
        with Image.open(path) as picture:
            if picture.mode not in COLOR_MODES:
                msg = (f'path must be a picture of three colors of 8 bits, got {path} '
                       f'of mode {picture.mode!r}')
                raise ValueError(msg)
            pixels = np.asarray(picture.convert('RGBA'))
    except UnidentifiedImageError as error:
        msg = f'path must be a picture, got {path}, which is none that Pillow reads'
        raise ValueError(msg) from error
    except FileNotFoundError:
        raise
    except OSError as error:
        msg = f'path must be a whole picture, got {path}: {error}'
        raise ValueError(msg) from error
    if (pixels[..., 3] < WHITE).any():
        msg = f'path must be a picture without transparent pixels, got {path}'
        raise ValueError(msg)
    return pixels[..., :3]


def _undo_arcsinh(bands, softening):
    """
    The bands in proportion to the light.
    """
    mean = softening * bands.mean(axis=0)
    # sinh(x) / x near 0 is 1
    factor = np.divide(np.sinh(mean), mean, out=np.ones_like(mean), where=mean > 0)
    return bands * factor
