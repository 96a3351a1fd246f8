# Licensed under a 3-clause BSD style license - see LICENSE
"""
Segmentation of a frame block by block.
"""

__all__ = ['BlocksResult', 'segment_blocks']

import os
import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.blocks.block_run import BlockRun
from photutils_rcnn.blocks.catalog_parts import FORMATS
from photutils_rcnn.blocks.frame_source import FrameSource
from photutils_rcnn.blocks.grid import make_blocks
from photutils_rcnn.blocks.run_description import describe_run
from photutils_rcnn.detection.pipeline import model_stretch
from photutils_rcnn.io.extensions import file_stem
from photutils_rcnn.io.lazy_frames import open_lazily
from photutils_rcnn.io.optional import check_format
from photutils_rcnn.io.records import Record
from photutils_rcnn.preprocessing.background import MIN_MESH_SIDE

ALIGNED = 64  # pixels; the sides of blocks are multiples of it


@dataclass(frozen=True)
class BlocksResult:
    """
    The files of a frame that was segmented block by block.

    Parameters
    ----------
    labels : `~pathlib.Path`
        The label image, FITS; `photutils_rcnn.blocks.segment_blocks` says which.
    catalogs : tuple of `~pathlib.Path`
        The catalog in each format.
    manifest : `~pathlib.Path`
        The table of the blocks, ECSV.
    n_sources : int
        The number of sources, which are labeled from 1 to this.
    """

    labels: Path
    catalogs: tuple
    manifest: Path
    n_sources: int


def segment_blocks(data, out, *, name=None, segmenter=None, block_size=2048, margin=None,
                   error=None, mask=None, background=None, wcs=None, bands=None, gain=None,
                   psf=None, deblend=False, artifacts=False, formats=('ecsv',), resume=False,
                   overwrite=False, progress_bar=True):
    """
    Segment a frame that is larger than memory.

    The frame is read, segmented and measured block by block, each with a margin around it.
    Its background, noise, PSF and fraction of stars are those of all of it, estimated
    beforehand, so that the sources are those of
    `RCNNSegmenter.segment <photutils_rcnn.RCNNSegmenter.segment>`. Blocks that are done
    outlast an interruption.

    Parameters
    ----------
    data : path-like, array_like, HDU or list of these
        FITS files, one or one for each band, that are not compressed or are by fpack; or
        anything that has a shape and gives an array for slices: a `~numpy.memmap`, an array
        of zarr or Dask, an HDU; (ny, nx), (n_bands, ny, nx), or a list of images.
    out : path-like
        The folder for the results; created if it is missing.
    name : str, optional
        The beginning of their names. By default that of the first file without endings, or
        ``'frame'``.
    segmenter : `~photutils_rcnn.RCNNSegmenter`, optional
        The segmenter. By default one with its defaults.
    block_size : int, optional
        The side of the blocks in pixels, a multiple of 64. The default is 2048.
    margin : int, optional
        How far around a block the network and photutils see, in pixels, a multiple of 64
        and at least the halo of the model. By default twice the halo, 448 for the shipped
        model.
    error, mask, background : float or array_like, optional
        See `RCNNSegmenter.segment <photutils_rcnn.RCNNSegmenter.segment>`; images are read
        by blocks like the data.
    wcs : WCS object, optional
        See there, as for all of these.
    bands : sequence of str, optional
        The names of the bands.
    gain : float or array_like, optional
        Read by blocks, too, if it is an image.
    psf : PSF model, array_like, float, sequence or mapping of these, optional
        The PSF.
    deblend, artifacts : bool, optional
        Whether the catalog has deblended fluxes, and detections on artifacts are dropped.
    formats : sequence of str, optional
        The formats of the catalog, ``'ecsv'`` (default) and ``'parquet'``.
    resume : bool, optional
        Whether to go on from the blocks that an interrupted call left; without any it
        begins. The default is `False`.
    overwrite : bool, optional
        Whether to replace older results. The default is `False`.
    progress_bar : bool, optional
        Whether to show progress bars. The default is `True`.

    Returns
    -------
    result : `BlocksResult`
        The files: ``<name>_segm.fits``, the label image; ``<name>_catalog.<format>``, one
        row for each label, in pixels of the frame; ``<name>_blocks.ecsv``, a row for each
        block.

    Raises
    ------
    FileExistsError
        If there are older results and neither ``overwrite`` nor ``resume`` is `True`.
    ImportError
        If a package that a format needs is not installed.
    TypeError, ValueError
        If an argument does not fit, the model needs to see the whole frame at once, or
        ``resume`` is `True` and the results are of other data, options or another model.

    Warns
    -----
    `~photutils.utils.exceptions.NoDetectionsWarning`
        If no sources were found.
    AstropyUserWarning
        If there were warnings for blocks, which are in the table of the blocks.

    Notes
    -----
    Labels run from 1 without gaps, block by block, row by row. A source belongs to the
    block that has its center. One that reaches beyond the margin is cut there and has the
    flag ``exceeds_halo``. Whether the sky has structure, crowded parts and artifacts
    are looked for in each block with its margin.
    """
    segmenter = RCNNSegmenter() if segmenter is None else segmenter
    _check_model(segmenter.model)
    unknown = [item for item in formats if item not in FORMATS]
    if isinstance(formats, str) or unknown or not formats:
        msg = f'formats must be some of {FORMATS}, got {formats!r}'
        raise ValueError(msg)
    for item in formats:
        check_format(f'.{item}')
    with ExitStack() as stack:
        files = _paths(data)
        given = {'error': error, 'mask': mask, 'wcs': wcs, 'bands': bands, 'gain': gain}
        if files:
            data, found = open_lazily(data, stack, errors=error is None, masks=mask is None,
                                      wcs=wcs, bands=bands, gain=gain)
            given = {name: found[name] if value is None else value
                     for name, value in given.items()}
        background = segmenter.background if background is None else background
        source = FrameSource(data, background=background, **given)
        if min(source.shape) < MIN_MESH_SIDE:
            msg = (f'data must have at least {MIN_MESH_SIDE} pixels each way for blocks, got '
                   f'shape {source.shape}')
            raise ValueError(msg)
        block_size, margin = _sides(block_size, margin, segmenter.model)
        name = _name(name, files)
        out = Path(out)
        out.mkdir(parents=True, exist_ok=True)
        result = BlocksResult(out / f'{name}_segm.fits',
                              tuple(out / f'{name}_catalog.{item}' for item in formats),
                              out / f'{name}_blocks.ecsv', 0)
        probe = source.describe()
        read = files or [part.path for part in (data if isinstance(data, list) else ())
                         if hasattr(part, 'path')]
        known = describe_run(read, source, probe, segmenter, psf=psf, **given,
                             background=background, deblend=bool(deblend),
                             artifacts=bool(artifacts), block_size=block_size, margin=margin,
                             formats=list(formats))
        run = BlockRun(
            source, probe, make_blocks(source.shape, block_size, margin), segmenter,
            out / f'{name}_blocks', known, psf=psf, deblend=deblend, artifacts=artifacts,
            progress_bar=progress_bar)
        record = Record(out, name)
        done = _begin(record, known, result, run, resume=resume, overwrite=overwrite)
        if done is None:
            done = run.finish(result.labels, result.catalogs, result.manifest)
            record.write(known, n_sources=done, outputs=[
                path.name for path in (result.labels, *result.catalogs, result.manifest)])
            shutil.rmtree(run.folder)
    return BlocksResult(result.labels, result.catalogs, result.manifest, done)


