# Licensed under a 3-clause BSD style license - see LICENSE
"""
The ``photutils-rcnn segment`` command.
"""

__all__ = ['add_arguments', 'run']

from pathlib import Path

from photutils_rcnn.commands.options import add_model_options, make_segmenter
from photutils_rcnn.commands.outputs import check_outputs, write_outputs


def add_arguments(parser):
    """
    Declare the options of the command.

    Parameters
    ----------
    parser : `argparse.ArgumentParser`
        The parser of the command.
    """
    parser.add_argument('files', nargs='+', type=Path, metavar='FITS',
                        help='one file per band, or one file with all: '
                        'extensions or planes of a cube')
    parser.add_argument('-o', '--output', type=Path, required=True,
                        metavar='DIR', help='folder for the results')
    parser.add_argument('--stem', help='beginning of the names of the results '
                        '(default: the name of the first file without '
                        'endings such as .fits or .fits.gz)')
    parser.add_argument('--hdu', metavar='LIST', help='numbers (0 is the '
                        'primary one) or names of the extensions to read, '
                        'separated by commas')
    parser.add_argument('--bands', metavar='LIST', help='names of the bands, '
                        'separated by commas; known filters are sorted from '
                        'blue to red')
    parser.add_argument('--background', default='auto', metavar='LEVEL',
                        help="'auto' or a number; 0 for data that are "
                        'subtracted already (default: %(default)s)')
    parser.add_argument('--psf-fwhm', default='auto', metavar='LIST',
                        help="FWHM of the PSF in pixels: 'auto', 'none', a "
                        'number, or one for each band in the order of the '
                        'images, separated by commas (default: %(default)s)')
    parser.add_argument('--error', nargs='+', type=Path, metavar='FITS',
                        help='1-sigma errors in the unit of the images and '
                        'in their order, or one for all')
    parser.add_argument('--mask', type=Path, metavar='FITS',
                        help='image that is not zero where pixels are bad, '
                        'or one for each band')
    parser.add_argument('--include-data', action='store_true',
                        help='store the pixels in the ASDF result')
    parser.add_argument('--overwrite', action='store_true',
                        help='replace existing results')
    add_model_options(parser)


def run(args):
    """
    Segment a frame.

    Parameters
    ----------
    args : `argparse.Namespace`
        The parsed options.

    Returns
    -------
    status : int
        0.

    Raises
    ------
    OSError, ValueError
        If a file cannot be read, the images do not fit each other or a
        result exists.
    """
    from photutils_rcnn.inputs import prepare_inputs
    from photutils_rcnn.io.extensions import file_stem
    from photutils_rcnn.io.fits import read_frame

    stem = args.stem or file_stem(args.files[0])
    frame = read_frame(args.files, _split(args.hdu, numbers=True))
    paths = check_outputs(args.output, stem, overwrite=args.overwrite)
    error = mask = None
    if args.error:
        errors = read_frame(args.error, holding='errors')
        error = _with_unit(_one_or_each(errors.data, frame, '--error'),
                           errors.unit or frame.unit)
    if args.mask:
        flags = read_frame([args.mask], holding='flags')
        mask = _one_or_each(flags.data, frame, '--mask') != 0
    segmenter = make_segmenter(
        args, psf_fwhm=_psf_fwhm(args.psf_fwhm),
        background=_background(args.background, frame.unit))
    bands = _split(args.bands) or frame.bands
    cube = prepare_inputs(
        [_with_unit(image, frame.unit) for image in frame.data], error=error,
        mask=mask, wcs=frame.wcs, bands=bands)
    # A large frame is not to be kept twice.
    frame.data.clear()
    del error, mask
    result = segmenter._segment_cube(cube)
    write_outputs(paths, result, include_data=args.include_data)
    if not args.quiet:
        for band, source in zip(bands or result.bands, frame.sources,
                                strict=True):
            print(f'{band}: {source}')
        names = result.instances['class_name']
        print(f'{len(names)} sources: {(names == "star").sum()} stars, '
              f'{(names == "galaxy").sum()} galaxies')
        for path in paths.values():
            print(path)
    return 0


def _with_unit(values, unit):
    return values if unit is None else values << unit


def _one_or_each(planes, frame, option):
    """
    One image for all bands, or one for each.
    """
    import numpy as np

    if len(planes) not in (1, len(frame.data)):
        msg = (f'{option} must hold one image or one for each of the '
               f'{len(frame.data)} bands, got {len(planes)}')
        raise ValueError(msg)
    return planes[0] if len(planes) == 1 else np.stack(planes)


def _background(text, unit):
    if text == 'auto':
        return text
    try:
        level = float(text)
    except ValueError as exc:
        msg = f"--background must be 'auto' or a number, got {text!r}"
        raise ValueError(msg) from exc
    return level if unit is None or level == 0 else level * unit


def _psf_fwhm(text):
    if text in ('auto', 'none'):
        return None if text == 'none' else text
    try:
        widths = [float(item) for item in _split(text)]
    except ValueError as exc:
        msg = ("--psf-fwhm must be 'auto', 'none' or numbers separated by "
               f'commas, got {text!r}')
        raise ValueError(msg) from exc
    return widths[0] if len(widths) == 1 else widths


def _split(text, *, numbers=False):
    if text is None:
        return None
    items = [item.strip() for item in text.split(',') if item.strip()]
    return [int(item) if numbers and item.isdigit() else item
            for item in items]
