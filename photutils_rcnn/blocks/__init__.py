# Licensed under a 3-clause BSD style license - see LICENSE
"""
Frames larger than memory, segmented block by block.
"""

from photutils_rcnn.blocks.segment_blocks import BlocksResult, segment_blocks

__all__ = ['BlocksResult', 'segment_blocks']
