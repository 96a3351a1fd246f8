# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of frames that are segmented block by block, without the network.
"""

from types import SimpleNamespace

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.table import QTable
from astropy.utils.exceptions import AstropyUserWarning
from conftest import make_field
from numpy.testing import assert_allclose, assert_equal
from photutils.utils.exceptions import NoDetectionsWarning

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.blocks import block_run, segment_blocks
from photutils_rcnn.cli import main
from photutils_rcnn.sources.instances import RCNN_FLAGS

SHAPE = (330, 400)
# On borders of blocks, where four meet, and beside.
POSITIONS = tuple((float(x), float(y)) for x, y in (
    (127.5, 60), (128, 127.5), (300, 127.4), (60, 200), (255.5, 255.5), (350, 300), (210, 40),
    (200, 128.6), (384, 30), (30, 320), (140, 290), (330, 200)))


@pytest.fixture
def segmenter(fake_model):
    fake_model.detector = SimpleNamespace(config=SimpleNamespace(profile_size=0, n_bands=3))
    return RCNNSegmenter(fake_model)


@pytest.fixture
def frame():
    return make_field(SHAPE, POSITIONS).astype('f4')


@pytest.fixture
def run(segmenter, tmp_path):
    """
    Segment in blocks; the label image and the catalog.
    """
    def run(data, out='out', **options):
        options = {'block_size': 128, 'margin': 64, 'progress_bar': False,
                   'segmenter': segmenter, **options}
        return read(segment_blocks(data, tmp_path / out, **options))

    return run


def read(result):
    return fits.getdata(result.labels), QTable.read(result.catalogs[0]), result


def assert_same(labels, catalog, result):
    """
    The result of a frame in memory, but for the order of labels.
    """
    expected = result.catalog_table
    assert_equal(labels > 0, result.labels > 0)
    own = [labels[result.labels == label] for label in expected['label']]
    order = np.array([part[0] for part in own])
    assert all((part == label).all() for part, label in zip(own, order, strict=True))
    assert_equal(np.sort(order), np.arange(1, len(expected) + 1))
    assert_equal(catalog['label'], np.arange(1, len(catalog) + 1))
    rows = catalog[order - 1]
    for name in expected.colnames:
        if name == 'sky_centroid':
            assert name not in rows.colnames or max(
                rows[name].separation(expected[name]).arcsec) < 1e-6
        elif name != 'label':
            if expected[name].dtype.kind == 'U':
                assert_equal(rows[name].tolist(), expected[name].tolist())
            else:
                assert_allclose(u.Quantity(rows[name]), u.Quantity(expected[name]),
                                rtol=1e-5, atol=1e-6, err_msg=name)
                assert getattr(rows[name], 'unit', None) == getattr(
                    expected[name], 'unit', None)


def test_as_in_memory(frame, segmenter, run):
    """
    Sources are those of the whole frame, also on the borders of blocks.
    """
    labels, catalog, result = run(frame)
    assert result.n_sources == len(POSITIONS)
    assert_same(labels, catalog, segmenter.segment(frame))
    manifest = QTable.read(result.manifest)
    assert len(manifest) == 9
    assert manifest['n_sources'].sum() == len(POSITIONS)
    assert_equal(manifest['xmax'][:3], [127, 255, 399])
    assert not (result.manifest.parent / 'frame_blocks').exists()
    assert catalog.meta['model_sha256'] == '0' * 64


def test_arguments(frame, segmenter, run, wcs):
    """
    Errors, masks, gain, names and units of bands, WCS and the background are those of the
    pixels of each block.
    """
    rng = np.random.default_rng(1)
    data = np.stack([frame, frame + rng.normal(0, 1, SHAPE).astype('f4')]) << u.nJy
    mask = np.zeros(SHAPE, dtype=bool)
    mask[100:140, 120:160] = True
    error = np.full(SHAPE, 1.) + np.linspace(0, 0.4, SHAPE[1])
    given = {'error': error << u.nJy, 'mask': mask, 'bands': ('r', 'g'), 'wcs': wcs,
             'background': np.full(SHAPE, 50.) << u.nJy}
    labels, catalog, result = run(list(data), **given)
    assert_same(labels, catalog, segmenter.segment(data, **given))
    assert catalog['kron_flux_g'].unit == u.nJy
    assert fits.getheader(result.labels)['CTYPE1'] == 'RA---TAN'


def test_deblend(frame, segmenter, run):
    """
    The PSF is passed on; deblended fluxes and flags of artifacts are in the catalog.
    """
    y, x = np.indices((25, 25)) - 12
    given = {'psf': np.exp(-(x**2 + y**2) / (2 * 2.**2)), 'deblend': True, 'artifacts': True}
    _, catalog, _ = run(frame, **given)
    expected = segmenter.segment(frame, **given).catalog_table
    assert_equal(catalog.colnames, [
        name for name in expected.colnames if name != 'sky_centroid'])
    order = np.lexsort((catalog['x_centroid'], np.round(catalog['y_centroid'])))
    other = np.lexsort((expected['x_centroid'], np.round(expected['y_centroid'])))
    assert_allclose(catalog['flux_band1'][order], expected['flux_band1'][other], rtol=0.02)
    assert catalog.meta['psf'] == 'given'


def test_large_errors(frame, segmenter, run):
    """
    Of the warnings of a frame none is lost.
    """
    error = np.full(SHAPE, 0.1)
    with pytest.warns(AstropyUserWarning, match='does not fit the data'):
        labels, catalog, _ = run(frame, error=error)
    with pytest.warns(AstropyUserWarning, match='does not fit the data'):
        result = segmenter.segment(frame, error=error)
    assert_same(labels, catalog, result)


class Recorder:
    """
    An array that remembers how much was read of it at once.
    """

    def __init__(self, array):
        self._array = array
        self.shape, self.dtype = array.shape, array.dtype
        self.most = 0

    def __getitem__(self, window):
        part = self._array[window]
        self.most = max(self.most, part.size)
        return part


def test_windows(frame, run):
    """
    No more than a block with its margin is read at once.
    """
    recorder = Recorder(frame)
    labels, *_ = run(recorder)
    assert labels.max() == len(POSITIONS)
    assert recorder.most <= (128 + 63 + 2 * 64)**2


def from_dask(frame, path):
    return pytest.importorskip('dask.array').from_array(frame, chunks=(100, 70))


def from_zarr(frame, path):
    return pytest.importorskip('zarr').array(frame, chunks=(100, 70))


def from_memmap(frame, path):
    frame.tofile(path)
    return np.memmap(path, 'f4', 'r', shape=frame.shape)


def from_file(frame, path):
    fits.writeto(path, frame)
    return path


def from_compressed(frame, path):
    hdu = fits.CompImageHDU(frame, compression_type='GZIP_1', quantize_level=0)
    hdu.writeto(path)
    return [path]


def from_integers(frame, path):
    """
    Scaled integers, BZERO and BSCALE.
    """
    hdu = fits.PrimaryHDU(frame)
    hdu.scale('int32', bscale=2**-16, bzero=50.)
    hdu.writeto(path)
    return path


def from_planes(frame, path):
    fits.writeto(path, frame[None])
    return path


def from_hdu(frame, path):
    return fits.PrimaryHDU(frame)


@pytest.mark.parametrize('give', [
    from_dask, from_zarr, from_memmap, from_file, from_compressed, from_integers, from_planes,
    from_hdu])
def test_inputs(give, frame, run, tmp_path):
    labels, catalog, _ = run(frame)
    for_all, same, result = run(give(frame, tmp_path / 'x.fits'), out='other')
    assert_equal(for_all, labels)
    assert_allclose(same['kron_flux'], catalog['kron_flux'], rtol=1e-4)
    assert result.labels.name in ('frame_segm.fits', 'x_segm.fits')


def test_files(frame, segmenter, run, tmp_path, wcs):
    """
    What lies beside the images is used as for a frame in memory.
    """
    paths = [tmp_path / f'{band}.fits' for band in 'gr']
    for path, band in zip(paths, 'gr', strict=True):
        header = wcs.to_header()
        header['FILTER'], header['BUNIT'] = band, 'nJy'
        flags = np.zeros(SHAPE, dtype=np.int16)
        flags[100:140, 120:160] = 4
        fits.HDUList([
            fits.PrimaryHDU(), fits.ImageHDU(frame, header, name='SCI'),
            fits.ImageHDU(np.full(SHAPE, 1.21, 'f4'), name='VAR'),
            fits.ImageHDU(flags, name='DQ')]).writeto(path)
    labels, catalog, result = run(paths)
    expected = segmenter.segment(paths)
    assert expected.cube.error[0, 0, 0] == pytest.approx(1.1)
    assert_same(labels, catalog, expected)
    assert result.labels.name == 'g_segm.fits'


def test_empty_blocks(frame, segmenter, run):
    """
    Blocks without data, whether they say so or are filled with one value, have no sources,
    and do not pull down the background beside them.
    """
    frame[:140, 200:] = np.nan
    frame[200:, :140] = 0
    labels, catalog, _ = run(frame)
    with pytest.warns(AstropyUserWarning, match='in whole areas'):
        expected = segmenter.segment(frame)
    assert_same(labels, catalog, expected)
    assert not labels[200:, :140].any()


def test_nothing(run):
    data = np.random.default_rng(0).normal(0, 1, SHAPE)
    with pytest.warns(NoDetectionsWarning):
        labels, catalog, result = run(data)
    assert not labels.any()
    assert len(catalog) == result.n_sources == 0


def test_large_source(run):
    """
    A source that reaches beyond the margin is cut, and says so; one at the edge of the
    frame says that, not one at the edge of a window.
    """
    frame = make_field(SHAPE, ((398.0, 310.0),))
    frame[180:220, 50:210] += 30  # blocks that show it end at columns 192 and 64
    # the disc that stands for a mask leaves corners, which pass for structure of the sky
    with pytest.warns(AstropyUserWarning, match='of 9 blocks gave warnings'):
        _, catalog, result = run(frame, background=50.)
    messages = QTable.read(result.manifest)['message'].filled('')
    assert any('structure' in message for message in messages)
    is_large = catalog['area'].value > 2000
    assert_equal(np.sort(is_large), [False, True])
    flags = catalog['detection_flags']
    assert_equal(flags & RCNN_FLAGS['exceeds_halo'] > 0, is_large)
    assert_equal(flags & RCNN_FLAGS['edge_touch'] > 0, ~is_large)


@pytest.fixture
def interrupt(monkeypatch):
    """
    Interrupt the measurement of the third block that has sources.
    """
    def interrupt(n_before=2):
        measure, calls = block_run.block_table, []

        def interrupted(*args, **kwargs):
            calls.append(1)
            if len(calls) > n_before:
                raise KeyboardInterrupt
            return measure(*args, **kwargs)

        monkeypatch.setattr(block_run, 'block_table', interrupted)
        return lambda: monkeypatch.setattr(block_run, 'block_table', measure)

    return interrupt


def test_resume(frame, run, interrupt, monkeypatch, tmp_path):
    """
    After an interruption, in which labels of a block were written but not its catalog, what
    comes out is the same, and only the other blocks are segmented.
    """
    labels, catalog, _ = run(frame, formats=('ecsv', 'parquet'))
    again = interrupt()
    with pytest.raises(KeyboardInterrupt):
        run(frame, 'half', formats=('ecsv', 'parquet'))
    again()
    n_partial = fits.getdata(tmp_path / 'half' / 'frame_segm.fits').max()
    assert 0 < n_partial < labels.max()
    measured = []
    measure = block_run.block_table
    monkeypatch.setattr(block_run, 'block_table', lambda *args, **kwargs: (
        measured.append(args[2].index), measure(*args, **kwargs))[1])
    monkeypatch.setattr(block_run, 'survey_frame', None)
    resumed, same, result = run(frame, 'half', resume=True, formats=('ecsv', 'parquet'))
    n_with_sources = (QTable.read(result.manifest)['n_sources'] > 0).sum()
    assert len(measured) == n_with_sources - 2
    assert_equal(resumed, labels)
    assert_equal(same.as_array(), catalog.as_array())
    parquet = QTable.read(result.catalogs[1])
    assert_allclose(parquet['kron_flux'], catalog['kron_flux'])
    assert parquet['class_name'].tolist() == catalog['class_name'].tolist()
    # done: nothing is left to do
    monkeypatch.setattr(block_run, 'block_table', None)
    assert run(frame, 'half', resume=True, formats=('ecsv', 'parquet'))[2] == result


@pytest.mark.parametrize(('change', 'differing'), [
    ({'deblend': True}, 'frame_deblend'), ({'block_size': 192}, 'frame_block_size'),
    ({'data': np.zeros((400, 300))}, 'shape'), ({'data': 2.}, 'pixels'),
    ({'mask': np.zeros(SHAPE, bool)}, 'frame_mask'), ({'model': '1' * 64}, 'model_sha256')])
def test_other_run(change, differing, frame, run, interrupt, segmenter):
    again = interrupt()
    with pytest.raises(KeyboardInterrupt):
        run(frame)
    again()
    with pytest.raises(FileExistsError, match='resume=True'):
        run(frame)
    data = change.pop('data', frame)
    if np.ndim(data) == 0:
        data = data * frame
    elif data is not frame:
        data = data + np.random.default_rng(0).normal(size=data.shape)
    segmenter.model.sha256 = change.pop('model', '0' * 64)
    with pytest.raises(ValueError, match=f'resume=True needs.*{differing}'):
        run(data, resume=True, **change)


def test_overwrite(frame, run):
    run(frame)
    with pytest.raises(FileExistsError, match='overwrite'):
        run(frame)
    labels, _, result = run(frame[:, :300], overwrite=True)
    assert labels.shape == (330, 300)
    assert result.n_sources < len(POSITIONS)


@pytest.mark.parametrize(('options', 'error', 'message'), [
    ({'block_size': 100}, ValueError, 'block_size must be a multiple of 64'),
    ({'margin': 0}, ValueError, 'margin must be .* at least 64'),
    ({'formats': ('vot',)}, ValueError, 'formats must be some of'),
    ({'name': 'a/b'}, ValueError, 'name must be'),
    ({'data': np.zeros((100, 300))}, ValueError, '192 pixels each way'),
    ({'data': np.full(SHAPE, np.nan)}, ValueError, 'no valid pixel'),
    ({'data': 'none.fits'}, OSError, 'no such file'),
    ({'data': 'none.fits.gz'}, ValueError, 'compressed as a whole'),
    ({'data': object()}, TypeError, 'data must be'),
    ({'mask': np.zeros((3, 3), bool)}, ValueError, 'mask must have the same shape'),
    ({'isophotal': False}, ValueError, 'see a frame in parts')])
def test_bad_arguments(options, error, message, frame, run, segmenter):
    segmenter.model.isophotal = options.pop('isophotal', True)
    with pytest.raises(error, match=message):
        run(options.pop('data', frame), **options)


def test_command(frame, fake_model, segmenter, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr('photutils_rcnn.models.zoo.load_model', lambda _: fake_model)
    path, out = tmp_path / 'a.fits', tmp_path / 'out'
    fits.writeto(path, frame)
    command = ['segment', str(path), '-o', str(out), '--blocks', '128', '--margin', '64']
    assert main(command) == 0
    told = capsys.readouterr()
    assert told.out.startswith(f'{len(POSITIONS)} sources')
    assert 'Surveying' in told.err
    assert 'Segmenting' in told.err
    assert main(command) == 2
    assert '--overwrite' in capsys.readouterr().err
    assert main([*command, '--resume', '--json']) == 0
    assert f'"n_sources": {len(POSITIONS)}' in capsys.readouterr().out
    assert {item.name for item in out.iterdir()} == {
        'a_segm.fits', 'a_catalog.ecsv', 'a_blocks.ecsv', 'a_record.json'}
    for extra, message in ((['--coco'], '--coco must not be given with --blocks'),
                           (['--table', 'vot'], '--table must be parquet')):
        assert main([*command, *extra]) == 2
        assert message in capsys.readouterr().err
    assert main(['segment', str(path), '-o', str(out), '--resume']) == 2
    assert '--resume needs --blocks' in capsys.readouterr().err
