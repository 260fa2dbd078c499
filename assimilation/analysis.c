/* The one door to all analyses: what they are called, what they need, and whether what they are given makes sense. */
#include "assimilation/analysis.h"

#include "assimilation/linear.h"
#include "assimilation/methods.h"

#include <math.h>
#include <string.h>

const char *const cls_method_names[] = {"enkf",  "denkf", "etkf", "letkf", "ensrf",
                                        "esmda", "ies",   "hmda", NULL};

/* Those that take a localisation (esmda: only then by cls_run_local), and those that cannot be without. */
static const struct {
  cls_method_run *run;
  bool localises, needs_distance, needs_sites;
} methods[] = {
    [CLS_ENKF] = {.run = cls_run_gain, .localises = true},
    [CLS_DENKF] = {.run = cls_run_gain, .localises = true},
    [CLS_ETKF] = {.run = cls_run_transform},
    [CLS_LETKF] = {.run = cls_run_local, .localises = true, .needs_distance = true},
    [CLS_ENSRF] = {.run = cls_run_serial, .localises = true},
    [CLS_ESMDA] = {.run = cls_run_transform, .localises = true},
    [CLS_IES] = {.run = cls_run_iterate},
    [CLS_HMDA] = {.run = cls_run_hmda, .needs_sites = true},
};
enum { METHODS = sizeof methods / sizeof *methods };

static cls_status check(const cls_analysis *a);
static cls_status check_finite(const char *what, const double *x, uint64_t rows, int members);

int cls_method_find(const char *name) {
  for (int i = 0; cls_method_names[i]; i++)
    if (!strcmp(name, cls_method_names[i])) return i;
  return -1;
}

cls_status cls_analyse(const cls_world *world, const cls_analysis *a) {
  CLS_TRY(check(a));
  if (a->n_obs == 0 || a->rows == 0) return CLS_OK;
  CLS_TRY(cls_linear_begin(world));
  const bool local = a->method == CLS_ESMDA && a->localisation;
  CLS_TRY((local ? cls_run_local : methods[a->method].run)(world, a));
  return check_finite("the analysis", a->state, a->rows, a->members);
}

/* ---- arguments ---- */

static cls_status check_finite(const char *what, const double *x, uint64_t rows, int members) {
  for (uint64_t r = 0; r < rows; r++)
    for (int j = 0; j < members; j++)
      CLS_CHECK(isfinite(x[r * (size_t)members + j]), CLS_ERR_INTERNAL, "%s has %g in row %llu of member %d",
                what, x[r * (size_t)members + j], (unsigned long long)r, j);
  return CLS_OK;
}

static cls_status check_sites(const char *what, const uint32_t *site, uint64_t count, uint32_t sites) {
  for (uint64_t i = 0; i < count; i++)
    CLS_CHECK(site[i] < sites, CLS_ERR_INPUT, "%s %llu lies at site %u of %u", what, (unsigned long long)i,
              site[i], sites);
  return CLS_OK;
}

static cls_status check_places(const cls_analysis *a, const char *name) {
  const cls_localisation *l = a->localisation;
  const bool local = l && methods[a->method].localises;
  CLS_CHECK(l || !methods[a->method].needs_distance, CLS_ERR_INPUT, "%s needs a localisation", name);
  if (!local && !methods[a->method].needs_sites) return CLS_OK;
  CLS_CHECK(a->row_site && a->obs_site, CLS_ERR_INPUT, "%s needs the sites of rows and observations", name);
  const uint32_t sites = local ? l->sites : INT32_MAX;
  CLS_TRY(check_sites("row", a->row_site, a->rows, sites));
  CLS_TRY(check_sites("observation", a->obs_site, a->n_obs, sites));
  if (!local) return CLS_OK;
  CLS_CHECK(l->half_width >= 0, CLS_ERR_INPUT,
            "%s: the half-width of localisation is %g, expected at least 0", name, l->half_width);
  for (size_t i = 0; i < sites; i++)
    for (size_t k = 0; k < sites; k++)
      CLS_CHECK(l->distance[i * sites + k] >= 0, CLS_ERR_INPUT,
                "%s: sites %zu and %zu are %g apart, expected at least 0", name, i, k,
                l->distance[i * sites + k]);
  return CLS_OK;
}

static cls_status check(const cls_analysis *a) {
  CLS_CHECK((unsigned)a->method < METHODS, CLS_ERR_INPUT, "method %d of analysis, there are %d",
            (int)a->method, METHODS);
  const char *name = cls_method_names[a->method];
  CLS_CHECK(a->members >= 2, CLS_ERR_INPUT, "%s: %d members, expected at least 2", name, a->members);
  for (uint32_t i = 0; i < a->n_obs; i++)
    CLS_CHECK(a->sd[i] > 0 && isfinite(a->sd[i]), CLS_ERR_INPUT,
              "%s: the error of observation %u is %g, expected above 0", name, i, a->sd[i]);
  CLS_CHECK(a->method != CLS_ESMDA || (a->weight >= 1 && isfinite(a->weight)), CLS_ERR_INPUT,
            "esmda: the weight of a pass is %g, expected at least 1", a->weight);
  CLS_CHECK(a->method != CLS_HMDA || (a->gamma >= 0 && a->gamma <= 1), CLS_ERR_INPUT,
            "hmda: gamma is %g, expected 0 ... 1", a->gamma);
  CLS_CHECK(a->method != CLS_IES || (a->prior && a->iterate), CLS_ERR_INPUT,
            "ies needs the prior and its iterate");
  CLS_TRY(check_places(a, name));
  CLS_TRY(check_finite("the forecast", a->state, a->rows, a->members));
  CLS_TRY(check_finite("what is expected to be observed", a->predicted, a->n_obs, a->members));
  for (uint32_t i = 0; i < a->n_obs; i++)
    CLS_CHECK(isfinite(a->observed[i]), CLS_ERR_INTERNAL, "%s: observation %u is %g", name, i,
              a->observed[i]);
  return CLS_OK;
}
