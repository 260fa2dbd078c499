/* Plastic synapses: weights, and the traces of spikes that are too old to be among the recent ones. */
#include "engine/keep.h"
#include "engine/past_kinds.h"
#include "engine/weights.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- weights: by projection, target, source ---- */

typedef struct {
  cls_plastic_synapse *list; /* this rank's of a projection */
  size_t n;
  int32_t *v;
  cls_rows_index index;
} projection_weights;

static cls_status count_synapses(const cls_engine *e, uint32_t target, const projection_weights *w,
                                 uint64_t ***count) {
  const cls_layout *layout = e->layout;
  const uint64_t first = e->network->populations[target].first;
  CLS_TRY(cls_alloc(count, layout->n_ranges, sizeof **count, "plastic weights"));
  for (uint32_t r = 0; r < layout->n_ranges; r++)
    if (layout->ranges[r].population == target)
      CLS_TRY(cls_alloc(&(*count)[r], cls_units(layout->ranges[r].n), sizeof ***count, "plastic weights"));
  for (size_t i = 0; i < w->n; i++) {
    const uint64_t of = w->list[i].target - first;
    const uint32_t r = cls_layout_find(layout, target, of);
    (*count)[r][(of - layout->ranges[r].first) / CLS_UNIT]++;
  }
  return CLS_OK;
}

/* Collective. Where the weights of a projection lie: the same for all members. */
static cls_status index_synapses(const cls_engine *e, uint32_t j, projection_weights *w) {
  const uint32_t target = e->network->projections[j].target;
  uint64_t **count = NULL;
  bool *counted = NULL;
  cls_status status = cls_engine_plastic(e, j, &w->list, &w->n);
  if (status == CLS_OK) status = cls_alloc(&w->v, w->n, sizeof *w->v, "plastic weights");
  if (status == CLS_OK) status = count_synapses(e, target, w, &count);
  if (status == CLS_OK)
    status = cls_alloc(&counted, e->network->n_populations, sizeof *counted, "populations");
  if (status == CLS_OK) counted[target] = true;
  status = cls_agree(e->world.comm, status);
  if (status == CLS_OK) status = cls_rows_index_make(e, counted, count, &w->index);
  for (uint32_t r = 0; count && r < e->layout->n_ranges; r++) free(count[r]);
  free(count);
  free(counted);
  return status;
}

/* Collective. The rows of a range lie together, as its synapses do in the list. */
static cls_status keep_weights(const cls_engine *e, const cls_keeper *keeper, int member, uint32_t j,
                               const projection_weights *w) {
  cls_pieces pieces = {0};
  char leaf[64];
  size_t at = 0;
  cls_status status = CLS_OK;
  snprintf(leaf, sizeof leaf, "plastic_weights/%u", j);
  for (uint32_t k = 0; k < e->layout->n_ranges && status == CLS_OK; k++) {
    const uint32_t r = cls_layout_nth(e->layout, k);
    if (!w->index.span[r]) continue;
    const uint64_t n = cls_rows_of(e, &w->index, r);
    status = cls_pieces_add(&pieces, cls_rows_first(&w->index, r), n, w->v + at);
    at += n;
  }
  status = cls_agree(e->world.comm, status);
  if (status == CLS_OK)
    status = cls_keep_pieces(e, keeper, cls_keep_name_of(member, leaf).text, CLS_KEEP_I32, w->index.rows, 1,
                             "w_max 2^-30", &pieces);
  free(pieces.at);
  return status;
}

/* v[parts][n_stdp]: what the parts have, or are to get. */
static cls_status keep_projection(const cls_engine *e, const cls_keeper *keeper, int member, uint32_t j,
                                  int32_t *const *v) {
  projection_weights w = {0};
  cls_status status = index_synapses(e, j, &w);
  for (size_t i = 0; i < w.n && status == CLS_OK && !keeper->loading; i++)
    w.v[i] = v[w.list[i].part][w.list[i].at];
  if (status == CLS_OK) status = keep_weights(e, keeper, member, j, &w);
  for (size_t i = 0; i < w.n && status == CLS_OK && keeper->loading; i++)
    v[w.list[i].part][w.list[i].at] = w.v[i];
  cls_rows_index_free(e, &w.index);
  free(w.list);
  free(w.v);
  return status;
}

static cls_status get_weights(const cls_engine *e, int member, int32_t **v) {
  for (uint32_t p = 0; p < e->layout->n_parts; p++) {
    const cls_plastic_store *store = e->stores[p]->plastic;
    const int32_t *now;
    if (!store || store->n_stdp == 0) continue;
    CLS_TRY(cls_alloc(&v[p], store->n_stdp, sizeof *v[p], "plastic weights"));
    CLS_TRY(e->backend->weights(e->backend_instance, member, p, &now));
    memcpy(v[p], now, store->n_stdp * sizeof *now);
  }
  return CLS_OK;
}

