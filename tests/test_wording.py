# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the words of messages.
"""

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn._wording import count


def test_count():
    assert [count(n, 'source') for n in (0, 1, 2)] == ['0 sources', '1 source', '2 sources']
    assert [count(n, 'galaxy') for n in (1, 2)] == ['1 galaxy', '2 galaxies']


def test_single_source(fake_model, field):
    """The text that stands for a result."""
    result = RCNNSegmenter(fake_model).segment(field)
    assert repr(result[:1]).startswith('<RCNNResult: 1 source, 1 label, shape=')
    assert repr(result).startswith('<RCNNResult: 3 sources, 3 labels, shape=')
