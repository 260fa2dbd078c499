#include "assimilation/observations.h"
#include "assimilation/collective.h"
#include "network/intervention.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- which observations there are ---- */

/* Sites that an element observes: seen[site]. Files: of rank 0, which holds them; a current is that of populations with its receptor. */
static void find_sites(const cls_job *job, const cls_observation_options *o, bool *seen) {
  const cls_network *network = job->network;
  const uint32_t sites = cls_site_count(network);
  for (uint32_t p = 0; p < network->n_populations; p++)
    if (!o->current_receptor || cls_model_receptor(network->populations[p].model, o->current_receptor) >= 0)
      seen[cls_site_of(network, p)] = true;
  if (!o->measured) return;
  for (uint32_t s = 0; s < sites; s++) {
    bool any = false;
    for (uint64_t t = 0; t < o->measured->volumes && !any; t++)
      any = !isnan(o->measured->data[t * sites + s]);
    seen[s] = seen[s] && any;
  }
}

static cls_status allocate(cls_observations *x) {
  CLS_TRY(cls_alloc(&x->names, x->n_obs, sizeof *x->names, "names of observations"));
  CLS_TRY(cls_alloc(&x->site, x->n_obs, sizeof *x->site, "observations"));
  CLS_TRY(cls_alloc(&x->element, x->n_obs, sizeof *x->element, "observations"));
  CLS_TRY(cls_alloc(&x->kind, x->n_obs, sizeof *x->kind, "observations"));
  CLS_TRY(cls_alloc(&x->sd, x->n_obs, sizeof *x->sd, "observations"));
  CLS_TRY(cls_alloc(&x->site_withheld, x->n_obs, sizeof *x->site_withheld, "observations"));
  CLS_TRY(cls_alloc(&x->stop, x->n_obs, sizeof *x->stop, "observations"));
  CLS_TRY(cls_alloc(&x->series, (size_t)x->cycles * x->n_obs, sizeof *x->series, "series of observations"));
  for (size_t i = 0; i < (size_t)x->cycles * x->n_obs; i++) x->series[i] = NAN;
  return CLS_OK;
}

static cls_status name(const cls_job *job, cls_observations *x, uint32_t i) {
  static const char *const kinds[] = {"bold", "rate", "current"};
  const cls_assimilation_options *a = &job->assimilation;
  const char *kind = kinds[x->kind[i]], *site = cls_site_name(job->network, x->site[i]);
  bool twice = false;
  for (uint32_t e = 0; e < a->n_observe; e++)
    twice = twice || (e != x->element[i] && a->observe[e].kind == x->kind[i]);
  x->names[i] = twice ? cls_format("%s %s (%u)", kind, site, x->element[i]) : cls_format("%s %s", kind, site);
  CLS_CHECK(x->names[i], CLS_ERR_MEMORY, "out of memory for names of observations");
  return CLS_OK;
}

/* seen: [elements][sites] */
static cls_status list(const cls_job *job, const bool *seen, cls_observations *x) {
  const cls_assimilation_options *a = &job->assimilation;
  const uint32_t sites = cls_site_count(job->network);
  x->cycles = a->cycles;
  for (size_t i = 0; i < (size_t)a->n_observe * sites; i++) x->n_obs += seen[i];
  CLS_TRY(allocate(x));
  uint32_t i = 0;
  for (uint32_t e = 0; e < a->n_observe; e++) {
    const cls_observation_options *o = &a->observe[e];
    const double stop = floor(o->stop_s / o->tr_s * (1 + 1e-9));
    for (uint32_t s = 0; s < sites; s++) {
      if (!seen[(size_t)e * sites + s]) continue;
      x->element[i] = e;
      x->site[i] = s;
      x->kind[i] = o->kind;
      x->sd[i] = o->error_relative ? NAN : o->error;
      x->site_withheld[i] = o->withheld[s];
      x->stop[i] = o->stop_s > 0 && stop < x->cycles ? (uint32_t)stop : x->cycles;
      CLS_TRY(name(job, x, i++));
    }
  }
  return CLS_OK;
}

/* ---- their values ---- */

