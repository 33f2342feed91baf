"""Golden values of hidden Markov models, by hmmlearn in float64.

    python scripts/reference/sequences.py FAITHFUL.csv

writes Tests/SequencesTests/Golden/sequences.json: log-likelihoods on the way, parameters after some iterations and the best
paths of earthquakes (Poisson), the dishonest casino (categorical) and Old Faithful (Gaussian, R's data set `faithful` as a
table with the columns eruptions and waiting). The priors that hmmlearn has by default are turned off: it is maximum
likelihood.
"""
import csv
import logging
import sys

import hmmlearn.hmm as hmm
import numpy as np

import golden

logging.disable(logging.WARNING)

EARTHQUAKES = [
    13, 14, 8, 10, 16, 26, 32, 27, 18, 32, 36, 24, 22, 23, 22, 18, 25, 21, 21, 14, 8, 11, 14, 23, 18, 17, 19, 20, 22, 19, 13,
    26, 13, 14, 22, 24, 21, 22, 26, 21, 23, 24, 27, 41, 31, 27, 35, 26, 28, 36, 39, 21, 17, 22, 17, 19, 15, 34, 10, 15, 22,
    18, 15, 20, 15, 22, 19, 16, 30, 27, 29, 23, 20, 16, 21, 21, 25, 16, 18, 15, 18, 14, 10, 15, 8, 15, 6, 11, 8, 7, 18, 16,
    13, 12, 13, 20, 15, 16, 12, 18, 15, 16, 13, 15, 16, 11, 11]


def casino():
    state = 12345

    def uniform():
        nonlocal state
        state = (1103515245 * state + 12345) % 2**31
        return state / 2**31

    symbols, states, die = [], [], 0
    for _ in range(1500):
        side, change = uniform(), uniform()
        sides = [1 / 6] * 6 if die == 0 else [0.1] * 5 + [0.5]
        symbol, total = 0, sides[0]
        while symbol < 5 and side >= total:
            symbol += 1
            total += sides[symbol]
        symbols.append(symbol)
        states.append(die)
        die = 0 if change < (0.95 if die == 0 else 0.1) else 1
    return np.array(symbols), np.array(states)


def options(iterations):
    """So many iterations, from what the model is given."""
    return {"implementation": "log", "n_iter": iterations, "tol": -np.inf, "init_params": ""}


def iterate(model, x, lengths):
    """Log-likelihoods before each M-step, and after the last."""
    model.fit(x, lengths)
    return list(model.monitor_.history), model.score(x, lengths)


def earthquakes(states):
    x = np.array(EARTHQUAKES)[:, None]
    model = hmm.PoissonHMM(states, lambdas_prior=0, lambdas_weight=0, **options(2000))
    model.startprob_ = np.full(states, 1 / states)
    other = 0.2 / (states - 1) if states > 1 else 0
    model.transmat_ = np.full((states, states), other)
    np.fill_diagonal(model.transmat_, 0.8 if states > 1 else 1)
    model.lambdas_ = 10 + 10 * np.arange(states, dtype=float)[:, None]
    history, last = iterate(model, x, [len(x)])
    return {"states": states, "last": last, "rates": model.lambdas_[:, 0], "transitions": model.transmat_}


def dishonest_casino():
    symbols, states = casino()
    lengths = [500, 300, 700]
    model = hmm.CategoricalHMM(2, **options(50))
    model.startprob_ = np.array([0.6, 0.4])
    model.transmat_ = np.array([[0.8, 0.2], [0.3, 0.7]])
    model.emissionprob_ = np.array([[0.2, 0.2, 0.2, 0.15, 0.15, 0.1], [0.1, 0.1, 0.1, 0.2, 0.2, 0.3]])
    history, last = iterate(model, symbols[:, None], lengths)
    score, path = model.decode(symbols[:, None], lengths)
    return {
        "symbols": symbols, "states": states, "lengths": lengths, "history": history, "last": last,
        "emissions": model.emissionprob_, "transitions": model.transmat_, "path_score": score, "path": path}


def faithful(path):
    with open(path) as file:
        x = np.array([[float(row["eruptions"]), float(row["waiting"])] for row in csv.DictReader(file)])
    lengths = [100, 172]
    model = hmm.GaussianHMM(2, "full", covars_prior=0, covars_weight=0, min_covar=0, **options(20))
    model.startprob_ = np.array([0.5, 0.5])
    model.transmat_ = np.array([[0.6, 0.4], [0.4, 0.6]])
    model.means_ = np.array([[2.0, 55.0], [4.0, 80.0]])
    model.covars_ = np.array([np.diag([1.0, 100.0])] * 2)
    history, last = iterate(model, x, lengths)
    score, states = model.decode(x, lengths)
    posteriors = model.predict_proba(x, lengths)
    return {
        "lengths": lengths, "history": history, "last": last, "means": model.means_, "covariances": model.covars_,
        "transitions": model.transmat_, "path_score": score, "path": states, "posteriors": posteriors[:20]}


golden.write("Sequences", "sequences", {
    "earthquakes": [earthquakes(states) for states in (1, 2, 3)], "casino": dishonest_casino(),
    "faithful": faithful(sys.argv[1])})
