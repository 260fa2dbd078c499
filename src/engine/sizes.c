#include "engine/sizes.h"
#include "base/math.h"
#include "engine/layout.h"
#include "engine/plastic_store.h"
#include "network/rows.h"
#include <stdlib.h>

enum { CHUNK_BYTES = 1024 }; /* of lists of spikes in flight, where no run is longer */

/* Parts that hold neurons of a population: contiguous blocks of equal size, cut at random places. */
static double parts_of(const cls_network *network, uint32_t population, double parts) {
  double share = (double)network->populations[population].n * parts / (double)network->n_neurons;
  return share + 1 < parts ? share + 1 : parts;
}

/* Delays count by how many steps they fill: a distribution of standard deviation s fills about as many as a uniform
 * one of that deviation, s sqrt(12), each step being one bin. */
static double delay_steps(const cls_network *network, const cls_projection *projection) {
  double steps = 1 + cls_distribution_sd(&projection->delay_ms) * sqrt(12.0) / network->dt_ms;
  double range =
      1 + (cls_distribution_upper(&projection->delay_ms) - cls_distribution_lower(&projection->delay_ms)) /
              network->dt_ms;
  return steps < range ? steps : range;
}

/* Synapses that share runs: from one population, through one kind of port, with no delay of their own source. */
typedef struct {
  double synapses, steps, parts; /* steps and parts weighted by synapses */
} run_group;

/* Runs of `synapses` synapses of `neurons` sources spread over delays and parts. */
static double runs_of(double synapses, double neurons, double steps, double parts) {
  return neurons * parts * steps * -cls_expm1(-synapses / (neurons * parts * steps));
}

static void add_projection(const cls_network *network, const cls_projection *projection, double parts,
                           run_group (*group)[CLS_MAX_PORTS], cls_sizes *z) {
  double all = cls_projection_expected_synapses(network, projection),
         steps = delay_steps(network, projection);
  double here = parts_of(network, projection->target, parts), delay_s = 0;
  z->synapses += all;
  if (projection->procedural)
    z->tables += cls_projection_table_bytes(network, projection);
  else if (projection->plasticity)
    z->plastic += all;
  else
    z->stored += all;
  if (projection->plasticity && projection->plasticity->has_stdp) {
    z->stdp += all;
    z->states += all * sizeof(int32_t);
  }
  if (!cls_rule_has_rows(projection->rule)) z->by_target += all;
  for (uint32_t s = 0; s < projection->n_sources; s++) {
    uint32_t from = projection->sources[s].population;
    const cls_population *source = &network->populations[from];
    double synapses = all * projection->sources[s].weight;
    run_group *g = &group[from][projection->port];
    if (projection->procedural) {
      z->listeners += (double)source->n * here;
    } else if (projection->plasticity) {
      z->plastic_runs += runs_of(synapses, (double)source->n, steps, here);
    } else if (projection->sources[s].delay_ms > 0) {
      z->runs += runs_of(synapses, (double)source->n, steps, here);
    } else {
      g->synapses += synapses;
      g->steps += synapses * steps;
      g->parts += synapses * here;
    }
    z->events_per_s += synapses * source->rate_hz;
    delay_s += synapses * source->rate_hz * 1e-3 *
               (projection->sources[s].delay_ms + cls_distribution_mean(&projection->delay_ms));
  }
  z->flight += delay_s * sizeof(uint32_t) * 2; /* memory of bursts is kept */
}

static bool varied(const cls_distribution *param, int n) {
  for (int i = 0; i < n; i++)
    if (param[i].kind != CLS_CONSTANT) return true;
  return false;
}

static void add_population(const cls_population *p, cls_sizes *z) {
  double n = (double)p->n, states = p->model->n_states, constants = 0;
  if (varied(p->param, p->model->n_params)) constants += p->model->n_consts;
  for (int i = 0; i < p->n_inputs; i++) {
    const cls_model *model = p->inputs[i].model;
    states += model->n_states;
    if (varied(p->inputs[i].param, model->n_params) || cls_input_is_partial(&p->inputs[i], 0, p->n))
      constants += model->n_consts;
  }
  z->states += n * states * sizeof(float);
  z->constants +=
      n * (constants * sizeof(float) + sizeof(uint32_t) + sizeof(uint64_t)); /* slot, global number */
  for (int port = 0; port < CLS_MAX_PORTS; port++)
    z->sums += n * (cls_port_is_pair(p->model, port) ? sizeof(uint64_t) : sizeof(int32_t));
  z->spikes_per_s += n * p->rate_hz;
}

cls_status cls_sizes_expected(const cls_network *network, int ranks, int threads, cls_sizes *sizes) {
  cls_sizes z = {.description = (double)cls_network_bytes(network)};
  run_group(*group)[CLS_MAX_PORTS];
  CLS_TRY(cls_alloc(&group, network->n_populations, sizeof *group, "expected sizes"));
  double parts = (double)ranks * threads;
  for (uint32_t p = 0; p < network->n_populations; p++) add_population(&network->populations[p], &z);
  for (uint32_t j = 0; j < network->n_projections; j++)
    add_projection(network, &network->projections[j], parts, group, &z);
  for (uint32_t p = 0; p < network->n_populations; p++)
    for (int port = 0; port < CLS_MAX_PORTS; port++) {
      const run_group *g = &group[p][port];
      if (g->synapses > 0)
        z.runs += runs_of(g->synapses, (double)network->populations[p].n, g->steps / g->synapses,
                          g->parts / g->synapses);
    }
  free(group);
  if (z.synapses > 0) z.flight *= 1 + z.runs / z.synapses; /* runs are in flight with their headers */
  const double lists = z.flight / sizeof(uint32_t);        /* of which each has begun a chunk */
  z.flight += parts * (lists < network->max_delay ? lists : network->max_delay) * CHUNK_BYTES;
  /* A row for every source a rank knows, in each of its parts. A source is known to no more ranks than it has runs. */
  double sources = (double)network->n_neurons * ranks;
  if (sources > z.runs + z.plastic_runs + z.listeners) sources = z.runs + z.plastic_runs + z.listeners;
  z.store = z.tables + (z.stored + z.runs) * sizeof(uint32_t) + sources * threads * sizeof(uint64_t) +
            sources * (sizeof(uint64_t) + 2.0 / 8);
  if (z.plastic > 0)
    z.store += z.plastic * sizeof(uint32_t) + z.plastic_runs * sizeof(cls_plastic_run) +
               sources * threads * sizeof(uint64_t);
  z.building =
      z.by_target * (sizeof(uint64_t) - sizeof(uint32_t)); /* records are twice as wide as synapses */
  *sizes = z;
  return CLS_OK;
}

double cls_sizes_bytes(const cls_sizes *sizes, int members) {
  return sizes->store + sizes->constants + members * (sizes->states + sizes->sums + sizes->flight);
}
