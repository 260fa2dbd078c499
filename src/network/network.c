/* The description of a network: populations, projections, regions and their names. */
#include "network/network.h"

#include <stdlib.h>
#include <string.h>

#include "network/internal.h"
#include "network/intervention.h"

/* Names are found by their 64-bit hash in open-addressed tables, so that a brain of 10^5 populations is built
 * in linear time. value is the index + 1; 0 marks a free entry. */
typedef struct {
  uint64_t key;
  uint32_t value;
} name_entry;
typedef struct {
  name_entry *entries;
  size_t capacity, n; /* capacity: a power of two or 0 */
} name_table;

/* What stands behind a cls_network; the public part comes first. */
typedef struct {
  cls_network public;
  name_table populations, projections, regions;
  size_t population_capacity, projection_capacity, region_capacity;
  bool finished;
} network_whole;

static network_whole *whole(cls_network *network) { return (network_whole *)network; }

/* ---- names ---- */

static int64_t name_find(const name_table *table, uint64_t key) {
  if (table->capacity == 0) return -1;
  for (size_t i = key & (table->capacity - 1);; i = (i + 1) & (table->capacity - 1)) {
    if (table->entries[i].value == 0) return -1;
    if (table->entries[i].key == key) return (int64_t)table->entries[i].value - 1;
  }
}

static void name_put(name_table *table, uint64_t key, uint32_t value) {
  size_t i = key & (table->capacity - 1);
  while (table->entries[i].value != 0) i = (i + 1) & (table->capacity - 1);
  table->entries[i] = (name_entry){key, value};
  table->n++;
}

static cls_status name_add(name_table *table, uint64_t key, uint32_t index) {
  if (2 * (table->n + 1) > table->capacity) {
    name_table grown = {.capacity = table->capacity ? 2 * table->capacity : 64};
    CLS_TRY(cls_alloc(&grown.entries, grown.capacity, sizeof *grown.entries, "table of names"));
    for (size_t i = 0; i < table->capacity; i++)
      if (table->entries[i].value != 0) name_put(&grown, table->entries[i].key, table->entries[i].value);
    free(table->entries);
    *table = grown;
  }
  name_put(table, key, index + 1);
  return CLS_OK;
}

/* What is wrong with a new name: nothing, or it is empty, or taken. */
static cls_status name_check(const cls_network *network, const name_table *table, const char *kind,
                             const char *name) {
  CLS_CHECK(!((const network_whole *)network)->finished, CLS_ERR_INTERNAL,
            "%s '%s' is added to a network that is finished", kind, name ? name : "");
  CLS_CHECK(name && name[0], CLS_ERR_INPUT, "a %s has no name", kind);
  int64_t other = name_find(table, cls_hash_string(name));
  CLS_CHECK(other < 0, CLS_ERR_INPUT, "%s '%s' is named twice (it would be number %zu and number %lld)", kind,
            name, table->n, (long long)other);
  CLS_CHECK(table->n < UINT32_MAX - 1, CLS_ERR_LIMIT, "%s '%s' is number %zu: at most %u", kind, name,
            table->n, UINT32_MAX - 1);
  return CLS_OK;
}

static cls_status name_copy(const char *name, char **copy) {
  *copy = cls_format("%s", name);
  CLS_CHECK(*copy, CLS_ERR_MEMORY, "no memory for the name '%s'", name);
  return CLS_OK;
}

/* ---- building ---- */

cls_status cls_network_create(const char *name, double dt_ms, uint64_t seed, cls_network **network) {
  *network = NULL;
  CLS_CHECK(dt_ms > 0 && dt_ms <= 1e6, CLS_ERR_INPUT, "dt_ms: %g: expected a step above 0 ms", dt_ms);
  network_whole *made;
  CLS_TRY(cls_alloc(&made, 1, sizeof *made, "network"));
  made->public.dt_ms = dt_ms;
  made->public.seed = seed;
  cls_status status = name_copy(name, &made->public.name);
  if (status != CLS_OK) {
    free(made);
    return status;
  }
  *network = &made->public;
  return CLS_OK;
}

static void destroy_trains(cls_trains *trains) {
  trains->destroy(trains->self);
  free(trains);
}

