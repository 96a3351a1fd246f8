# Licensed under a 3-clause BSD style license - see LICENSE
"""
Options that say what the files of a frame hold, and the frame read with them.
"""

__all__ = ['FrameOptions', 'add_frame_options', 'number_list']

from dataclasses import dataclass, replace
from pathlib import Path

from photutils_rcnn._wording import count

# What `read_frame` calls them.
HOLDING = {'error': 'errors', 'variance': 'variance', 'ivar': 'ivar'}
UNCERTAINTIES = {
    'error': "1-sigma errors ('none' to ignore those beside the images)",
    'variance': 'variances', 'ivar': 'inverse variances'}


def add_frame_options(parser):
    """
    Declare the options.

    Parameters
    ----------
    parser : `argparse.ArgumentParser`
        The parser of the command.
    """
    parser.add_argument('--hdu', metavar='LIST', help='numbers (0 is the '
                        'primary one) or names of the extensions to read, '
                        'separated by commas')
    parser.add_argument('--bands', metavar='LIST', help='names of the bands, '
                        'separated by commas; known filters are sorted from '
                        'blue to red')
    parser.add_argument('--background', default='auto', metavar='LEVEL',
                        help="'auto' or a number; 0 for data that are "
                        'subtracted already (default: %(default)s)')
    errors = parser.add_mutually_exclusive_group()
    for kind, words in UNCERTAINTIES.items():
        errors.add_argument(f'--{kind}', nargs='+', type=Path, metavar='FITS',
                            help=f'{words} in the order of the images, or one '
                            'for all')
    parser.add_argument('--mask', nargs='+', type=Path, metavar='FITS',
                        help='images that are not zero where pixels are bad, in the order of '
                        "the images, or one for all ('none' to ignore those beside the images)")
    parser.add_argument('--mask-bits', metavar='LIST',
                        help='the bits that mean bad pixels, names or powers '
                        'of two separated by commas; with ~ in front all but '
                        'these (default: all that do not merely inform)')
    parser.add_argument('--gain', metavar='LIST', help='electrons per unit of '
                        'the images, one number or one for each, separated '
                        "by commas; 'none' to ignore that of the headers")