/* Of rank 0. The whole series is prepared, also where there are fewer cycles. */
static cls_status fill(const cls_job *job, cls_observations *x) {
  for (uint32_t i = 0; i < x->n_obs; i++) {
    const cls_observation_options *o = &job->assimilation.observe[x->element[i]];
    const cls_empirical *e = o->measured;
    double *series = NULL;
    if (!e) continue;
    CLS_TRY(cls_alloc(&series, e->volumes, sizeof *series, "a series of observations"));
    for (uint64_t t = 0; t < e->volumes; t++) series[t] = e->data[t * e->regions + x->site[i]];
    cls_status status =
        cls_observations_prepare(o, e->volumes, cls_observation_volumes(o, e->volumes), series, &x->sd[i]);
    for (uint64_t t = 0; t < e->volumes && t < x->cycles; t++) x->series[t * x->n_obs + i] = series[t];
    free(series);
    if (status != CLS_OK)
      return cls_error_prefix(status, "%s: region %s", o->path, cls_site_name(job->network, x->site[i]));
  }
  return CLS_OK;
}

/* Collective: all ranks return rank 0's status and have its message. */
static cls_status agree_root(const cls_world *world, cls_status status) {
  return cls_agree(world->comm, world->rank == 0 ? status : CLS_OK);
}

static cls_status read_all(const cls_world *world, const cls_job *job, bool *seen, cls_observations *x) {
  const cls_assimilation_options *a = &job->assimilation;
  const uint32_t sites = cls_site_count(job->network);
  for (uint32_t e = 0; e < a->n_observe; e++) find_sites(job, &a->observe[e], seen + (size_t)e * sites);
  cls_tell_ranks(world->comm, seen, (size_t)a->n_observe * sites * sizeof *seen);
  CLS_TRY(cls_agree(world->comm, list(job, seen, x)));
  CLS_TRY(agree_root(world, world->rank == 0 ? fill(job, x) : CLS_OK));
  cls_tell_ranks(world->comm, x->series, (size_t)x->cycles * x->n_obs * sizeof *x->series);
  cls_tell_ranks(world->comm, x->sd, x->n_obs * sizeof *x->sd);
  return CLS_OK;
}

cls_status cls_observations_read(const cls_world *world, const cls_job *job,
                                 cls_observations **observations) {
  const cls_assimilation_options *a = &job->assimilation;
  bool *seen = NULL;
  *observations = NULL;
  CLS_CHECK(a->wanted, CLS_ERR_INPUT, "%s: expected a section assimilation", job->path);
  cls_status status = cls_alloc(observations, 1, sizeof **observations, "observations");
  if (status == CLS_OK)
    status =
        cls_alloc(&seen, (size_t)a->n_observe * cls_site_count(job->network), sizeof *seen, "observations");
  status = cls_agree(world->comm, status);
  if (status == CLS_OK) status = read_all(world, job, seen, *observations);
  free(seen);
  if (status != CLS_OK) {
    cls_observations_destroy(*observations);
    *observations = NULL;
  }
  return status;
}

cls_status cls_observations_set(const cls_job *job, const double *truth, cls_observations *x) {
  double *series = NULL;
  CLS_TRY(cls_alloc(&series, x->cycles, sizeof *series, "a series of observations"));
  cls_status status = CLS_OK;
  for (uint32_t i = 0; i < x->n_obs && status == CLS_OK; i++) {
    const cls_observation_options *o = &job->assimilation.observe[x->element[i]];
    const uint64_t train = cls_observation_volumes(o, x->cycles),
                   begin = job->assimilation.burn_in; /* transients say nothing */
    for (uint32_t c = 0; c < x->cycles; c++)
      series[c] = x->series[(size_t)c * x->n_obs + i] = truth[(size_t)c * x->n_obs + i];
    status = cls_observations_prepare(o, x->cycles - begin, train - begin, series + begin, &x->sd[i]);
    if (status != CLS_OK) cls_error_prefix(status, "the truth of %s", x->names[i]);
  }
  free(series);
  return status;
}

void cls_observations_destroy(cls_observations *x) {
  if (!x) return;
  for (uint32_t i = 0; i < x->n_obs && x->names; i++) free(x->names[i]);
  free(x->names);
  free(x->site);
  free(x->element);
  free(x->kind);
  free(x->series);
  free(x->sd);
  free(x->site_withheld);
  free(x->stop);
  free(x);
}

double cls_observed_current(const cls_job *job, const cls_observations *o, uint32_t i,
                            const double *current) {
  const char *receptor = job->assimilation.observe[o->element[i]].current_receptor;
  if (receptor) return current[cls_model_receptor(job->network->populations[0].model, receptor)];
  double sum = 0;
  for (int k = 0; k < CLS_MAX_RECEPTORS; k++) sum += current[k];
  return sum;
}
