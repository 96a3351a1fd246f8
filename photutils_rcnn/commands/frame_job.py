# Licensed under a 3-clause BSD style license - see LICENSE
"""
One frame of ``segment``: from its files to those of its results.
"""

__all__ = ['FrameJob', 'read_psf']

from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path

from photutils_rcnn.commands.frame_options import FrameOptions
from photutils_rcnn.commands.outputs import ARTIFACTS, check_outputs, write_outputs
from photutils_rcnn.commands.reports import json_line, text_lines


@dataclass(frozen=True)
class FrameJob:
    """
    A frame, and what is asked of it.

    Parameters
    ----------
    name : str
        The beginning of the names of the results.
    files : list of `~pathlib.Path`
        The files of the images.
    options : `~photutils_rcnn.commands.frame_options.FrameOptions`
        How they are read.
    psf_files : list of `~pathlib.Path`
        The files of the PSF; empty if it is measured.
    paths : dict of str to `~pathlib.Path`
        The files to write; see `~photutils_rcnn.commands.outputs.output_paths`.
    include_data : bool
        Whether the ASDF file holds the pixels.
    telling : {'json', 'text', ''}
        What is said of the result.
    recorded : dict
        The options of the command line, for the meta data of the result; see
        `~photutils_rcnn.commands.config_files.recorded_options`.
    """

    name: str
    files: list
    options: FrameOptions
    psf_files: list
    paths: dict
    include_data: bool
    telling: str
    recorded: dict

    def with_absolute_paths(self):
        """
        The same job for processes in other folders.

        Returns
        -------
        job : `FrameJob`
            The job.
        """
        def absolute(paths):
            return [path if path == Path('none') else path.absolute() for path in paths]

        options = replace(self.options, files_of_errors=absolute(self.options.files_of_errors),
                          files_of_flags=absolute(self.options.files_of_flags))
        return replace(
            self, files=absolute(self.files), psf_files=absolute(self.psf_files),
            paths={name: path.absolute() for name, path in self.paths.items()},
            options=options)

    @property
    def inputs(self):
        """
        All files that are read.
        """
        beside = [*self.options.files_of_errors, *self.options.files_of_flags]
        return [*self.files, *self.psf_files,
                *(path for path in beside if path != Path('none'))]

    @property
    def outputs(self):
        """
        The files that may be written.
        """
        return list(self.paths.values())

    @property
    def settings(self):
        """
        What else the results depend on.
        """
        return {**asdict(self.options), 'include_data': self.include_data,
                'outputs': list(self.paths)}

    def run(self, segmenter, *, overwrite, begin=None):
        """
        Segment the frame and write its results.

        Parameters
        ----------
        segmenter : `~photutils_rcnn.RCNNSegmenter`
            The segmenter.
        overwrite : bool
            Whether files may be replaced.
        begin : callable, optional
            Called before files are written.

        Returns
        -------
        n_sources : int
            The number of sources.
        written : list of `~pathlib.Path`
            The files.
        told : str
            What is to be said.
        """
        cube, background, sources, notes = self.options.read(self.files)
        check_outputs(self.paths, overwrite=overwrite)
        psf = read_psf(tuple(self.psf_files))
        result = segmenter._segment_cube(
            cube, background, psf, artifacts=ARTIFACTS in self.paths)
        result.meta['segment_options'] = self.recorded
        if begin is not None:
            begin()
        written = write_outputs(self.paths, result, include_data=self.include_data)
        tell = {'json': lambda *args: json_line(self.files, *args), 'text': text_lines,
                '': lambda *args: ''}[self.telling]
        return (len(result), list(written.values()),
                tell(result, sources, notes, written))


@lru_cache(maxsize=1)
def read_psf(paths):
    """
    Read the PSF of the frames.

    Parameters
    ----------
    paths : tuple of `~pathlib.Path`
        The files.

    Returns
    -------
    psf : object
        One for all bands, or a list of one for each; `None` of no file.
    """
    if not paths:
        return None
    from photutils_rcnn.io.psf_files import read_psfs

    psf = read_psfs(paths)
    return psf[0] if len(psf) == 1 else psf
