"""Rates of a leaky integrate-and-fire neuron under Poisson input of many small jumps, in the diffusion limit."""
import math

from common import skip

try:
    import scipy.integrate
    import scipy.optimize
    import scipy.special
except ImportError as error:
    skip(f"this Python has no {error.name}")

ZETA_HALF = 1.4603545088095868  # -zeta(1/2)


def rate(mean, sd, threshold, reset, tau_ms, t_ref_ms):
    """Spikes/s. `mean` and `sd` of the input as in N. Brunel, J. Comput. Neurosci. 8:183 (2000): tau sum J rate, and the
    root of tau sum J^2 rate, so that the potential without a threshold has a variance of sd^2 / 2. Source: A. J. F.
    Siegert, Phys. Rev. 81:617 (1951)."""
    total, _ = scipy.integrate.quad(lambda u: scipy.special.erfcx(-u), (reset - mean) / sd, (threshold - mean) / sd,
                                    epsabs=1e-12, epsrel=1e-10)
    return 1e3 / (t_ref_ms + tau_ms * math.sqrt(math.pi) * total)


def rate_on_grid(mean, sd, threshold, reset, tau_ms, t_ref_ms, dt_ms):
    """The same where the input of each step arrives at its end and the threshold is looked at only then. Between, the
    potential would have crossed it unseen: as if it were higher by .5826 (-zeta(1/2) / sqrt(2 pi)) standard deviations of
    a step (D. Siegmund, Adv. Appl. Probab. 11:701, 1979). Input that arrives late has decayed less: with x = dt / tau its
    mean and variance are greater by x / (1 - exp(-x)) and 2x / (1 - exp(-2x))."""
    x = dt_ms / tau_ms
    late_mean, late_variance = x / -math.expm1(-x), 2 * x / -math.expm1(-2 * x)
    step_sd = sd * math.sqrt(x)
    unseen = ZETA_HALF / math.sqrt(2 * math.pi) * step_sd
    return rate(mean * late_mean, sd * math.sqrt(late_variance), threshold + unseen, reset, tau_ms, t_ref_ms)


def rate_filtered(mean, sd, threshold, reset, tau_ms, t_ref_ms, tau_syn_ms):
    """The same where each jump is an exponentially decaying current instead, of the same area: threshold and reset are
    higher by sd alpha / 2 sqrt(tau_syn / tau), alpha = sqrt(2) |zeta(1/2)|, to first order in that root. Sources: N.
    Fourcaud & N. Brunel, Neural Comput. 14:2057 (2002); J. Schuecker, M. Diesmann & M. Helias, Phys. Rev. E 92:052119
    (2015)."""
    shift = sd * math.sqrt(2) * ZETA_HALF / 2 * math.sqrt(tau_syn_ms / tau_ms)
    return rate(mean, sd, threshold + shift, reset + shift, tau_ms, t_ref_ms)


def fixed_point(g, eta, weight=0.1, c_e=1000, c_i=250, tau_ms=20.0, t_ref_ms=2.0, threshold=20.0, reset=10.0):
    """The rate at which Brunel's network feeds itself. Input of `eta` times what reaches the threshold on the mean."""
    external = eta * threshold / (weight * tau_ms)  # spikes per ms in all

    def excess(hz):
        mean = tau_ms * weight * (external + (c_e - g * c_i) * hz * 1e-3)
        variance = tau_ms * weight ** 2 * (external + (c_e + g * g * c_i) * hz * 1e-3)
        return rate(mean, math.sqrt(variance), threshold, reset, tau_ms, t_ref_ms) - hz

    return scipy.optimize.brentq(excess, 1e-3, 400)
