# Licensed under a 3-clause BSD style license - see LICENSE
"""
ASDF files of whole results.

A result is a tagged dictionary under the key ``photutils_rcnn_result``, checked by the
schema beside this module. Label image, soft masks and tables in it are core types of
ASDF: without this package, asdf warns of the unknown tag and gives the dictionary.
"""

__all__ = ['read_parts', 'result_parts', 'result_tree', 'write_result']

import struct
import warnings
import zlib
from importlib import resources

import asdf
import numpy as np
from asdf.exceptions import AsdfConversionWarning
from asdf.tagged import TaggedDict
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import QTable, Table
from astropy.wcs import WCS
from astropy.wcs.utils import wcs_to_celestial_frame

from photutils_rcnn._files import atomic_path
from photutils_rcnn.io.asdf_extension import EXTENSION, TAG
from photutils_rcnn.io.fits import wcs_header
from photutils_rcnn.io.psf_tree import psf_from_tree, psf_to_tree
from photutils_rcnn.preprocessing.inputs import ImageCube
from photutils_rcnn.sources.classes import CLASS_NAMES
from photutils_rcnn.sources.instances import RCNN_FLAGS, Instances

KEY = 'photutils_rcnn_result'
FORMAT_VERSION = '1.1.0'
# The flags of the bits 1, 2, 4, ... in files of version 1.0.0.
_FLAGS_1_0_0 = ('edge_touch', 'overlaps_neighbor', 'masked_pixels',
                'exceeds_halo', 'no_pixels')
_INSTANCES = ('boxes', 'scores', 'class_probabilities', 'masks',
              'mask_boxes', 'flags')
_OPTIONAL = ('snr', 'log_bayes_factors')
_PIXELS = ('data', 'invalid', 'error', 'gain')


def write_result(path, result, *, include_data=False, overwrite=False):
    """
    Write a result; parameters are those of `photutils_rcnn.RCNNResult.write`.
    """
    with atomic_path(path, overwrite=overwrite) as temporary:
        tree = TaggedDict(result_tree(result, include_data=include_data), TAG)
        asdf_file = asdf.AsdfFile({KEY: tree}, custom_schema=_schema())
        asdf_file.validate()
        # a fifth of the time of the default level, for a twelfth more bytes
        asdf_file.write_to(temporary, all_array_compression='zlib',
                           compression_kwargs={'level': 1})


def result_tree(result, *, include_data=False):
    """
    A result as core types of ASDF.

    Parameters
    ----------
    result : `~photutils_rcnn.RCNNResult`
        The result.
    include_data : bool, optional
        Whether the pixels are to be among them. The default is `False`.

    Returns
    -------
    tree : dict
        See the schema.
    """
    unit = result.meta.get('unit')
    try:
        u.Unit(unit or '')
    except ValueError as exc:
        msg = f'unit {unit!r} of the data cannot be stored: {exc}'
        raise ValueError(msg) from exc
    found = result.instances
    # float16 is not an ASDF datatype
    instances = {name: np.ascontiguousarray(getattr(found, name)).astype(
        np.float32 if name == 'masks' else getattr(found, name).dtype)
        for name in (*_INSTANCES, *_OPTIONAL)
        if getattr(found, name) is not None}
    tree = {
        'format_version': FORMAT_VERSION,
        'meta': result.meta,
        'bands': list(result.bands),
        'shape': [int(n) for n in found.shape],
        'mask_threshold': float(found.mask_threshold),
        'mask_scale': float(found.mask_scale),
        'class_names': list(found.class_names),
        'interpolation': found.interpolation,
        'labels': result.labels,
        'label_of_source': result.label_of_source.astype(np.int32),
        'instances': instances,
        'wcs': _wcs_to_text(result.wcs),
        'catalog': _table_to_tree(result.catalog_table),
    }
    if found.attributes is not None:
        tree['attributes'] = _table_to_tree(Table(found.attributes))
    for name, value in (('background', result._background),
                        ('noise', result.noise)):
        if value is not None and (include_data or value.shape[-1] == 1):
            tree[name] = np.asarray(value)
    given = result._given_psf
    stored = None if given is None else psf_to_tree(given)
    if stored is not None:
        tree['psf'] = stored
    if include_data:
        cube = result._frame('include_data=True').cube
        tree['pixels'] = {name: getattr(cube, name) for name in _PIXELS
                          if getattr(cube, name) is not None}
    return tree


def read_parts(path):
    """
    Read the parts of a result; see `photutils_rcnn.RCNNResult.read`.

    Returns
    -------
    parts : dict
        See `result_parts`.

    Raises
    ------
    ValueError
        If the file holds no result of this package, or a damaged one.
    """
    # as a dictionary, whether or not the extension is installed
    with asdf.config_context() as config, warnings.catch_warnings():
        config.remove_extension(EXTENSION)
        # an array whose block is not there
        warnings.simplefilter('error', AsdfConversionWarning)
        try:
            asdf_file = asdf.open(path, custom_schema=_schema(), memmap=False,
                                  lazy_load=False, ignore_unrecognized_tag=True,
                                  ignore_missing_extensions=True)
        except (AsdfConversionWarning, EOFError, ValueError, struct.error, zlib.error) as exc:
            msg = f'{path} is no ASDF file, or a damaged one: {exc}'
            raise ValueError(msg) from exc
        with asdf_file:
            if KEY not in asdf_file:
                msg = f'{path} holds no result of photutils_rcnn'
                raise ValueError(msg)
            try:
                asdf_file.validate()
            except asdf.ValidationError as exc:
                msg = f'{path} holds a damaged result: {exc.message}'
                raise ValueError(msg) from exc
            return result_parts(asdf_file[KEY])


