"""Seconds per iteration of the exact models against scikit-learn: the same rows, threads and iterations, in turns.

    scripts/bench/exact.py BINARY [N D K [REPEATS]]

BINARY is .build/release/exact-bench (swift build -c release --product exact-bench). Both get two threads. Iterations of
scikit-learn's mixtures are an E- and an M-step; of K-means, the difference of two runs divided by their iterations."""
import json
import os
import subprocess
import sys
import tempfile
import time

THREADS = 2
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(THREADS)
import numpy as np  # noqa: E402  (after the number of threads is set)
from sklearn.cluster import KMeans  # noqa: E402
from sklearn.decomposition import PCA  # noqa: E402
from sklearn.linear_model import BayesianRidge  # noqa: E402
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture  # noqa: E402

binary = sys.argv[1]
N, D, K = (int(v) for v in sys.argv[2:5]) if len(sys.argv) > 4 else (1_000_000, 32, 16)
repeats = int(sys.argv[5]) if len(sys.argv) > 5 else 3
rng = np.random.default_rng(0)
x = rng.standard_normal((N, D)) + 3 * rng.standard_normal((K, D))[rng.integers(0, K, N)]


def seconds(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def gaussian():
    model = GaussianMixture(K)
    model.weights_, model.means_ = np.ones(K) / K, x[:K].copy()
    model.covariances_ = model.precisions_cholesky_ = np.stack([np.eye(D)] * K)
    return model


def variational():
    model = BayesianGaussianMixture(n_components=K, weight_concentration_prior=1 / K)
    model._check_parameters(x)
    labels = rng.integers(0, K, N)
    model._initialize(x, np.eye(K)[labels])
    return model


def iteration(model):
    _, resp = model._e_step(x)
    model._m_step(x, resp)


def kmeans():
    def run(n):
        return seconds(lambda: KMeans(K, init=x[:K], n_init=1, max_iter=n, tol=0, algorithm="lloyd").fit(x))
    short, long = run(1), run(11)
    return (long - short) / 10


mixtures = {}


def mixture(name, make):
    if name not in mixtures:
        mixtures[name] = make()
    return seconds(lambda: iteration(mixtures[name]))


peers = {
    "kmeans": kmeans,
    "gmm": lambda: mixture("gmm", gaussian),
    "variational-gmm": lambda: mixture("variational-gmm", variational),
    "pca": lambda: seconds(lambda: PCA(min(8, D), svd_solver="covariance_eigh").fit(x)),
    "bayesian-ridge": lambda: seconds(lambda: BayesianRidge(max_iter=20, tol=1e-300).fit(x[:, :-1], x[:, -1])),
}

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "rows.npy")
    np.save(path, x)
    print(f"{N} rows, {D} columns, K = {K}, {THREADS} threads, {x.nbytes / 2**20:.0f} MiB of data; median of {repeats}")
    for name, peer in peers.items():
        ours, theirs, peak = [], [], 0
        for _ in range(repeats):
            out = subprocess.run([binary, name, path, str(K), "4", str(THREADS)], check=True, capture_output=True, text=True)
            result = json.loads(out.stdout)
            # The first iteration reads the file into memory.
            ours += result["seconds"][1:]
            peak = max(peak, result["peak_megabytes"])
            theirs.append(peer())
        a, b = float(np.median(ours)), float(np.median(theirs))
        spread = f"{min(ours):.4f}-{max(ours):.4f} / {min(theirs):.4f}-{max(theirs):.4f}"
        print(f"{name:16} elbo {a:8.4f} s  scikit-learn {b:8.4f} s  ratio {b / a:6.1f}  peak {peak} MiB (data included)  {spread}")
