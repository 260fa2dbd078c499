/* From a connectome to a network: every region becomes a unit of populations (unit.h), after the Digital
 * Twin Brain (Lu, Feng et al., arXiv 2308.01241, Methods). This file holds the whole; brain_regions.c
 * decides sizes and in-degrees, brain_populations.c makes the populations, brain_local.c the projections
 * within a region, brain_tracts.c those between regions. */
#include "network/brain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is asked for ---- */

static cls_status check_ports(cls_expansion *x) {
  const cls_model *model = x->brain->model;
  CLS_CHECK(model, CLS_ERR_INPUT, "brain.model: none given, expected a neuron model");
  x->port_e = x->port_i = -1;
  for (int i = 0; i < model->n_ports; i++) {
    if (model->ports[i].receptors != 2) continue;
    if (strcmp(model->ports[i].name, "excitatory") == 0) x->port_e = i;
    if (strcmp(model->ports[i].name, "inhibitory") == 0) x->port_i = i;
  }
  CLS_CHECK(
      x->port_e >= 0 && x->port_i >= 0, CLS_ERR_INPUT,
      "brain.model: %s: expected a model with the ports excitatory and inhibitory of two receptors each, "
      "such as lif_dtb",
      model->name);
  return CLS_OK;
}

static cls_status check_units(const cls_expansion *x) {
  const cls_brain *b = x->brain;
  CLS_CHECK(b->units && b->n_units > 0, CLS_ERR_INPUT, "brain.unit: none given");
  for (uint32_t u = 0; u < b->n_units; u++) CLS_TRY(cls_unit_check(&b->units[u]));
  for (uint32_t i = 0; b->unit_of && i < x->connectome->n_regions; i++)
    CLS_CHECK(b->unit_of[i] < b->n_units, CLS_ERR_INPUT, "brain: region %s: unit number %u of %u",
              x->connectome->names[i], b->unit_of[i], b->n_units);
  return CLS_OK;
}

static cls_status check_density(const cls_brain *b, const cls_connectome *c) {
  if (!b->density) return CLS_OK;
  CLS_CHECK(b->density_reference > 0 && isfinite(b->density_reference), CLS_ERR_INPUT,
            "brain.synapse_density: reference %g: expected a finite number above 0", b->density_reference);
  CLS_CHECK(b->density_low > 0 && b->density_low <= b->density_high && isfinite(b->density_high),
            CLS_ERR_INPUT,
            "brain.synapse_density: bounds %g ... %g: expected numbers above 0, the lower one first",
            b->density_low, b->density_high);
  for (uint32_t i = 0; i < c->n_regions; i++)
    CLS_CHECK(
        isnan(b->density[i]) || (b->density[i] >= 0 && isfinite(b->density[i])), CLS_ERR_INPUT,
        "brain.synapse_density: region %s: %g: expected a finite number, at least 0, or NaN where unknown",
        c->names[i], b->density[i]);
  return CLS_OK;
}

static cls_status check_options(cls_expansion *x) {
  const cls_brain *b = x->brain;
  CLS_TRY(check_ports(x));
  CLS_TRY(check_units(x));
  CLS_TRY(check_density(b, x->connectome));
  CLS_CHECK(b->indegree >= 1 && b->indegree <= UINT32_MAX, CLS_ERR_INPUT,
            "brain.indegree: %llu: expected 1 ... 2^32 - 1", (unsigned long long)b->indegree);
  CLS_CHECK(b->rule == CLS_FIXED_INDEGREE || b->rule == CLS_FIXED_TOTAL_NUMBER, CLS_ERR_INPUT,
            "brain.rule: expected fixed_indegree or fixed_total_number");
  CLS_CHECK(!b->procedural || b->rule == CLS_FIXED_TOTAL_NUMBER, CLS_ERR_INPUT,
            "brain.synapses: procedural: expected brain.rule fixed_total_number");
  CLS_CHECK(b->velocity_m_s > 0 && isfinite(b->velocity_m_s), CLS_ERR_INPUT,
            "brain.velocity_m_s: %g: expected a finite number above 0", b->velocity_m_s);
  CLS_CHECK(b->delay_jitter_ms >= 0 && isfinite(b->delay_jitter_ms), CLS_ERR_INPUT,
            "brain.delay_jitter_ms: %g: expected a finite number >= 0", b->delay_jitter_ms);
  CLS_CHECK(b->coupling >= 0 && isfinite(b->coupling), CLS_ERR_INPUT,
            "brain.coupling: %g: expected a finite number >= 0", b->coupling);
  CLS_CHECK(b->n_inputs == 0 || b->inputs, CLS_ERR_MEMORY, "brain: no memory for its inputs");
  return CLS_OK;
}

