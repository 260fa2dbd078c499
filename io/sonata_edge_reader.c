/* Reading edges: their columns, types and what they have of their own. */
#include "io/sonata_edges.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_SPREAD = 8 * SONATA_PIECE }; /* rows of an edge group that a piece may be spread over */

static const char *const own_names[SONATA_OWN] = {"nsyns", "syn_weight", "delay"};

/* ---- opening ---- */

static cls_status open_edge_column(sonata_edges *e, const char *name, bool needed, bool integers,
                                   cls_h5_column *column) {
  char *full = cls_format("/edges/%s/%s", e->name, name);
  CLS_CHECK(full, CLS_ERR_MEMORY, "no memory for the name of a dataset");
  cls_status status = CLS_OK;
  if (needed || cls_h5_has(e->file, full))
    status = cls_h5_column_open(e->file, e->path, full, integers, 1, column);
  free(full);
  return status;
}

/* The node population that a column of ids is about. */
static cls_status find_end(sonata_edges *e, const char *name, const sonata_population **population) {
  char *full = cls_format("/edges/%s/%s", e->name, name), *text = NULL;
  CLS_CHECK(full, CLS_ERR_MEMORY, "no memory for the name of a dataset");
  cls_status status = cls_h5_text_of(e->file, full, "node_population", &text);
  if (status == CLS_OK && !text)
    status = cls_fail(CLS_ERR_INPUT, "%s: %s: no attribute node_population", e->path, full);
  *population = text ? sonata_population_find(e->circuit, text) : NULL;
  if (status == CLS_OK && !*population)
    status =
        cls_fail(CLS_ERR_INPUT, "%s: %s: node_population '%s' is not in the circuit", e->path, full, text);
  free(full);
  free(text);
  return status;
}

static cls_status check_rows(const sonata_edges *e, const cls_h5_column *column) {
  CLS_CHECK(!column->name || column->n == e->target_id.n, CLS_ERR_INPUT, "%s: %llu rows: expected %llu",
            column->name, (unsigned long long)column->n, (unsigned long long)e->target_id.n);
  return CLS_OK;
}

static cls_status open_groups(sonata_edges *e) {
  char name[64];
  for (int g = 0; g < SONATA_GROUPS; g++)
    for (int k = 0; k < SONATA_OWN; k++) {
      snprintf(name, sizeof name, "%d/%s", g, own_names[k]);
      CLS_TRY(open_edge_column(e, name, false, false, &e->own[g][k]));
      if (k == SONATA_DELAY && e->own[g][k].name) e->listed_delays = true;
    }
  return CLS_OK;
}

static cls_status open_columns(sonata_edges *e) {
  CLS_TRY(open_edge_column(e, "source_node_id", true, true, &e->source_id));
  CLS_TRY(open_edge_column(e, "target_node_id", true, true, &e->target_id));
  CLS_TRY(cls_h5_column_check_stored(&e->target_id));
  CLS_TRY(open_edge_column(e, "edge_type_id", true, true, &e->type_id));
  CLS_TRY(open_edge_column(e, "edge_group_id", false, true, &e->group_id));
  CLS_TRY(open_edge_column(e, "edge_group_index", false, true, &e->group_index));
  CLS_TRY(check_rows(e, &e->source_id));
  CLS_TRY(check_rows(e, &e->type_id));
  CLS_TRY(check_rows(e, &e->group_id));
  CLS_TRY(check_rows(e, &e->group_index));
  CLS_TRY(find_end(e, "source_node_id", &e->source));
  CLS_TRY(find_end(e, "target_node_id", &e->target));
  CLS_CHECK(!e->target->is_virtual, CLS_ERR_INPUT, "%s: /edges/%s: edges onto virtual nodes of '%s'", e->path,
            e->name, e->target->name);
  return open_groups(e);
}

/* ---- types ---- */

/* The sign that a synapse model's file says; 0: there is no such file, or it says nothing. */
static cls_status read_sign(sonata_edges *e, size_t row, double *sign) {
  const char *file = sonata_type_text(e->types, row, "dynamics_params");
  const char *folder = e->circuit->config.synapse_models;
  *sign = 0;
  if (!file || !folder) return CLS_OK;
  char *path = cls_format("%s/%s", folder, file);
  CLS_CHECK(path, CLS_ERR_MEMORY, "no memory for a path");
  cJSON *tree = NULL;
  cls_status status = access(path, R_OK) == 0 ? sonata_json_read(path, &tree) : CLS_OK;
  free(path);
  CLS_TRY(status);
  const cJSON *value = cJSON_GetObjectItemCaseSensitive(tree, "sign");
  if (cJSON_IsNumber(value)) *sign = value->valuedouble < 0 ? -1 : 1;
  cJSON_Delete(tree);
  return CLS_OK;
}

