# Licensed under a 3-clause BSD style license - see LICENSE
"""
ASDF extension: results as values in the tree of any ASDF file.

All that uses asdf imports this module, and nothing heavy with it.
"""

__all__ = ['EXTENSION', 'TAG', 'get_extensions']

from asdf.extension import Converter, Extension

EXTENSION = 'asdf://photutils-rcnn.org/extensions/result-1.1.0'
TAG = 'asdf://photutils-rcnn.org/tags/result-1.1.0'


class _ResultConverter(Converter):
    tags = [TAG]
    types = ['photutils_rcnn.result.RCNNResult']

    def to_yaml_tree(self, obj, tag, ctx):
        from photutils_rcnn.io.asdf import result_tree

        return result_tree(obj, include_data=obj._stored_with_data)

    def from_yaml_tree(self, node, tag, ctx):
        import photutils_rcnn
        from photutils_rcnn.io.asdf import result_parts

        result = photutils_rcnn.RCNNResult(**result_parts(node))
        # or an update of the file would drop the pixels
        result._stored_with_data = 'pixels' in node
        return result


class _ResultExtension(Extension):
    extension_uri = EXTENSION
    converters = [_ResultConverter()]
    tags = [TAG]


def get_extensions():
    """
    The extensions, for the entry point ``asdf.extensions``.
    """
    return [_ResultExtension()]