/* ---- what came out ---- */

/* "57 local E + 14 local I + 29 long range" */
static char *row_text(const cls_unit_indegree *row) {
  return cls_format("%llu = %llu local E + %llu local I + %llu long range",
                    (unsigned long long)cls_unit_indegree_sum(row), (unsigned long long)row->local_e,
                    (unsigned long long)row->local_i, (unsigned long long)row->long_range);
}

/* The in-degree of a unit's populations where no density changes it: one line where all are alike, else one
 * each. */
static cls_status log_unit(const cls_expansion *x, uint32_t number) {
  const cls_region_unit *unit = &x->brain->units[number];
  cls_unit_indegree row[CLS_UNIT_POPULATIONS];
  uint32_t regions = 0;
  bool alike = true;
  for (uint32_t i = 0; i < x->n; i++) regions += cls_unit_number(x, i) == number;
  for (uint32_t p = 0; p < unit->n; p++) {
    CLS_TRY(cls_unit_row(unit, p, (double)x->brain->indegree, &row[p]));
    alike &= memcmp(&row[p], &row[0], sizeof *row) == 0;
  }
  for (uint32_t p = 0; p < (alike ? 1 : unit->n); p++) {
    char *text = row_text(&row[p]);
    CLS_CHECK(text, CLS_ERR_MEMORY, "out of memory for the log");
    if (alike)
      cls_log(x->world, 1, "brain: %u regions are units %s of %u populations, in-degree%s %s", regions,
              unit->name, unit->n, x->brain->density ? " at the reference" : "", text);
    else
      cls_log(x->world, 1, "brain: %u regions are units %s: %s of %.4g %% of the neurons, in-degree%s %s",
              regions, unit->name, unit->population[p].name, 100 * unit->population[p].share,
              x->brain->density ? " at the reference" : "", text);
    free(text);
  }
  return CLS_OK;
}

static cls_status log_result(const cls_expansion *x) {
  uint64_t of_type[2] = {0};
  for (uint32_t p = 0; p < x->network->n_populations; p++)
    of_type[x->network->populations[p].type == 'I'] += x->network->populations[p].n;
  cls_log(x->world, 1, "brain: %u regions, %llu neurons (%llu E, %llu I) in %u populations", x->n,
          (unsigned long long)(of_type[0] + of_type[1]), (unsigned long long)of_type[0],
          (unsigned long long)of_type[1], x->network->n_populations);
  for (uint32_t u = 0; u < x->brain->n_units; u++)
    if (x->used[u]) CLS_TRY(log_unit(x, u));
  if (x->brain->indegree != 100)
    cls_log(x->world, 1, "brain: conductances x %g (100 / in-degree)%s", 100.0 / (double)x->brain->indegree,
            x->brain->compensate ? "" : "; no compensation of the noise of the in-degree");
  if (x->brain->indegree != 100 && x->brain->compensate)
    cls_log(
        x->world, 1,
        "brain: excitatory ones x %.4f too, which keeps the rate (brain.compensation: none leaves it out)",
        cls_brain_compensation((double)x->brain->indegree));
  if (x->shortage.n > 0)
    cls_warn(
        x->world,
        "brain: %llu of %llu projections have too few distinct sources (%s: %llu sources for %llu synapses "
        "of a neuron): a neuron may draw a source more than once",
        (unsigned long long)x->shortage.n, (unsigned long long)x->shortage.of, x->shortage.example,
        (unsigned long long)x->shortage.example_sources, (unsigned long long)x->shortage.example_indegree);
  return CLS_OK;
}

static cls_status expand(cls_expansion *x) {
  CLS_TRY(check_options(x));
  CLS_TRY(cls_connectome_check(x->connectome));
  CLS_TRY(cls_brain_regions(x));
  CLS_TRY(cls_brain_populations(x));
  CLS_TRY(cls_brain_tracts(x));
  return log_result(x);
}

cls_status cls_network_add_brain(cls_network *network, const cls_connectome *connectome,
                                 const cls_brain *brain, const cls_world *world, uint32_t **kept,
                                 uint32_t *n_kept) {
  cls_expansion x = {.network = network, .connectome = connectome, .brain = brain, .world = world};
  cls_status status = expand(&x);
  *kept = status == CLS_OK ? x.kept : NULL;
  *n_kept = status == CLS_OK ? x.n : 0;
  if (status != CLS_OK) free(x.kept);
  free(x.place);
  free(x.neurons);
  free(x.density);
  free(x.first);
  free(x.used);
  free(x.shortage.example);
  return status;
}