def result_parts(tree):
    """
    The parts of a result from its tree.

    Parameters
    ----------
    tree : dict
        From `result_tree`, or of an earlier version.

    Returns
    -------
    parts : dict
        The arguments of `photutils_rcnn.RCNNResult`, with the pixels if the tree
        holds them.
    """
    arrays = {name: np.array(tree['instances'][name])
              for name in (*_INSTANCES, *_OPTIONAL)
              if name in tree['instances']}
    half = arrays['masks'].astype(np.float16)
    if (half == arrays['masks']).all():
        arrays['masks'] = half
    if tree['format_version'] == '1.0.0':
        arrays['flags'] = _current_flags(arrays['flags'])
    # Earlier versions named the only other interpolation by its origin.
    usual = 'bilinear-zero' if 'protocol' in tree else 'bilinear'
    instances = Instances(
        shape=tuple(tree['shape']), mask_threshold=tree['mask_threshold'],
        mask_scale=tree.get('mask_scale', 1.),
        interpolation=tree.get('interpolation', usual),
        class_names=tuple(tree.get('class_names', CLASS_NAMES)),
        attributes=_attributes_from_tree(tree.get('attributes')), **arrays)
    wcs = _wcs_from_text(tree['wcs'])
    meta = _plain(tree['meta'])
    cube = None
    if 'pixels' in tree:
        pixels = {name: np.array(tree['pixels'][name])
                  if name in tree['pixels'] else None for name in _PIXELS}
        unit = meta.get('unit')
        cube = ImageCube(unit=None if unit is None else u.Unit(unit),
                         wcs=wcs, bands=tuple(tree['bands']), **pixels)
    levels = {name: np.array(tree[name])
              for name in ('background', 'noise') if name in tree}
    catalog = _table_from_tree(tree['catalog'], meta, wcs)
    if catalog is not None and tree['format_version'] == '1.0.0':
        catalog['detection_flags'] = _current_flags(catalog['detection_flags'])
    return {
        'instances': instances, 'labels': np.array(tree['labels']),
        'label_of_source': np.array(tree['label_of_source']),
        'cube': cube, 'wcs': wcs, 'bands': tree['bands'], 'meta': meta,
        'catalog_table': catalog, **levels,
        'psf': psf_from_tree(tree['psf']) if 'psf' in tree else None}


def _attributes_from_tree(columns):
    """
    The structured array of attributes; `None` if there are none.
    """
    if columns is None:
        return None
    return Table({column['name']: _values(column) for column in columns}).as_array()


def _current_flags(flags):
    """
    The flags of a file of version 1.0.0 as bits of `RCNN_FLAGS`.
    """
    return sum(np.where(np.asarray(flags) & 1 << i, RCNN_FLAGS[name], 0)
               for i, name in enumerate(_FLAGS_1_0_0)).astype(np.int32)


def _schema():
    return str(resources.files('photutils_rcnn') / 'io' / 'schemas'
               / f'result-{FORMAT_VERSION}.yaml')


def _plain(node):
    """
    Plain containers instead of those of ASDF.
    """
    if hasattr(node, 'items'):
        return {key: _plain(value) for key, value in node.items()}
    if isinstance(node, (str, bytes)) or not hasattr(node, '__iter__'):
        return node
    return [_plain(value) for value in node]


def _wcs_to_text(wcs):
    """
    A FITS WCS as the text of its header.
    """
    header = wcs_header(wcs)
    return header.tostring(sep='\n') if header else None


def _wcs_from_text(text):
    return None if text is None else WCS(fits.Header.fromstring(
        text, sep='\n'))


def _table_to_tree(table):
    """
    The columns of a table as arrays with units.
    """
    if table is None:
        return None
    columns = []
    for name in table.colnames:
        column = table[name]
        if isinstance(column, SkyCoord):
            sky = column.icrs
            columns += [
                {'name': f'{name}.ra', 'values': sky.ra.deg, 'unit': 'deg'},
                {'name': f'{name}.dec', 'values': sky.dec.deg, 'unit': 'deg'}]
        elif isinstance(column, u.Quantity):
            columns.append({'name': name, 'values': column.value,
                            'unit': column.unit.to_string()})
        elif column.dtype.kind in 'US':
            columns.append({'name': name, 'values': column.tolist()})
        elif column.dtype != object:
            columns.append({'name': name, 'values': np.asarray(column)})
    return columns


def _values(column):
    """
    The values of a column; strings are stored as a list, empty or not.
    """
    values = column['values']
    return (np.array(values) if hasattr(values, 'dtype')
            else np.array(list(values), dtype=np.str_))


def _table_from_tree(columns, meta, wcs):
    """
    The table, with sky positions in the frame of the WCS.
    """
    if columns is None:
        return None
    table = QTable(meta=meta)
    for column in columns:
        name, values = column['name'], _values(column)
        if name.endswith('.dec'):
            name = name.removesuffix('.dec')
            sky = SkyCoord(table[f'{name}.ra'], values << u.deg)
            table[name] = (sky if wcs is None else
                           sky.transform_to(wcs_to_celestial_frame(wcs)))
            table.remove_column(f'{name}.ra')
        elif 'unit' in column:
            table[name] = values << u.Unit(column['unit'])
        else:
            table[name] = values
    return table
