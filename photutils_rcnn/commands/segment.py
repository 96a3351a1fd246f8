# Licensed under a 3-clause BSD style license - see LICENSE
"""
The ``photutils-rcnn segment`` command.
"""

__all__ = ['add_arguments', 'run']

import sys
from pathlib import Path

from photutils_rcnn.commands.frame_options import (
    FrameOptions,
    add_frame_options,
    number_list,
)
from photutils_rcnn.commands.options import add_model_options, make_segmenter
from photutils_rcnn.commands.outputs import (
    check_outputs,
    further_outputs,
    write_outputs,
)
from photutils_rcnn.commands.reports import failure_line, json_line, text_lines


def add_arguments(parser):
    """
    Declare the options of the command.
    """
    parser.add_argument('files', nargs='+', type=Path, metavar='FITS',
                        help='one file per band, or one file with all: '
                        'extensions or planes of a cube')
    parser.add_argument('-o', '--output', type=Path, required=True,
                        metavar='DIR', help='folder for the results')
    parser.add_argument('--each', action='store_true',
                        help='each file is a frame of its own; one that fails is '
                        'reported, and the others are segmented')
    parser.add_argument('--stem', help='beginning of the names of the results '
                        '(default: the name of the first file without '
                        'endings such as .fits or .fits.gz)')
    add_frame_options(parser)
    parser.add_argument('--psf-fwhm', default='auto', metavar='LIST',
                        help="FWHM of the PSF in pixels: 'auto', 'none', a "
                        'number, or one for each band in the order of the '
                        'images, separated by commas (default: %(default)s)')
    parser.add_argument('--psf', nargs='+', type=Path, metavar='FITS',
                        help='images of the PSF in the order of the images, or one for '
                        'all; or grids of them that photutils reads')
    parser.add_argument('--include-data', action='store_true',
                        help='store the pixels in the ASDF result')
    parser.add_argument('--table', metavar='LIST',
                        help='write the catalog in these formats too, separated by '
                        'commas: fits, vot, csv, parquet, ldac (SExtractor), reg '
                        '(DS9), crtf (CASA)')
    parser.add_argument('--coco', action='store_true',
                        help='write the footprints in the format of COCO too')
    parser.add_argument('--masks', action='store_true',
                        help='write the footprints as FITS images too, one extension '
                        'for each source')
    parser.add_argument('--deblend', action='store_true',
                        help='fit the light of overlapping sources: total fluxes in the '
                        'catalog, and FITS images of the models and the residual')
    parser.add_argument('--artifacts', action='store_true',
                        help='find cosmic rays, saturated pixels and trails of '
                        'satellites, drop detections that they made, and write their masks '
                        'as a FITS image, one extension for each band')
    parser.add_argument('--overwrite', action='store_true',
                        help='replace existing results')
    parser.add_argument('--json', action='store_true',
                        help='print a line of JSON for each frame and nothing else')
    add_model_options(parser)


def run(args):
    """
    Segment a frame or, with ``--each``, several.

    Returns
    -------
    status : int
        1 if a frame of ``--each`` failed, else 0.

    Raises
    ------
    OSError, ValueError
        If an option does not fit or, without ``--each``, a file cannot be read, the
        images do not fit each other or a result exists.
    """
    frames = _frames(args)
    further = further_outputs(args.table, coco=args.coco, masks=args.masks,
                              deblend=args.deblend, artifacts=args.artifacts)
    options = FrameOptions.from_args(args)
    if args.each:
        each = [options.of_frame(i, len(frames)) for i in range(len(frames))]
    else:
        each = [options]
    fwhm = number_list(args.psf_fwhm, '--psf-fwhm', ('auto', 'none'))
    segmenter = make_segmenter(args, psf_fwhm=None if fwhm == 'none' else fwhm)
    psf = _read_psf(args.psf)
    n_failed = 0
    for (stem, files), of_frame in zip(frames.items(), each, strict=True):
        if args.each and not args.quiet:
            print(f'{files[0]}:', file=sys.stderr)
        try:
            said = _segment(args, segmenter, files, stem, of_frame, psf, further)
        # whatever is wrong with one frame, the others are to be segmented
        except Exception as exc:
            if not args.each:
                raise
            n_failed += 1
            print(f'photutils-rcnn segment: {files[0]}: error: {exc}', file=sys.stderr)
            said = failure_line(files, exc) if args.json else ''
        if said:
            print(said, flush=True)
    return 1 if n_failed else 0


def _frames(args):
    """
    The files of each frame, by the stem of its results.
    """
    from photutils_rcnn.io.extensions import file_stem

    if not args.each:
        return {args.stem or file_stem(args.files[0]): args.files}
    if args.stem:
        msg = f'--stem must not be given with --each, got {args.stem!r}'
        raise ValueError(msg)
    frames = {}
    for path in args.files:
        stem = file_stem(path)
        if stem in frames:
            msg = ('with --each the names of the files must differ, got '
                   f'{frames[stem][0]} and {path}')
            raise ValueError(msg)
        frames[stem] = [path]
    return frames


def _read_psf(paths):
    """
    The PSF of the frames, one for all bands or one for each; `None` if none was given.
    """
    if not paths:
        return None
    from photutils_rcnn.io.psf_files import read_psfs

    psf = read_psfs(paths)
    return psf[0] if len(psf) == 1 else psf


def _segment(args, segmenter, files, stem, options, psf, further):
    """
    Segment a frame and write its results; what is to be said of it.
    """
    cube, background, sources, notes = options.read(files)
    paths = check_outputs(args.output, stem, overwrite=args.overwrite, further=further)
    result = segmenter._segment_cube(cube, background, psf, args.artifacts)
    written = write_outputs(paths, result, include_data=args.include_data)
    if args.json:
        return json_line(files, result, sources, notes, written)
    return '' if args.quiet else text_lines(result, sources, notes, written)