void cls_network_destroy(cls_network *network) {
  if (!network) return;
  for (uint32_t p = 0; p < network->n_populations; p++) {
    cls_population *population = &network->populations[p];
    if (population->positions.table) population->positions.table->destroy(population->positions.table->self);
    free(population->cell_box);
    free(population->name);
    free(population->inputs);
  }
  for (uint32_t p = 0; p < network->n_projections; p++) {
    cls_edge_table *edges = network->projections[p].edges;
    if (edges) edges->destroy(edges->self);
    free(network->projections[p].name);
    free(network->projections[p].plasticity);
    if (network->projections[p].sources_of == p) free(network->projections[p].sources);
  }
  for (uint32_t r = 0; r < network->n_regions; r++) free(network->regions[r].name);
  for (uint32_t i = 0; i < network->n_interventions; i++) {
    free(network->interventions[i].on);
    free(network->interventions[i].from);
    free(network->interventions[i].param);
  }
  free(network->interventions);
  for (uint32_t w = 0; w < network->n_waveforms; w++) cls_waveform_destroy(network->waveforms[w]);
  for (uint32_t t = 0; t < network->n_trains; t++) destroy_trains(network->trains[t]);
  free(network->waveforms);
  free(network->trains);
  free(network->populations);
  free(network->projections);
  free(network->regions);
  free(network->quantum);
  free(network->name);
  free(whole(network)->populations.entries);
  free(whole(network)->projections.entries);
  free(whole(network)->regions.entries);
  free(network);
}

cls_status cls_network_add_region(cls_network *network, const char *name, const double centre_mm[3],
                                  int *index) {
  network_whole *w = whole(network);
  CLS_TRY(name_check(network, &w->regions, "region", name));
  CLS_CHECK(network->n_regions < INT32_MAX, CLS_ERR_LIMIT, "region '%s' is one too many: at most %d", name,
            INT32_MAX);
  CLS_TRY(cls_grow(&network->regions, &w->region_capacity, (size_t)network->n_regions + 1,
                   sizeof *network->regions, "regions"));
  cls_region region;
  memcpy(region.centre_mm, centre_mm, sizeof region.centre_mm);
  CLS_TRY(name_add(&w->regions, cls_hash_string(name), network->n_regions));
  CLS_TRY(name_copy(name, &region.name));
  *index = (int)network->n_regions;
  network->regions[network->n_regions++] = region;
  return CLS_OK;
}

cls_status cls_network_add_population(cls_network *network, const char *name, const cls_model *model,
                                      uint64_t n, cls_population **population) {
  network_whole *w = whole(network);
  CLS_TRY(name_check(network, &w->populations, "population", name));
  CLS_CHECK(!model->is_input, CLS_ERR_INPUT, "population '%s': model %s is an input, not a neuron", name,
            model->name);
  CLS_TRY(cls_grow(&network->populations, &w->population_capacity, (size_t)network->n_populations + 1,
                   sizeof *network->populations, "populations"));
  cls_population *made = &network->populations[network->n_populations];
  memset(made, 0, sizeof *made);
  made->key = cls_hash_string(name);
  CLS_TRY(name_add(&w->populations, made->key, network->n_populations));
  CLS_TRY(name_copy(name, &made->name));
  made->n = n;
  made->model = model;
  made->region = -1;
  made->rate_hz = 5;
  for (int i = 0; i < model->n_params; i++) made->param[i] = cls_constant(model->params[i].initial);
  network->n_populations++;
  *population = made;
  return CLS_OK;
}

cls_status cls_population_add_input(cls_population *population, const cls_model *model, cls_input **input) {
  CLS_CHECK(model->is_input, CLS_ERR_INPUT, "population '%s': model %s is a neuron, not an input",
            population->name, model->name);
  size_t capacity = (size_t)population->n_inputs; /* few: grown one by one */
  CLS_TRY(cls_grow(&population->inputs, &capacity, (size_t)population->n_inputs + 1,
                   sizeof *population->inputs, "inputs"));
  cls_input *made = &population->inputs[population->n_inputs];
  memset(made, 0, sizeof *made);
  made->model = model;
  made->receptor = model->needs_port ? 0 : -1;
  for (int i = 0; i < model->n_params; i++) made->param[i] = cls_constant(model->params[i].initial);
  char *label = cls_format("%s/%d", population->name, population->n_inputs);
  CLS_CHECK(label, CLS_ERR_MEMORY, "no memory for an input of population '%s'", population->name);
  made->key = cls_hash_string(label);
  free(label);
  population->n_inputs++;
  *input = made;
  return CLS_OK;
}

