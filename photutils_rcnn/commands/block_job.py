# Licensed under a 3-clause BSD style license - see LICENSE
"""
``segment --blocks``: a frame that is larger than memory.
"""

__all__ = ['add_block_options', 'check_block_options', 'run_blocks']

import json
from argparse import BooleanOptionalAction
from contextlib import ExitStack
from pathlib import Path

from photutils_rcnn.commands.frame_job import read_psf
from photutils_rcnn.commands.frame_options import HOLDING, FrameOptions

# What needs all of the frame at once.
WHOLE_FRAME = ('each', 'list', 'workers', 'scheduler', 'include_data', 'coco', 'masks')


def add_block_options(parser):
    """
    Declare the options.

    Parameters
    ----------
    parser : `argparse.ArgumentParser`
        The parser of the command.
    """
    parser.add_argument('--blocks', type=int, metavar='PIXELS',
                        help='read and segment the frame in blocks of so many pixels each way, '
                        'a multiple of 64 such as 2048, and write the label image, the catalog '
                        'and a table of the blocks')
    parser.add_argument('--margin', type=int, metavar='PIXELS',
                        help='of blocks, a multiple of 64 (default: twice the halo of the '
                        'model)')
    parser.add_argument('--resume', action=BooleanOptionalAction, default=False,
                        help='with --blocks: go on from the blocks that are done')


def check_block_options(args):
    """
    Refuse options that do not go together.

    Parameters
    ----------
    args : `argparse.Namespace`
        The parsed options.

    Raises
    ------
    ValueError
        If there are some.
    """
    if args.blocks is None:
        given = [name for name in ('margin', 'resume') if getattr(args, name)]
        if given:
            msg = f'--{given[0]} needs --blocks'
            raise ValueError(msg)
        return
    others = [name for name in WHOLE_FRAME if getattr(args, name)]
    if others:
        option = others[0].replace('_', '-')
        msg = f'--{option} must not be given with --blocks'
        raise ValueError(msg)


def run_blocks(args, files, segmenter):
    """
    Segment a frame block by block.

    Parameters
    ----------
    args : `argparse.Namespace`
        The parsed options.
    files : list of `~pathlib.Path`
        The files of the frame.
    segmenter : `~photutils_rcnn.RCNNSegmenter`
        The segmenter.

    Returns
    -------
    status : int
        The exit status, 0.

    Raises
    ------
    OSError, ValueError
        If an option does not fit, a file cannot be read in parts, or results exist.
    """
    from photutils_rcnn.blocks import segment_blocks
    from photutils_rcnn.blocks.catalog_parts import FORMATS
    from photutils_rcnn.io.lazy_frames import open_lazily, open_planes

    formats = ['ecsv', *(name.strip() for name in (args.table or '').split(',') if name)]
    if not set(formats) <= set(FORMATS):
        msg = f'--table must be parquet with --blocks, got {args.table!r}'
        raise ValueError(msg)
    options = FrameOptions.from_args(args)
    with ExitStack() as stack:
        images, given = open_lazily(
            files, stack, hdus=options.hdus, errors=options.uncertainty is None,
            masks=not options.files_of_flags, mask_bits=options.mask_bits,
            gain=None if options.gain == 'none' else options.gain, bands=options.bands)
        if options.gain == 'none':
            given['gain'] = None
        if options.uncertainty and options.files_of_errors != [Path('none')]:
            given['error'] = open_planes(
                options.files_of_errors, stack, HOLDING[options.uncertainty],
                data_unit=images[0].unit)
        if options.files_of_flags and options.files_of_flags != [Path('none')]:
            given['mask'] = open_planes(options.files_of_flags, stack, 'flags',
                                        mask_bits=options.mask_bits)
        background = options.background
        if images[0].unit is not None and background not in ('auto', 0):
            background = background * images[0].unit
        result = segment_blocks(
            images, args.output, name=args.stem or _stem(files), segmenter=segmenter,
            block_size=args.blocks, margin=args.margin, background=background,
            psf=read_psf(tuple(args.psf or ())), deblend=args.deblend, artifacts=args.artifacts,
            formats=tuple(dict.fromkeys(formats)), resume=args.resume,
            overwrite=args.overwrite, progress_bar=not args.quiet, **given)
    written = [result.labels, *result.catalogs, result.manifest]
    if args.json:
        print(json.dumps({'files': list(map(str, files)), 'status': 'ok',
                          'n_sources': result.n_sources,
                          'outputs': {path.name: str(path) for path in written}}))
    elif not args.quiet:
        print(f'{result.n_sources} sources', *written, sep='\n')
    return 0


def _stem(files):
    from photutils_rcnn.io.extensions import file_stem

    return file_stem(files[0])