static cls_status read_type(sonata_edges *e, size_t row) {
  sonata_edge_type *type = &e->type[row];
  const char *function = sonata_type_text(e->types, row, "weight_function");
  bool found;
  CLS_TRY(sonata_type_number(e->types, row, "syn_weight", &found, &type->weight));
  if (!found) type->weight = NAN;
  CLS_TRY(sonata_type_number(e->types, row, "delay", &found, &type->delay));
  if (!found) type->delay = NAN;
  CLS_TRY(sonata_type_number(e->types, row, "nsyns", &found, &type->nsyns));
  if (!found) type->nsyns = 1;
  if (function && strcmp(function, "wmax") != 0)
    CLS_TRY(sonata_note(e->circuit, "%s, type %s: weight_function %s is not computed: weights are syn_weight",
                        e->name, e->types->cell[row * e->types->columns + (size_t)e->types->id], function));
  return read_sign(e, row, &type->sign);
}

static cls_status read_all_types(sonata_edges *e) {
  CLS_TRY(cls_alloc(&e->type, e->types->rows, sizeof *e->type, "edge types"));
  for (size_t row = 1; row < e->types->rows; row++) CLS_TRY(read_type(e, row));
  return CLS_OK;
}

/* Where nothing says whether synapses excite or inhibit. */
static cls_status note_signs(sonata_edges *e) {
  bool unsaid = false;
  for (size_t row = 1; row < e->types->rows; row++) unsaid = unsaid || e->type[row].sign == 0;
  for (size_t k = 0; k < e->source->n_members && unsaid; k++) {
    const sonata_member *m = &e->source->members[k];
    if (m->type == 0)
      CLS_TRY(sonata_note(e->circuit,
                          "%s: '%s' is neither excitatory nor inhibitory (column ei): weights are "
                          "taken as they are",
                          e->name, m->name));
  }
  return CLS_OK;
}

/* ---- pieces ---- */

static cls_status make_piece(sonata_edges *e) {
  int64_t **const ids[] = {&e->sources, &e->targets, &e->edge_types, &e->groups, &e->indices};
  for (int k = 0; k < 5; k++) CLS_TRY(cls_alloc(ids[k], SONATA_PIECE, sizeof **ids[k], "piece of edges"));
  CLS_TRY(cls_alloc(&e->value, SONATA_OWN * SONATA_PIECE, sizeof *e->value, "piece of edges"));
  return cls_alloc(&e->slab, MOST_SPREAD, sizeof *e->slab, "piece of edges");
}

cls_status sonata_edges_read_ends(sonata_edges *e, uint64_t first, uint64_t n) {
  CLS_TRY(cls_h5_column_integers(&e->source_id, first, n, e->sources));
  CLS_TRY(cls_h5_column_integers(&e->target_id, first, n, e->targets));
  return cls_h5_column_integers(&e->type_id, first, n, e->edge_types);
}

/* One property of the edges of a piece that are in group g: rows of the group from the least to the greatest
 * index are read, and each edge takes its own. */
static cls_status read_own(sonata_edges *e, uint64_t first, uint64_t n, int g, int k) {
  const cls_h5_column *own = &e->own[g][k];
  int64_t least = INT64_MAX, most = -1;
  for (uint64_t i = 0; i < n; i++) {
    if (e->groups[i] != g) continue;
    CLS_CHECK(e->indices[i] >= 0 && (uint64_t)e->indices[i] < own->n, CLS_ERR_INPUT,
              "%s: edge %llu is row %lld of its group: expected 0 ... %llu", own->name,
              (unsigned long long)(first + i), (long long)e->indices[i], (unsigned long long)(own->n - 1));
    if (e->indices[i] < least) least = e->indices[i];
    if (e->indices[i] > most) most = e->indices[i];
  }
  if (most < 0) return CLS_OK;
  CLS_CHECK(most - least < MOST_SPREAD, CLS_ERR_INPUT,
            "%s: edges %llu ... are spread over %lld rows of their group: expected them near each other",
            own->name, (unsigned long long)first, (long long)(most - least));
  CLS_TRY(cls_h5_column_numbers(own, (uint64_t)least, (uint64_t)(most - least + 1), e->slab));
  for (uint64_t i = 0; i < n; i++)
    if (e->groups[i] == g) e->value[k * SONATA_PIECE + (int)i] = e->slab[e->indices[i] - least];
  return CLS_OK;
}

