"""Golden values of the LinearAlgebra room: factorisations by numpy, special functions by mpmath at 50 digits."""
import mpmath
import numpy as np
import scipy.linalg

from golden import write

mpmath.mp.dps = 50
rng = np.random.default_rng(20240601)


def factorisations():
    n = 7
    a = rng.standard_normal((n, n + 3))
    spd = a @ a.T
    right = rng.standard_normal((n, 3))
    rectangular = rng.standard_normal((6, 4))
    return {
        "matrix": spd, "right": right, "lower": np.linalg.cholesky(spd), "solution": np.linalg.solve(spd, right),
        "inverse": np.linalg.inv(spd), "logDeterminant": np.linalg.slogdet(spd)[1],
        "eigenvalues": np.linalg.eigvalsh(spd), "rectangular": rectangular,
        "singularValues": scipy.linalg.svdvals(rectangular),
        "product": spd @ right, "gram": rectangular.T @ rectangular,
    }


def table(function, *columns):
    return {"arguments": [list(map(float, row)) for row in zip(*columns)],
            "values": [float(function(*map(mpmath.mpf, row))) for row in zip(*columns)]}


def normal_quantile(p):
    # erfinv loses digits near 1; the lower tail is solved for directly.
    return mpmath.findroot(lambda x: mpmath.log(mpmath.ncdf(x)) - mpmath.log(p), float(scipy_normal(p)))


def scipy_normal(p):
    import scipy.stats
    return scipy.stats.norm.ppf(float(p))


def log_normal_cdf(x):
    tail = mpmath.erfc(abs(x) / mpmath.sqrt(2)) / 2
    return mpmath.log(tail) if x < 0 else mpmath.log1p(-tail)


def gamma_p(a, x):
    return mpmath.gammainc(a, 0, x, regularized=True)


def gamma_q(a, x):
    return mpmath.gammainc(a, x, mpmath.inf, regularized=True)


def beta_i(a, b, x):
    """I_x(a, b) by the series with positive terms only, from the side where it converges fast."""
    if x > (a + 1) / (a + b + 2):
        return 1 - beta_i(b, a, 1 - x)
    factor = mpmath.exp(a * mpmath.log(x) + b * mpmath.log1p(-x)
                        - mpmath.loggamma(a) - mpmath.loggamma(b) + mpmath.loggamma(a + b)) / a
    return factor * mpmath.hyp2f1(a + b, 1, a + 1, x, maxterms=10 ** 6)


def student_density(x, v):
    return (mpmath.loggamma((v + 1) / 2) - mpmath.loggamma(v / 2) - mpmath.log(v * mpmath.pi) / 2
            - (v + 1) / 2 * mpmath.log(1 + x * x / v))


def student_cdf(x, v):
    tail = (beta_i(v / 2, mpmath.mpf(1) / 2, v / (v + x * x)) if x else 1) / mpmath.mpf(2)
    return tail if x < 0 else 1 - tail


def special_functions():
    positive = [1e-8, 1e-3, 0.1, 0.5, 1.0, 1.4616321449683622, 1.5, 2.0, 3.7, 9.99, 12.5, 100.25, 1e4, 1e8, 1e15]
    pairs_a = [0.01, 0.5, 0.5, 1.0, 2.5, 2.5, 10.0, 10.0, 30.0, 300.0, 300.0, 1e4, 1e4, 1e6]
    pairs_x = [0.001, 0.1, 4.0, 1.0, 0.3, 9.0, 3.0, 25.0, 30.0, 250.0, 330.0, 9900.0, 10100.0, 1.0005e6]
    beta_a = [0.5, 0.5, 2.0, 2.0, 5.0, 40.0, 40.0, 1e3, 1e3, 1e5, 3.0, 0.1]
    beta_b = [0.5, 3.0, 2.0, 7.0, 1.0, 60.0, 60.0, 3e3, 3e3, 2e5, 900.0, 20.0]
    beta_x = [0.2, 0.9, 0.5, 0.1, 0.7, 0.3, 0.55, 0.24, 0.27, 0.3335, 0.002, 1e-6]
    x = [-40.0, -12.5, -3.0, -1.0, -1e-5, 0.0, 0.3, 1.0, 2.0, 6.0, 30.0]
    degrees = [0.3, 1.0, 2.5, 4.0, 10.0, 100.0, 1e6, 5.0, 3.0, 8.0, 1.5]
    quantiles = [1e-300, 1e-50, 1e-12, 1e-5, 0.01, 0.0749, 0.0751, 0.3, 0.49999, 0.5, 0.7, 0.975, 0.999999]
    return {
        "digamma": table(mpmath.digamma, positive + [-0.5, -3.3]),
        "trigamma": table(lambda v: mpmath.psi(1, v), positive),
        "polygamma": table(lambda n, v: mpmath.psi(int(n), v), [1, 2, 3, 4, 2, 3, 2, 3, 4, 2, 3, 2],
                           [0.5, 0.5, 0.001, 1.0, 1.5, 2.0, 3.7, 9.99, 12.5, 100.25, 1e4, 1e8]),
        "logGamma": table(lambda v: mpmath.re(mpmath.loggamma(v)), positive),
        "logBeta": table(lambda a, b: mpmath.log(mpmath.beta(a, b)), [0.1, 0.5, 3.0, 12.0, 1e5, 1e9, 2.0],
                         [0.2, 7.0, 4.0, 15.0, 1e5, 3.0, 1e7]),
        "logMultivariateGamma": table(
            lambda a: sum(mpmath.loggamma(a - mpmath.mpf(i) / 2) for i in range(4))
            + 3 * mpmath.log(mpmath.pi), [1.6, 2.0, 10.5, 1000.0]),
        "gammaLower": table(gamma_p, pairs_a, pairs_x), "gammaUpper": table(gamma_q, pairs_a, pairs_x),
        "betaLower": table(beta_i, beta_a, beta_b, beta_x),
        "betaUpper": table(lambda a, b, v: beta_i(b, a, 1 - v), beta_a, beta_b, beta_x),
        "normalCDF": table(mpmath.ncdf, x[1:]),
        "logNormalCDF": table(log_normal_cdf, x + [-29.9, -30.1, -300.0, 9.0]),
        "normalQuantile": table(normal_quantile, quantiles),
        "studentTLogDensity": table(student_density, x, degrees),
        "studentTCDF": table(student_cdf, x, degrees),
    }


write("LinearAlgebra", "factorisations", factorisations())
write("LinearAlgebra", "special-functions", special_functions())
