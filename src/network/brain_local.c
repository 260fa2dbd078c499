/* The projections within a region: every population draws its synapses from the region's excitatory
 * populations in the proportions of its row of the unit's table, and from the inhibitory ones likewise. */
#include "network/brain.h"

#include <math.h>
#include <stdlib.h>

/* ---- sources that may be too few ---- */

cls_crowding cls_brain_crowding(const cls_expansion *x, const cls_projection_source *sources, uint32_t n,
                                int64_t target) {
  cls_crowding c = {0};
  for (uint32_t k = 0; k < n; k++) {
    uint64_t neurons = x->network->populations[sources[k].population].n;
    if (sources[k].population == target && neurons > 1) neurons--; /* not itself */
    c.available += neurons;
    if (sources[k].weight <= c.most * (double)neurons) continue;
    c.most = sources[k].weight / (double)neurons;
    c.share = sources[k].weight;
    c.neurons = neurons;
  }
  c.alone = n == 1;
  return c;
}

cls_status cls_brain_repeat_sources(cls_expansion *x, cls_projection *projection, uint64_t indegree,
                                    uint64_t sources) {
  cls_shortage *s = &x->shortage;
  projection->multapses = true;
  /* shortest: the least sources / indegree, compared without division */
  bool shorter = s->n == 0 || (double)sources * (double)s->example_indegree <
                                  (double)s->example_sources * (double)indegree;
  s->n++;
  if (!shorter) return CLS_OK;
  free(s->example);
  s->example = cls_format("%s", projection->name);
  CLS_CHECK(s->example, CLS_ERR_MEMORY, "out of memory for a warning");
  s->example_indegree = indegree;
  s->example_sources = sources;
  return CLS_OK;
}

cls_status cls_brain_draw_distinct(cls_expansion *x, cls_projection *p, uint64_t indegree,
                                   const cls_crowding *c) {
  p->indegree = indegree;
  p->multapses = false;
  x->shortage.of++;
  if (indegree > c->available) return cls_brain_repeat_sources(x, p, indegree, c->available);
  if (!c->alone && (double)indegree * c->most > 0.5)
    return cls_brain_repeat_sources(x, p, (uint64_t)ceil((double)indegree * c->share), c->neurons);
  return CLS_OK;
}

/* ---- projections ---- */

/* Populations of one type that the row of `target` names; their weights sum to 1. */
static uint32_t collect_sources(const cls_expansion *x, uint32_t region, uint32_t target, char type,
                                cls_projection_source *sources) {
  const cls_region_unit *unit = cls_kept_unit(x, region);
  uint32_t n = 0;
  double sum = 0;
  for (uint32_t s = 0; s < unit->n; s++) {
    if (unit->population[s].type != type || !(unit->synapses[target][s] > 0)) continue;
    sum += unit->synapses[target][s];
    sources[n++] =
        (cls_projection_source){.population = x->first[region] + s, .weight = unit->synapses[target][s]};
  }
  for (uint32_t k = 0; k < n; k++) sources[k].weight /= sum;
  return n;
}

static cls_status add_local(cls_expansion *x, uint32_t region, uint32_t to, char type, uint64_t indegree) {
  cls_projection_source sources[CLS_UNIT_POPULATIONS];
  uint32_t target = x->first[region] + to, n = collect_sources(x, region, to, type, sources);
  if (indegree == 0 || n == 0) return CLS_OK;
  char name[512];
  snprintf(name, sizeof name, "%s/%s<-local %c", cls_kept_name(x, region),
           cls_kept_unit(x, region)->population[to].name, type);
  cls_crowding crowding = cls_brain_crowding(x, sources, n, target);
  cls_projection *p = NULL;
  CLS_TRY(cls_network_add_projection(x->network, name, target, CLS_FIXED_INDEGREE, sources, n, &p));
  p->port = type == 'E' ? x->port_e : x->port_i;
  p->weight[0] = p->weight[1] = cls_constant(0);
  p->weight[0].kind = p->weight[1].kind = CLS_UNIFORM;
  p->weight[0].b = p->weight[1].b = 1;
  p->delay_ms = x->brain->local_delay_ms;
  p->type = 'L';
  p->autapses = false;
  for (uint32_t k = 0; k < n; k++) /* nobody else to choose */
    if (sources[k].population == target && x->network->populations[target].n == 1) p->autapses = true;
  return cls_brain_draw_distinct(x, p, indegree, &crowding);
}

cls_status cls_brain_local(cls_expansion *x, uint32_t region, bool isolated) {
  const cls_region_unit *unit = cls_kept_unit(x, region);
  for (uint32_t t = 0; t < unit->n; t++) {
    cls_unit_indegree row;
    CLS_TRY(cls_kept_row(x, region, t, &row));
    CLS_TRY(add_local(x, region, t, 'E', row.local_e + (isolated ? row.long_range : 0)));
    CLS_TRY(add_local(x, region, t, 'I', row.local_i));
  }
  return CLS_OK;
}