@dataclass(frozen=True)
class FrameOptions:
    """
    How frames are read.

    Parameters
    ----------
    background : 'auto' or float
        What to subtract, in the unit of the images.
    uncertainty : str or `None`
        Whether ``files_of_errors`` hold ``'error'``, ``'variance'`` or ``'ivar'``.
    files_of_errors : list of `~pathlib.Path`
        The files, or ``none`` alone.
    files_of_flags : list of `~pathlib.Path`
        The files of the mask, or ``none`` alone.
    mask_bits : str or `None`
        The bits of flags.
    gain : 'none', float, list of float or `None`
        The gain.
    bands : list of str or `None`
        The names of the bands.
    hdus : list or `None`
        The extensions.
    """

    background: str | float
    uncertainty: str | None
    files_of_errors: list
    files_of_flags: list
    mask_bits: str | None
    gain: str | float | list | None
    bands: list | None
    hdus: list | None

    @classmethod
    def from_args(cls, args):
        """
        The options of a command line.

        Parameters
        ----------
        args : `argparse.Namespace`
            The parsed options.

        Returns
        -------
        options : `FrameOptions`
            The options.

        Raises
        ------
        ValueError
            If one is not what it should be.
        """
        kind = next((name for name in UNCERTAINTIES if getattr(args, name)), None)
        return cls(
            background=_background(args.background), uncertainty=kind,
            files_of_errors=getattr(args, kind) if kind else [],
            files_of_flags=args.mask or [], mask_bits=args.mask_bits,
            gain=args.gain and number_list(args.gain, '--gain', ('none',)),
            bands=_split(args.bands), hdus=_split(args.hdu, numbers=True))

    def of_frame(self, i, n_frames):
        """
        The options of one of several frames.

        Parameters
        ----------
        i, n_frames : int
            The index of the frame, and the number of all.

        Returns
        -------
        options : `FrameOptions`
            With the errors and the mask of this frame.

        Raises
        ------
        ValueError
            If there is neither one file of errors or flags for all frames nor one for
            each.
        """
        def own(files, option):
            if len(files) < 2:
                return files
            if len(files) != n_frames:
                msg = (f'{option} must name one file or, with --each, one for each of the '
                       f'{n_frames} frames, got {len(files)}')
                raise ValueError(msg)
            return [files[i]]

        return replace(self, files_of_errors=own(self.files_of_errors, f'--{self.uncertainty}'),
                       files_of_flags=own(self.files_of_flags, '--mask'))

    def read(self, files):
        """
        Read a frame.

        Parameters
        ----------
        files : list of `~pathlib.Path`
            The files of the images.

        Returns
        -------
        cube : `~photutils_rcnn.preprocessing.inputs.ImageCube`
            The frame.
        background : 'auto', float or `~astropy.units.Quantity`
            What to subtract from it.
        sources : list of str
            Which image was taken for which band.
        notes : list of str
            What else was taken from the files.

        Raises
        ------
        OSError, ValueError
            If a file cannot be read or the images do not fit each other.
        """
        from photutils_rcnn.io.fits import read_frame
        from photutils_rcnn.io.frames import frame_arguments
        from photutils_rcnn.preprocessing.errors import warn_unused_gain
        from photutils_rcnn.preprocessing.inputs import prepare_inputs

        frame = read_frame(
            files, self.hdus, errors=self.uncertainty is None,
            masks=not self.files_of_flags, mask_bits=self.mask_bits)
        given, notes = frame_arguments(frame), list(frame.notes)
        if self.uncertainty and self.files_of_errors != [Path('none')]:
            errors = read_frame(self.files_of_errors, data_unit=frame.unit,
                                holding=HOLDING[self.uncertainty])
            option = f'--{self.uncertainty}'
            _check_no_science(errors, frame, option)
            values, unit = _one_or_each(errors.data, frame, option), errors.unit or frame.unit
            given['error'] = values if unit is None else values << unit
            notes.extend(f'errors: {note}' for note in errors.notes)
        if self.files_of_flags and self.files_of_flags != [Path('none')]:
            flags = read_frame(self.files_of_flags, holding='flags', mask_bits=self.mask_bits)
            _check_no_science(flags, frame, '--mask')
            given['mask'] = _one_or_each(flags.masks, frame, '--mask')
            notes.extend(f'mask: {note}' for note in flags.notes)
        if self.mask_bits is not None and given['mask'] is None:
            msg = (f'--mask-bits needs flags, in the file of the image or by --mask, got '
                   f'{self.mask_bits!r} and none')
            raise ValueError(msg)
        if self.gain:
            given['gain'] = None if self.gain == 'none' else self.gain
        bands = self.bands or frame.bands
        cube = prepare_inputs(given.pop('data'), **{**given, 'bands': bands})
        warn_unused_gain(None if self.gain == 'none' else self.gain, cube)
        sources = [f'{band}: {source}' for band, source in zip(
            bands or cube.bands, frame.sources, strict=True)]
        background = self.background
        if frame.unit is not None and background not in ('auto', 0):
            background = background * frame.unit
        return cube, background, sources, notes


def number_list(text, option, words):
    """
    One number, or one for each band, from an option that may be a word.

    Parameters
    ----------
    text : str
        The option as it was given.
    option : str
        Its name.
    words : sequence of str
        The words.

    Returns
    -------
    values : str, float or list of float
        The word, the number or the numbers.

    Raises
    ------
    ValueError
        If it is none of these.
    """
    if text in words:
        return text
    try:
        values = [float(item) for item in _split(text)]
    except ValueError as exc:
        names = ', '.join(repr(word) for word in words)
        msg = (f'{option} must be {names} or numbers separated by commas, got '
               f'{text!r}')
        raise ValueError(msg) from exc
    return values[0] if len(values) == 1 else values


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
        msg = (f'{option} must hold one image or one for each of '
               f'{count(len(frame.data), "band")}, got {len(planes)}')
        raise ValueError(msg)
    return planes[0] if len(planes) == 1 else np.stack(planes)


def _background(text):
    if text == 'auto':
        return text
    try:
        return float(text)
    except ValueError as exc:
        msg = f"--background must be 'auto' or a number, got {text!r}"
        raise ValueError(msg) from exc


def _split(text, *, numbers=False):
    if text is None:
        return None
    items = [item.strip() for item in text.split(',') if item.strip()]
    return [int(item) if numbers and item.isdigit() else item
            for item in items]
