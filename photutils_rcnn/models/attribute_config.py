# Licensed under a 3-clause BSD style license - see LICENSE
"""
Configuration of attribute heads.
"""

__all__ = ['ATTRIBUTE', 'AttributeConfig', 'attributes']

import keyword

import attrs

from photutils_rcnn.models.fields import flag, integer, integers, number, texts

# Before the name of an attribute, the name of its stage and its layers.
ATTRIBUTE = 'attribute_'


def _check_name(_, attribute, value):
    if not (isinstance(value, str) and value.isidentifier()
            and not keyword.iskeyword(value)):
        msg = f'name of an attribute must be an identifier, got {value!r}'
        raise ValueError(msg)


def _check_class(_, attribute, value):
    if not (value is None or isinstance(value, str)):
        msg = ('of_class of an attribute must be the name of a class or None, got '
               f'{value!r}')
        raise ValueError(msg)


@attrs.frozen(kw_only=True, slots=False)
class AttributeConfig:
    """
    A head that says something of each source: a class, or a value.

    Parameters
    ----------
    name : str
        The name of the attribute and of its column.
    classes : tuple of str, optional
        The classes of a classification, two or more; none (the default) for a
        regression.
    of_class : str, optional
        The class of the sources that have this attribute; all by default.
    bands : tuple of str, optional
        The bands that the head sees, blue to red, which a frame must have by these
        names. By default those that the network sees, of any frame.
    trunk_features : bool, optional
        Whether the head sees the features that the trunk has of a source, too. The
        default is `True`.
    least_snr : float, optional
        The least signal-to-noise ratio of the sources that the head is asked about: of
        fainter ones a class is ``'unsure'``, a value NaN.
    least_size : float, optional
        Their least size likewise, of the longer side of the box in FWHM of the PSF.
    stamp_size : int, optional
        The side of the square image of a source, in cells.
    stamp_extent : float, optional
        The side of this image in units of the longer side of the source's box.
    filters : tuple of int, optional
        The channels of the convolutions, at half the resolution of the image, and from
        the third on at a quarter of it.
    width : int, optional
        The width of the dense layers.
    """

    name: str = attrs.field(validator=_check_name)
    classes: tuple = texts((), empty=True)
    of_class: str | None = attrs.field(default=None, validator=_check_class)
    bands: tuple = texts((), empty=True)
    trunk_features: bool = flag(True)
    least_snr: float = number(0., zero=True)
    least_size: float = number(0., zero=True)
    stamp_size: int = integer(32)
    stamp_extent: float = number(1.5)
    filters: tuple = integers((24, 32, 48, 64))
    width: int = integer(96)

    def __attrs_post_init__(self):
        for field in ('classes', 'bands'):
            names = getattr(self, field)
            if len(set(names)) < len(names):
                msg = f'{field} of the attribute {self.name!r} must differ, got {names!r}'
                raise ValueError(msg)
        if len(self.classes) == 1:
            msg = (f'classes of the attribute {self.name!r} must be two or more, or none '
                   f'for a regression, got {self.classes!r}')
            raise ValueError(msg)

    @property
    def n_outputs(self):
        """
        The outputs: the logits of the classes, or the value and the logarithm of its
        variance, both in units of the scatter of the training set.
        """
        return len(self.classes) or 2


def attributes():
    """
    A field with `AttributeConfig` or their dictionaries, of different names.

    Returns
    -------
    field : object
        The field of a class of attrs.
    """
    def convert(values):
        if not isinstance(values, list | tuple):
            msg = f'attributes of the configuration must be a sequence, got {values!r}'
            raise ValueError(msg)
        return tuple(map(_one, values))

    def check(_, attribute, values):
        names = [value.name for value in values]
        if len(set(names)) < len(names):
            msg = f'attributes of the configuration must have different names, got {names}'
            raise ValueError(msg)

    return attrs.field(default=(), converter=convert, validator=check)


def _one(value):
    if isinstance(value, AttributeConfig):
        return value
    known = set(attrs.fields_dict(AttributeConfig))
    if not isinstance(value, dict) or set(value) - known or 'name' not in value:
        msg = ('attributes of the configuration must be objects with a name and some of '
               f'{sorted(known)}, got {value!r}')
        raise ValueError(msg)
    return AttributeConfig(**value)
