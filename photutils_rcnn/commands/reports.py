# Licensed under a 3-clause BSD style license - see LICENSE
"""
What ``segment`` says of a frame, for people and for programs.
"""

__all__ = ['failure_line', 'json_line', 'text_lines']

import json

from photutils_rcnn._wording import count


def text_lines(result, sources, notes, written):
    """
    The summary of a result.

    Parameters
    ----------
    result : `~photutils_rcnn.RCNNResult`
        The result.
    sources, notes : list of str
        What was read; see `~photutils_rcnn.commands.frame_options.FrameOptions.read`.
    written : dict of str to `~pathlib.Path`
        The files of the result.

    Returns
    -------
    text : str
        The lines.
    """
    counts, fwhm = _counts(result), result.meta['psf_fwhm']
    return '\n'.join([
        *sources, *notes, f"errors: {result.meta['error']}",
        'PSF: not measured' if fwhm is None else (
            f"PSF: {result.meta['psf']}, FWHM {fwhm} pixels"),
        f'{count(len(result), "source")}: {count(counts.get("star", 0), "star")}, '
        f'{count(counts.get("galaxy", 0), "galaxy")}',
        *map(str, written.values())])


def json_line(files, result, sources, notes, written):
    """
    The summary of a result as JSON.

    Parameters
    ----------
    files : list of `~pathlib.Path`
        The files of the frame.
    result : `~photutils_rcnn.RCNNResult`
        The result.
    sources, notes : list of str
        What was read; see `~photutils_rcnn.commands.frame_options.FrameOptions.read`.
    written : dict of str to `~pathlib.Path`
        The files of the result.

    Returns
    -------
    text : str
        One line.
    """
    return json.dumps({
        'files': list(map(str, files)), 'status': 'ok', 'n_sources': len(result),
        'n_labels': int(result.labels.max(initial=0)), 'classes': _counts(result),
        'shape': list(result.labels.shape), 'images': sources, 'notes': notes,
        'outputs': {name: str(path) for name, path in written.items()},
        'meta': result.meta})


def failure_line(files, message, kind):
    """
    The failure of a frame as JSON.

    Parameters
    ----------
    files : list of `~pathlib.Path`
        The files of the frame.
    message, kind : str
        What went wrong, and the type of the error.

    Returns
    -------
    text : str
        One line.
    """
    return json.dumps({'files': list(map(str, files)), 'status': 'error',
                       'error': message, 'type': kind})


def _counts(result):
    """
    The number of sources of each class.
    """
    ids = result.instances.class_ids
    return {name: int((ids == k).sum())
            for k, name in enumerate(result.instances.class_names, start=1)}
