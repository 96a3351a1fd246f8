# Licensed under a 3-clause BSD style license - see LICENSE
"""
Run over the blocks of a frame, which can be interrupted after each.
"""

__all__ = ['BlockRun']

import hashlib
import json
import time
import warnings
from dataclasses import replace

import numpy as np
from astropy import units as u
from astropy.table import Table
from astropy.utils.exceptions import AstropyUserWarning, AstropyWarning
from photutils.utils.exceptions import NoDetectionsWarning
from tqdm.auto import tqdm

from photutils_rcnn._files import atomic_path, open_npz
from photutils_rcnn._quiet import starting
from photutils_rcnn.blocks.catalog_parts import join_parts, star_prior
from photutils_rcnn.blocks.label_image import LabelImage
from photutils_rcnn.blocks.measure import block_table
from photutils_rcnn.blocks.ownership import own_sources
from photutils_rcnn.blocks.psf_parts import psf_of_window
from photutils_rcnn.blocks.survey import Survey, survey_frame
from photutils_rcnn.io.records import Record

N_PASSES = 3  # of the survey
BAR = '{l_bar}{bar}| {n:.1f}/{total} blocks [{elapsed}<{remaining}{postfix}]'


class BlockRun:
    """
    The blocks of a frame: those that are done, and the work on the others.

    Blocks are taken one after the other, so that labels and what is done on the border of
    two do not depend on interruptions.

    Parameters
    ----------
    source : `~photutils_rcnn.blocks.frame_source.FrameSource`
        The frame.
    probe : `~photutils_rcnn.preprocessing.inputs.ImageCube`
        From `FrameSource.describe`.
    blocks : list of `~photutils_rcnn.blocks.grid.Block`
        The blocks.
    segmenter : `~photutils_rcnn.RCNNSegmenter`
        The segmenter.
    folder : `~pathlib.Path`
        Where what is needed until the end lies.
    known : dict
        From `~photutils_rcnn.blocks.run_description.describe_run`.
    psf, deblend, artifacts, progress_bar
        See `~photutils_rcnn.blocks.segment_blocks`.
    """

    def __init__(self, source, probe, blocks, segmenter, folder, known, *, psf=None,
                 deblend=False, artifacts=False, progress_bar=True):
        self.folder = folder
        self._source, self._probe, self._blocks = source, probe, blocks
        self._segmenter, self._psf = segmenter, psf
        self._deblend, self._artifacts = deblend, artifacts
        self._has_bar = progress_bar
        self._known = {'run': hashlib.sha256(json.dumps(known).encode()).hexdigest()}

    def finish(self, label_path, catalog_paths, manifest_path):
        """
        Do what is left.

        Parameters
        ----------
        label_path, manifest_path : `~pathlib.Path`
            The label image and the table of the blocks.
        catalog_paths : sequence of `~pathlib.Path`
            The catalogs.

        Returns
        -------
        n_sources : int
            The number of sources.
        """
        self.folder.mkdir(exist_ok=True)
        survey = self._survey()
        outcomes = self._outcomes()
        n_sources = sum(outcome['n_sources'] for outcome in outcomes)
        meta = self._meta(survey, outcomes)
        if not outcomes or not label_path.exists():
            outcomes, n_sources = [], 0
            image = LabelImage.create(label_path, self._source.shape, wcs=self._probe.wcs,
                                      meta=meta)
        else:
            image = LabelImage(label_path)
        with tqdm(total=len(self._blocks), initial=len(outcomes), desc='Segmenting',
                  bar_format=BAR, disable=not self._has_bar) as bar:
            for block in self._blocks[len(outcomes):]:
                outcome = self._segment(block, survey, image, n_sources, bar)
                n_sources += outcome['n_sources']
                outcomes.append(outcome)
                bar.set_postfix(sources=n_sources, refresh=False)
                bar.update(block.index + 1 - bar.n)
        self._join(catalog_paths, survey, outcomes)
        self._write_manifest(manifest_path, outcomes)
        _tell(outcomes, n_sources, manifest_path)
        return n_sources

    def _survey(self):
        """
        What all blocks know of the frame, from a file if there is one.
        """
        path = self.folder / 'survey.npz'
        if path.exists():
            with open_npz(path, 'survey of a frame') as arrays:
                survey, self._source.fill = Survey.from_arrays(
                    dict(arrays), self._source.shape)
            return survey
        with tqdm(total=N_PASSES * len(self._blocks), desc='Surveying', unit='block',
                  disable=not self._has_bar) as bar:
            with starting():
                self._segmenter.model.detector  # noqa: B018
            survey = survey_frame(self._source, self._probe, self._blocks, self._segmenter,
                                  self._psf, self.folder, progress=bar.update)
            bar.update(bar.total - bar.n)
        with atomic_path(path) as temporary, temporary.open('wb') as stream:
            np.savez(stream, **survey.to_arrays(self._source.fill))
        return survey

    def _record(self, block):
        return Record(self.folder, f'block{block.index:05d}')

    def _part(self, block):
        return self.folder / f'block{block.index:05d}.ecsv'

    def _outcomes(self):
        """
        The outcomes of the blocks that are done, up to the first that is not.
        """
        outcomes = []
        for block in self._blocks:
            outcome = self._record(block).outcome(self._known)
            if outcome is None:
                break
            outcomes.append(outcome)
        return outcomes

    def _segment(self, block, survey, image, n_before, bar):
        """
        Segment a block, and write its labels, its catalog and then its record.
        """
        start = time.perf_counter()
        image.clear(block.window, n_before)  # of an attempt that was interrupted

        def progress(n_done, n_tiles):
            bar.update(max(block.index + 0.9 * n_done / n_tiles - bar.n, 0))

        with warnings.catch_warnings(record=True) as caught:
            warnings.filterwarnings('always', category=AstropyWarning)
            warnings.filterwarnings('ignore', category=NoDetectionsWarning)
            n_sources, meta = 0, {}
            cube = self._source.cube(block.window)
            if cube is not None and not cube.invalid[:, *_within(block)].all():
                n_sources, meta = self._measure(block, cube, survey, image, n_before, progress)
        part = self._part(block)
        outcome = {'n_sources': n_sources, 'seconds': round(time.perf_counter() - start, 3),
                   'message': '; '.join(dict.fromkeys(str(w.message) for w in caught)),
                   'meta': meta}
        record = self._record(block)
        record.write(self._known, **outcome, outputs=[
            part.name if n_sources else record.path.name])
        return outcome

    def _measure(self, block, cube, survey, image, n_before, progress):
        """
        The number of sources of a block and the meta data of its result.
        """
        with np.errstate(all='warn', under='ignore'):
            result = self._segmenter._segment_cube(
                replace(cube, wcs=None), self._source.background(block.window),
                psf_of_window(self._psf, block.start[::-1]), self._artifacts,
                estimates=survey.estimates(block.window), progress=progress)
            earlier = image.read(block.window)
            own = own_sources(result.instances.centers, result.labels,
                              result.label_of_source, block, earlier)
            if not len(own):
                return 0, result.meta
            new = np.zeros(int(result.labels.max()) + 1, dtype=np.int32)
            new[result.label_of_source[own]] = n_before + 1 + np.arange(len(own))
            labels = new[result.labels]
            conflict = (labels > 0) & (earlier > 0)
            labels[conflict] = result.labels[conflict] = 0
            image.write(block.window, labels)
            table = block_table(result, own, block, self._source.shape, n_before + 1,
                                deblend=self._deblend)
        with atomic_path(self._part(block)) as temporary:
            table.write(temporary, format='ascii.ecsv')
        return len(own), result.meta

    def _meta(self, survey, outcomes):
        """
        The meta data of the frame.
        """
        meta = next((dict(outcome['meta']) for outcome in outcomes if outcome['meta']), {
            'model': self._segmenter.model.name,
            'model_sha256': self._segmenter.model.sha256,
            'score_threshold': self._segmenter.score_threshold,
            'nms_threshold': self._segmenter.nms_threshold,
            'background': 'given' if survey.background is None else 'auto'})
        psf = survey.psf
        meta['psf_fwhm'] = None if psf.fwhm is None else [
            round(float(value), 3) for value in psf.fwhm]
        meta['psf_slopes'] = [round(float(slope), 3) for slope in psf.slopes[::-1]]
        return meta

    def _join(self, paths, survey, outcomes):
        """
        Write the catalogs of the frame.
        """
        parts = [self._part(block) for block, outcome in zip(
            self._blocks, outcomes, strict=True) if outcome['n_sources']]
        model, meta = self._segmenter.model, self._meta(survey, outcomes)
        log_odds = None
        if parts and meta.get('star_fraction_mode') == 'auto':
            log_odds, fraction = star_prior(parts, model.typical_star_log_odds)
            meta.update(star_log_odds=list(log_odds), star_fraction=fraction)
        join_parts(parts, paths, wcs=self._probe.wcs, log_odds=log_odds,
                   class_names=model.config.class_names if log_odds else (), meta=meta)

    def _write_manifest(self, path, outcomes):
        """
        Write the table of the blocks.
        """
        cores = [block.core for block in self._blocks]
        table = Table()
        for name, axis in (('x', 1), ('y', 0)):
            table[f'{name}min'] = [core[axis].start for core in cores]
            table[f'{name}max'] = [core[axis].stop - 1 for core in cores]
        table['n_sources'] = [outcome['n_sources'] for outcome in outcomes]
        table['seconds'] = [outcome['seconds'] for outcome in outcomes] * u.s
        table['message'] = [outcome['message'] for outcome in outcomes]
        with atomic_path(path) as temporary:
            table.write(temporary, format='ascii.ecsv')


def _within(block):
    """
    The core of a block on its window.
    """
    return tuple(slice(core.start - low, core.stop - low)
                 for core, low in zip(block.core, block.start, strict=True))


def _tell(outcomes, n_sources, manifest_path):
    """
    Warn of what there was to warn of.
    """
    messages = [outcome['message'] for outcome in outcomes if outcome['message']]
    if messages:
        msg = (f'{len(messages)} of {len(outcomes)} blocks gave warnings, which are in '
               f'{manifest_path}; the first: {messages[0]}')
        warnings.warn(msg, AstropyUserWarning, stacklevel=4)
    if not n_sources:
        warnings.warn('No sources were found.', NoDetectionsWarning, stacklevel=4)
