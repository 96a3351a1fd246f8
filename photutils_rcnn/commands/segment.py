# Licensed under a 3-clause BSD style license - see LICENSE
"""
The ``photutils-rcnn segment`` command.
"""

__all__ = ['add_arguments', 'run']

import json
import shlex
import sys
from argparse import BooleanOptionalAction
from glob import glob
from pathlib import Path

from photutils_rcnn._wording import count
from photutils_rcnn.commands.block_job import (
    add_block_options,
    check_block_options,
    run_blocks,
)
from photutils_rcnn.commands.config_files import recorded_options
from photutils_rcnn.commands.frame_job import FrameJob
from photutils_rcnn.commands.frame_options import (
    FrameOptions,
    add_frame_options,
    number_list,
)
from photutils_rcnn.commands.options import (
    add_model_options,
    make_segmenter,
    segmenter_options,
)
from photutils_rcnn.commands.outputs import further_outputs, output_paths
from photutils_rcnn.commands.reports import failure_line


def add_arguments(parser):
    """
    Declare the options of the command.
    """
    parser.add_argument('files', nargs='*', type=Path, metavar='FITS',
                        help='one file per band, or one file with all: '
                        'extensions or planes of a cube')
    parser.add_argument('-o', '--output', type=Path, required=True,
                        metavar='DIR', help='folder for the results')
    parser.add_argument('--config', metavar='TOML',
                        help='file with any of these options by their long names; those of '
                        'the command line win')
    parser.add_argument('--each', action=BooleanOptionalAction, default=False,
                        help='each file is a frame of its own; one that fails is '
                        'reported, and the others are segmented')
    parser.add_argument('--list', type=Path, metavar='FILE',
                        help='likewise of a text file with the files of a frame in each '
                        'line, separated by blanks; # begins a comment line')
    processes = parser.add_mutually_exclusive_group()
    processes.add_argument('--workers', type=int, metavar='N',
                           help='segment the frames of --each or --list in N processes, '
                           'write manifest.ecsv, and go on where that was interrupted')
    processes.add_argument('--scheduler', metavar='ADDRESS',
                           help='likewise on a Dask cluster')
    parser.add_argument('--stem', help='beginning of the names of the results '
                        '(default: the name of the first file without '
                        'endings such as .fits or .fits.gz)')
    add_block_options(parser)
    add_frame_options(parser)
    parser.add_argument('--psf-fwhm', default='auto', metavar='LIST',
                        help="FWHM of the PSF in pixels: 'auto', 'none', a "
                        'number, or one for each band in the order of the '
                        'images, separated by commas (default: %(default)s)')
    parser.add_argument('--psf', nargs='+', type=Path, metavar='FITS',
                        help='images of the PSF in the order of the images, or one for '
                        'all; or grids of them that photutils reads')
    parser.add_argument('--include-data', action=BooleanOptionalAction, default=False,
                        help='store the pixels in the ASDF result')
    parser.add_argument('--table', metavar='LIST',
                        help='write the catalog in these formats too, separated by '
                        'commas: fits, vot, csv, parquet, ldac (SExtractor), reg '
                        '(DS9), crtf (CASA)')
    parser.add_argument('--coco', action=BooleanOptionalAction, default=False,
                        help='write the footprints in the format of COCO too')
    parser.add_argument('--masks', action=BooleanOptionalAction, default=False,
                        help='write the footprints as FITS images too, one extension '
                        'for each source')
    parser.add_argument('--deblend', action=BooleanOptionalAction, default=False,
                        help='fit the light of overlapping sources: total fluxes in the '
                        'catalog, and FITS images of the models and the residual')
    parser.add_argument('--artifacts', action=BooleanOptionalAction, default=False,
                        help='find cosmic rays, saturated pixels and trails of '
                        'satellites, drop detections that they made, and write their masks '
                        'as a FITS image, one extension for each band')
    parser.add_argument('--overwrite', action=BooleanOptionalAction, default=False,
                        help='replace existing results')
    parser.add_argument('--json', action=BooleanOptionalAction, default=False,
                        help='print a line of JSON for each frame and nothing else')
    add_model_options(parser)


def run(args):
    """
    Segment a frame or, with ``--each`` or ``--list``, several.

    Returns
    -------
    status : int
        1 if one of several frames failed, else 0.

    Raises
    ------
    ImportError
        If Dask is needed and not installed.
    OSError, ValueError
        If an option does not fit or, with a single frame, a file cannot be read, the
        images do not fit each other or a result exists.
    """
    from photutils_rcnn import RCNNSegmenter

    check_block_options(args)
    fwhm = number_list(args.psf_fwhm, '--psf-fwhm', ('auto', 'none'))
    fwhm = None if fwhm == 'none' else fwhm
    if args.blocks is not None:
        return run_blocks(args, next(iter(_frames(args).values())),
                          RCNNSegmenter(**{**segmenter_options(args), 'psf_fwhm': fwhm}))
    jobs = _jobs(args)
    if args.workers is not None or args.scheduler:
        return _run_distributed(args, jobs, {**segmenter_options(args), 'psf_fwhm': fwhm})
    segmenter = make_segmenter(args, psf_fwhm=fwhm)
    several = args.each or args.list
    n_failed = 0
    for job in jobs:
        if several and not args.quiet:
            print(f'{job.files[0]}:', file=sys.stderr)
        try:
            _, _, told = job.run(segmenter, overwrite=args.overwrite)
        # whatever is wrong with one frame, the others are to be segmented
        except Exception as exc:
            if not several:
                raise
            n_failed += 1
            told = _tell_failure(args, job, str(exc), type(exc).__name__)
        if told:
            print(told, flush=True)
    return 1 if n_failed else 0


