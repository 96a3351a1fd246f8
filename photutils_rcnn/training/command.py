# Licensed under a 3-clause BSD style license - see LICENSE
"""
The ``photutils-rcnn train`` command.
"""

__all__ = ['add_arguments', 'run']

import logging
import math
from pathlib import Path


def add_arguments(parser):
    """
    Declare the options of the command.

    Parameters
    ----------
    parser : `argparse.ArgumentParser`
        The parser of the command.
    """
    parser.add_argument('scenes', type=Path, help='folder of training scenes'
                        ' (photutils-rcnn simulate writes them)')
    parser.add_argument('output', type=Path,
                        help='folder of the checkpoint, log and model')
    parser.add_argument('--validation', type=Path,
                        help='folder of scenes of other seeds')
    parser.add_argument('--config', default='compact',
                        help='named configuration or JSON file '
                        '(default: %(default)s)')
    parser.add_argument('--steps', type=int, default=6000,
                        help='length of the learning-rate schedule '
                        '(default: %(default)s)')
    parser.add_argument('--minutes', type=float, default=math.inf,
                        help='stop and save after so many minutes')
    parser.add_argument('--batch-size', type=int, default=8)
    parser.add_argument('--rate', type=float, default=1.5e-3,
                        help='largest learning rate (default: %(default)s)')
    parser.add_argument('--precision', default='mixed_bfloat16',
                        choices=['float32', 'mixed_bfloat16',
                                 'mixed_float16'])
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--resume', action='store_true',
                        help="continue from the output folder's checkpoint")


def _configuration(value):
    """
    A named configuration or that of a JSON file.
    """
    import json

    from photutils_rcnn.models.config import (CONFIGS, MaskRCNNConfig,
                                              get_config)

    if value in CONFIGS or not Path(value).is_file():
        return get_config(value)
    return MaskRCNNConfig.from_dict(json.loads(Path(value).read_text()))


def run(args):
    """
    Train, and write the model when the schedule has come to its end.

    With validation scenes, the model's scores are calibrated on them.

    Parameters
    ----------
    args : `argparse.Namespace`
        The parsed options.

    Returns
    -------
    status : int
        0, or 3 if the time ran out before the schedule did.

    Raises
    ------
    ValueError
        If the output folder has a checkpoint and ``--resume`` is not
        given, or the other way round.
    """
    from photutils_rcnn.training.dataset import CropDataset
    from photutils_rcnn.training.export import export_model
    from photutils_rcnn.training.trainer import Trainer

    logging.basicConfig(level=logging.INFO,
                        format='%(asctime)s %(message)s')
    config = _configuration(args.config)
    has_checkpoint = (args.output / 'checkpoint.npz').exists()
    if has_checkpoint != args.resume:
        found = 'has' if has_checkpoint else 'has no'
        msg = (f'output {args.output} {found} checkpoint; '
               f'{"remove" if args.resume else "use"} --resume')
        raise ValueError(msg)
    dataset = CropDataset(args.scenes, config, batch_size=args.batch_size,
                          seed=args.seed)
    validation = None
    if args.validation is not None:
        validation = CropDataset(args.validation, config, augmented=False,
                                 batch_size=args.batch_size, seed=args.seed)
    trainer = Trainer(config, dataset, validation, args.output,
                      n_steps=args.steps, peak_rate=args.rate,
                      precision=args.precision, seed=args.seed)
    if args.resume:
        trainer.resume()
    finished = trainer.run(60 * args.minutes)
    if not finished:
        return 3
    export_model(trainer, args.output / 'model')
    if args.validation is not None:
        from photutils_rcnn.simulation.scene import Scene
        from photutils_rcnn.training.calibration import calibrate_model

        paths = sorted(args.validation.glob('*.npz'))
        calibrate_model(args.output / 'model', map(Scene.read, paths))
    return 0
