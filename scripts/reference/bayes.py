"""Golden values for weights with a posterior (PyTorch, in double): a step of Bayes by Backprop, and metrics
(scikit-learn). Run: python scripts/reference/bayes.py"""
import numpy
import torch
from sklearn import metrics

import golden

torch.manual_seed(0)
torch.set_default_dtype(torch.float64)
N = 67  # no multiple of any vector's width


def log_prior(kind, w):
    normal = torch.distributions.Normal
    if kind == "gaussian":
        return normal(0.0, 0.3).log_prob(w).sum()
    if kind == "laplace":
        return torch.distributions.Laplace(0.0, 0.2).log_prob(w).sum()
    parts = torch.stack([normal(0.0, 1.0).log_prob(w) + numpy.log(0.25), normal(0.0, 0.05).log_prob(w) + numpy.log(0.75)])
    return torch.logsumexp(parts, 0).sum()


def steps():
    mu = (torch.randn(N) * 0.3).float().double()
    rho = (torch.randn(N) * 2 - 2).float().double()
    rho[0], rho[1], rho[2] = -40, 30, -90
    w_noise = torch.randn(N)
    g = torch.randn(N).float().double()
    scale, cost = 0.25, 0.125
    # The weights are what a float32 sampler would give, so that both sides see the same ones.
    w = (mu + torch.nn.functional.softplus(rho) * w_noise).float().double()
    noise = (w - mu) / torch.nn.functional.softplus(rho)
    result = {"mu": mu.numpy(), "rho": rho.numpy(), "w": w.numpy(), "g": g.numpy(), "scale": scale, "cost": cost}
    for kind in ["gaussian", "laplace", "mixture"]:
        m, r = mu.clone().requires_grad_(), rho.clone().requires_grad_()
        sample = m + torch.nn.functional.softplus(r) * noise
        ratio = torch.distributions.Normal(m, torch.nn.functional.softplus(r)).log_prob(sample).sum() - log_prior(kind, sample)
        # A likelihood whose derivative by the weights is g.
        (scale * (g * sample).sum() + cost * ratio).backward()
        result[kind] = {"ratio": ratio.item(), "dmu": m.grad.numpy(), "drho": r.grad.numpy()}
    m, r = mu.clone().requires_grad_(), rho.clone().requires_grad_()
    q = torch.distributions.Normal(m, torch.nn.functional.softplus(r))
    kl = torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 0.3)).sum()
    (scale * (g * (m + torch.nn.functional.softplus(r) * noise)).sum() + cost * kl).backward()
    result["closed"] = {"kl": kl.item(), "dmu": m.grad.numpy(), "drho": r.grad.numpy()}
    return result


def calibration(probabilities, labels, bins=15):
    """Guo et al. 2017, with bins (b / B, (b + 1) / B]."""
    confidence, correct = probabilities.max(1), probabilities.argmax(1) == labels
    error = 0.0
    for low in numpy.arange(bins) / bins:
        inside = (confidence > low) & (confidence <= low + 1 / bins)
        if inside.any():
            error += inside.mean() * abs(correct[inside].mean() - confidence[inside].mean())
    return error


def classification():
    random = numpy.random.default_rng(1)
    logits = random.normal(size=(200, 4)) * 2
    probabilities = numpy.exp(logits) / numpy.exp(logits).sum(1, keepdims=True)
    labels = numpy.array([random.choice(4, p=0.7 * p + 0.075) for p in probabilities])
    positives, negatives = random.normal(1, 1, 60).round(1), random.normal(0, 1, 90).round(1)
    truth, score = numpy.r_[numpy.ones(60), numpy.zeros(90)], numpy.r_[positives, negatives]
    alarm, hit, _ = metrics.roc_curve(truth, score, drop_intermediate=False)
    return {
        "probabilities": probabilities, "labels": labels,
        "accuracy": metrics.accuracy_score(labels, probabilities.argmax(1)),
        "nll": metrics.log_loss(labels, probabilities, labels=range(4)),
        "brier": ((probabilities - numpy.eye(4)[labels]) ** 2).sum(1).mean(),
        "ece": calibration(probabilities, labels),
        "positives": positives, "negatives": negatives,
        "auroc": metrics.roc_auc_score(truth, score), "aupr": metrics.average_precision_score(truth, score),
        "fpr95": alarm[numpy.argmax(hit >= 0.95)],
    }


def regression():
    from scipy import stats
    random = numpy.random.default_rng(2)
    means, variances = random.normal(size=7), random.uniform(0.1, 2, size=7)
    y = numpy.array([-3.0, -0.2, 0.4, 5.0])
    density = numpy.log(stats.norm.pdf(y[:, None], means, numpy.sqrt(variances)).mean(1))
    ranks = stats.norm.cdf(y[:, None], means, numpy.sqrt(variances)).mean(1)
    return {"means": means, "variances": variances, "y": y, "density": density, "ranks": ranks,
            "aleatoric": variances.mean(), "epistemic": means.var(ddof=1)}


golden.write("Models", "posterior", steps())
golden.write("Metrics", "metrics", {"classification": classification(), "regression": regression()})