def _run_distributed(args, jobs, options):
    """
    Segment the frames in other processes.
    """
    from tqdm.auto import tqdm

    from photutils_rcnn.distributed.scheduling import run_jobs
    from photutils_rcnn.io.optional import import_optional

    if not (args.each or args.list):
        msg = '--workers and --scheduler need several frames, with --each or --list'
        raise ValueError(msg)

    n_skipped = 0

    def tell(job, outcome):
        nonlocal n_skipped
        if outcome is None:
            n_skipped += 1
            told = args.json and json.dumps({
                'files': list(map(str, job.files)), 'status': 'skipped'})
        else:
            told = outcome.told
            with tqdm.external_write_mode(file=sys.stderr):
                if outcome.state == 'failed':
                    told = _tell_failure(args, job, outcome.message, outcome.error)
                elif outcome.message:
                    print(f'photutils-rcnn: warning: {job.files[0]}: {outcome.message}',
                          file=sys.stderr)
        if told:
            tqdm.write(told)

    client = args.scheduler and import_optional('distributed').Client(
        args.scheduler, set_as_default=False)
    try:
        manifest = run_jobs([job.with_absolute_paths() for job in jobs], args.output,
                            options, client=client, n_workers=args.workers,
                            overwrite=args.overwrite, progress_bar=not args.quiet,
                            tell=tell)
    finally:
        if client is not None:
            client.close()
    n_failed = (manifest['state'] == 'failed').sum()
    if not (args.quiet or args.json):
        print(f'{args.output / "manifest.ecsv"}: {count(len(manifest), "frame")}, '
              f'{n_skipped} skipped, {n_failed} failed')
    return 1 if n_failed else 0


def _tell_failure(args, job, message, kind):
    """
    Tell people what failed; what is to be said to programs.
    """
    print(f'photutils-rcnn segment: {job.files[0]}: error: {message}', file=sys.stderr)
    return failure_line(job.files, message, kind) if args.json else ''


def _jobs(args):
    """
    The frames.
    """
    frames = _frames(args)
    further = further_outputs(args.table, coco=args.coco, masks=args.masks,
                              deblend=args.deblend, artifacts=args.artifacts)
    shared = FrameOptions.from_args(args)
    several = args.each or args.list
    jobs = []
    for i, (stem, files) in enumerate(frames.items()):
        options = shared.of_frame(i, len(frames)) if several else shared
        of_frame = {'files': files}
        if options.uncertainty:
            of_frame[options.uncertainty] = options.files_of_errors
        if options.files_of_flags:
            of_frame['mask'] = options.files_of_flags
        jobs.append(FrameJob(
            name=stem, files=files, paths=output_paths(args.output, stem, further),
            options=options, psf_files=args.psf or [], include_data=args.include_data,
            telling='json' if args.json else '' if args.quiet else 'text',
            recorded=recorded_options(args, **of_frame)))
    return jobs


def _frames(args):
    """
    The files of each frame, by the stem of its results.
    """
    from photutils_rcnn.io.extensions import file_stem

    if bool(args.list) == bool(args.files):
        msg = 'the images must be named either as arguments or in a file, with --list'
        raise ValueError(msg)
    files = _expand(args.files)
    if not (args.each or args.list):
        return {file_stem(files[0]) if args.stem is None else args.stem: files}
    how = '--list' if args.list else '--each'
    if args.stem is not None:
        msg = f'--stem must not be given with {how}, got {args.stem!r}'
        raise ValueError(msg)
    frames = {}
    for paths in _read_list(args.list) if args.list else [[path] for path in files]:
        stem = file_stem(paths[0])
        if stem in frames:
            msg = (f'with {how} the names of the files must differ, got '
                   f'{frames[stem][0]} and {paths[0]}')
            raise ValueError(msg)
        frames[stem] = paths
    return frames


def _expand(paths, *, missing_ok=False):
    """
    The files that patterns name, where no shell did that.
    """
    files = []
    for path in paths:
        # brackets name extensions
        found = sorted(glob(str(path))) if set('*?') & set(str(path)) else [path]
        if not found and not missing_ok:
            msg = f'no file is named as {path}'
            raise FileNotFoundError(msg)
        files.extend(map(Path, found or [path]))
    return files


def _read_list(path):
    """
    The files of each frame of a list.
    """
    try:
        lines = path.read_text(encoding='utf-8-sig').splitlines()
    except UnicodeDecodeError as exc:
        msg = f'--list must be a text file, got {path}'
        raise ValueError(msg) from exc
    frames = []
    for number, line in enumerate(map(str.strip, lines), start=1):
        if not line or line.startswith('#'):
            continue
        try:
            names = [Path(name) for name in shlex.split(line)]
        except ValueError as exc:
            msg = (f'{path}, line {number}: names with quotes or backslashes must be quoted, '
                   f'got {line} ({exc})')
            raise ValueError(msg) from exc
        frames.append(_expand(names, missing_ok=True))
    if not frames:
        msg = f'--list must name frames, got {path} without any'
        raise ValueError(msg)
    return frames