static cls_status keep_all_weights(const cls_engine *e, const cls_keeper *keeper, int member, int32_t **v) {
  CLS_TRY(cls_agree(e->world.comm, get_weights(e, member, v)));
  for (uint32_t j = 0; j < e->network->n_projections; j++) {
    const cls_plasticity *plasticity = e->network->projections[j].plasticity;
    if (plasticity && plasticity->has_stdp) CLS_TRY(keep_projection(e, keeper, member, j, v));
  }
  return CLS_OK;
}

/* ---- past spikes ---- */

/* Of an owner: the step of its newest spike before the recent ones, and the values it found; NAN: not known. */
typedef struct {
  int64_t *step;
  float *value; /* [owners][width] */
  size_t owners;
  uint32_t width;
} past;

static cls_status make_past(past *p, size_t owners, uint32_t width) {
  *p = (past){.owners = owners, .width = width};
  CLS_TRY(cls_alloc(&p->step, owners, sizeof *p->step, "past spikes"));
  CLS_TRY(cls_alloc(&p->value, owners * width, sizeof *p->value, "past spikes"));
  for (size_t i = 0; i < owners; i++) p->step[i] = CLS_NEVER_FIRED;
  for (size_t i = 0; i < owners * width; i++) p->value[i] = NAN;
  return CLS_OK;
}

static void free_past(past *p) {
  free(p->step);
  free(p->value);
}

/* What one rank tells another of an owner: its step, then its values. */
static size_t record_bytes(const past *p) { return sizeof *p->step + p->width * sizeof *p->value; }

static void write_record(const past *p, size_t owner, char *record) {
  memcpy(record, &p->step[owner], sizeof *p->step);
  memcpy(record + sizeof *p->step, p->value + owner * p->width, p->width * sizeof *p->value);
}

/* What is known from elsewhere, added to what is known here: of one spike all know the same. */
static void merge_record(past *p, size_t owner, const char *record) {
  memcpy(&p->step[owner], record, sizeof *p->step);
  for (uint32_t k = 0; k < p->width; k++) {
    float value;
    memcpy(&value, record + sizeof *p->step + k * sizeof value, sizeof value);
    if (!isnan(value)) p->value[owner * p->width + k] = value;
  }
}

/* Records of all owners that had such a spike. */
static cls_status list_records(const past *p, uint32_t **of, char **records, size_t *n) {
  const size_t bytes = record_bytes(p);
  *n = 0;
  for (size_t i = 0; i < p->owners; i++) *n += p->step[i] != CLS_NEVER_FIRED;
  CLS_TRY(cls_alloc(of, *n, sizeof **of, "past spikes"));
  CLS_TRY(cls_alloc(records, *n, bytes, "past spikes"));
  for (size_t i = 0, k = 0; i < p->owners; i++) {
    if (p->step[i] == CLS_NEVER_FIRED) continue;
    (*of)[k] = (uint32_t)i;
    write_record(p, i, *records + k++ * bytes);
  }
  return CLS_OK;
}

/* ---- between parts and owners ---- */

/* What all this has to do with: of sources by slot, of own neurons as sources and as targets. */
typedef struct {
  cls_engine *e;
  const cls_past_kinds *kinds; /* [populations] */
  uint32_t *population_of_slot;
  past slots, sources, targets;
  int64_t *step; /* of one part: [slots], then [local indices of the part] */
  float *value;
  uint32_t *match;
} past_spikes;

static uint32_t part_local(const cls_layout *layout, uint32_t part, uint32_t *first) {
  const cls_part *p = &layout->parts[part];
  *first = 0;
  if (p->shard_first == p->shard_last) return 0;
  const cls_shard *last = &layout->shards[p->shard_last - 1];
  *first = layout->shards[p->shard_first].local;
  return last->local + last->n - *first;
}

