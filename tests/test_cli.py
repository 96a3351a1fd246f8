# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the command line.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import QTable, Table
from astropy.wcs import WCS
from numpy.testing import assert_allclose
from photutils.psf import CircularGaussianPSF

import photutils_rcnn
from photutils_rcnn import RCNNResult
from photutils_rcnn.astro_rcnn.detections import read_detections
from photutils_rcnn.cli import main
from photutils_rcnn.sources.footprints import Footprints


@pytest.fixture(autouse=True)
def _fake(fake_model, monkeypatch):
    fake_model.settings['description'] = 'A stand-in'
    monkeypatch.setattr('photutils_rcnn.models.zoo.load_model',
                        lambda _: fake_model)


@pytest.fixture
def band_files(field, wcs, tmp_path):
    paths = []
    for band in 'grz':
        paths.append(str(tmp_path / f'{band}.fits'))
        header = wcs.to_header()
        header['BUNIT'] = 'nJy'
        fits.writeto(paths[-1], field.astype('f4'), header)
    return paths


def test_segment(band_files, tmp_path, capsys):
    """
    Several files give label image, catalog, result and picture.
    """
    out = tmp_path / 'out'
    assert main(['segment', *band_files, '-o', str(out)]) == 0
    streams = capsys.readouterr()
    assert '3 sources: 2 stars, 1 galaxy' in streams.out
    assert 'Segmenting' in streams.err
    assert sorted(path.name for path in out.iterdir()) == [
        'g_catalog.ecsv', 'g_overlay.png', 'g_result.asdf', 'g_segm.fits']
    labels, header = fits.getdata(out / 'g_segm.fits', header=True)
    assert labels.dtype == np.dtype('>i4')
    assert labels.max() == 3
    assert_allclose(WCS(header).wcs.crval, (150, 2))
    table = QTable.read(out / 'g_catalog.ecsv')
    assert {'score', 'class_name', 'segment_flux_z'} <= set(table.colnames)
    assert str(table['segment_flux'].unit) == 'nJy'
    result = RCNNResult.read(out / 'g_result.asdf')
    assert result.bands == ('g', 'r', 'z')


def test_options(band_files, field, tmp_path, capsys):
    """
    Errors, mask, background, bands and names may be given.
    """
    mask = tmp_path / 'bad.fits'
    fits.writeto(mask, (np.indices(field.shape)[0] < 60).astype('i2'))
    error = tmp_path / 'error.fits'
    fits.writeto(error, np.ones(field.shape))
    assert main(['segment', *band_files[:2], '-o', str(tmp_path / 'out'),
                 '--stem', 'field', '--bands', 'r,g', '--background', '50',
                 '--error', str(error), '--mask', str(mask),
                 '--psf-fwhm', '4.5,4', '--include-data', '--quiet']) == 0
    assert capsys.readouterr() == ('', '')
    result = RCNNResult.read(tmp_path / 'out' / 'field_result.asdf')
    assert result.bands == ('g', 'r')
    assert result.catalog.n_labels == 1
    assert_allclose(result.background, 50)
    assert result.meta['psf_fwhm'] == [4, 4.5]  # the files are r and g


def test_gain_beside_error(band_files, field, tmp_path, capsys):
    """
    A gain that has no effect is told.
    """
    error = tmp_path / 'error.fits'
    fits.writeto(error, np.ones(field.shape))
    command = ['segment', band_files[0], '-o', str(tmp_path), '--overwrite', '--error',
               str(error), '--gain']
    for gain, count in (('1', 1), ('none', 0)):
        assert main([*command, gain]) == 0
        assert capsys.readouterr().err.count('gain has no effect beside error') == count