def _begin(record, known, result, run, *, resume, overwrite):
    """
    Prepare a run; the number of sources, if it is done already.
    """
    before = record.read()
    if resume and before:
        if before.get('made_from') != known:
            old = before.get('made_from', {})
            differing = sorted(key for key in {*old, *known} if old.get(key) != known.get(key))
            msg = ('resume=True needs the data, options and model of the interrupted run, got '
                   f'others: {", ".join(differing)} differ from those in {record.path}')
            raise ValueError(msg)
        finished = record.outcome(known)
        return None if finished is None else finished['n_sources']
    old = [path for path in (record.path, result.labels, *result.catalogs, result.manifest)
           if path.exists()]
    if old and not overwrite:
        msg = (f'{old[0]} exists; overwrite=True (--overwrite) replaces it'
               + (', resume=True (--resume) goes on' if before else ''))
        raise FileExistsError(msg)
    if run.folder.exists():
        shutil.rmtree(run.folder)
    for path in old:
        path.unlink()
    record.write(known)
    return None


def _check_model(model):
    stretch = model_stretch(model)
    if not model.isophotal or not getattr(stretch, 'pixelwise', False):
        msg = ('segmenter must have a model that can see a frame in parts, got '
               f'{model.name!r}, whose stretch or outlines need all of it')
        raise ValueError(msg)


def _sides(block_size, margin, model):
    """
    The side of blocks and their margin.
    """
    if margin is None:
        margin = -(-2 * model.halo // ALIGNED) * ALIGNED
    for name, value, least in (('block_size', block_size, ALIGNED),
                               ('margin', margin, model.halo)):
        if not isinstance(value, Integral) or value < least or value % ALIGNED:
            msg = (f'{name} must be a multiple of {ALIGNED} pixels, at least {least}, got '
                   f'{value!r}')
            raise ValueError(msg)
    return int(block_size), int(margin)


def _paths(data):
    """
    The files of a frame; empty if it is named otherwise.
    """
    paths = data if isinstance(data, (list, tuple)) else [data]
    return list(paths) if paths and all(
        isinstance(path, (str, os.PathLike)) for path in paths) else []


def _name(name, files):
    if name is None:
        return file_stem(files[0]) if files else 'frame'
    if not (isinstance(name, str) and name and Path(name).name == name):
        msg = f'name must be the beginning of file names, got {name!r}'
        raise ValueError(msg)
    return name
