# Licensed under a 3-clause BSD style license - see LICENSE
"""
The network: Mask R-CNN in backend-neutral Keras 3.

This subpackage knows only Keras and NumPy, and OpenVINO as another runtime.
Importing it does not import Keras; nor do those of its modules that the other
runtime needs.
"""