def test_given_psf(band_files, tmp_path, capsys):
    """
    One file for each band, in the order of the images, or one for all.
    """
    axis = np.arange(-12, 13)
    paths = []
    for fwhm in (5, 4):
        paths.append(str(tmp_path / f'psf{fwhm}.fits'))
        fits.writeto(paths[-1], CircularGaussianPSF(fwhm=fwhm)(*np.meshgrid(axis, axis)))
    for psf, expected in ((paths, [4, 5]), (paths[:1], [5, 5])):
        assert main(['segment', *band_files[:2], '-o', str(tmp_path), '--bands', 'r,g',
                     '--stem', 'field', '--overwrite', '--psf', *psf]) == 0
        result = RCNNResult.read(tmp_path / 'field_result.asdf')
        assert_allclose(result.meta['psf_fwhm'], expected, rtol=0.03)
        assert result.psf['g'].data.shape == (25, 25)
        assert 'PSF: given, FWHM [' in capsys.readouterr().out
    assert main(['segment', *band_files, '-o', str(tmp_path), '--psf', *paths]) == 2
    assert 'psf must be one for all or one for each of 3 bands' in capsys.readouterr().err


def test_sources_are_named(band_files, tmp_path, capsys):
    """
    The command says which image it took for which band.
    """
    assert main(['segment', *band_files[::-1], '-o', str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [f'{band}: {path}[0]' for band, path
                         in zip('zrg', band_files[::-1], strict=True)]


def test_masks_and_errors_of_bands(band_files, field, tmp_path):
    """
    A mask may have a plane for each band; errors have a unit of their own.
    """
    bad = np.zeros((3, *field.shape), 'u1')
    bad[1, 10, 20] = bad[2, 10, 20] = bad[2, 11, 20] = 1
    fits.writeto(tmp_path / 'bad.fits', bad)
    for band in 'grz':
        fits.writeto(tmp_path / f'e{band}.fits', np.ones(field.shape),
                     fits.Header({'BUNIT': 'uJy'}))
    errors = [str(tmp_path / f'e{band}.fits') for band in 'grz']
    assert main(['segment', *band_files, '-o', str(tmp_path / 'out'),
                 '--mask', str(tmp_path / 'bad.fits'), '--error', *errors,
                 '--include-data', '--quiet']) == 0
    cube = RCNNResult.read(tmp_path / 'out' / 'g_result.asdf').cube
    assert cube.invalid.sum(axis=(1, 2)).tolist() == [0, 1, 2]
    assert_allclose(cube.error[~cube.invalid], 1000, rtol=1e-6)


def test_mask_files_of_bands(band_files, field, tmp_path):
    """
    Masks are one file for each band, in the order of the images, or of each frame.
    """
    masks = []
    for i, band in enumerate('grz'):
        masks.append(str(tmp_path / f'bad_{band}.fits'))
        bad = np.zeros(field.shape, 'u1')
        bad[10, 20:20 + i] = 1
        fits.writeto(masks[-1], bad)
    command = ['segment', *band_files, '--include-data', '--quiet', '--mask', *masks]
    assert main([*command, '-o', str(tmp_path / 'bands')]) == 0
    result = RCNNResult.read(tmp_path / 'bands' / 'g_result.asdf')
    assert result.cube.invalid.sum(axis=(1, 2)).tolist() == [0, 1, 2]
    assert result.meta['segment_options']['mask'] == masks
    assert main([*command, '-o', str(tmp_path / 'frames'), '--each']) == 0
    for i, band in enumerate('grz'):
        result = RCNNResult.read(tmp_path / 'frames' / f'{band}_result.asdf')
        assert result.cube.invalid.sum() == i
        assert result.meta['segment_options']['mask'] == masks[i:i + 1]


def test_existing_output(band_files, tmp_path, capsys):
    """
    Results are replaced on request only.
    """
    command = ['segment', band_files[0], '-o', str(tmp_path), '--quiet']
    assert main(command) == 0
    assert main(command) == 2
    error = capsys.readouterr().err
    assert error.count('\n') == 1
    assert 'exists; use --overwrite' in error
    assert main([*command, '--overwrite']) == 0


@pytest.mark.parametrize(('arguments', 'match'), [
    (['none.fits'], 'none.fits: no such file'),
    (['empty.fits'], 'empty.fits: the file is empty'),
    (['g.fits', 'small.fits'], 'must have the same shape'),
    (['g.fits', '--bands', 'g,r'], 'bands must name 1 band, one each, got'),
    (['g.fits', '--background', 'sky'], "--background must be 'auto'"),
    (['g.fits', '--psf-fwhm', 'wide'], "--psf-fwhm must be 'auto'"),
    (['g.fits', '--star-fraction', 'most'], "--star-fraction must be 'auto', 'none'"),
    (['g.fits', '--star-fraction', '1.5'], '--star-fraction must be .*, got .1.5'),
    (['g.fits', '--psf-fwhm', '3,4'], 'each of 1 band of the data, got'),
    (['g.fits', '--hdu', '5'], 'no such extension'),
    (['g.fits', '--score-threshold', '2'], 'score_threshold must be'),
    (['g.fits', '--mask', 'small.fits'], 'mask must have the same shape'),
    (['g.fits', '--mask', 'two.fits'], '--mask must hold one image or one'),
    (['g.fits', '--error', 'two.fits'], '--error must hold one image or one'),
    (['g.fits', '--error', 'g.fits'], '--error must not be the image itself'),
    (['g.fits', '--mask', 'g.fits'], '--mask must not be the image itself'),
    (['g.fits', '--gain', 'high'], "--gain must be 'none' or numbers"),
    (['g.fits[1:9,1:9]'], 'sections are not read'),
    (['g.fits', '--stem', 'a/b'], "--stem must be .*, got 'a/b'")])
def test_bad_input(arguments, match, band_files, tmp_path, capsys,
                   monkeypatch):
    """
    One clear line and exit status 2.
    """
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'empty.fits').touch()
    fits.writeto('small.fits', np.ones((30, 30)), fits.Header({'BUNIT':
                                                               'nJy'}))
    fits.writeto('two.fits', np.zeros((2, 120, 150)))
    assert main(['segment', *arguments, '-o', 'out', '--quiet']) == 2
    error = capsys.readouterr().err
    assert re.search(match, error)
    assert error.startswith('photutils-rcnn segment: error: ')
    assert error.count('\n') == 1


def test_all_or_nothing(band_files, tmp_path, capsys, monkeypatch):
    """
    A failure at the end leaves no half of the results, nor harms older ones.
    """
    command = ['segment', band_files[0], '-o', str(tmp_path / 'out'),
               '--quiet']
    with monkeypatch.context() as patch:
        patch.setattr('photutils_rcnn.plotting.write_overlay', _fail)
        assert main(command) == 2
        assert list((tmp_path / 'out').iterdir()) == []
    assert main(command) == 0
    assert len(list((tmp_path / 'out').iterdir())) == 4


def _fail(*args):
    raise OSError('disk full')


def test_nothing_found(tmp_path, capsys):
    """
    A frame without sources is no failure.
    """
    path = tmp_path / 'sky.fits'
    fits.writeto(path, np.random.default_rng(0).normal(size=(40, 40)))
    assert main(['segment', str(path), '-o', str(tmp_path)]) == 0
    streams = capsys.readouterr()
    assert '0 sources' in streams.out
    assert 'PSF: not measured' in streams.out
    assert 'warning: No sources were found' in streams.err
    assert (tmp_path / 'sky_catalog.ecsv').exists()


@pytest.fixture
def scene(field):
    labels = np.zeros(field.shape, dtype=int)
    y, x = np.indices(field.shape)
    for i, (x0, y0) in enumerate(((30, 25), (100, 40), (60, 90), (20, 100))):
        labels[np.hypot(x - x0, y - y0) < 6] = i + 1
    truth = Table({'x': [30.0, 100, 60, 20], 'y': [25.0, 40, 90, 100],
                   'class_id': [1, 1, 1, 2], 'mag': np.full(4, 20.0),
                   'snr': np.full(4, 50.0), 'half_light_radius': np.zeros(4),
                   'ignore': np.zeros(4, bool)},
                  meta={'reference_band': 'r'})
    return SimpleNamespace(
        data=field[None].astype('f4'), noise=np.ones(1), bands=('r',),
        mask=np.zeros(field.shape, bool), psf_fwhm=np.array([4.7]),
        zero_points=np.array([25.0]), truth=truth,
        footprints=Footprints.from_labels(labels))


def test_demo(scene, tmp_path, capsys, monkeypatch):
    """
    The demonstration prints completeness and purity by class.
    """
    monkeypatch.setattr('photutils_rcnn.commands.demo._scene',
                        lambda _: scene)
    assert main(['demo', '-o', str(tmp_path / 'a'), '--quiet']) == 0
    assert capsys.readouterr() == ('', '')
    assert main(['demo', '-o', str(tmp_path / 'out')]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ['all', '4', '3', '75.0%', '100.0%', '66.7%'] in lines
    assert ['star', '3', '3', '100.0%', '100.0%', '66.7%'] in lines
    assert ['galaxy', '1', '0', '0.0%', '100.0%', '-'] in lines
    assert (tmp_path / 'out' / 'demo_overlay.png').exists()
    scene.truth['ignore'][0] = True
    assert main(['demo', '-o', str(tmp_path / 'out'), '--overwrite']) == 0
    printed = capsys.readouterr().out
    assert '3 sources found\n1 of these too faint' in printed


def test_missing_galsim(tmp_path, capsys, monkeypatch):
    """
    Simulations without GalSim end with the extra to install.
    """
    def missing(*args):
        msg = 'Simulating scenes needs GalSim: pip install ...'
        raise ModuleNotFoundError(msg, name='galsim')

    monkeypatch.setattr('photutils_rcnn.simulation.make_scene', missing,
                        raising=False)
    assert main(['demo', '--simulate', '1', '-o', str(tmp_path)]) == 2
    assert 'error: Simulating scenes needs GalSim' in capsys.readouterr().err


def test_models_and_version(monkeypatch, capsys):
    """
    Models and the version are printed.
    """
    monkeypatch.setattr('photutils_rcnn.models.zoo.list_models', lambda: {
        'default': {'sha256': 'ab' * 32, 'description': 'A stand-in'}})
    assert main(['models']) == 0
    assert 'default  sha256 abababababab  A stand-in' in (
        capsys.readouterr().out)
    with pytest.raises(SystemExit) as exit_info:
        main(['--version'])
    assert exit_info.value.code == 0
    assert photutils_rcnn.__version__ in capsys.readouterr().out


def test_existing_report(tmp_path, capsys):
    """
    A report that is in the way is found before the evaluation.
    """
    (tmp_path / 'scene.npz').write_text('not read')
    (tmp_path / 'report.json').touch()
    command = ['evaluate', str(tmp_path), '-o', str(tmp_path)]
    assert main(command) == 2
    assert 'already holds a report' in capsys.readouterr().err


def test_evaluate_without_scenes(tmp_path, capsys):
    """
    An empty folder is one clear error.
    """
    assert main(['evaluate', str(tmp_path)]) == 2
    assert 'no scenes' in capsys.readouterr().err


def test_options_of_the_model(band_files, tmp_path, monkeypatch):
    """
    Thresholds and tiles are those that were asked for; the network is told
    no PSF.
    """
    monkeypatch.setattr('photutils_rcnn.detection.pipeline.find_psf_stars', pytest.fail)
    assert main(['segment', band_files[0], '-o', str(tmp_path), '--quiet',
                 '--score-threshold', '0.75', '--nms-threshold', '0.25',
                 '--tile-size', '512', '--psf-fwhm', 'none',
                 '--star-fraction', 'none']) == 0
    meta = RCNNResult.read(tmp_path / 'g_result.asdf').meta
    assert (meta['score_threshold'], meta['nms_threshold'],
            meta['tile_size'], meta['psf_fwhm']) == (0.75, 0.25, 512, None)
    assert meta['star_fraction_mode'] == 'training'


def test_extensions_by_number_and_name(field, tmp_path, capsys):
    path = str(tmp_path / 'field.fits')
    fits.HDUList([fits.PrimaryHDU(), *(
        fits.ImageHDU(field, name=name) for name in ('ONE', 'TWO', 'THREE'))]
        ).writeto(path)
    for i, (given, numbers) in enumerate((('2', [2]), ('1,THREE', [1, 3]))):
        out = str(tmp_path / f'{i}')
        assert main(['segment', path, '-o', out, '--hdu', given]) == 0
        lines = capsys.readouterr().out.splitlines()[:len(numbers)]
        assert [line.split(': ')[1] for line in lines] == [
            f'{path}[{n}]' for n in numbers]


def test_simulate(tmp_path, monkeypatch):
    """
    The command hands over what it was given.
    """
    calls = []
    monkeypatch.setattr(
        'photutils_rcnn.simulation.simulate_scenes',
        lambda *args, **options: calls.append((args, options)),
        raising=False)
    assert main(['simulate', 'decam', '3', str(tmp_path), '--seed', '7',
                 '--shape', '64', '96', '--processes', '2', '--quiet']) == 0
    assert main(['simulate', 'universal', '1', str(tmp_path)]) == 0
    assert calls == [
        (('decam', 3, tmp_path), {'seed': 7, 'n_processes': 2,
                                  'progress_bar': False, 'shape': (64, 96)}),
        (('universal', 1, tmp_path), {'seed': 0, 'n_processes': 1,
                                      'progress_bar': True})]


def test_seed_of_the_demo(scene, tmp_path, monkeypatch):
    seeds = []
    monkeypatch.setattr(
        'photutils_rcnn.simulation.make_scene',
        lambda preset, seed: seeds.append((preset, seed)) or scene,
        raising=False)
    assert main(['demo', '--simulate', '5', '-o', str(tmp_path),
                 '--quiet']) == 0
    assert seeds == [('decam', 5)]


def test_export_without_tf2onnx(tmp_path, monkeypatch, capsys):
    """
    The package that is missing is named before a network is built.
    """
    monkeypatch.setitem(sys.modules, 'tf2onnx', None)
    assert main(['models', 'export', 'default', str(tmp_path)]) == 2
    assert 'pip install "photutils_rcnn[onnx]"' in capsys.readouterr().err


def test_import_a_model(tmp_path, monkeypatch, capsys):
    calls = []
    monkeypatch.setattr(
        'photutils_rcnn.astro_rcnn.importer.import_model',
        lambda *args, **options: calls.append((args, options)))
    paths = tmp_path / 'w.h5', tmp_path / 'model'
    command = ['models', 'import', *map(str, paths)]
    assert main(command) == 0
    assert main([*command, '--resize-to', '512', '--overwrite']) == 0
    assert calls == [(paths, {'resize_to': None, 'overwrite': False}),
                     (paths, {'resize_to': 512, 'overwrite': True})]
    assert f'{paths[1]}: imported' in capsys.readouterr().out


def test_survey_file(field, tmp_path, capsys):
    """
    Variance and flags beside the image are used, and told.
    """
    flags = fits.ImageHDU(np.full(field.shape, 32, 'i4'), name='MASK')
    for name, bit in (('BAD', 0), ('DETECTED', 5)):
        flags.header[f'HIERARCH MP_{name}'] = bit
    path = tmp_path / 'calexp.fits'
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(field, name='IMAGE'), flags,
                  fits.ImageHDU(np.full(field.shape, 2.25), name='VARIANCE')]
                 ).writeto(path)
    out = tmp_path / 'out'
    assert main(['segment', str(path), '-o', str(out),
                 '--include-data']) == 0
    printed = capsys.readouterr().out
    assert f'errors: {path}[3] VARIANCE, variances' in printed
    assert f'mask: {path}[2] MASK, bits but DETECTED, 0 %' in printed
    result = RCNNResult.read(out / 'calexp_result.asdf')
    assert_allclose(result.cube.error, 1.5)
    assert main(['segment', f'{path}[1]', '-o', str(out), '--overwrite',
                 '--error', 'none', '--mask', 'none', '--gain', '2']) == 0
    printed = capsys.readouterr().out
    assert 'VARIANCE' not in printed
    assert 'errors: measured, with gain' in printed
    assert main(['segment', str(path), '-o', str(out), '--overwrite',
                 '--mask-bits', 'DETECTED']) == 2
    assert 'mask must not be True for all' in capsys.readouterr().err


