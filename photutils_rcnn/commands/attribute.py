# Licensed under a 3-clause BSD style license - see LICENSE
"""
The ``photutils-rcnn attribute`` command.
"""

__all__ = ['add_arguments', 'run']

import logging
from pathlib import Path


def add_arguments(parser):
    """
    Declare the options of the command.
    """
    parser.add_argument('output', type=Path,
                        help='folder of the model; an interrupted training goes on')
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument('--recipe',
                        help="shipped recipe ('morphology') or JSON file: head, labels "
                        'and simulated scenes')
    source.add_argument('--table', type=Path,
                        help='table of labels with a column named as the attribute and '
                        'a column file; with x and y (pixels, first is 0), else the '
                        'source in the middle is meant')
    parser.add_argument('--images', type=Path, metavar='DIR',
                        help='folder of the files (default: that of the table)')
    parser.add_argument('--name', help='name of the attribute, with --table')
    parser.add_argument('--classes', nargs='+', metavar='CLASS',
                        help='its classes (default: those in the table if they are '
                        'strings, else it is a regression)')
    parser.add_argument('--of-class', metavar='CLASS',
                        help='class of the sources that have it (default: all)')
    parser.add_argument('--bands', nargs='+', metavar='BAND',
                        help='bands that the head needs (default: those of the network)')
    parser.add_argument('--model', default='default',
                        help='model that the head is added to (default: %(default)s)')
    parser.add_argument('--epochs', type=int, default=60,
                        help='epochs at most (default: %(default)s)')
    parser.add_argument('--seed', type=int, default=0,
                        help='seed (default: %(default)s)')
    parser.add_argument('--processes', type=int, default=1,
                        help='processes that simulate (default: %(default)s)')


def _from_table(args):
    """
    The attribute, the images and the labels of a table.
    """
    from photutils_rcnn.models.attribute_config import AttributeConfig
    from photutils_rcnn.training.labelled_frames import labelled_files

    if args.name is None:
        msg = '--table needs --name, the attribute and its column, got none'
        raise ValueError(msg)
    images, labels, classes = labelled_files(args.table, args.name, args.images)
    attribute = AttributeConfig(
        name=args.name, classes=tuple(args.classes or classes), of_class=args.of_class,
        bands=tuple(args.bands or ()))
    return attribute, images, labels


def run(args):
    """
    Train an attribute head.
    """
    from photutils_rcnn.training.attribute_recipe import (
        read_attribute_recipe,
        recipe_images,
    )
    from photutils_rcnn.training.attribute_training import train_attribute

    logging.basicConfig(level=logging.INFO, format='%(asctime)s %(message)s')
    if args.table is not None:
        attribute, images, labels = _from_table(args)
    else:
        given = [name for name in ('name', 'classes', 'of_class', 'bands', 'images')
                 if getattr(args, name) is not None]
        if given:
            msg = f'--{given[0].replace("_", "-")} goes with --table, not with --recipe'
            raise ValueError(msg)
        recipe = read_attribute_recipe(args.recipe)
        attribute = recipe['attribute']
        images, labels = recipe_images(recipe, args.output / 'scenes', args.processes)
    model = train_attribute(attribute, images, labels, args.output, model=args.model,
                            epochs=args.epochs, seed=args.seed)
    report = model.settings['training']['attributes'][attribute.name]
    print(f'{args.output}: {attribute.name}, ' + ', '.join(
        f'{key} {value}' for key, value in report.items() if key != 'trunk'))
    return 0
