/* An engine's state: what is counted, states of neurons, spikes, plasticity. */
#include "engine/keep.h"
#include <stdlib.h>
#include <string.h>

static int by_first(const void *a, const void *b) {
  const cls_piece *x = a, *y = b;
  return (x->first > y->first) - (x->first < y->first);
}

cls_status cls_keep_pieces(const cls_engine *e, const cls_keeper *keeper, const char *name,
                           cls_keep_type type, uint64_t rows, uint32_t width, const char *unit,
                           cls_pieces *pieces) {
  (void)e;
  if (pieces->n > 0) qsort(pieces->at, pieces->n, sizeof *pieces->at, by_first);
  return keeper->array(keeper->self, name, type, rows, width, unit, pieces->at, pieces->n);
}

/* ---- what it belongs to, and what was counted ---- */

enum { STEP, SEED, NEURONS, MEMBERS, SPIKES, EVENTS, NUMBERS };

/* Of members [first, last), over all ranks. Events are counted of all members together: each has an equal share. */
static cls_status count(const cls_engine *e, int first, int last, cls_counted *counted) {
  const uint64_t members = (uint64_t)e->options.members;
  cls_engine_report report;
  uint64_t mine[2] = {0, 0}, all[2], digest;
  for (int m = first; m < last; m++) {
    uint64_t spikes = 0;
    CLS_TRY(cls_agree(e->world.comm, cls_engine_own_digest(e, m, &digest, &spikes)));
    mine[0] += spikes + e->before[m].spikes;
    mine[1] += e->before[m].events;
  }
  cls_engine_measure(e, &report);
  mine[1] += report.events / members * (uint64_t)(last - first);
  if (first == 0) mine[1] += report.events % members;
  MPI_Allreduce(mine, all, 2, MPI_UINT64_T, MPI_SUM, e->world.comm);
  *counted = (cls_counted){all[0], all[1]};
  return CLS_OK;
}

static cls_status keep_numbers(cls_engine *e, const cls_keeper *keeper, int first, int last) {
  const uint64_t members = (uint64_t)(last - first);
  cls_counted all = {0, 0};
  if (!keeper->loading) CLS_TRY(count(e, first, last, &all));
  uint64_t number[NUMBERS] = {(uint64_t)e->now, e->network->seed, e->network->n_neurons,
                              members,          all.spikes,       all.events};
  CLS_TRY(cls_keep_shared(keeper, e->world.rank, "engine/numbers", CLS_KEEP_U64, NUMBERS, number));
  CLS_CHECK(number[STEP] == (uint64_t)e->now, CLS_ERR_INPUT, "a checkpoint of step %llu: expected step %lld",
            (unsigned long long)number[STEP], (long long)e->now);
  CLS_CHECK(number[SEED] == e->network->seed && number[NEURONS] == e->network->n_neurons &&
                number[MEMBERS] == members,
            CLS_ERR_INPUT, "a checkpoint of %llu neurons, seed %llu, %llu members: expected %llu, %llu, %llu",
            (unsigned long long)number[NEURONS], (unsigned long long)number[SEED],
            (unsigned long long)number[MEMBERS], (unsigned long long)e->network->n_neurons,
            (unsigned long long)e->network->seed, (unsigned long long)members);
  /* Of several, only the sum is known. */
  for (int m = first; keeper->loading && e->world.rank == 0 && m < last; m++)
    e->before[m] = m == first ? (cls_counted){number[SPIKES], number[EVENTS]} : (cls_counted){0, 0};
  return CLS_OK;
}

static cls_status keep_digests(cls_engine *e, const cls_keeper *keeper, int first, int last) {
  const size_t members = (size_t)(last - first);
  uint64_t *digest = NULL;
  CLS_TRY(cls_agree(e->world.comm, cls_alloc(&digest, members, sizeof *digest, "digests")));
  cls_status status = CLS_OK;
  for (int m = first; m < last && status == CLS_OK && !keeper->loading; m++)
    status = cls_engine_digest(e, m, &digest[m - first]);
  if (status == CLS_OK)
    status = cls_keep_shared(keeper, e->world.rank, "engine/digest", CLS_KEEP_U64, members, digest);
  for (int m = first; m < last && status == CLS_OK && keeper->loading && e->world.rank == 0; m++)
    e->digest_before[m] = digest[m - first];
  free(digest);
  return status;
}

/* ---- states of neurons: of all populations of a model, one after the other ---- */

/* A model that populations have, or inputs of theirs: its states are arrays "engine/memberM/MODEL/STATE". */
typedef struct {
  cls_engine *e;
  const cls_keeper *keeper;
  const cls_model *model;
  int member, state;
  float *values; /* of this rank's neurons, range after range */
  size_t capacity;
} state_array;

/* Which of a population's inputs is number k of those of the model; NULL: it has no more. */
static const cls_input *input_of(const cls_population *p, const cls_model *model, int k) {
  for (int i = 0; i < p->n_inputs; i++)
    if (p->inputs[i].model == model && k-- == 0) return &p->inputs[i];
  return NULL;
}