static cls_status make_all(past_spikes *a) {
  const cls_engine *e = a->e;
  uint32_t pre = 0, post = 0, most = 0;
  for (uint32_t p = 0; p < e->network->n_populations; p++) {
    if (cls_past_pre_values(&a->kinds[p]) > pre) pre = cls_past_pre_values(&a->kinds[p]);
    if (a->kinds[p].n_post > post) post = a->kinds[p].n_post;
  }
  CLS_TRY(make_past(&a->slots, e->sources->n, pre));
  CLS_TRY(make_past(&a->sources, e->layout->n_local, pre));
  CLS_TRY(make_past(&a->targets, e->layout->n_local, post));
  for (uint32_t p = 0; p < e->layout->n_parts; p++) {
    const cls_plastic_store *store = e->stores[p]->plastic;
    if (store && store->n_pre + 2 * store->n_short_term + store->n_post > most)
      most = store->n_pre + 2 * store->n_short_term + store->n_post;
  }
  const size_t owners = (size_t)e->sources->n + e->layout->n_local;
  CLS_TRY(cls_alloc(&a->step, owners, sizeof *a->step, "past spikes"));
  CLS_TRY(cls_alloc(&a->value, owners * most, sizeof *a->value, "past spikes"));
  CLS_TRY(cls_alloc(&a->match, (size_t)most * 2, sizeof *a->match, "kinds of traces"));
  CLS_TRY(cls_alloc(&a->population_of_slot, e->sources->n, sizeof *a->population_of_slot, "past spikes"));
  for (uint32_t s = 0, p = 0; s < e->sources->n; s++) {
    while (p + 1 < e->network->n_populations && e->sources->neuron[s] >= e->network->populations[p + 1].first)
      p++;
    a->population_of_slot[s] = p;
  }
  return CLS_OK;
}

static void free_all(past_spikes *a) {
  free_past(&a->slots);
  free_past(&a->sources);
  free_past(&a->targets);
  free(a->step);
  free(a->value);
  free(a->match);
  free(a->population_of_slot);
}

/* Copies the values of one owner from a part's order to the population's, or back. */
static void translate(const uint32_t *match, uint32_t values, const float *from, float *to, bool back) {
  for (uint32_t k = 0; k < values; k++) {
    if (back) to[k] = match[k] == CLS_PAST_NONE || isnan(from[match[k]]) ? 0.0f : from[match[k]];
    if (!back && match[k] != CLS_PAST_NONE) to[match[k]] = from[k];
  }
}

/* The owners of a part, from or to (`back`) what is known of slots and of own neurons. */
static void translate_part(past_spikes *a, uint32_t part, bool back) {
  const cls_engine *e = a->e;
  const cls_plastic_store *store = e->stores[part]->plastic;
  const uint32_t pre = store->n_pre + 2 * store->n_short_term, slots = e->sources->n;
  int64_t *step = a->step;
  float *value = a->value;
  for (uint32_t s = 0, last = UINT32_MAX; s < slots; s++, value += pre) {
    const uint32_t p = a->population_of_slot[s];
    if (p != last) cls_past_match_pre(&a->kinds[last = p], store, a->match);
    float *known = a->slots.value + (size_t)s * a->slots.width;
    if (back) {
      step[s] = store->row[s] < store->row[s + 1] ? a->slots.step[s] : CLS_NEVER_FIRED;
      translate(a->match, pre, known, value, true);
    } else if (step[s] != CLS_NEVER_FIRED) {
      a->slots.step[s] = step[s];
      translate(a->match, pre, value, known, false);
    }
  }
  uint32_t first;
  const uint32_t n = part_local(e->layout, part, &first);
  step += slots;
  for (uint32_t i = 0, r = UINT32_MAX; i < n; i++, value += store->n_post) {
    const uint32_t local = first + i;
    if (back) step[i] = a->targets.step[local];
    if (store->n_post == 0 || (!back && step[i] == CLS_NEVER_FIRED)) continue;
    if (r == UINT32_MAX || local >= e->layout->ranges[r].local + e->layout->ranges[r].n ||
        local < e->layout->ranges[r].local) {
      r = cls_layout_range_of(e->layout, local);
      cls_past_match_post(&a->kinds[e->layout->ranges[r].population], store, a->match);
    }
    float *known = a->targets.value + (size_t)local * a->targets.width;
    if (!back) a->targets.step[local] = step[i];
    translate(a->match, store->n_post, back ? known : value, back ? value : known, back);
  }
}

/* ---- arrays: of the populations that are sources, and of those that are targets ---- */

static bool has_past(const cls_past_kinds *kinds, bool pre) {
  return pre ? kinds->is_source : kinds->is_target;
}
static uint32_t values_of(const cls_past_kinds *kinds, bool pre) {
  return pre ? cls_past_pre_values(kinds) : kinds->n_post;
}