cls_status cls_network_own_waveform(cls_network *network, cls_waveform *waveform) {
  size_t capacity = network->n_waveforms; /* few, as trains: grown one by one */
  cls_status status =
      cls_grow(&network->waveforms, &capacity, capacity + 1, sizeof *network->waveforms, "waveforms");
  if (status == CLS_OK)
    network->waveforms[network->n_waveforms++] = waveform;
  else
    cls_waveform_destroy(waveform);
  return status;
}

cls_status cls_network_own_trains(cls_network *network, cls_trains *trains) {
  size_t capacity = network->n_trains;
  cls_status status = cls_grow(&network->trains, &capacity, capacity + 1, sizeof *network->trains, "trains");
  if (status == CLS_OK)
    network->trains[network->n_trains++] = trains;
  else
    destroy_trains(trains);
  return status;
}

/* A projection without sources, which is not counted yet. */
static cls_status begin_projection(cls_network *network, const char *name, uint32_t target, cls_rule rule,
                                   cls_projection **projection) {
  network_whole *w = whole(network);
  CLS_TRY(name_check(network, &w->projections, "projection", name));
  CLS_CHECK(target < network->n_populations, CLS_ERR_INPUT, "projection '%s': target population %u of %u",
            name, target, network->n_populations);
  CLS_TRY(cls_grow(&network->projections, &w->projection_capacity, (size_t)network->n_projections + 1,
                   sizeof *network->projections, "projections"));
  cls_projection *made = &network->projections[network->n_projections];
  memset(made, 0, sizeof *made);
  made->key = cls_hash_string(name);
  made->target = target;
  made->rule = rule;
  made->autapses = made->multapses = true;
  made->weight[0] = made->weight[1] = cls_constant(1);
  made->delay_ms = cls_constant(network->dt_ms);
  CLS_TRY(name_add(&w->projections, made->key, network->n_projections));
  CLS_TRY(name_copy(name, &made->name));
  *projection = made;
  return CLS_OK;
}

cls_status cls_network_add_projection(cls_network *network, const char *name, uint32_t target, cls_rule rule,
                                      const cls_projection_source *sources, uint32_t n_sources,
                                      cls_projection **projection) {
  CLS_CHECK(n_sources > 0, CLS_ERR_INPUT, "projection '%s': no source population", name);
  for (uint32_t i = 0; i < n_sources; i++)
    CLS_CHECK(sources[i].population < network->n_populations, CLS_ERR_INPUT,
              "projection '%s': source population %u of %u", name, sources[i].population,
              network->n_populations);
  cls_projection *made;
  CLS_TRY(begin_projection(network, name, target, rule, &made));
  cls_status status = cls_alloc(&made->sources, n_sources, sizeof *made->sources, "sources of a projection");
  if (status != CLS_OK) {
    free(made->name);
    return status;
  }
  memcpy(made->sources, sources, n_sources * sizeof *sources);
  made->n_sources = n_sources;
  made->sources_of = network->n_projections++;
  *projection = made;
  return CLS_OK;
}

cls_status cls_network_add_projection_like(cls_network *network, const char *name, uint32_t target,
                                           cls_rule rule, uint32_t other, cls_projection **projection) {
  CLS_CHECK(other < network->n_projections, CLS_ERR_INTERNAL,
            "projection '%s': sources of projection %u of %u", name, other, network->n_projections);
  CLS_TRY(begin_projection(network, name, target, rule, projection));
  const cls_projection *owner = &network->projections[other];
  (*projection)->sources = owner->sources;
  (*projection)->n_sources = owner->n_sources;
  (*projection)->sources_of = owner->sources_of;
  network->n_projections++;
  return CLS_OK;
}

/* ---- finishing ---- */

