# Licensed under a 3-clause BSD style license - see LICENSE
"""
Many frames, segmented by the processes of a Dask cluster.
"""

from photutils_rcnn.distributed.many_frames import segment_many

__all__ = ['segment_many']
