/* Spread that sampling and unknown errors of the model take from an ensemble, given back. */
#include "assimilation/ensemble.h"

#include <math.h>

/* Sums over the observations that count for a site, by weight. */
typedef struct {
  double weights, departures, spreads; /* of squares in units of errors */
} innovations;

static innovations gather(const cls_analysis *a, uint32_t site) {
  const cls_localisation *l = a->localisation;
  const int m = a->members;
  innovations sum = {0};
  for (uint32_t i = 0; i < a->n_obs; i++) {
    const double rho =
        l ? cls_gaspari_cohn(l->distance[(size_t)site * l->sites + a->obs_site[i]], l->half_width) : 1;
    const double *row = a->predicted + (size_t)i * m;
    const double departure = (a->observed[i] - cls_row_mean(row, m)) / a->sd[i];
    sum.weights += rho;
    sum.departures += rho * departure * departure;
    sum.spreads += rho * cls_row_variance(row, m) / (a->sd[i] * a->sd[i]);
  }
  return sum;
}

/* Departures, squared and in units of errors, have mean 1 + factor * spread: an estimate of the factor with a variance (of p independent ones of a
 * chi-square with one degree of freedom), combined with what was believed. Equations 9 to 12 of Miyoshi 2011. */
static double estimate(double believed, double sd, double max, const innovations *sum) {
  if (!(sum->weights > 0) || !(sum->spreads > 0)) return believed;
  const double spread = sum->spreads / sum->weights;
  const double seen = (sum->departures / sum->weights - 1) / spread;
  const double width = (believed * spread + 1) / spread;
  const double seen_variance = 2 / sum->weights * width * width, variance = sd * sd;
  const double factor = (seen_variance * believed + variance * seen) / (seen_variance + variance);
  return factor < 1 ? 1 : factor > max ? max : factor;
}

cls_status cls_inflate_forecast(const cls_inflation *inflation, const cls_analysis *a, double *predicted,
                                double *lambda) {
  if (inflation->kind != CLS_INFLATE_ADAPTIVE) return CLS_OK;
  CLS_CHECK(inflation->sd >= 0 && inflation->max >= 1, CLS_ERR_INPUT,
            "adaptive inflation: sd is %g and max %g, expected at least 0 and 1", inflation->sd,
            inflation->max);
  CLS_CHECK(!a->localisation || (a->row_site && a->obs_site), CLS_ERR_INPUT,
            "adaptive inflation needs the sites of rows and observations");
  const uint32_t sites = a->localisation ? a->localisation->sites : 1;
  for (uint32_t site = 0; site < sites; site++) {
    const innovations sum = gather(a, site);
    lambda[site] = estimate(lambda[site], inflation->sd, inflation->max, &sum);
  }
  for (uint64_t r = 0; r < a->rows; r++)
    cls_row_inflate(a->state + r * (size_t)a->members, a->members,
                    sqrt(lambda[a->localisation ? a->row_site[r] : 0]));
  for (uint32_t i = 0; i < a->n_obs; i++)
    cls_row_inflate(predicted + (size_t)i * a->members, a->members,
                    sqrt(lambda[a->localisation ? a->obs_site[i] : 0]));
  return CLS_OK;
}

cls_status cls_inflate_analysis(const cls_inflation *inflation, const cls_analysis *a,
                                const double *forecast) {
  const int m = a->members;
  if (inflation->kind == CLS_INFLATE_FIXED) {
    for (uint64_t r = 0; r < a->rows; r++) cls_row_inflate(a->state + r * (size_t)m, m, inflation->factor);
  } else if (inflation->kind == CLS_INFLATE_RTPS) {
    CLS_CHECK(forecast, CLS_ERR_INTERNAL, "relaxation to the prior's spread needs the forecast");
    for (uint64_t r = 0; r < a->rows; r++) {
      double *row = a->state + r * (size_t)m;
      const double before = sqrt(cls_row_variance(forecast + r * (size_t)m, m)),
                   after = sqrt(cls_row_variance(row, m));
      if (after > 0) cls_row_inflate(row, m, 1 + inflation->alpha * (before - after) / after);
    }
  }
  return CLS_OK;
}
