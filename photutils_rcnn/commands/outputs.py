# Licensed under a 3-clause BSD style license - see LICENSE
"""
The files that ``segment`` and ``demo`` write.
"""

__all__ = ['check_outputs', 'further_outputs', 'output_paths', 'write_outputs']

import os
from pathlib import Path
from tempfile import TemporaryDirectory

OUTPUTS = ('segm.fits', 'catalog.ecsv', 'result.asdf', 'overlay.png')
MASKS = 'masks.fits'
COCO = 'coco.json'
ARTIFACTS = 'artifacts.fits'
DEBLENDED = {'model.fits': 'model_image', 'residual.fits': 'residual_image'}


def further_outputs(tables=None, *, coco=False, masks=False, deblend=False,
                    artifacts=False):
    """
    The endings of files that are written on request.

    Parameters
    ----------
    tables : str, optional
        Formats of `photutils_rcnn.RCNNResult.write_table`, such as ``'vot,reg'``.
    coco, masks : bool, optional
        Whether footprints are written in the format of COCO, and as images. The
        default is `False`.
    deblend : bool, optional
        Whether the models of the sources and what they leave are written. The default
        is `False`.
    artifacts : bool, optional
        Whether the masks of artifacts are written. The default is `False`.

    Returns
    -------
    names : list of str
        The endings.

    Raises
    ------
    ImportError
        If a package that a format needs is not installed.
    ValueError
        If there is no such format.
    """
    from photutils_rcnn.io.optional import check_format
    from photutils_rcnn.io.result_files import TABLE_FORMATS

    formats = [] if tables is None else [
        f'.{name.strip().lstrip(".")}' for name in tables.split(',')]
    if not set(formats) <= set(TABLE_FORMATS):
        known = ', '.join(suffix[1:] for suffix in TABLE_FORMATS)
        msg = f'--table must name some of {known}, separated by commas, got {tables!r}'
        raise ValueError(msg)
    names = [f'catalog{suffix}' for suffix in formats]
    names += [COCO] * coco + [MASKS] * masks + [ARTIFACTS] * artifacts
    for name in names:
        check_format(Path(name).suffix)
    return [*names, *DEBLENDED] if deblend else names


def output_paths(out_dir, stem, further=()):
    """
    The files of a frame.

    Parameters
    ----------
    out_dir : `~pathlib.Path`
        The folder.
    stem : str
        The common beginning of the names.
    further : sequence of str, optional
        More endings, from `further_outputs`.

    Returns
    -------
    paths : dict of str to `~pathlib.Path`
        The files by their endings, `OUTPUTS` first.

    Raises
    ------
    ValueError
        If ``stem`` is empty or names a folder.
    """
    if not stem or Path(stem).name != stem:
        msg = f'--stem must be the beginning of a file name, got {stem!r}'
        raise ValueError(msg)
    return {name: out_dir / f'{stem}_{name}' for name in (*OUTPUTS, *further)}


def check_outputs(paths, *, overwrite):
    """
    Make the folder, and refuse to replace what is there.

    Parameters
    ----------
    paths : dict of str to `~pathlib.Path`
        The files, from `output_paths`.
    overwrite : bool
        Whether files may be replaced.

    Raises
    ------
    FileExistsError
        If one of the files exists and ``overwrite`` is `False`.
    """
    present = [str(path) for path in paths.values() if path.exists()]
    if present and not overwrite:
        msg = f'{present[0]} exists; use --overwrite to replace it'
        raise FileExistsError(msg)
    paths['segm.fits'].parent.mkdir(parents=True, exist_ok=True)


def write_outputs(paths, result, *, include_data=False):
    """
    Write label image, catalog, result and picture, and what else was asked for.

    Without a source the catalog is an empty table of instances, and there are neither
    masks nor a FITS_LDAC file.

    Parameters
    ----------
    paths : dict of str to `~pathlib.Path`
        The files, from `output_paths`.
    result : `~photutils_rcnn.RCNNResult`
        The result.
    include_data : bool, optional
        Whether the ASDF file holds the pixels. The default is `False`.

    Returns
    -------
    written : dict of str to `~pathlib.Path`
        The files that were written.
    """
    lacking = set()
    # before the catalog, which then has the fluxes
    if DEBLENDED.keys() & paths.keys() and not result._deblend():
        lacking = set(DEBLENDED)
    # All or nothing: half a set would have to be overwritten.
    folder = paths['segm.fits'].parent
    written = {}
    with TemporaryDirectory(dir=folder) as temporary:
        for name, path in paths.items():
            if name in lacking:
                continue
            _write(name, Path(temporary) / path.name, result, include_data)
        for name, path in paths.items():
            new = Path(temporary) / path.name
            if new.exists():
                os.replace(new, path)
                written[name] = path
            else:  # an older one is of another result
                path.unlink(missing_ok=True)
    return written


def _write(name, path, result, include_data):
    """
    Write one of the files.
    """
    from photutils_rcnn.astro_rcnn.detections import write_detections
    from photutils_rcnn.io.fits import write_bands, write_segmentation
    from photutils_rcnn.plotting import write_overlay

    if name == 'segm.fits':
        write_segmentation(path, result.labels, wcs=result.wcs, meta=result.meta)
    elif name == 'overlay.png':
        write_overlay(path, result)
    elif name == 'result.asdf':
        result.write(path, include_data=include_data)
    elif name == COCO:
        result.write(path)
    elif name == MASKS:
        write_detections(path, result.footprints, result.instances.class_ids,
                         result.instances.scores, weights=result.meta['model'])
    elif name == ARTIFACTS:
        masks = dict(zip(result.bands, result.artifacts.masks, strict=True))
        write_bands(path, masks, wcs=result.wcs)
    elif name in DEBLENDED:
        image = getattr(result, DEBLENDED[name])
        write_bands(path, {band: image(band) for band in result.bands}, wcs=result.wcs)
    elif path.suffix != '.ldac' or result.labels.any():
        result.write_table(path)