static int times(const cls_population *p, const cls_model *model) {
  int n = p->model == model;
  while (model->is_input && input_of(p, model, n)) n++;
  return n;
}

/* Number of the state among those of a range; -1: the range does without that input. */
static int find_state(const state_array *a, const cls_range *range, const cls_range_run *run, int k) {
  const cls_population *p = &a->e->neurons[a->member]->network->populations[range->population];
  if (!a->model->is_input) return a->state;
  const cls_input *input = input_of(p, a->model, k);
  for (int i = 0; i < run->n_inputs; i++)
    if (run->inputs[i].input == input) return run->inputs[i].first_state + a->state;
  return -1;
}

static cls_status get_or_put(const state_array *a, uint32_t range, int k, float *values, bool put) {
  const cls_engine *e = a->e;
  const int state = find_state(a, &e->layout->ranges[range], &e->neurons[a->member]->runs[range], k);
  if (state < 0 && !put)
    for (uint32_t i = 0; i < e->layout->ranges[range].n; i++) values[i] = 0;
  if (state < 0) return CLS_OK;
  if (put) return e->backend->put_state(e->backend_instance, a->member, range, state, values);
  return e->backend->get_state(e->backend_instance, a->member, range, state, values);
}

/* Goes through this rank's parts of the array. */
static cls_status visit(state_array *a, cls_pieces *pieces, bool put, uint64_t *rows) {
  const cls_engine *e = a->e;
  uint64_t *first = NULL; /* of each population */
  size_t at = 0;
  CLS_TRY(cls_alloc(&first, e->network->n_populations, sizeof *first, "states"));
  *rows = 0;
  for (uint32_t p = 0; p < e->network->n_populations; p++) {
    first[p] = *rows;
    *rows += (uint64_t)times(&e->network->populations[p], a->model) * e->network->populations[p].n;
  }
  cls_status status = CLS_OK;
  for (uint32_t i = 0; i < e->layout->n_ranges && status == CLS_OK; i++) {
    const uint32_t r = cls_layout_nth(e->layout, i);
    const cls_range *range = &e->layout->ranges[r];
    const cls_population *p = &e->network->populations[range->population];
    for (int k = 0; k < times(p, a->model) && status == CLS_OK; k++, at += range->n) {
      if (put || !a->keeper->loading) status = get_or_put(a, r, k, a->values + at, put);
      if (status == CLS_OK && pieces)
        status = cls_pieces_add(pieces, first[range->population] + (uint64_t)k * p->n + range->first,
                                range->n, a->values + at);
    }
  }
  free(first);
  return status;
}

static cls_status reserve(state_array *a) {
  size_t n = 0;
  for (uint32_t r = 0; r < a->e->layout->n_ranges; r++) {
    const cls_range *range = &a->e->layout->ranges[r];
    n += (size_t)times(&a->e->network->populations[range->population], a->model) * range->n;
  }
  return cls_grow(&a->values, &a->capacity, n, sizeof *a->values, "states");
}

/* Collective. */
static cls_status keep_state(state_array *a) {
  const cls_state_info *info = &a->model->states[a->state];
  cls_pieces pieces = {0};
  char leaf[96];
  uint64_t rows = 0;
  snprintf(leaf, sizeof leaf, "%s/%s", a->model->name, info->name);
  cls_status status = reserve(a);
  if (status == CLS_OK) status = visit(a, &pieces, false, &rows);
  status = cls_agree(a->e->world.comm, status);
  if (status == CLS_OK)
    status = cls_keep_pieces(a->e, a->keeper, cls_keep_name_of(a->member, leaf).text, CLS_KEEP_F32, rows, 1,
                             info->unit, &pieces);
  free(pieces.at);
  CLS_TRY(status);
  return a->keeper->loading ? cls_agree(a->e->world.comm, visit(a, NULL, true, &rows)) : CLS_OK;
}

/* Every model once, in the order in which they first occur. */
typedef struct {
  const cls_model **model;
  size_t n, capacity;
} model_list;

static cls_status list_model(model_list *list, const cls_model *model) {
  for (size_t i = 0; i < list->n; i++)
    if (list->model[i] == model) return CLS_OK;
  CLS_TRY(cls_grow(&list->model, &list->capacity, list->n + 1, sizeof *list->model, "models"));
  list->model[list->n++] = model;
  return CLS_OK;
}

static cls_status list_models(const cls_network *network, model_list *list) {
  for (uint32_t p = 0; p < network->n_populations; p++) {
    CLS_TRY(list_model(list, network->populations[p].model));
    for (int k = 0; k < network->populations[p].n_inputs; k++)
      CLS_TRY(list_model(list, network->populations[p].inputs[k].model));
  }
  return CLS_OK;
}