cls_status cls_network_finish(cls_network *network) {
  CLS_CHECK(!whole(network)->finished, CLS_ERR_INTERNAL, "network '%s' is finished twice", network->name);
  CLS_CHECK(network->n_populations > 0, CLS_ERR_INPUT, "network '%s' has no population", network->name);
  network->n_neurons = 0;
  for (uint32_t p = 0; p < network->n_populations; p++) {
    cls_population *population = &network->populations[p];
    CLS_TRY(cls_population_finish(network, population));
    population->first = network->n_neurons;
    network->n_neurons += population->n; /* at most 2^32 populations of 2^32 neurons: no overflow */
    CLS_TRY(cls_positions_finish(network, p));
  }

  double least = INFINITY, greatest = 0, window = 0;
  network->expected_synapses = 0;
  for (uint32_t p = 0; p < network->n_projections; p++) {
    cls_projection *projection = &network->projections[p];
    CLS_TRY(cls_projection_finish(network, projection, projection->sources_of == p));
    network->expected_synapses += cls_projection_expected_synapses(network, projection);
    double lower, upper;
    uint32_t near, far;
    cls_projection_delay_range(network, projection, &lower, &upper);
    cls_projection_delay_span(projection, &near, &far);
    least = fmin(least, cls_delay_steps(projection->sources[near].delay_ms + lower, network->dt_ms));
    const double longest = cls_delay_steps(projection->sources[far].delay_ms + upper, network->dt_ms);
    greatest = fmax(greatest, longest);
    /* A postsynaptic spike has to come back, while a presynaptic one is on its way. */
    if (projection->plasticity)
      window = fmax(window, projection->plasticity->has_stdp ? 2 * longest : longest);
  }
  network->min_delay = network->n_projections ? (uint32_t)least : 0;
  network->max_delay = (uint32_t)greatest;
  network->plastic_window = (uint32_t)window;
  CLS_TRY(cls_network_check_interventions(network));
  CLS_TRY(cls_network_fix_quanta(network));
  whole(network)->finished = true;
  return CLS_OK;
}

/* ---- asking ---- */

int64_t cls_network_find_population(const cls_network *network, const char *name) {
  int64_t index = name_find(&((const network_whole *)network)->populations, cls_hash_string(name));
  return index >= 0 && strcmp(network->populations[index].name, name) == 0 ? index : -1;
}

bool cls_input_is_partial(const cls_input *input, uint64_t first, uint64_t n) {
  return input->omit > 0 || first < input->first ||
         (input->count > 0 && first + n > input->first + input->count);
}

bool cls_input_misses(const cls_input *input, uint64_t first, uint64_t n) {
  return first + n <= input->first || (input->count > 0 && first >= input->first + input->count);
}

bool cls_input_reaches(const cls_input *input, uint64_t seed, uint64_t index) {
  if (cls_input_misses(input, index, 1)) return false;
  if (input->omit <= 0) return true;
  /* Parameters of the input are drawn by the same key at (index, number of the parameter). */
  cls_stream stream = cls_stream_make(seed, CLS_PURPOSE_PARAMETER, input->key);
  return cls_unit(cls_draw(stream, (uint32_t)index, UINT32_MAX, 0, 0).w[0]) >= input->omit;
}

uint32_t cls_network_population_of(const cls_network *network, uint64_t neuron) {
  uint32_t lo = 0, hi = network->n_populations; /* the population lies in [lo, hi) */
  while (hi - lo > 1) {
    uint32_t middle = lo + (hi - lo) / 2;
    if (network->populations[middle].first <= neuron)
      lo = middle;
    else
      hi = middle;
  }
  return lo;
}

double cls_population_param(const cls_network *network, uint32_t population, uint32_t index, int param) {
  const cls_population *p = &network->populations[population];
  const cls_stream stream = cls_stream_make(network->seed, CLS_PURPOSE_PARAMETER, p->key);
  return cls_distribution_draw(&p->param[param], stream, index, (uint32_t)param, 0);
}

size_t cls_network_bytes(const cls_network *network) {
  const network_whole *w = (const network_whole *)network;
  size_t bytes =
      sizeof *w + w->population_capacity * sizeof *network->populations +
      w->projection_capacity * sizeof *network->projections + w->region_capacity * sizeof *network->regions +
      (w->populations.capacity + w->projections.capacity + w->regions.capacity) * sizeof(name_entry);
  if (network->quantum) bytes += network->n_populations * sizeof *network->quantum;
  for (uint32_t p = 0; p < network->n_populations; p++) {
    const cls_population *population = &network->populations[p];
    bytes += strlen(population->name) + 1 + (size_t)population->n_inputs * sizeof *population->inputs;
    if (population->cell_box) bytes += cls_cell_count(population->n) * sizeof *population->cell_box;
  }
  for (uint32_t p = 0; p < network->n_projections; p++) {
    const cls_projection *projection = &network->projections[p];
    bytes += strlen(projection->name) + 1;
    if (projection->sources_of == p) bytes += projection->n_sources * sizeof *projection->sources;
    if (projection->edges) bytes += projection->edges->bytes;
    if (projection->plasticity) bytes += sizeof *projection->plasticity;
  }
  for (uint32_t r = 0; r < network->n_regions; r++) bytes += strlen(network->regions[r].name) + 1;
  for (uint32_t i = 0; i < network->n_waveforms; i++) bytes += cls_waveform_bytes(network->waveforms[i]);
  return bytes;
}
