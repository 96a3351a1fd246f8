# Licensed under a 3-clause BSD style license - see LICENSE
"""
The results published for Astro R-CNN.

Burke et al. 2019, MNRAS 490, 3952 (arXiv:1908.02748): 50 simulated DECam
images whose truth masks follow another recipe. Numbers measured on any other
set stand beside these, they are not comparable to them.
"""

__all__ = ['PUBLISHED_AP', 'PUBLISHED_CONFUSION', 'PUBLISHED_DEEP_AP50',
           'PUBLISHED_PRECISION_AT_80', 'PUBLISHED_SOURCE']

import numpy as np

from photutils_rcnn.evaluation.confusion import ConfusionMatrix

PUBLISHED_SOURCE = 'Burke et al. 2019, MNRAS 490, 3952'

#: Table 1, mask average precision in per cent: AP, AP50, AP75, AP_S, AP_M
#: and AP_L.
PUBLISHED_AP = {
    'star': (48.6, 86.8, 32.3, 86.8, np.nan, np.nan),
    'galaxy': (49.6, 83.9, 42.0, 75.3, 7.6, 0.3),
    'combined': (49.0, 84.2, 39.8, 76.4, 7.0, 0.3),
}

_NONE = np.zeros(2, dtype=int)

#: Tables 2 and 3 by overlap threshold. They list all detections, also those
#: that match no truth at the threshold (their totals are equal while the
#: truth sums differ), so they are no confusions of matched pairs.
PUBLISHED_CONFUSION = {
    0.5: ConfusionMatrix(np.array([[585, 39], [78, 6302]]), _NONE, _NONE),
    0.75: ConfusionMatrix(np.array([[330, 68], [333, 6273]]), _NONE, _NONE),
}

#: Precision at 80 per cent recall, overlap 0.5, in per cent (section 3.2).
PUBLISHED_PRECISION_AT_80 = {'star': 92.0, 'galaxy': 98.0,
                             'combined': np.nan}

#: AP50 of the ultra-deep field in per cent, one image (section 3.4).
PUBLISHED_DEEP_AP50 = {'star': 52.0, 'galaxy': 7.6}
