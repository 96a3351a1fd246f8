# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the training-set layout and the detection files.
"""



import numpy as np
import pytest
from astropy.io import fits
from astropy.stats import mad_std
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sample_data import sample_data

from photutils_rcnn.astro_rcnn.detections import read_detections, write_detections
from photutils_rcnn.astro_rcnn.masks import majority_filter, noise_mask
from photutils_rcnn.astro_rcnn.training_set_writer import write_set
from photutils_rcnn.astro_rcnn.training_sets import list_sets, read_images, read_set
from photutils_rcnn.sources.footprints import Footprints

SHAPE = (64, 72)


def light(x, y, sigma, peak=1000.0):
    rows, cols = np.indices(SHAPE)
    counts = peak * np.exp(-((cols - x)**2 + (rows - y)**2) / 2 / sigma**2)
    return np.round(counts).astype(np.float32)


@pytest.fixture
def images():
    rng = np.random.default_rng(1)
    return rng.normal(50, 7, (3, *SHAPE)).astype(np.float32)


def square(side, frame=40):
    mask = np.zeros((frame, frame), dtype=bool)
    start = (frame - side) // 2
    mask[start:start + side, start:start + side] = True
    return mask


@pytest.mark.parametrize(('side', 'area'), [(4, 0), (5, 9), (6, 24),
                                            (7, 37)])
def test_majority_of_squares(side, area):
    # areas of the reference implementation
    assert majority_filter(square(side)).sum() == area


@settings(max_examples=30, deadline=None)
@given(arrays(bool, st.tuples(st.integers(10, 25), st.integers(10, 25))))
def test_majority_is_symmetric(mask):
    expected = majority_filter(mask)
    np.testing.assert_array_equal(majority_filter(mask.T), expected.T)
    np.testing.assert_array_equal(majority_filter(mask[::-1]),
                                  expected[::-1])


def test_noise_mask_is_connected_and_full():
    counts = light(20, 20, 3) + light(50, 40, 1, 300)
    counts[20, 20:22] = (2000, 0)
    mask = noise_mask(counts, noise=20., fwhm=2.)
    assert mask[20, 21]
    assert not mask[40, 50]
    assert not noise_mask(counts, noise=1e6, fwhm=2.).any()


@pytest.mark.parametrize('compress', [False, True])
def test_round_trip_of_footprints(tmp_path, images, compress):
    labels = np.zeros(SHAPE, dtype=int)
    labels[3:5, 6:9] = 1
    labels[30:50, 0:30] = 2
    labels[60:64, 68:72] = 3
    footprints = Footprints.from_labels(labels)
    folder = tmp_path / 'set_0'
    write_set(folder, images, 'grz', [1, 2, 2], footprints,
              compress=compress)
    back = read_set(folder, recipe='nonzero')
    np.testing.assert_array_equal(back.data, images)
    assert back.bands == ('g', 'r', 'z')
    np.testing.assert_array_equal(back.class_ids, [1, 2, 2])
    np.testing.assert_array_equal(back.footprints.boxes, footprints.boxes)
    for mask, expected in zip(back.footprints.masks, footprints.masks,
                              strict=True):
        np.testing.assert_array_equal(mask, expected)
    assert back.n_dropped == 0


@pytest.mark.parametrize('compress', [False, True])
def test_replaced_whatever_its_compression(tmp_path, images, compress):
    """
    No older set remains beside a new one, to be read in its place.
    """
    objects = [light(9, 9, 2)]
    write_set(tmp_path, images, 'grz', [1], objects, compress=not compress)
    with pytest.raises(OSError, match='img_g.* already exists'):
        write_set(tmp_path, images, 'grz', [1], objects, compress=compress)
    write_set(tmp_path, 2 * images, 'grz', [2], objects, compress=compress,
              overwrite=True)
    back = read_set(tmp_path)
    np.testing.assert_array_equal(back.data, 2 * images)
    assert back.class_ids == [2]


def test_first_object_is_the_primary_hdu(tmp_path, images):
    objects = [light(20, 20, 2), np.zeros(SHAPE), light(40, 40, 4)]
    write_set(tmp_path, images, 'grz', [1, 2, 2], objects)
    with fits.open(tmp_path / 'masks.fits') as hdus:
        assert [hdu.header['CLASS_ID'] for hdu in hdus] == [1, 2]
        assert [hdu.header['BITPIX'] for hdu in hdus] == [-32, -32]
        np.testing.assert_array_equal(hdus[0].data, objects[0])
    with pytest.raises(OSError, match='exists'):
        write_set(tmp_path, images, 'grz', [1, 2, 2], objects)


def test_recipe_of_the_paper(tmp_path, images):
    objects = [light(20, 20, 2), light(40, 40, 2), light(60, 10, 0.5)]
    write_set(tmp_path, images, 'grz', [1, 2, 2], objects)
    found = read_set(tmp_path)
    # A Gaussian exceeds a fraction s of its peak within sigma sqrt(-2 ln s).
    np.testing.assert_allclose(
        np.sqrt(found.footprints.areas / np.pi),
        2 * np.sqrt(-2 * np.log([0.005, 0.08])), rtol=0.06)
    assert found.n_dropped == 1
    np.testing.assert_allclose(found.centers, [[20, 20], [40, 40]],
                               atol=1e-3)
    stars = read_set(tmp_path, recipe='noise', noise=7., fwhm=4.)
    assert len(stars.footprints) == 3


@pytest.mark.parametrize('corner', [(2.0, 1.0), (71.0, 63.0)])
def test_cutouts_give_the_masks_of_the_full_frame(tmp_path, images, corner):
    counts = light(*corner, 3.0)
    write_set(tmp_path, images, 'grz', [2], [counts])
    found = read_set(tmp_path).footprints
    expected = majority_filter(counts / counts.max() > 0.08)
    full = np.zeros(SHAPE, dtype=bool)
    full[found.slices(0)] = found.masks[0]
    np.testing.assert_array_equal(full, expected)


def test_gaps_in_the_numbering(tmp_path):
    for name in ('set_10', 'set_2', 'set_0', 'other'):
        (tmp_path / name).mkdir()
    assert list(list_sets(tmp_path)) == [0, 2, 10]
    with pytest.raises(ValueError, match='no sub-folder'):
        list_sets(tmp_path / 'other')


def test_detection_needs_no_masks(tmp_path, images):
    write_set(tmp_path, images, 'grz', [1], [light(9, 9, 2)])
    (tmp_path / 'masks.fits').unlink()
    data, bands = read_images(tmp_path, bands=('z', 'g'))
    np.testing.assert_array_equal(data, images[[2, 0]])
    assert bands == ('z', 'g')
    with pytest.raises(ValueError, match=r'no masks\.fits'):
        read_set(tmp_path)
    with pytest.raises(ValueError, match="bands \\['y'\\]"):
        read_images(tmp_path, bands=['y'])


def test_clear_errors(tmp_path, images):
    with pytest.raises(ValueError, match='at least one with light'):
        write_set(tmp_path, images, 'grz', [1], [np.zeros(SHAPE)])
    with pytest.raises(ValueError, match='objects must have the shape'):
        write_set(tmp_path, images, 'grz', [1], [np.ones((4, 4))])
    with pytest.raises(ValueError, match='one 2D image for each'):
        write_set(tmp_path, images, 'gr', [1], [np.ones(SHAPE)])
    write_set(tmp_path, images, 'grz', [3], [np.ones(SHAPE)])
    with pytest.raises(ValueError, match='CLASS_ID'):
        read_set(tmp_path)
    with pytest.raises(ValueError, match='recipe must be'):
        read_set(tmp_path, recipe='other')


def test_to_scene(tmp_path, images):
    objects = [light(20, 20, 2), light(40, 40, 4)]
    write_set(tmp_path, images + sum(objects), 'grz', [1, 2], objects)
    scene = read_set(tmp_path).to_scene(background=50.)
    scene.write(tmp_path / 'scene.npz')
    back = type(scene).read(tmp_path / 'scene.npz')
    np.testing.assert_allclose(back.noise, 7, rtol=0.2)
    np.testing.assert_allclose(back.truth['nearest'], np.hypot(20, 20),
                               rtol=1e-4)
    assert len(back.footprints) == 2
    np.testing.assert_array_equal(back.data, images + sum(objects) - 50)


def test_detections_round_trip(tmp_path):
    rng = np.random.default_rng(2)
    boxes = np.array([[5, 10, 20, 33], [0, 0, 64, 72], [7, 7, 8, 9]])
    masks = [rng.random((y2 - y1, x2 - x1)) > 0.4
             for y1, x1, y2, x2 in boxes]
    footprints = Footprints(boxes, masks, SHAPE)
    path = write_detections(tmp_path / 'output_0.fits', footprints,
                            [1, 2, 1], [0.61234, 0.98765, 0.75],
                            weights='astro_rcnn_decam.h5')
    with fits.open(path) as hdus:
        assert [hdu.header['SCORE'] for hdu in hdus] == [0.988, 0.75, 0.612]
        assert hdus[2].header['BBOX'] == '[ 5 10 20 33]'
        assert hdus[0].data.dtype == np.uint8
    back = read_detections(path)
    np.testing.assert_array_equal(back.boxes, boxes[[1, 2, 0]])
    np.testing.assert_array_equal(back.class_ids, [2, 1, 1])
    assert back.weights == 'astro_rcnn_decam.h5'
    restored = back.footprints(SHAPE)
    for i, j in enumerate((1, 2, 0)):
        np.testing.assert_array_equal(restored.masks[i], masks[j])


def test_no_detection_no_file(tmp_path):
    path = tmp_path / 'output_1.fits'
    assert write_detections(path, Footprints([], [], SHAPE), [], []) is None
    assert not path.exists()


def test_box_must_fit(tmp_path):
    path = tmp_path / 'output_2.fits'
    header = fits.Header({'CLASS_ID': 1, 'SCORE': 0.5, 'WEIGHTS': '',
                          'BBOX': '[0 0 5 5]'})
    fits.writeto(path, np.ones((4, 4), dtype=np.uint8), header)
    with pytest.raises(ValueError, match='mask of shape'):
        read_detections(path)


def test_published_sample():
    folder = sample_data('phosim_decam')
    found = read_set(folder, masks='small_mask.fits')
    np.testing.assert_array_equal(found.class_ids, [2, 2])
    np.testing.assert_array_equal(found.footprints.areas, [85, 56])
    np.testing.assert_array_equal(found.footprints.boxes,
                                  [[288, 367, 298, 378],
                                   [241, 486, 249, 494]])
    raw = read_set(folder, masks='small_mask.fits',
                   recipe='nonzero')
    np.testing.assert_array_equal(raw.footprints.areas, [328, 237])
    # The scatter with sources; that of the sky is the photon noise.
    np.testing.assert_allclose(mad_std(found.data, axis=(1, 2)),
                               [7.4, 10.4, 11.9], atol=0.06)
    np.testing.assert_allclose(
        found.to_scene().noise,
        np.sqrt(np.median(found.data, axis=(1, 2))), rtol=0.1)


def test_positions_off_the_diagonal(tmp_path, images):
    """
    Centers are (x, y), in the set and in the truth of its scene.
    """
    objects = [light(50, 12, 2), light(15, 44, 3)]
    write_set(tmp_path, images + sum(objects), 'grz', [1, 2], objects)
    found = read_set(tmp_path)
    np.testing.assert_allclose(found.centers, [[50, 12], [15, 44]],
                               atol=1e-3)
    np.testing.assert_allclose(
        found.counts, [item.sum() for item in objects], rtol=1e-3)
    scene = found.to_scene(background=50.)
    np.testing.assert_allclose(scene.truth['x'], [50, 15], atol=1e-3)
    np.testing.assert_allclose(scene.truth['y'], [12, 44], atol=1e-3)
    np.testing.assert_array_equal(scene.truth['class_id'], [1, 2])
    np.testing.assert_allclose(scene.psf_fwhm, 1 / 0.263, rtol=1e-6)


def test_class_of_one_file_per_object(tmp_path, images):
    """
    The name of a file tells what it holds.
    """
    write_set(tmp_path, images, 'grz', [1], [light(9, 9, 2)], compress=True)
    (tmp_path / 'masks.fits.gz').unlink()
    fits.writeto(tmp_path / 'star3.fits.gz', light(20, 12, 2))
    fits.writeto(tmp_path / 'gal12.fits.gz', light(50, 40, 3))
    found = read_set(tmp_path)
    np.testing.assert_array_equal(found.class_ids, [2, 1])
    np.testing.assert_allclose(found.centers, [[50, 40], [20, 12]],
                               atol=1e-3)


def test_level_of_the_noise_mask():
    counts = light(30, 30, 3)
    np.testing.assert_array_equal(noise_mask(counts, noise=20., fwhm=2.),
                                  counts > 30)


def test_majority_reflects_at_borders():
    """
    A mask that fills the frame stays as it is.
    """
    assert majority_filter(np.ones((12, 15), dtype=bool)).all()


def test_images_that_are_not_compressed_come_first(tmp_path, images):
    """
    As for masks.
    """
    for compress, factor in ((True, 2), (False, 1)):
        write_set(tmp_path / 'both', factor * images, 'grz', [1],
                  [light(9, 9, 2)], compress=compress, overwrite=True)
        for path in list((tmp_path / 'both').iterdir()):
            path.rename(tmp_path / path.name)
    data, _ = read_images(tmp_path)
    np.testing.assert_array_equal(data, images)


def test_empty_masks_are_left_out(tmp_path):
    """
    FITS has no empty images; files are replaced on request only.
    """
    footprints = Footprints([(0, 0, 0, 0), (3, 4, 5, 7)],
                            [np.zeros((0, 0)), np.ones((2, 3))], SHAPE)
    path = write_detections(tmp_path / 'o.fits', footprints, [1, 2],
                            [0.9, 0.8])
    back = read_detections(path)
    np.testing.assert_array_equal(back.boxes, [[3, 4, 5, 7]])
    np.testing.assert_array_equal(back.class_ids, [2])
    with pytest.raises(OSError, match='already exists'):
        write_detections(path, footprints, [1, 2], [0.9, 0.8])
    with pytest.raises(ValueError, match='the same length, got 2, 1 and 2'):
        write_detections(path, footprints, [1], [0.9, 0.8], overwrite=True)
