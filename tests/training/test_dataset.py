# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the training crops.
"""



from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_equal

from photutils_rcnn.training.augmentation import transform
from photutils_rcnn.training.dataset import CropDataset, scene_crops


def test_crops_are_normalized_as_in_inference(scene, config):
    """
    Neither a pedestal nor a wrong idea of the noise changes them.
    """
    expected = scene_crops(scene, config, 64)
    scene.data += 7.5 * scene.noise[:, None, None]
    scene.noise = 3 * scene.noise
    for crop, before in zip(scene_crops(scene, config, 64), expected,
                            strict=True):
        assert_allclose(crop.snr, before.snr, atol=0.01)


def test_scene_crops(scene, config):
    """
    Crops row by row; a source across a border belongs to both.
    """
    left, right = scene_crops(scene, config, 64)
    assert_equal(left.labels, [1, 2, 1])
    assert_equal(right.labels, [1, 2, 1])
    assert_equal(left.boxes, [[6, 8, 15, 17], [26, 36, 35, 45],
                              [29, 60, 36, 64]])
    assert_equal(right.boxes[0], [28, 0, 37, 5])
    snr = scene.data / scene.noise[:, None, None]
    expected = np.arcsinh(np.moveaxis(snr[:, :, 64:], 0, -1))
    assert_allclose(right.snr, expected, atol=0.15)
    for crop in (left, right):
        assert_equal(crop.windows[:, 2:] - crop.windows[:, :2], 16)
        areas = crop.masks.sum(axis=(1, 2))
        assert_allclose(areas[:2].max(), 49)


def test_bad_pixels_hold_no_light(scene, config):
    scene.mask[:32] = True
    scene.data[:, 40:, :10] = np.nan
    crop = scene_crops(scene, config, 64)[0]
    assert_equal(crop.snr[:32], 0)
    assert_equal(crop.snr[40:, :10], 0)
    assert np.isfinite(crop.snr).all()
    assert crop.snr[45, 30].any()


def test_psf_of_each_band(scene, config):
    """
    A band without data looks like the mean of the others, its PSF too.
    """
    crop = scene_crops(scene, config, 64)[0]
    assert_allclose(crop.fwhm, [3, 4, 5])
    scene.data[0] = np.nan
    crop = scene_crops(scene, config, 64)[0]
    assert_allclose(crop.fwhm, [4.5, 4, 5])


def test_psf_of_bands_in_another_order(scene, config):
    """
    Bands are sorted from blue to red, the PSF with them.
    """
    expected = scene_crops(scene, config, 64)[0]
    scene.data, scene.noise, scene.psf_fwhm, scene.bands = (
        values[::-1] for values in (scene.data, scene.noise, scene.psf_fwhm,
                                    scene.bands))
    crop = scene_crops(scene, config, 64)[0]
    assert_equal(crop.snr, expected.snr)
    assert_allclose(crop.fwhm, [3, 4, 5])


@pytest.mark.parametrize('class_id', [-1, 0, 7])
def test_classes_of_the_network(scene, config, class_id):
    scene.truth['class_id'][1] = class_id
    with pytest.raises(ValueError, match=f'class_id .* 1 to 2, .*{class_id}'):
        scene_crops(scene, config, 64)


def test_signal_to_noise_of_bands(scene, config):
    """
    That over all bands is split as flux over noise; without fluxes it is not
    known. The bands of the crop follow the wavelength.
    """
    assert np.isnan(scene_crops(scene, config, 64)[0].band_snr).all()
    truth = scene.truth.copy()
    n = len(truth)
    truth['snr'] = 50.
    # noise is 1, 2 and 3
    for band, flux in zip('grz', (3., 8., 0.), strict=True):
        truth[f'flux_{band}'] = np.full(n, flux)
    for crop in scene_crops(replace(scene, truth=truth), config, 64):
        assert_allclose(crop.band_snr, [[30, 40, 0]] * len(crop.labels),
                        rtol=0.1)
        assert_allclose(np.sqrt((crop.band_snr**2).sum(axis=1)), 50,
                        rtol=1e-5)
        assert crop.independent == [0, 1, 2]
    turned = replace(scene, truth=truth, bands=('z', 'g'),
                     data=scene.data[[2, 0]], noise=scene.noise[[2, 0]],
                     psf_fwhm=scene.psf_fwhm[[2, 0]])
    crop = scene_crops(turned, config, 64)[0]
    assert_allclose(crop.band_snr, [[50, 50 / np.sqrt(2), 0]]
                    * len(crop.labels), rtol=1e-5)
    assert crop.independent == [0, 2]


def test_labels_to_ignore(scene, config):
    """
    Ignored sources and slivers at the border of a crop have the label 0.
    """
    scene.truth['ignore'][0] = True
    left, right = scene_crops(scene, config, 64)
    assert_equal(left.labels, [0, 2, 1])
    scene.truth['snr'][0] = 3.4  # teaches background
    left, right = scene_crops(scene, config, 64)
    assert_equal(left.labels, [2, 1])
    scene.truth['snr'][0] = np.nan  # not known: it may be a bright one
    left, right = scene_crops(scene, config, 64)
    assert_equal(left.labels, [0, 2, 1])
    scene.truth['snr'][0] = 4.0
    footprint = scene.footprints.masks[2]
    scene.footprints.masks[2] = np.zeros_like(footprint)
    scene.footprints.masks[2][4, 3:8] = True  # columns 63 to 67
    left, right = scene_crops(scene, config, 64)
    assert_equal(left.labels, [0, 2, 0])
    assert right.labels[0] == 0


def test_crowded_crop_is_cut(scene, config):
    """
    Too many sources: only the middle, on a canvas without data, so that no
    source of the crop is missing from its truth.
    """
    left, _ = scene_crops(scene, config, 64, max_sources=2)
    assert_equal(left.labels, [2])
    assert_equal(left.boxes, [[26, 36, 35, 45]])
    assert left.snr.shape == (64, 64, 3)
    canvas = left.snr.copy()
    canvas[16:48, 16:48] = 0
    assert not canvas.any()
    whole, _ = scene_crops(scene, config, 64)
    assert_equal(left.snr[16:48, 16:48], whole.snr[16:48, 16:48])
    assert_equal(left.masks[0], whole.masks[1])
    assert_equal(left.windows[0], whole.windows[1])


def test_ignored_sources_make_room(scene, config):
    """
    Sources to ignore are left out before the crop is cut.
    """
    scene.truth['ignore'][0] = True
    left, _ = scene_crops(scene, config, 64, max_sources=2)
    assert_equal(left.labels, [2, 1])
    left, _ = scene_crops(scene, config, 64, max_sources=3)
    assert_equal(left.labels, [0, 2, 1])


def test_crop_larger_than_scene(scene, config):
    with pytest.raises(ValueError, match='got 65 for a scene of 64x128'):
        scene_crops(scene, config, 65)


@pytest.fixture
def dataset(folder, config):
    return CropDataset(folder, config, batch_size=3, side=64, max_sources=5)


def test_batch(dataset):
    """
    Static shapes, padded; no NaN.
    """
    assert len(dataset) == 4
    images, truth = dataset.batch(0)
    assert images.shape == (3, 64, 64, 3)
    assert images.dtype == np.float32
    assert np.isfinite(images).all()
    assert truth['boxes'].shape == truth['windows'].shape == (3, 5, 4)
    assert truth['masks'].shape == (3, 5, 16, 16)
    assert truth['log_fwhm'].shape == (3, 3)
    assert truth['labels'].dtype == np.int32
    assert set(truth['labels'].ravel()) <= {-1, 0, 1, 2}
    padding = truth['labels'] < 0
    assert padding.any()
    for name in ('boxes', 'masks', 'windows'):
        assert not truth[name][padding].any()


def test_batches_are_reproducible(dataset, folder, config):
    """
    A step's batch depends on the step and the seed alone.
    """
    again = CropDataset(folder, config, batch_size=3, side=64, max_sources=5)
    again.batch(0)
    for a, b in zip(dataset.batch(7), again.batch(7), strict=True):
        for name in b if isinstance(b, dict) else [slice(None)]:
            assert_equal(a[name], b[name])
    other = CropDataset(folder, config, batch_size=3, side=64,
                        max_sources=5, seed=1)
    assert (other.batch(7)[0] != dataset.batch(7)[0]).any()


def test_every_crop_once_per_epoch(folder, config):
    dataset = CropDataset(folder, config, batch_size=2, side=64,
                          max_sources=5, augment=None)
    seen = np.concatenate([dataset.batch(step)[0] for step in range(2)])
    stored = np.stack([crop.snr for crop in dataset.crops]) / 2
    order = [int(np.argmin(np.abs(stored - image).sum(axis=(1, 2, 3))))
             for image in seen]
    assert sorted(order) == [0, 1, 2, 3]


def test_batches_do_not_change_crops(dataset):
    before = [crop.snr.copy() for crop in dataset.crops]
    for step in range(5):
        dataset.batch(step)
    for crop, snr in zip(dataset.crops, before, strict=True):
        assert_equal(crop.snr, snr)


def test_refresh(dataset, folder, scene):
    """
    Scenes that appear later join, as many as allowed.
    """
    dataset.refresh()
    assert len(dataset) == 4
    for i in range(2, 5):
        scene.write(folder / f'discs-{i}.npz')
    dataset.refresh(limit=1)
    assert len(dataset) == 6
    dataset.refresh()
    assert len(dataset) == 10


def test_file_that_is_still_copied(dataset, folder, scene, caplog):
    """
    A damaged file that appears does not end the run, and joins when it is
    whole.
    """
    n = len(dataset)
    (folder / 'discs-5.npz').write_bytes(b'PK half of it')
    scene.write(folder / 'discs-6.npz')
    with caplog.at_level('WARNING'):
        dataset.refresh()
    assert 'discs-5.npz is not a valid scene file' in caplog.text
    assert len(dataset) == n + 2
    scene.write(folder / 'discs-5.npz')
    dataset.refresh()
    assert len(dataset) == n + 4
    np.savez(folder / 'discs-7.npz', pixels=np.zeros(3))
    with pytest.raises(ValueError, match=r'discs-7.npz is not a valid scene file.*Error'):
        CropDataset(folder, dataset.config, side=64)


def test_empty_folder(tmp_path, config):
    with pytest.raises(ValueError, match='no scene to train on'):
        CropDataset(tmp_path, config)


def test_augmentation(folder, config):
    """
    Crops are changed as they are asked to be, with their truth.
    """
    def augment(crop, rng):
        return transform(crop, rng.integers(4), flip=True)

    dataset = CropDataset(folder, config, batch_size=4, side=64,
                          max_sources=5, augment=augment)
    images, truth = dataset.batch(0)
    order = np.random.default_rng((0, 0)).permutation(4)
    for i, image in enumerate(images):
        expected = augment(dataset.crops[order[i]],
                           np.random.default_rng((0, 0, i, 1)))
        assert_allclose(image, expected.snr / 2, rtol=1e-3, atol=1e-5)
        n = len(expected.labels)
        assert_equal(truth['boxes'][i, :n], expected.boxes)
        assert_equal(truth['windows'][i, :n], expected.windows)


def test_small_ignored_sources_go_first(make_scene, config):
    """
    Of the sources to ignore, the largest stay.
    """
    scene = make_scene([(10, 12), (30, 40), (50, 14)], radii=[3, 6, 4],
                       shape=(64, 64))
    scene.truth['ignore'] = True
    crop, = scene_crops(scene, config, 64, max_sources=2)
    sides = crop.boxes[:, 2] - crop.boxes[:, 0]
    assert_equal(sides, [13, 9])


def test_without_augmentation(folder, config):
    """
    Crops come as they are, in another order in each epoch.
    """
    dataset = CropDataset(folder, config, batch_size=4, side=64,
                          max_sources=5, augment=None)
    stored = [crop.snr.astype(np.float32) / 2 for crop in dataset.crops]
    orders = []
    for step in range(6):
        images = dataset.batch(step)[0]
        orders.append(tuple(
            i for image in images
            for i, crop in enumerate(stored) if (crop == image).all()))
    assert {tuple(sorted(order)) for order in orders} == {(0, 1, 2, 3)}
    assert len(set(orders)) > 1