def test_nothing_of_tensorflow_is_printed(band_files, tmp_path):
    """
    A process of its own prints nothing of the libraries below.
    """
    done = subprocess.run(
        [sys.executable, '-m', 'photutils_rcnn.cli', 'segment',
         str(band_files[0]), '-o', str(tmp_path), '--quiet'],
        check=True, capture_output=True, text=True)
    assert done.stdout == ''
    assert not [line for line in done.stderr.splitlines()
                if not line.startswith('photutils-rcnn: warning')]


@pytest.mark.parametrize('arguments', [
    ['attribute', 'model', '--table', 'none.csv'], ['train', 'run', '--recipe', 'none.json']])
def test_nothing_of_tensorflow_is_printed_before_training(arguments, tmp_path):
    done = subprocess.run([sys.executable, '-m', 'photutils_rcnn.cli', *arguments],
                          capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count('\n') == 1


def test_further_outputs(band_files, tmp_path, capsys):
    """
    Formats that were asked for are written too, and read back.
    """
    coco = pytest.importorskip('pycocotools.coco')
    out = tmp_path / 'out'
    command = ['segment', *band_files, '-o', str(out), '--quiet']
    assert main([*command, '--table', 'vot, csv,ldac', '--coco', '--masks',
                 '--artifacts']) == 0
    assert sorted(path.name for path in out.iterdir()) == [
        'g_artifacts.fits', 'g_catalog.csv', 'g_catalog.ecsv', 'g_catalog.ldac',
        'g_catalog.vot', 'g_coco.json', 'g_masks.fits', 'g_overlay.png',
        'g_result.asdf', 'g_segm.fits']
    assert len(Table.read(out / 'g_catalog.csv')) == 3
    assert len(Table.read(out / 'g_catalog.ldac', hdu=2)) == 3
    masks = read_detections(out / 'g_masks.fits')
    assert masks.weights == 'fake'
    areas = RCNNResult.read(out / 'g_result.asdf').table['area']
    assert masks.footprints((120, 150)).areas.tolist() == areas.value.tolist()
    assert len(coco.COCO(out / 'g_coco.json').anns) == 3
    with fits.open(out / 'g_artifacts.fits') as hdus:
        assert len(hdus) == 1 + len(band_files)
        assert hdus[1].data.shape == (120, 150)
        assert hdus[1].data.dtype == np.uint8
    capsys.readouterr()
    (out / 'g_segm.fits').unlink()
    assert main([*command, '--masks']) == 2
    assert 'exists; use --overwrite' in capsys.readouterr().err


def test_further_outputs_of_nothing(tmp_path):
    """
    Without a source there are no masks, not even older ones.
    """
    path = tmp_path / 'sky.fits'
    fits.writeto(path, np.random.default_rng(0).normal(size=(40, 40)))
    (tmp_path / 'sky_masks.fits').touch()
    assert main(['segment', str(path), '-o', str(tmp_path), '--overwrite', '--quiet',
                 '--masks', '--table', 'ldac,csv']) == 0
    names = {item.name for item in tmp_path.iterdir()}
    assert 'sky_catalog.csv' in names
    assert not names & {'sky_masks.fits', 'sky_catalog.ldac'}


@pytest.mark.parametrize(('arguments', 'match'), [
    (['g.fits', '--table', 'xls'], "--table must name some of ecsv, .*, got 'xls'"),
    (['g.fits', '--each', '--stem', 'a'],
     "--stem must not be given with --each, got 'a'"),
    (['g.fits', 'sub/g.fits', '--each'],
     'names of the files must differ, got g.fits and sub/g.fits'),
    ([], 'must be named either as arguments or in a file'),
    (['g.fits', '--list', 'g.txt'], 'must be named either as arguments or in a file'),
    (['--list', 'empty.txt'], '--list must name frames, got empty.txt without any'),
    (['--list', 'binary.fits'], '--list must be a text file, got binary.fits'),
    (['--list', 'quote.txt'], "quote.txt, line 2: names with quotes .* got Barnard's.fits"),
    (['g.fits', '--stem', ''], "--stem must be the beginning of a file name, got ''"),
    (['g.fits', '--mask-bits', 'BAD'], "--mask-bits needs flags, .* got 'BAD' and none"),
    (['g.fits', '--mask-bits', 'BAD', '--mask', 'none'], '--mask-bits needs flags'),
    (['g.fits', '--workers', '2'], '--workers and --scheduler need several frames'),
    (['g.fits', 'r.fits', '--each', '--error', 'a', 'b', 'c'],
     '--error must name one file or, with --each, one for each of the 2 frames, got 3'),
    (['g.fits', 'r.fits', '--each', '--mask', 'a', 'b', 'c'],
     '--mask must name one file or, with --each, one for each of the 2 frames, got 3')])
def test_bad_options(arguments, match, band_files, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'empty.txt').write_text('\n')
    (tmp_path / 'quote.txt').write_text("g.fits\nBarnard's.fits\n")
    (tmp_path / 'binary.fits').write_bytes(b'SIMPLE\xff')
    assert main(['segment', *arguments, '-o', 'out']) == 2
    assert re.search(match, capsys.readouterr().err)
    assert not (tmp_path / 'out').exists()


def test_missing_package_is_found_first(band_files, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, 'regions', None)
    assert main(['segment', band_files[0], '-o', str(tmp_path / 'out'), '--table',
                 'reg']) == 2
    streams = capsys.readouterr()
    assert 'pip install "photutils_rcnn[regions]"' in streams.err
    assert 'Segmenting' not in streams.err


def test_each(band_files, field, tmp_path, capsys):
    """
    Every file is a frame; a bad one is told and does not stop the others.
    """
    bad = tmp_path / 'bad.fits'
    bad.write_bytes(b'no FITS file')
    out = tmp_path / 'out'
    files = [band_files[0], str(bad), band_files[1]]
    command = ['segment', *files, '-o', str(out), '--each']
    assert main([*command, '--quiet']) == 1
    streams = capsys.readouterr()
    assert streams.out == ''
    errors = streams.err.splitlines()
    assert len(errors) == 1
    assert errors[0].startswith(f'photutils-rcnn segment: {bad}: error: ')
    assert sorted({path.name[0] for path in out.iterdir()}) == ['g', 'r']
    assert RCNNResult.read(out / 'r_result.asdf').bands == ('r',)
    assert main([*command, '--overwrite']) == 1
    streams = capsys.readouterr()
    assert streams.out.count('3 sources') == 2
    assert f'{bad}:' in streams.err.splitlines()
    assert main(['segment', *band_files, '-o', str(out), '--each', '--quiet',
                 '--overwrite']) == 0


def test_list(band_files, tmp_path, capsys):
    """
    A line of a list is a frame of one file or several.
    """
    spaced = tmp_path / 'a name.fits'
    Path(band_files[2]).rename(spaced)
    listed = tmp_path / 'list.txt'
    listed.write_text(f'{band_files[0]} {band_files[1]}\n\nnone.fits\n"{spaced}"\n')
    assert main(['segment', '--list', str(listed), '--out', str(tmp_path / 'out')]) == 1
    assert 'none.fits: error: ' in capsys.readouterr().err
    for name, bands in (('g', ('g', 'r')), ('a name', ('band1',))):
        result = RCNNResult.read(tmp_path / 'out' / f'{name}_result.asdf')
        assert result.bands == bands


def test_comments_and_patterns_of_a_list(band_files, tmp_path, monkeypatch, capsys):
    """
    Lists of other systems, with comments and a pattern for the bands of a frame; a pattern
    that nothing matches fails for its frame alone.
    """
    monkeypatch.chdir(tmp_path)
    Path('list.txt').write_bytes(
        '\ufeff# the night of the 3rd\r\n  [grz].fits\r\n?.fits\r\n*.fz\r\n'.encode())
    assert main(['segment', '--list', 'list.txt', '-o', 'out', '--quiet']) == 1
    error = capsys.readouterr().err
    assert '*.fz: error: *.fz: no such file' in error
    assert '[grz].fits: error: ' in error  # brackets name extensions
    assert error.count('\n') == 2
    assert RCNNResult.read('out/g_result.asdf').bands == ('g', 'r', 'z')


def test_errors_of_each(band_files, field, tmp_path):
    """
    Errors may be one file for all frames, or one for each.
    """
    paths = [str(tmp_path / f'error_{i}.fits') for i in (1, 2)]
    for i, path in enumerate(paths, start=1):
        fits.writeto(path, np.full(field.shape, float(i)))
    command = ['segment', *band_files[:2], '--each', '--quiet', '--include-data']
    for n, given in enumerate((paths, paths[:1])):
        out = tmp_path / f'out_{n}'
        assert main([*command, '-o', str(out), '--error', *given]) == 0
        medians = [np.median(RCNNResult.read(out / f'{band}_result.asdf').cube.error)
                   for band in 'gr']
        assert medians == ([1, 2] if n == 0 else [1, 1])


def test_json(band_files, tmp_path, capsys):
    """
    Standard output is a line of JSON for each frame and nothing else.
    """
    out = tmp_path / 'out'
    assert main(['segment', *band_files, '-o', str(out), '--json']) == 0
    line, = capsys.readouterr().out.splitlines()
    told = json.loads(line)
    assert (told['status'], told['n_sources'], told['classes'], told['shape']) == (
        'ok', 3, {'star': 2, 'galaxy': 1}, [120, 150])
    assert told['files'] == band_files
    assert told['meta']['bands'] == ['g', 'r', 'z']
    assert all(Path(path).exists() for path in told['outputs'].values())
    assert main(['segment', 'none.fits', band_files[2], '-o', str(out), '--json', '--each',
                 '--quiet']) == 1
    bad, good = map(json.loads, capsys.readouterr().out.splitlines())
    assert (bad['files'], bad['status'], bad['type']) == (
        ['none.fits'], 'error', 'OSError')
    assert 'no such file' in bad['error']
    assert good['status'] == 'ok'


def test_completion(tmp_path):
    """
    Shells complete options with argcomplete.
    """
    pytest.importorskip('argcomplete', reason='argcomplete is in the extra completion')
    line = 'photutils-rcnn segment --ea'
    answer = tmp_path / 'answer'
    subprocess.run([sys.executable, '-m', 'photutils_rcnn.cli'], check=True, env={
        **os.environ, '_ARGCOMPLETE': '1', 'COMP_LINE': line, 'COMP_POINT': str(len(line)),
        '_ARGCOMPLETE_STDOUT_FILENAME': str(answer)})
    assert answer.read_text().strip() == '--each'
