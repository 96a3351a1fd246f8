# Licensed under a 3-clause BSD style license - see LICENSE
"""
Many frames with Dask
=====================

A folder of frames, a cluster of processes, and one table of what became of each.

`~photutils_rcnn.distributed.segment_many` segments frames in the workers of a Dask cluster
(``pip install "photutils_rcnn[distributed]"``, :doc:`/many_frames`).
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from astropy.io import fits
from astropy.stats import mad_std
from astropy.visualization import simple_norm
from distributed import Client, LocalCluster
from matplotlib import pyplot as plt

from photutils_rcnn import RCNNResult
from photutils_rcnn.distributed import segment_many
from photutils_rcnn.simulation import make_scene

# %%
# Eight frames of g, r and z are written as FITS files, with the stars ever denser. One file is
# cut short.

temporary = TemporaryDirectory()
folder = Path(temporary.name)
frames = []
for i in range(8):
    scene = make_scene('decam', 9_100_060 + i, shape=(192, 192), n_stars=2 + 5 * i)
    frames.append([])
    for band, image in zip(scene.bands, scene.data, strict=True):
        path = folder / f'field{i}_{band}.fits'
        fits.writeto(path, image, fits.Header({'FILTER': band}))
        frames[-1].append(path)
with frames[4][0].open('r+b') as stream:
    stream.truncate(30_000)

# %%
# Here the cluster is two threads of this process; a script takes ``LocalCluster(n_workers=4,
# threads_per_worker=1)`` below ``if __name__ == '__main__':``, or the client of a real cluster.

with LocalCluster(n_workers=2, threads_per_worker=1, processes=False,
                  dashboard_address=None) as cluster, Client(cluster) as client:
    manifest = segment_many(frames, out=folder / 'results', client=client,
                            formats=('asdf', 'ecsv'), progress_bar=False)
manifest['name', 'state', 'n_sources', 'message']

# %%
# A frame that fails stops no other. The same call again would segment only what has no results.
# Results are files, read one by one:

figure, axes = plt.subplots(2, 4, figsize=(9, 5), layout='constrained')
for ax, row, files in zip(axes.flat, manifest, frames, strict=True):
    if row['state'] == 'failed':
        ax.text(96, 96, 'failed', ha='center', va='center', color='tab:red')
    else:
        result = RCNNResult.read(folder / 'results' / f'{row["name"]}_result.asdf')
        image = fits.getdata(files[1])
        noise = mad_std(image)
        result.plot(ax, image=simple_norm(image, 'asinh', vmin=-2 * noise, vmax=100 * noise,
                                          asinh_a=0.05)(image))
    ax.set(xticks=[], yticks=[], xlim=(0, 191), ylim=(0, 191), aspect='equal')
    ax.set_title(row['name'], fontsize='medium')