/* Collective. Rows of values: all of a kind of a population, then its next kind. */
static cls_status keep_past(past_spikes *a, const cls_keeper *keeper, int member, bool pre) {
  const cls_engine *e = a->e;
  past *p = pre ? &a->sources : &a->targets;
  cls_pieces steps = {0}, values = {0};
  uint64_t rows[2] = {0, 0}, (*first)[2] = NULL;
  float *column = NULL; /* values by kind */
  cls_status status = cls_alloc(&first, e->network->n_populations, sizeof *first, "past spikes");
  if (status == CLS_OK) status = cls_alloc(&column, p->owners * p->width, sizeof *column, "past spikes");
  for (uint32_t q = 0; q < e->network->n_populations && status == CLS_OK; q++) {
    const uint64_t n = has_past(&a->kinds[q], pre) ? e->network->populations[q].n : 0;
    for (int i = 0; i < 2; i++) first[q][i] = rows[i];
    rows[0] += n;
    rows[1] += n * values_of(&a->kinds[q], pre);
  }
  for (uint32_t i = 0; i < e->layout->n_ranges && status == CLS_OK; i++) {
    const cls_range *range = &e->layout->ranges[cls_layout_nth(e->layout, i)];
    const cls_past_kinds *kinds = &a->kinds[range->population];
    if (!has_past(kinds, pre)) continue;
    status =
        cls_pieces_add(&steps, first[range->population][0] + range->first, range->n, p->step + range->local);
    for (uint32_t k = 0; k < values_of(kinds, pre) && status == CLS_OK; k++) {
      float *of_kind = column + (size_t)range->local * p->width + (size_t)k * range->n;
      for (uint32_t j = 0; j < range->n && !keeper->loading; j++) {
        const float value = p->value[((size_t)range->local + j) * p->width + k];
        of_kind[j] = isnan(value) ? 0.0f : value;
      }
      status = cls_pieces_add(&values,
                              first[range->population][1] + k * e->network->populations[range->population].n +
                                  range->first,
                              range->n, of_kind);
    }
  }
  status = cls_agree(e->world.comm, status);
  if (status == CLS_OK)
    status = cls_keep_pieces(
        e, keeper, cls_keep_name_of(member, pre ? "past_spikes/source_step" : "past_spikes/target_step").text,
        CLS_KEEP_I64, rows[0], 1, "dt", &steps);
  if (status == CLS_OK)
    status = cls_keep_pieces(
        e, keeper,
        cls_keep_name_of(member, pre ? "past_spikes/source_value" : "past_spikes/target_value").text,
        CLS_KEEP_F32, rows[1], 1, "1", &values);
  for (uint32_t r = 0; r < e->layout->n_ranges && status == CLS_OK && keeper->loading; r++) {
    const cls_range *range = &e->layout->ranges[r];
    for (uint32_t k = 0;
         k < values_of(&a->kinds[range->population], pre) && has_past(&a->kinds[range->population], pre); k++)
      for (uint32_t j = 0; j < range->n; j++)
        p->value[((size_t)range->local + j) * p->width + k] =
            column[(size_t)range->local * p->width + (size_t)k * range->n + j];
  }
  free(steps.at);
  free(values.at);
  free(first);
  free(column);
  return status;
}

/* ---- saving ---- */

static cls_status recall_parts(past_spikes *a, int member) {
  cls_engine *e = a->e;
  const int64_t since = e->now - (int64_t)e->network->plastic_window;
  for (uint32_t part = 0; part < e->layout->n_parts; part++) {
    const cls_plastic_store *store = e->stores[part]->plastic;
    if (!store) continue;
    const size_t slots = e->sources->n, pre = store->n_pre + 2ul * store->n_short_term;
    for (size_t i = 0; i < slots + e->layout->n_local; i++) a->step[i] = CLS_NEVER_FIRED;
    CLS_TRY(e->backend->recall(e->backend_instance, member, part, since, a->step, a->value, a->step + slots,
                               a->value + slots * pre));
    translate_part(a, part, false);
  }
  return CLS_OK;
}

/* Collective. What is known here of sources goes to the ranks whose neurons they are. */
static cls_status gather_sources(past_spikes *a) {
  cls_engine *e = a->e;
  uint32_t *of = NULL, *locals = NULL;
  char *records = NULL;
  void *given = NULL;
  size_t n = 0, n_given = 0;
  const size_t bytes = record_bytes(&a->slots);
  cls_status status = cls_agree(e->world.comm, list_records(&a->slots, &of, &records, &n));
  if (status == CLS_OK)
    status = e->exchange->give_back(e->exchange_instance, of, records, n, bytes, &locals, &given, &n_given);
  for (size_t i = 0; i < n_given && status == CLS_OK; i++)
    merge_record(&a->sources, locals[i], (const char *)given + i * bytes);
  char *own = NULL;
  if (status == CLS_OK) status = cls_agree(e->world.comm, cls_alloc(&own, 1, bytes, "past spikes"));
  for (uint32_t i = 0; i < e->layout->n_local && status == CLS_OK; i++) {
    const uint32_t slot = e->local_slot[i];
    if (slot == UINT32_MAX || a->slots.step[slot] == CLS_NEVER_FIRED) continue;
    write_record(&a->slots, slot, own);
    merge_record(&a->sources, i, own);
  }
  free(own);
  free(of);
  free(records);
  free(locals);
  free(given);
  return status;
}