cls_status sonata_edges_read_values(sonata_edges *e, uint64_t first, uint64_t n) {
  for (uint64_t i = 0; i < n; i++) {
    e->groups[i] = 0;
    e->indices[i] = (int64_t)(first + i);
  }
  if (e->group_id.name) CLS_TRY(cls_h5_column_integers(&e->group_id, first, n, e->groups));
  if (e->group_index.name) CLS_TRY(cls_h5_column_integers(&e->group_index, first, n, e->indices));
  for (uint64_t i = 0; i < n; i++)
    CLS_CHECK(e->groups[i] >= 0 && e->groups[i] < SONATA_GROUPS, CLS_ERR_INPUT,
              "%s: row %llu: %lld: expected 0 ... %d", e->group_id.name, (unsigned long long)(first + i),
              (long long)e->groups[i], SONATA_GROUPS - 1);
  for (int k = 0; k < SONATA_OWN * SONATA_PIECE; k++) e->value[k] = NAN;
  for (int g = 0; g < SONATA_GROUPS; g++)
    for (int k = 0; k < SONATA_OWN; k++)
      if (e->own[g][k].name) CLS_TRY(read_own(e, first, n, g, k));
  return CLS_OK;
}

/* ---- one edge ---- */

cls_status sonata_edges_place(const sonata_edges *e, uint64_t number, uint64_t i, sonata_edge_memory *memory,
                              sonata_edge_place *place) {
  CLS_CHECK(e->sources[i] >= 0 && (uint64_t)e->sources[i] < e->source->n, CLS_ERR_INPUT,
            "%s: row %llu: %lld: expected 0 ... %llu, a node of '%s'", e->source_id.name,
            (unsigned long long)number, (long long)e->sources[i], (unsigned long long)(e->source->n - 1),
            e->source->name);
  CLS_CHECK(e->targets[i] >= 0 && (uint64_t)e->targets[i] < e->target->n, CLS_ERR_INPUT,
            "%s: row %llu: %lld: expected 0 ... %llu, a node of '%s'", e->target_id.name,
            (unsigned long long)number, (long long)e->targets[i], (unsigned long long)(e->target->n - 1),
            e->target->name);
  if (memory->row == 0 || e->edge_types[i] != memory->type) {
    memory->row = sonata_type_row(e->types, e->edge_types[i]);
    memory->type = e->edge_types[i];
  }
  CLS_CHECK(memory->row > 0, CLS_ERR_INPUT, "%s: row %llu: type %lld is not in %s", e->type_id.name,
            (unsigned long long)number, (long long)e->edge_types[i], e->types->path);
  place->row = memory->row;
  sonata_node_find(e->source, (uint64_t)e->sources[i], &memory->source_run, &place->source_member,
                   &place->source);
  sonata_node_find(e->target, (uint64_t)e->targets[i], &memory->target_run, &place->target_member,
                   &place->target);
  place->pair = (place->row * e->source->n_members + place->source_member) * e->target->n_members +
                place->target_member;
  return CLS_OK;
}

static double own_or(double own, double of_type) { return isnan(own) ? of_type : own; }

cls_status sonata_edges_value(const sonata_edges *e, uint64_t number, uint64_t i,
                              const sonata_edge_place *place, double *nsyns, double *weight, double *delay) {
  const sonata_edge_type *type = &e->type[place->row];
  const double *own = e->value + i;
  char source_type = e->source->members[place->source_member].type;
  double sign = type->sign != 0 ? type->sign : source_type == 'I' ? -1 : 1;
  double each = own_or(own[SONATA_WEIGHT * SONATA_PIECE], type->weight);
  *nsyns = own_or(own[SONATA_NSYNS * SONATA_PIECE], type->nsyns);
  *delay = own_or(own[SONATA_DELAY * SONATA_PIECE], type->delay);
  *weight = sign * each * *nsyns;
  CLS_CHECK(isfinite(*weight) && isfinite(*nsyns) && isfinite(*delay), CLS_ERR_INPUT,
            "%s: /edges/%s: edge %llu: syn_weight %g, nsyns %g, delay %g: expected numbers", e->path, e->name,
            (unsigned long long)number, each, *nsyns, *delay);
  return CLS_OK;
}

/* ---- together ---- */

cls_status sonata_edges_open(sonata_circuit *circuit, hid_t file, const char *path, const char *name,
                             const sonata_types *types, sonata_edges *edges) {
  *edges = (sonata_edges){.circuit = circuit, .file = file, .path = path, .name = name, .types = types};
  CLS_TRY(open_columns(edges));
  CLS_TRY(read_all_types(edges));
  CLS_TRY(note_signs(edges));
  return make_piece(edges);
}

void sonata_edges_close(sonata_edges *e) {
  cls_h5_column *const columns[] = {&e->source_id, &e->target_id, &e->type_id, &e->group_id, &e->group_index};
  for (int k = 0; k < 5; k++) cls_h5_column_close(columns[k]);
  for (int g = 0; g < SONATA_GROUPS; g++)
    for (int k = 0; k < SONATA_OWN; k++) cls_h5_column_close(&e->own[g][k]);
  free(e->sources);
  free(e->targets);
  free(e->edge_types);
  free(e->groups);
  free(e->indices);
  free(e->value);
  free(e->slab);
  free(e->type);
}
