"""What scikit-learn's mixtures and K-means reach from many starts on ten real tables: the best log-likelihood of 60
starts of four kinds that no degenerate component has part in, and the least inertia of 60.

    optima.py DATA          the folder with the tables that tests use, see Tests/ReferenceSupport/RealData.swift
"""
import gzip
import sys
import warnings

import numpy as np
from sklearn.cluster import KMeans
from sklearn.mixture import GaussianMixture

from golden import write

warnings.filterwarnings("ignore")

# Name, table, columns left out, columns used, components.
SETS = [
    ("iris", "tables/iris.csv", 0, 4, 3),
    ("wine", "tables/wine_data.csv", 0, 4, 3),
    ("breast cancer", "tables/breast_cancer.csv", 0, 5, 3),
    ("diabetes", "tables/diabetes_data_raw.csv.gz", 2, 4, 3),
    ("Old Faithful", "tables/faithful.csv", 1, 2, 3),
    ("motorcycle", "tables/mcycle.csv", 1, 2, 4),
    ("flavanoids", "tables/wine_data.csv", 6, 3, 3),
    ("Nottingham", "tables/nottem.csv", 1, 2, 3),
    ("Boston", "uci/bostonHousing/data.txt", 5, 3, 3),
    ("red wine", "uci/wine-quality-red/data.txt", 7, 3, 3),
]


def rows(folder, path, skipped, columns):
    """The numeric columns of a table, as RealData.rows reads them."""
    name = f"{folder}/{path}"
    found = []
    with gzip.open(name, "rt") if name.endswith(".gz") else open(name) as file:
        for line in file:
            cells = line.replace(",", " ").split()[skipped:skipped + columns]
            try:
                numbers = [float(cell) for cell in cells]
            except ValueError:
                continue
            if len(numbers) == columns:
                found.append(numbers)
    return np.array(found)


def is_degenerate(model, n):
    """A component with fewer rows than a covariance needs, or as narrow as what is added to every variance."""
    d = model.means_.shape[1]
    narrowest = min(np.linalg.eigvalsh(covariance)[0] for covariance in model.covariances_)
    return model.weights_.min() * n < d + 1 or narrowest < 2.1e-6


def best_mixture(x, components):
    scale = x.std(0)
    z = (x - x.mean(0)) / scale
    best, degenerate = -np.inf, 0
    for start in range(60):
        kind = ["kmeans", "k-means++", "random", "random_from_data"][start % 4]
        model = GaussianMixture(components, tol=1e-9, max_iter=5000, init_params=kind, random_state=start).fit(z)
        if is_degenerate(model, len(z)):
            degenerate += 1
        else:
            best = max(best, model.score(z) * len(z))
    return best - len(z) * np.log(scale).sum(), degenerate


def main(folder):
    result = []
    for name, path, skipped, columns, components in SETS:
        x = rows(folder, path, skipped, columns)
        log_likelihood, degenerate = best_mixture(x, components)
        inertia = KMeans(5, n_init=60, max_iter=1000, tol=0, random_state=0).fit(x).inertia_
        result.append({"name": name, "path": path, "skipped": skipped, "columns": columns, "components": components,
                       "rows": len(x), "logLikelihood": log_likelihood, "degenerate": degenerate, "clusters": 5,
                       "inertia": inertia})
        print(name, len(x), log_likelihood, degenerate, inertia)
    write("Models", "optima", {"sets": result})


main(sys.argv[1])