/* ---- loading ---- */

/* Collective. The other way. */
static cls_status spread_sources(past_spikes *a) {
  cls_engine *e = a->e;
  uint32_t *of = NULL, *slots = NULL;
  char *records = NULL;
  void *shared = NULL;
  size_t n = 0, n_shared = 0;
  const size_t bytes = record_bytes(&a->sources);
  cls_status status = cls_agree(e->world.comm, list_records(&a->sources, &of, &records, &n));
  if (status == CLS_OK)
    status = e->exchange->share(e->exchange_instance, of, records, n, bytes, &slots, &shared, &n_shared);
  for (size_t i = 0; i < n_shared && status == CLS_OK; i++)
    merge_record(&a->slots, slots[i], (const char *)shared + i * bytes);
  for (size_t i = 0; i < n && status == CLS_OK; i++)
    if (e->local_slot[of[i]] != UINT32_MAX)
      merge_record(&a->slots, e->local_slot[of[i]], records + i * bytes);
  free(of);
  free(records);
  free(slots);
  free(shared);
  return status;
}

/* Spikes of steps from `since` on. */
static void cut(const cls_fired **spikes, size_t *n, int64_t since) {
  while (*n > 0 && (*spikes)->step < since) {
    ++*spikes;
    --*n;
  }
}

static cls_status remember_parts(past_spikes *a, int member, int32_t *const *v, const cls_fired *heard,
                                 size_t n_heard, const cls_fired *own, size_t n_own) {
  cls_engine *e = a->e;
  const int64_t since = e->now - (int64_t)e->network->plastic_window;
  cut(&heard, &n_heard, since);
  cut(&own, &n_own, since);
  for (uint32_t part = 0; part < e->layout->n_parts; part++) {
    const cls_plastic_store *store = e->stores[part]->plastic;
    if (!store) continue;
    const size_t slots = e->sources->n, pre = store->n_pre + 2ul * store->n_short_term;
    translate_part(a, part, true);
    const cls_plastic_memory memory = {.now = e->now,
                                       .since = since,
                                       .v = v[part],
                                       .pre_step = a->step,
                                       .pre_value = a->value,
                                       .post_step = a->step + slots,
                                       .post_value = a->value + slots * pre,
                                       .heard = heard,
                                       .n_heard = n_heard,
                                       .own = own,
                                       .n_own = n_own};
    CLS_TRY(e->backend->remember(e->backend_instance, member, part, &memory));
  }
  return CLS_OK;
}

cls_status cls_keep_plastic(cls_engine *e, const cls_keeper *keeper, int member, const cls_fired *heard,
                            size_t n_heard, const cls_fired *own, size_t n_own) {
  if (e->network->plastic_window == 0) return CLS_OK;
  cls_past_kinds *kinds = NULL;
  int32_t **v = NULL;
  past_spikes a = {.e = e};
  cls_status status = cls_past_kinds_create(e->network, &kinds);
  a.kinds = kinds;
  if (status == CLS_OK) status = cls_alloc(&v, e->layout->n_parts, sizeof *v, "plastic weights");
  if (status == CLS_OK) status = make_all(&a);
  status = cls_agree(e->world.comm, status);
  if (status == CLS_OK) status = keep_all_weights(e, keeper, member, v);
  if (status == CLS_OK && !keeper->loading) {
    status = cls_agree(e->world.comm, recall_parts(&a, member));
    if (status == CLS_OK) status = gather_sources(&a);
  }
  if (status == CLS_OK) status = keep_past(&a, keeper, member, true);
  if (status == CLS_OK) status = keep_past(&a, keeper, member, false);
  if (status == CLS_OK && keeper->loading) {
    status = spread_sources(&a);
    if (status == CLS_OK)
      status = cls_agree(e->world.comm, remember_parts(&a, member, v, heard, n_heard, own, n_own));
  }
  free_all(&a);
  for (uint32_t p = 0; v && p < e->layout->n_parts; p++) free(v[p]);
  free(v);
  cls_past_kinds_destroy(e->network, kinds);
  return status;
}
