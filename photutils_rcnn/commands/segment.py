# Licensed under a 3-clause BSD style license - see LICENSE
"""
The ``photutils-rcnn segment`` command.
"""

__all__ = ['add_arguments', 'run']

from pathlib import Path

from photutils_rcnn.commands.options import add_model_options, make_segmenter
from photutils_rcnn.commands.outputs import check_outputs, write_outputs

# What `read_frame` calls them.
HOLDING = {'error': 'errors', 'variance': 'variance', 'ivar': 'ivar'}
UNCERTAINTIES = {
    'error': "1-sigma errors ('none' to ignore those beside the images)",
    'variance': 'variances', 'ivar': 'inverse variances'}


def add_arguments(parser):
    """
    Declare the options of the command.
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
    parser.add_argument('--psf', nargs='+', type=Path, metavar='FITS',
                        help='images of the PSF in the order of the images, or one for '
                        'all; or grids of them that photutils reads')
    errors = parser.add_mutually_exclusive_group()
    for kind, words in UNCERTAINTIES.items():
        errors.add_argument(f'--{kind}', nargs='+', type=Path, metavar='FITS',
                            help=f'{words} in the order of the images, or one '
                            'for all')
    parser.add_argument('--mask', type=Path, metavar='FITS',
                        help='image that is not zero where pixels are bad, '
                        "or one for each band; 'none' to ignore one beside "
                        'the images')
    parser.add_argument('--mask-bits', metavar='LIST',
                        help='the bits that mean bad pixels, names or powers '
                        'of two separated by commas; with ~ in front all but '
                        'these (default: all that do not merely inform)')
    parser.add_argument('--gain', metavar='LIST', help='electrons per unit of '
                        'the images, one number or one for each, separated '
                        "by commas; 'none' to ignore that of the headers")
    parser.add_argument('--include-data', action='store_true',
                        help='store the pixels in the ASDF result')
    parser.add_argument('--overwrite', action='store_true',
                        help='replace existing results')
    add_model_options(parser)


def run(args):
    """
    Segment a frame.

    Raises
    ------
    OSError, ValueError
        If a file cannot be read, the images do not fit each other or a
        result exists.
    """
    from photutils_rcnn.io.extensions import file_stem
    from photutils_rcnn.io.fits import read_frame
    from photutils_rcnn.io.frames import frame_arguments
    from photutils_rcnn.io.psf_files import read_psfs
    from photutils_rcnn.preprocessing.inputs import prepare_inputs

    stem = args.stem or file_stem(args.files[0])
    kind = next((name for name in UNCERTAINTIES if getattr(args, name)), None)
    frame = read_frame(
        args.files, _split(args.hdu, numbers=True), errors=kind is None,
        masks=args.mask is None, mask_bits=args.mask_bits)
    paths = check_outputs(args.output, stem, overwrite=args.overwrite)
    given, notes = frame_arguments(frame), list(frame.notes)
    if kind and getattr(args, kind) != [Path('none')]:
        errors = read_frame(
            getattr(args, kind), holding=HOLDING[kind], data_unit=frame.unit)
        _check_no_science(errors, frame, f'--{kind}')
        given['error'] = _with_unit(
            _one_or_each(errors.data, frame, f'--{kind}'),
            errors.unit or frame.unit)
        notes.extend(f'errors: {note}' for note in errors.notes)
    if args.mask and args.mask != Path('none'):
        flags = read_frame([args.mask], holding='flags',
                           mask_bits=args.mask_bits)
        _check_no_science(flags, frame, '--mask')
        given['mask'] = _one_or_each(flags.masks, frame, '--mask')
        notes.extend(f'mask: {note}' for note in flags.notes)
    if args.gain:
        given['gain'] = _numbers(args.gain, '--gain', ('none',))
    psf = read_psfs(args.psf) if args.psf else None
    if psf is not None and len(psf) == 1:
        psf = psf[0]
    segmenter = make_segmenter(
        args, psf_fwhm=_numbers(
            args.psf_fwhm, '--psf-fwhm', ('auto', 'none')),
        background=_background(args.background, frame.unit))
    bands = _split(args.bands) or frame.bands
    cube = prepare_inputs(given.pop('data'), **{**given, 'bands': bands})
    # A large frame is not to be kept twice.
    frame.data.clear()
    del given
    result = segmenter._segment_cube(cube, psf=psf)
    write_outputs(paths, result, include_data=args.include_data)
    if not args.quiet:
        for band, source in zip(bands or result.bands, frame.sources,
                                strict=True):
            print(f'{band}: {source}')
        for note in notes:
            print(note)
        print(f"errors: {result.meta['error']}")
        print(f"PSF: {result.meta['psf']}, FWHM {result.meta['psf_fwhm']} pixels")
        names = result.table['class_name']
        print(f'{len(names)} sources: {(names == "star").sum()} stars, '
              f'{(names == "galaxy").sum()} galaxies')
        for path in paths.values():
            print(path)
    return 0


def _with_unit(values, unit):
    return values if unit is None else values << unit


def _check_no_science(other, frame, option):
    both = sorted(set(other.sources) & set(frame.sources))
    if both:
        msg = f'{option} must not be the image itself, got {both[0]}'
        raise ValueError(msg)


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


def _numbers(text, option, words):
    """
    One number, or one for each band, from an option that may be a word.
    """
    if text in words:
        return None if text == 'none' else text
    try:
        values = [float(item) for item in _split(text)]
    except ValueError as exc:
        names = ', '.join(repr(word) for word in words)
        msg = (f'{option} must be {names} or numbers separated by commas, got '
               f'{text!r}')
        raise ValueError(msg) from exc
    return values[0] if len(values) == 1 else values


def _split(text, *, numbers=False):
    if text is None:
        return None
    items = [item.strip() for item in text.split(',') if item.strip()]
    return [int(item) if numbers and item.isdigit() else item
            for item in items]
