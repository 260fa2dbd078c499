#include "assimilation/history.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FIELD(name, extent)                                                                                  \
  { #name, offsetof(cls_history_cycle, name), extent }
const cls_history_field cls_history_fields[] = {
    FIELD(forecast_mean, CLS_OF_ROWS), FIELD(forecast_sd, CLS_OF_ROWS),
    FIELD(mean, CLS_OF_ROWS),          FIELD(sd, CLS_OF_ROWS),
    FIELD(q05, CLS_OF_ROWS),           FIELD(median, CLS_OF_ROWS),
    FIELD(q95, CLS_OF_ROWS),           FIELD(truth, CLS_OF_ROWS),
    FIELD(smoothed, CLS_OF_ROWS),      FIELD(smoothed_sd, CLS_OF_ROWS),
    FIELD(observed, CLS_OF_OBS),       FIELD(error, CLS_OF_OBS),
    FIELD(predicted_mean, CLS_OF_OBS), FIELD(predicted_sd, CLS_OF_OBS),
    FIELD(predicted_q05, CLS_OF_OBS),  FIELD(predicted_q95, CLS_OF_OBS),
    FIELD(analysed_mean, CLS_OF_OBS),  FIELD(analysed_sd, CLS_OF_OBS),
    FIELD(withheld, CLS_OF_OBS),       FIELD(crps, CLS_OF_OBS),
    FIELD(lambda, CLS_OF_SITES),
};
const int cls_n_history_fields = sizeof cls_history_fields / sizeof *cls_history_fields;

static double **field_pointer(cls_history_cycle *cycle, const cls_history_field *field) {
  return (double **)(void *)((char *)cycle + field->offset);
}

double *cls_history_values(const cls_history_cycle *cycle, const cls_history_field *field) {
  double *values;
  memcpy(&values, (const char *)cycle + field->offset, sizeof values);
  return values;
}

/* ---- making and freeing ---- */

static cls_status check_entry(const cls_history_entry *entry) {
  const size_t length = strnlen(entry->name, sizeof entry->name);
  CLS_CHECK(length > 0 && length < sizeof entry->name && !strchr(entry->name, '/'), CLS_ERR_INPUT,
            "hyperparameter %.*s: expected a name of 1 ... %zu bytes without /", (int)length, entry->name,
            sizeof entry->name - 1);
  CLS_CHECK(memchr(entry->units, 0, sizeof entry->units), CLS_ERR_INPUT,
            "hyperparameter %s: its unit has more than %zu bytes", entry->name, sizeof entry->units - 1);
  return CLS_OK;
}

static cls_status copy_entries(const cls_history_shape *shape, cls_history *h) {
  uint64_t rows = 0;
  CLS_TRY(cls_alloc(&h->entries, shape->n_entries, sizeof *h->entries, "hyperparameters"));
  h->n_entries = shape->n_entries;
  for (uint32_t e = 0; e < h->n_entries; e++) {
    CLS_TRY(check_entry(&shape->entries[e]));
    for (uint32_t before = 0; before < e; before++)
      CLS_CHECK(strcmp(h->entries[before].name, shape->entries[e].name) != 0, CLS_ERR_INPUT,
                "hyperparameter %s: twice", shape->entries[e].name);
    h->entries[e] = shape->entries[e];
    h->entries[e].first = (uint32_t)rows;
    rows += h->entries[e].rows;
    CLS_CHECK(rows < INT32_MAX, CLS_ERR_LIMIT, "more than %d values of hyperparameters", INT32_MAX);
  }
  h->rows = (uint32_t)rows;
  return CLS_OK;
}

/* names NULL: nothing but "". */
static cls_status copy_names(char ***copy, const char *const *names, uint32_t n, const char *what) {
  CLS_TRY(cls_alloc(copy, n, sizeof **copy, what));
  for (uint32_t i = 0; i < n; i++) {
    (*copy)[i] = cls_format("%s", names && names[i] ? names[i] : "");
    CLS_CHECK((*copy)[i], CLS_ERR_MEMORY, "out of memory for %s", what);
  }
  return CLS_OK;
}

static cls_status copy_sites(int32_t **copy, const int32_t *site, uint32_t n, uint32_t sites,
                             const char *what) {
  CLS_TRY(cls_alloc(copy, n, sizeof **copy, what));
  for (uint32_t i = 0; i < n; i++) {
    (*copy)[i] = site ? site[i] : -1;
    CLS_CHECK((*copy)[i] >= -1 && (*copy)[i] < (int64_t)sites, CLS_ERR_INPUT,
              "%s: region %d of row %u: expected -1 ... %lld", what, (*copy)[i], i, (long long)sites - 1);
  }
  return CLS_OK;
}

/* Rows of an entry belong to regions one by one, or to all. */
static void default_row_sites(cls_history *h) {
  for (uint32_t e = 0; e < h->n_entries; e++)
    for (uint32_t r = 0; r < h->entries[e].rows; r++)
      h->row_site[h->entries[e].first + r] = h->entries[e].shared || r >= h->sites ? -1 : (int32_t)r;
}

static cls_status copy_row_names(const cls_history_shape *shape, cls_history *h) {
  CLS_TRY(copy_names(&h->row_names, shape->row_names, h->rows, "names of rows"));
  for (uint32_t r = 0; r < h->rows && !shape->row_names; r++) {
    free(h->row_names[r]);
    h->row_names[r] = cls_format("%s", h->row_site[r] < 0 ? "all" : h->region_names[h->row_site[r]]);
    CLS_CHECK(h->row_names[r], CLS_ERR_MEMORY, "out of memory for names of rows");
  }
  return CLS_OK;
}

static cls_status make_ensembles(cls_history *h) {
  const size_t values = (size_t)h->rows * (size_t)h->members;
  CLS_TRY(cls_alloc(&h->prior, values, sizeof *h->prior, "prior ensemble"));
  CLS_TRY(cls_alloc(&h->last, values, sizeof *h->last, "last ensemble"));
  CLS_TRY(cls_alloc(&h->alive, (size_t)h->members, sizeof *h->alive, "members alive"));
  for (size_t i = 0; i < values; i++) h->prior[i] = h->last[i] = NAN;
  for (int k = 0; k < h->members; k++) h->alive[k] = true;
  return CLS_OK;
}

static cls_status fill_shape(const cls_history_shape *shape, cls_history *h) {
  CLS_CHECK(shape->members >= 2 && shape->members <= 1 << 24, CLS_ERR_INPUT,
            "%d members: expected 2 ... 2^24", shape->members);
  h->members = shape->members;
  h->obs = shape->obs;
  h->sites = shape->sites;
  h->tr_s = shape->tr_s;
  h->hash = shape->hash;
  h->seed = shape->seed;
  h->job = cls_format("%s", shape->job ? shape->job : "");
  CLS_CHECK(h->job, CLS_ERR_MEMORY, "out of memory for the text of a job");
  CLS_TRY(copy_entries(shape, h));
  CLS_TRY(copy_names(&h->region_names, shape->region_names, h->sites, "names of regions"));
  CLS_TRY(copy_names(&h->obs_names, shape->obs_names, h->obs, "names of observations"));
  CLS_TRY(copy_names(&h->obs_units, shape->obs_units, h->obs, "units of observations"));
  CLS_TRY(copy_sites(&h->obs_site, shape->obs_site, h->obs, h->sites, "observations"));
  CLS_TRY(copy_sites(&h->row_site, shape->row_site, h->rows, h->sites, "hyperparameters"));
  if (!shape->row_site) default_row_sites(h);
  CLS_TRY(copy_row_names(shape, h));
  return make_ensembles(h);
}

cls_status cls_history_create(const cls_history_shape *shape, cls_history **history) {
  CLS_TRY(cls_alloc(history, 1, sizeof **history, "history of an assimilation"));
  cls_status status = fill_shape(shape, *history);
  if (status != CLS_OK) {
    cls_history_destroy(*history);
    *history = NULL;
  }
  return status;
}

static void free_names(char **names, uint32_t n) {
  for (uint32_t i = 0; names && i < n; i++) free(names[i]);
  free(names);
}

void cls_history_destroy(cls_history *history) {
  if (!history) return;
  for (uint32_t c = 0; c < history->n_cycles; c++) {
    free(history->cycles[c].forecast_mean); /* the first of all arrays, which are one piece of memory */
    free(history->cycles[c].rank);
  }
  for (uint32_t s = 0; s < history->n_states; s++) {
    free(history->states[s].name);
    free(history->states[s].values);
  }
  free_names(history->row_names, history->rows);
  free_names(history->obs_names, history->obs);
  free_names(history->obs_units, history->obs);
  free_names(history->region_names, history->sites);
  free(history->states);
  free(history->cycles);
  free(history->entries);
  free(history->row_site);
  free(history->obs_site);
  free(history->prior);
  free(history->last);
  free(history->alive);
  free(history->job);
  free(history);
}

/* ---- cycles ---- */

static size_t extent_of(const cls_history *h, cls_history_extent extent) {
  return extent == CLS_OF_ROWS ? h->rows : extent == CLS_OF_OBS ? h->obs : h->sites;
}

cls_status cls_history_append(cls_history *history, cls_history_cycle **cycle) {
  size_t n = 0;
  double *values = NULL;
  cls_history_cycle new = {.time_s = NAN, .alive = history->members};
  CLS_CHECK(history->n_cycles < UINT32_MAX, CLS_ERR_LIMIT, "more than %u cycles", UINT32_MAX);
  CLS_TRY(cls_grow(&history->cycles, &history->capacity, (size_t)history->n_cycles + 1, sizeof new,
                   "cycles of an assimilation"));
  for (int f = 0; f < cls_n_history_fields; f++) n += extent_of(history, cls_history_fields[f].extent);
  CLS_TRY(cls_alloc_unset(&new.rank, history->obs, sizeof *new.rank, "ranks of observations"));
  cls_status status = cls_alloc_unset(&values, n, sizeof *values, "a cycle of an assimilation");
  if (status != CLS_OK) free(new.rank);
  CLS_TRY(status);
  for (size_t i = 0; i < n; i++) values[i] = NAN;
  for (int f = 0; f < cls_n_history_fields; f++) {
    *field_pointer(&new, &cls_history_fields[f]) = values;
    values += extent_of(history, cls_history_fields[f].extent);
  }
  for (uint32_t s = 0; s < history->sites; s++) new.lambda[s] = 1;
  for (uint32_t i = 0; i < history->obs; i++) new.rank[i] = -1;
  history->cycles[history->n_cycles] = new;
  *cycle = &history->cycles[history->n_cycles++];
  return CLS_OK;
}

/* ---- what the loop keeps ---- */

static cls_history_state *find_state(const cls_history *history, const char *name) {
  for (uint32_t s = 0; s < history->n_states; s++)
    if (strcmp(history->states[s].name, name) == 0) return &history->states[s];
  return NULL;
}

static cls_status add_state(cls_history *history, const char *name, cls_history_state **state) {
  CLS_CHECK(*name && !strchr(name, '/'), CLS_ERR_INTERNAL, "state %s: expected a name without /", name);
  CLS_TRY(cls_resize(&history->states, (size_t)history->n_states + 1, sizeof *history->states,
                     "states of an assimilation"));
  *state = &history->states[history->n_states];
  **state = (cls_history_state){.name = cls_format("%s", name)};
  CLS_CHECK((*state)->name, CLS_ERR_MEMORY, "out of memory for state %s", name);
  history->n_states++;
  return CLS_OK;
}

cls_status cls_history_set_state(cls_history *history, const char *name, const double *values, uint64_t rows,
                                 uint64_t width) {
  double *copy;
  size_t n;
  CLS_CHECK(!__builtin_mul_overflow(rows, width, &n), CLS_ERR_LIMIT, "state %s: %llu x %llu numbers", name,
            (unsigned long long)rows, (unsigned long long)width);
  cls_history_state *state = find_state(history, name);
  if (!state) CLS_TRY(add_state(history, name, &state));
  CLS_TRY(cls_alloc_unset(&copy, n, sizeof *copy, name));
  if (n > 0) memcpy(copy, values, n * sizeof *copy);
  free(state->values);
  state->values = copy;
  state->rows = rows;
  state->width = width;
  return CLS_OK;
}

const double *cls_history_get_state(const cls_history *history, const char *name, uint64_t *rows,
                                    uint64_t *width) {
  const cls_history_state *state = find_state(history, name);
  if (rows) *rows = state ? state->rows : 0;
  if (width) *width = state ? state->width : 0;
  return state ? state->values : NULL;
}
