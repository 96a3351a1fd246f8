# Licensed under a 3-clause BSD style license - see LICENSE
"""
Flag bits of pixels, as masks.
"""

__all__ = ['bit_names', 'flags_to_mask']

import numpy as np
from astropy.nddata.bitmask import (
    bitfield_to_boolean_mask,
    extend_bit_flag_map,
    interpret_bit_flags,
)

# What tells of sources, of how images were combined or what was put in, and
# leaves the pixels valid. Names as in images of the LSST pipelines.
INFORMATIONAL = {
    'DETECTED', 'DETECTED_NEGATIVE', 'NOT_DEBLENDED', 'INEXACT_PSF',
    'SENSOR_EDGE', 'CLIPPED', 'REJECTED', 'CROSSTALK', 'BRIGHT_OBJECT',
    'FAKE', 'INJECTED', 'INJECTED_CORE', 'INJECTED_TEMPLATE',
    'DETECTED_TEMPLATE', 'SAT_TEMPLATE', 'PARTLY_VIGNETTED',
    'HIGH_VARIANCE', 'STREAK_TEMPLATE',
}
# https://jwst-pipeline.readthedocs.io (Data Quality Flags); Roman's are alike
_JWST = ('DO_NOT_USE', 'SATURATED', 'JUMP_DET', 'DROPOUT', 'OUTLIER',
         'PERSISTENCE', 'AD_FLOOR', 'CHARGELOSS', 'UNRELIABLE_ERROR',
         'NON_SCIENCE', 'DEAD', 'HOT', 'WARM', 'LOW_QE', 'RC', 'TELEGRAPH',
         'NONLINEAR', 'BAD_REF_PIXEL', 'NO_FLAT_FIELD', 'NO_GAIN_VALUE',
         'NO_LIN_CORR', 'NO_SAT_CHECK', 'UNRELIABLE_BIAS', 'UNRELIABLE_DARK',
         'UNRELIABLE_SLOPE', 'UNRELIABLE_FLAT', 'OPEN', 'ADJ_OPEN',
         'FLUX_ESTIMATED', 'MSA_FAILED_OPEN', 'OTHER_BAD_PIXEL',
         'REFERENCE_PIXEL')
# Of bits of unknown meaning, all mean bad pixels up to this fraction.
MAX_BAD = 0.5


def bit_names(header, primary=None):
    """
    The names of the bits of a flag image.

    Parameters
    ----------
    header : `~astropy.io.fits.Header`
        The header of the image; ``MP_BAD = 0`` says that the lowest bit
        means BAD.
    primary : `~astropy.io.fits.Header`, optional
        The header of the file, where ``TELESCOP`` tells of JWST.

    Returns
    -------
    names : dict of str to int
        The values of the bits (powers of two) by name.
    """
    names = {key[3:]: 1 << value for key, value in header.items()
             if key.startswith('MP_') and isinstance(value, int)
             and 0 <= value < 64}
    telescope = header.get('TELESCOP', (primary or {}).get('TELESCOP', ''))
    if not names and str(telescope).strip().upper() == 'JWST':
        names = {name: 1 << bit for bit, name in enumerate(_JWST)}
    return names


def flags_to_mask(flags, names, bits=None, source='mask'):
    """
    The mask of bad pixels that flags make.

    Parameters
    ----------
    flags : `~numpy.ndarray`
        The flags.
    names : dict of str to int
        The values of their bits by name, from `bit_names`.
    bits : str or int, optional
        The bits that mean bad pixels: names, or powers of two, separated by
        commas, or a sum of powers of two; with ``~`` or ``-`` in front, all
        but these. By default those with names that do not merely inform,
        of JWST ``DO_NOT_USE``; without names all.
    source : str, optional
        Where the flags come from, for messages.

    Returns
    -------
    mask : bool `~numpy.ndarray`
        `True` for bad pixels.
    note : str
        Which bits are masked, in words; empty if that is plain.

    Raises
    ------
    ValueError
        If ``bits`` does not fit the flags; if the bits have no names, more
        than half of the pixels have one and ``bits`` is not given.
    """
    flags = np.asarray(flags)
    if flags.dtype.kind == 'f':
        # NaN, too, is not 0
        flags = (flags != 0 if bits is None and not names
                 else _as_integers(flags, source))
    if flags.dtype.kind == 'b' and bits is None:
        return flags, ''
    if bits is not None:
        value = _value(bits, names, source)
        return _masked(flags, value), f'bits {bits}'
    if names:
        if 'DO_NOT_USE' in names:
            value, note = names['DO_NOT_USE'], 'bits DO_NOT_USE'
        else:
            left_out = [name for name in names if name in INFORMATIONAL]
            value = sum({names[name] for name in names
                         if name not in INFORMATIONAL})
            note = f'bits but {", ".join(left_out)}' if left_out else ''
        return _masked(flags, value), note
    mask = flags != 0
    if flags.max(initial=0) > 1 and mask.mean() > MAX_BAD:
        msg = (f'{source}: {100 * mask.mean():.0f}% of the pixels have flags, '
               'whose bits have no names; choose those of bad pixels with '
               'mask_bits (--mask-bits), or give another mask')
        raise ValueError(msg)
    return mask, ''


def _as_integers(flags, source):
    whole = flags.astype(np.int64)
    if (whole != flags).any():
        msg = f'{source}: flags with bits must be integers, got fractions'
        raise ValueError(msg)
    return whole


def _value(bits, names, source):
    """
    The sum of the bits that are asked for; negative for all but some.
    """
    text = str(bits).strip()
    if text.startswith('-'):
        text = f'~{text[1:]}'
    try:
        value = interpret_bit_flags(
            text, flag_name_map=extend_bit_flag_map('Flags', **names))
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        known = ', '.join(names) or 'none have names'
        msg = (f'{source}: mask_bits (--mask-bits) must be names of bits '
               f'({known}) or powers of two, got {bits!r}')
        raise ValueError(msg) from exc
    return value


def _masked(flags, value):
    return bitfield_to_boolean_mask(flags.astype(np.int64), ~value)