static cls_status keep_states(cls_engine *e, const cls_keeper *keeper, int member) {
  state_array a = {.e = e, .keeper = keeper, .member = member};
  model_list models = {0};
  cls_status status = cls_agree(e->world.comm, list_models(e->network, &models));
  for (size_t i = 0; i < models.n && status == CLS_OK; i++) {
    a.model = models.model[i];
    for (a.state = 0; a.state < a.model->n_states && status == CLS_OK; a.state++) status = keep_state(&a);
  }
  free(models.model);
  free(a.values);
  return status;
}

/* ---- spikes and plasticity ---- */

/* What is in flight is taken up anew. */
static cls_status redeliver(cls_engine *e, int member, const cls_fired *heard, size_t n) {
  cls_arrival *arrivals = NULL;
  size_t kept = 0;
  CLS_TRY(cls_alloc(&arrivals, n, sizeof *arrivals, "recent spikes"));
  for (size_t i = 0; i < n; i++)
    if (heard[i].step + (int64_t)e->network->max_delay >= e->now)
      arrivals[kept++] = (cls_arrival){heard[i].of, (uint32_t)(e->now - heard[i].step)};
  cls_status status = CLS_OK;
  if (e->keeps_recent)
    status = cls_recent_add(&e->recent[member], e->now, e->network->max_delay, arrivals, kept);
  if (status == CLS_OK) status = e->backend->redeliver(e->backend_instance, member, e->now, arrivals, kept);
  free(arrivals);
  return status;
}

/* Those of own neurons are recent for the next checkpoint, too. */
static cls_status note_own(cls_engine *e, int member, const cls_fired *own, size_t n) {
  for (size_t i = 0; i < n && e->own; i++) {
    const cls_arrival arrival = {own[i].of, (uint32_t)(e->now - own[i].step)};
    CLS_TRY(cls_recent_add(&e->own[member], e->now, cls_keep_window(e->network), &arrival, 1));
  }
  return CLS_OK;
}

static cls_status keep_spikes(cls_engine *e, const cls_keeper *keeper, int member) {
  cls_fired *own = NULL, *heard = NULL;
  size_t n_own = 0, n_heard = 0;
  cls_status status = cls_keep_own_spikes(e, keeper, member, &own, &n_own);
  if (status == CLS_OK && keeper->loading) {
    cls_fired_by_step(own, n_own);
    status = cls_keep_heard(e, own, n_own, &heard, &n_heard);
  }
  if (status == CLS_OK) status = cls_keep_plastic(e, keeper, member, heard, n_heard, own, n_own);
  if (status == CLS_OK && keeper->loading) {
    status = redeliver(e, member, heard, n_heard);
    if (status == CLS_OK) status = note_own(e, member, own, n_own);
    status = cls_agree(e->world.comm, status);
  }
  free(own);
  free(heard);
  return status;
}

static cls_status keep_members(cls_engine *e, const cls_keeper *keeper, int first, int last) {
  CLS_CHECK(keeper->loading || e->own, CLS_ERR_INTERNAL, "an engine is to be kept that was not made for it");
  CLS_TRY(keep_numbers(e, keeper, first, last));
  CLS_TRY(keep_digests(e, keeper, first, last));
  for (int m = first; m < last; m++) {
    CLS_TRY(keep_states(e, keeper, m));
    CLS_TRY(keep_spikes(e, keeper, m));
  }
  return CLS_OK;
}

cls_status cls_engine_keep(cls_engine *e, const cls_keeper *keeper) {
  return keep_members(e, keeper, 0, e->options.members);
}

/* ---- one member ---- */

/* A keeper to whom arrays of one member are those of member 0. */
typedef struct {
  const cls_keeper *keeper;
  cls_keep_name prefix; /* of the member's arrays */
} renamer;

static cls_keep_name rename_array(const renamer *r, const char *name) {
  const size_t n = strlen(r->prefix.text);
  if (strncmp(name, r->prefix.text, n) == 0) return cls_keep_name_of(0, name + n);
  cls_keep_name same;
  snprintf(same.text, sizeof same.text, "%s", name);
  return same;
}

static cls_status renamed_array(void *self, const char *name, cls_keep_type type, uint64_t rows,
                                uint32_t width, const char *unit, const cls_piece *pieces, size_t n) {
  const renamer *r = self;
  return r->keeper->array(r->keeper->self, rename_array(r, name).text, type, rows, width, unit, pieces, n);
}

static uint64_t renamed_rows(void *self, const char *name) {
  const renamer *r = self;
  return r->keeper->rows(r->keeper->self, rename_array(r, name).text);
}

cls_status cls_engine_keep_member(cls_engine *engine, int member, const cls_keeper *keeper) {
  CLS_CHECK(member >= 0 && member < engine->options.members, CLS_ERR_INTERNAL, "member %d of %d", member,
            engine->options.members);
  renamer r = {keeper, cls_keep_name_of(member, "")};
  const cls_keeper renamed = {&r, keeper->loading, renamed_array, renamed_rows};
  return keep_members(engine, &renamed, member, member + 1);
}
