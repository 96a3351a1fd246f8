# Licensed under a 3-clause BSD style license - see LICENSE
"""
The files that ``segment`` and ``demo`` write.
"""

__all__ = ['OUTPUTS', 'check_outputs', 'write_outputs']

import os
from pathlib import Path
from tempfile import TemporaryDirectory

OUTPUTS = ('segm.fits', 'catalog.ecsv', 'result.asdf', 'overlay.png')


def check_outputs(out_dir, stem, *, overwrite):
    """
    Make the folder, and refuse to replace what is there.

    Parameters
    ----------
    out_dir : `~pathlib.Path`
        The folder.
    stem : str
        The common beginning of the names.
    overwrite : bool
        Whether files may be replaced.

    Returns
    -------
    paths : dict of str to `~pathlib.Path`
        The files by the endings `OUTPUTS`.

    Raises
    ------
    FileExistsError
        If one of the files exists and ``overwrite`` is `False`.
    ValueError
        If ``stem`` names a folder.
    """
    if Path(stem).name != stem:
        msg = f'--stem must be the beginning of a file name, got {stem!r}'
        raise ValueError(msg)
    paths = {name: out_dir / f'{stem}_{name}' for name in OUTPUTS}
    present = [str(path) for path in paths.values() if path.exists()]
    if present and not overwrite:
        msg = f'{present[0]} exists; use --overwrite to replace it'
        raise FileExistsError(msg)
    out_dir.mkdir(parents=True, exist_ok=True)
    return paths


def write_outputs(paths, result, *, include_data=False):
    """
    Write label image, catalog, result and picture.

    Without a source the catalog is an empty table of instances.

    Parameters
    ----------
    paths : dict of str to `~pathlib.Path`
        The files, from `check_outputs`.
    result : `~photutils_rcnn.RCNNResult`
        The result.
    include_data : bool, optional
        Whether the ASDF file holds the pixels. The default is `False`.
    """
    from photutils_rcnn.io.fits import write_segmentation
    from photutils_rcnn.io.tables import write_table
    from photutils_rcnn.plotting import write_overlay

    # All or nothing: half a set would have to be overwritten.
    folder = paths['segm.fits'].parent
    with TemporaryDirectory(dir=folder) as temporary:
        new = {name: Path(temporary) / path.name
               for name, path in paths.items()}
        write_segmentation(new['segm.fits'], result.labels, wcs=result.wcs,
                           meta=result.meta)
        table = result.catalog_table
        write_table(new['catalog.ecsv'],
                    result.table if table is None else table)
        result.write(new['result.asdf'], include_data=include_data)
        write_overlay(new['overlay.png'], result)
        for name, path in paths.items():
            os.replace(new[name], path)
