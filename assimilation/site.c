#include "assimilation/site.h"
#include <math.h>
#include <stdlib.h>

static cls_status by_centres(const cls_network *network, size_t sites, double *d) {
  for (uint32_t i = 0; i < network->n_regions; i++)
    for (uint32_t j = 0; j < network->n_regions; j++) {
      double sum = 0;
      for (int k = 0; k < 3; k++) {
        const double x = network->regions[i].centre_mm[k] - network->regions[j].centre_mm[k];
        sum += x * x;
      }
      CLS_CHECK(!isnan(sum), CLS_ERR_INPUT,
                "assimilation.localisation.kind: distance: region %s has no coordinates: expected the "
                "centres of all "
                "regions, or kind own or connectome",
                network->regions[isnan(network->regions[i].centre_mm[0]) ? i : j].name);
      d[i * sites + j] = sqrt(sum);
    }
  return CLS_OK;
}

/* Shortest ways over tracts, by Floyd and Warshall; a tract's two directions are one way of their shorter length. */
static cls_status by_tracts(const cls_job *job, size_t sites, double *d) {
  const cls_connectome *c = job->connectome;
  CLS_CHECK(c, CLS_ERR_INPUT,
            "assimilation.localisation.kind: connectome: the job has no connectome: expected section brain");
  const uint32_t n = c->n_regions;
  bool known = false;
  for (uint32_t i = 0; i < n; i++)
    for (uint64_t t = c->row[i]; t < c->row[i + 1]; t++) {
      const uint32_t j = c->source[t];
      if (i == j || !(c->length_mm[t] > 0)) continue;
      known = true;
      d[i * sites + j] = fmin(d[i * sites + j], c->length_mm[t]);
      d[j * sites + i] = d[i * sites + j];
    }
  CLS_CHECK(known, CLS_ERR_INPUT,
            "assimilation.localisation.kind: connectome: no tract of %s has a length: expected lengths, or "
            "kind own",
            c->origin);
  for (uint32_t k = 0; k < n; k++)
    for (uint32_t i = 0; i < n; i++)
      for (uint32_t j = 0; j < n; j++)
        d[i * sites + j] = fmin(d[i * sites + j], d[i * sites + k] + d[k * sites + j]);
  return CLS_OK;
}

cls_status cls_site_distances(const cls_job *job, cls_localise kind, double **distance) {
  const size_t sites = (size_t)cls_site_count(job->network) + 1;
  double *d = NULL;
  CLS_TRY(cls_alloc(distance, sites * sites, sizeof **distance, "distances of regions"));
  d = *distance;
  for (size_t i = 0; i < sites * sites; i++)
    d[i] = i / sites == i % sites || i / sites == sites - 1 || i % sites == sites - 1 ? 0 : INFINITY;
  if (kind == CLS_LOCALISE_DISTANCE) return by_centres(job->network, sites, d);
  if (kind == CLS_LOCALISE_CONNECTOME) return by_tracts(job, sites, d);
  return CLS_OK;
}
