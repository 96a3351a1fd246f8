# Licensed under a 3-clause BSD style license - see LICENSE
"""
The ``photutils-rcnn models`` command.
"""

__all__ = ['add_arguments', 'run']

from pathlib import Path


def add_arguments(parser):
    """
    Declare the options of the command.
    """
    actions = parser.add_subparsers(dest='action', metavar='ACTION')
    actions.add_parser('list', help='list the shipped models (default)')
    show = actions.add_parser('show', help='print the main facts and the card of a model')
    show.add_argument('model', help='shipped model, or folder of one')
    imported = actions.add_parser(
        'import', help='make a model folder of the weights of Astro R-CNN')
    imported.add_argument('weights', type=Path,
                          help='weights of Astro R-CNN (.h5)')
    imported.add_argument('folder', type=Path, help='folder of the model')
    imported.add_argument('--resize-to', type=int, metavar='SIDE',
                          help='shrink or enlarge frames to this many pixels, '
                          'as the original does to 512 (default: keep their '
                          'scale)')
    imported.add_argument('--overwrite', action='store_true',
                          help='replace a model in the folder')
    exported = actions.add_parser('export', help='write the network of a model as ONNX files')
    exported.add_argument('model', help='shipped model, or folder of one')
    exported.add_argument('folder', type=Path, help='folder for the files, one for each stage')
    exported.add_argument('--overwrite', action='store_true', help='replace existing files')


def run(args):
    """
    List the shipped models, show one, import or export one.
    """
    if args.action == 'show':
        from photutils_rcnn.models.cards import model_facts
        from photutils_rcnn.models.zoo import load_model

        model = load_model(args.model)
        facts = model_facts(model)
        width = max(map(len, facts))
        for name, value in facts.items():
            print(f'{name:{width}}  {value}')
        print('', model.card, sep='\n', end='')
        return 0
    if args.action == 'import':
        from photutils_rcnn.astro_rcnn.importer import import_model

        import_model(args.weights, args.folder, resize_to=args.resize_to,
                     overwrite=args.overwrite)
        print(f'{args.folder}: imported')
        return 0
    if args.action == 'export':
        return _export(args)
    from photutils_rcnn.models.zoo import list_models

    for name, settings in list_models().items():
        print(f'{name}  sha256 {settings["sha256"][:12]}  '
              f'{settings.get("description", "")}')
    return 0


def _export(args):
    """
    Write ONNX files.
    """
    from photutils_rcnn._quiet import starting
    from photutils_rcnn.io.optional import import_optional
    from photutils_rcnn.models.keras_backend import require_backend
    from photutils_rcnn.models.zoo import load_model

    model = load_model(args.model)
    with starting():
        import_optional('tf2onnx')
        require_backend()
        from photutils_rcnn.models.onnx_export import export_onnx
    for path in export_onnx(model, args.folder, overwrite=args.overwrite):
        print(path)
    return 0
